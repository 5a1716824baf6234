"""``layers.lineage``: prompts and what came of them, so that branches are obvious."""

from __future__ import annotations

from tfd2 import run_looks
from tfd2.elements import Board, Edge, Node, Tooltip
from tfd2.run_boards import ALL_RUNS
from tfd2.steps import foot, looks, tooltip
from tfstore.reading import run_words
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts
from tfstore.reading.figures import joined, status_word
from tfstore.reading.helper_calls import is_helper_call

KEY = "lineage"

RESPONSES = 40
"""Responses on the board at most; of more, runs are shown instead."""

RUNS = 400
"""Runs on the board at most; of more, there is no such board."""


def lineage_board(facts: SessionFacts) -> Board | None:
    """Return the board of prompts and responses, of runs if there are many, none if there are too many."""
    calls = [own for own in facts.every if own.step.label == "assistant_call"]
    if len(calls) <= RESPONSES:
        return _of_responses(facts)
    return _of_runs(facts) if len(facts.runs) <= RUNS else None


def _of_responses(facts: SessionFacts) -> Board:
    nodes: list[Node] = []
    edges: list[Edge] = []
    for run in facts.runs:
        if is_helper_call(facts, run):
            continue
        prompt, head = f"p{run.position + 1}", (f"PROMPT · {run_words.name(run)}",)
        asked = (own.step.step_id for own in run.steps if own.step.label == "user_message")
        step_id = next(asked, "")
        nodes.append(Node(prompt, ("user",), head, run.run.input_text, link=run.key, step_id=step_id))
        for own in run.steps:
            if own.step.label != "assistant_call":
                continue
            nodes.append(_response(own))
            edges.append(Edge(prompt, _key(own), "lineage"))
            edges += _continues(facts, own, nodes)
    title = ("Lineage: prompts, their responses, and which response each one continues",)
    return Board(KEY, title, direction="right", nodes=nodes, edges=edges, ways=[ALL_RUNS])


def _key(own: StepFacts) -> str:
    return f"q{own.run.position + 1}_{own.key}"


def _response(own: StepFacts) -> Node:
    step = own.step
    words = f"RESPONSE {step.response_id}" if step.response_id else "NO RESPONSE ID"
    head = (joined(words, status_word(step.status)),)
    return Node(_key(own), looks(own), head, foot=foot(step), tooltip=tooltip(own), step_id=step.step_id)


def _continues(facts: SessionFacts, own: StepFacts, nodes: list[Node]) -> list[Edge]:
    """Return the edge from the response whose context this one continues, and on what evidence."""
    previous = own.step.previous_response_id
    if previous:
        parent = facts.responses.get(previous)
        if parent is None:
            stranger = f"x{_key(own)}"
            nodes.append(Node(stranger, ("stub",), (f"RESPONSE {previous}", "not recorded here")))
            return [Edge(stranger, _key(own), "prev")]
        return [Edge(_key(parent), _key(own), "prev")] if parent is not own else []
    parent = _inherited(facts, own)
    if parent is None or parent is own:
        return []
    return [Edge(_key(parent), _key(own), "prev", ("history re-sent",))]


def _inherited(facts: SessionFacts, own: StepFacts) -> StepFacts | None:
    """Return the request whose answer this one re-sends, when it says so."""
    inherits = own.step.payload_started.get("inherits")
    step_id = inherits.get("step_id") if isinstance(inherits, dict) else None
    source = facts.steps.get(step_id) if isinstance(step_id, str) else None
    if source is None or source.step.label == "assistant_call":
        return source
    return facts.responses.get(source.step.response_id or "")


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
    return Board(KEY, title, nodes=nodes, edges=edges, ways=[ALL_RUNS])


def _run_key(run: RunFacts) -> str:
    return f"r{run.position + 1}"
