"""``layers.lineage``: prompts and what came of them, so that branches are obvious."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import evolve

from tfd2 import run_looks, sizes
from tfd2.board_pages import Piece, pieces_of
from tfd2.columns import cut
from tfd2.elements import OVERVIEW, Board, Edge, Lines, Node, Tooltip
from tfd2.flow import ANSWERS, model_of
from tfd2.run_boards import ALL_RUNS
from tfd2.steps import NAME_COLUMNS, foot, head, looks, loop_node, tooltip
from tfstore.reading import run_words
from tfstore.reading.evidence.loops import loops_of
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts
from tfstore.reading.figures import joined, status_word
from tfstore.reading.helper_calls import is_helper_call

KEY = "lineage"

RESPONSES = 40
"""Responses on the board at most; of more, runs are shown instead."""

RUNS = 400
"""Runs on the board at most; of more, there is no such board."""


def lineage_board(facts: SessionFacts) -> Board | None:
    """Return the board of prompts and model calls, of runs if there are many, none if there are too many."""
    shown = {run: _calls_of(run) for run in facts.runs}
    if sum(map(len, shown.values())) <= RESPONSES:
        return _of_responses(facts, shown)
    return _of_runs(facts) if len(facts.runs) <= RUNS else None


def _calls_of(run: RunFacts) -> list[Piece]:
    """Return the model calls of a run, those of a loop as one."""
    if not loops_of(run):
        return [Piece([own]) for own in run.steps if own.step.label == "assistant_call"]
    return [
        piece for piece in pieces_of(run) if any(own.step.label == "assistant_call" for own in piece.steps)
    ]


def _of_responses(facts: SessionFacts, shown: dict[RunFacts, list[Piece]]) -> Board:
    nodes: list[Node] = []
    edges: list[Edge] = []
    keys = {own: _key(piece.first) for pieces in shown.values() for piece in pieces for own in piece.steps}
    for run, pieces in shown.items():
        if is_helper_call(facts, run):
            continue
        prompt, words = f"p{run.position + 1}", (run_words.name(run),)
        asked = (own.step.step_id for own in run.steps if own.step.label == "user_message")
        step_id = next(asked, "")
        nodes.append(Node(prompt, ("user",), words, run.run.input_text, link=run.key, step_id=step_id))
        own_keys = {keys[piece.first] for piece in pieces}
        for piece in pieces:
            key = keys[piece.first]
            nodes.append(_response(piece, key))
            before = _before(facts, piece, keys, nodes)
            if any(edge.source in own_keys for edge in before):
                edges += before
                continue
            # A run goes on from another one with its prompt, and its later calls from its first one.
            edges += [Edge(edge.source, prompt, edge.look, edge.label) for edge in before]
            edges.append(Edge(prompt, key, "lineage"))
    title = ("Lineage: prompts, model calls, and which one continues which",)
    return Board(KEY, title, direction=_direction(nodes, edges), nodes=[*nodes], edges=edges, ways=[ALL_RUNS])


def _key(own: StepFacts) -> str:
    return f"q{own.run.position + 1}_{own.key}"


def _response(piece: Piece, key: str) -> Node:
    if piece.loop is not None:
        return evolve(loop_node(piece, piece.loop), key=key, text="")
    own, step = piece.first, piece.first.step
    words = (joined(head(own), status_word(step.status)),)
    return Node(key, looks(own), words, foot=foot(step), tooltip=tooltip(own), step_id=step.step_id)


def _before(facts: SessionFacts, piece: Piece, keys: dict[StepFacts, str], nodes: list[Node]) -> list[Edge]:
    """Return the edges from the model calls whose context this one, or this loop, continues, and on what evidence."""
    edges: dict[Edge, None] = {}
    for own in piece.steps:
        for edge in _continues(facts, own, keys, nodes) if own.step.label == "assistant_call" else ():
            if edge.source != edge.target:
                edges[edge] = None
    return list(edges)


def _continues(
    facts: SessionFacts, own: StepFacts, keys: dict[StepFacts, str], nodes: list[Node]
) -> Iterator[Edge]:
    previous = own.step.previous_response_id
    label: Lines = ()
    if previous and previous not in facts.responses:
        stranger = f"x{_key(own)}"
        tip = Tooltip((f"previous_response_id {previous}",))
        words = (f"response {cut(previous, NAME_COLUMNS)}", "not recorded here")
        nodes.append(Node(stranger, ("stub",), words, tooltip=tip))
        yield Edge(stranger, keys[own], "prev")
        return
    parent = facts.responses[previous] if previous else None
    if parent is None and (parent := _inherited(facts, own)) is not None:
        label = ("history re-sent",)
    if parent is None:
        parent = _asked_before(facts, own)
    if parent is None and (parent := _end_of_its_parent(own)) is not None:
        told, *_ = run_words.evidence(own.run)
        label = () if own.run.run.lineage.source == "previous_response_id" else (told,)
    if parent in keys:
        yield Edge(keys[parent], keys[own], "prev", label)


def _asked_before(facts: SessionFacts, own: StepFacts) -> StepFacts | None:
    """Return the model call that asked for what this one brings the output of."""
    for answer in facts.depends_on(own):
        for call in facts.depends_on(answer) if answer.step.label in ANSWERS else ():
            if (model := model_of(facts, call)) is not None:
                return model
    return None


def _end_of_its_parent(own: StepFacts) -> StepFacts | None:
    """Return the last model call of the run that this one's continues, for its first one."""
    parent = own.run.parent
    if parent is None or own.run.is_nested:
        return None
    first = next(each for each in own.run.steps if each.step.label == "assistant_call")
    calls = (each for each in reversed(parent.steps) if each.step.label == "assistant_call")
    return next(calls, None) if first is own else None


def _inherited(facts: SessionFacts, own: StepFacts) -> StepFacts | None:
    """Return the request whose answer this one re-sends, when it says so."""
    inherits = own.step.payload_started.get("inherits")
    step_id = inherits.get("step_id") if isinstance(inherits, dict) else None
    source = facts.steps.get(step_id) if isinstance(step_id, str) else None
    if source is None or source.step.label == "assistant_call":
        return source
    return facts.responses.get(source.step.response_id or "")


def _direction(nodes: list[Node], edges: list[Edge]) -> Literal["down", "right"]:
    """Return in which direction the board is the narrower one."""
    depth = {node.key: 0 for node in nodes}
    # Edges come in the order of what they lead to.
    for edge in edges:
        depth[edge.target] = max(depth[edge.target], depth[edge.source] + 1)
    layers: dict[int, list[float]] = {}
    for node in nodes:
        layers.setdefault(depth[node.key], []).append(sizes.of(node, OVERVIEW)[0])
    down = max(map(sum, layers.values()), default=0)
    return "down" if down <= sum(map(max, layers.values())) else "right"


def _of_runs(facts: SessionFacts) -> Board:
    nodes = [
        Node(
            _run_key(run),
            run_looks.looks(run, "card"),
            (run_words.name(run),),
            run.run.input_text,
            tooltip=Tooltip((f"run {run.run.run_id}", run_words.counts(run), run_words.cost(run))),
            link=run.key,
        )
        for run in facts.runs
    ]
    edges = [Edge(_run_key(run.parent), _run_key(run), "prev") for run in facts.runs if run.parent]
    title = ("Lineage: which run continues which",)
    return Board(KEY, title, direction=_direction(nodes, edges), nodes=[*nodes], edges=edges, ways=[ALL_RUNS])


def _run_key(run: RunFacts) -> str:
    return f"r{run.position + 1}"
