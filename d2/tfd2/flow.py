"""What came of what on one board: steps from top to bottom, and from left to right what one answer of a model gave."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Final

from attrs import frozen

from tfd2.board_pages import Piece
from tfd2.elements import Edge, Group, Node
from tfd2.snapshots import Snapshots
from tfd2.steps import loop_node, step_node
from tfstore.reading.facts import SessionFacts, StepFacts

ACROSS: Final = 3
"""Shapes side by side at most, so that a board can be read where it is 1,280 pixels wide."""

ANSWERS: Final = frozenset({"tool_output", "tool_error", "approval_response"})

_OF_AN_ANSWER: Final = frozenset(
    {"reasoning", "tool_call", "assistant_message", "approval_request", "context_compacted", "generic"}
)


@frozen
class Flow:
    """Shapes and the arrows between them, and the key of the shape or group that each step is reached at."""

    nodes: list[Node | Group]
    edges: list[Edge]
    reached: dict[StepFacts, str]


@frozen(eq=False)
class _Column:
    """A part of a model's answer, and below it what came back for it."""

    piece: Piece
    answers: list[Piece]


def flow(facts: SessionFacts, pieces: list[Piece], snapshots: Snapshots) -> Flow:
    """Return the flow of these pieces; their snapshots are gathered on one page after the first piece."""
    plain = [piece for piece in pieces if not piece.first.is_snapshot]
    pages = snapshots.nodes([piece.first for piece in pieces if piece.first.is_snapshot])
    columns = _columns(facts, plain)
    grouped = {piece for group in columns.values() for col in group for piece in (col.piece, *col.answers)}
    nodes: list[Node | Group] = []
    reached: dict[StepFacts, str] = {}
    inside: dict[StepFacts, str] = {}
    for piece in plain:
        if piece in columns:
            group = _group(facts, piece, columns[piece])
            nodes.append(group)
            for own in (
                own for col in columns[piece] for each in (col.piece, *col.answers) for own in each.steps
            ):
                reached[own] = inside[own] = group.key
        elif piece not in grouped:
            nodes.append(_node(facts, piece))
            reached |= dict.fromkeys(piece.steps, piece.first.key)
    edges = [*_edges(facts, plain, reached), *_quiet(facts, pieces, reached, pages)]
    return Flow([*nodes[:1], *pages, *nodes[1:]], edges, reached)


def _node(facts: SessionFacts, piece: Piece) -> Node:
    return step_node(facts, piece.first) if piece.loop is None else loop_node(piece, piece.loop)


def _columns(facts: SessionFacts, pieces: list[Piece]) -> dict[Piece, list[_Column]]:
    """Return what models gave in one answer where that is several things, by the first of them."""
    given: dict[StepFacts, list[Piece]] = {}
    answers: dict[StepFacts, list[Piece]] = {}
    for piece in pieces:
        own = piece.first
        if own.step.label in ANSWERS and piece.loop is None:
            if asked := _asked(facts, own):
                answers.setdefault(asked, []).append(piece)
        elif own.step.label in _OF_AN_ANSWER and (model := model_of(facts, own)):
            given.setdefault(model, []).append(piece)
    return {
        parts[0]: [_Column(part, answers.get(part.first, []) if part.loop is None else []) for part in parts]
        for parts in given.values()
        if len(parts) > 1
    }


def model_of(facts: SessionFacts, own: StepFacts) -> StepFacts | None:
    """Return the model call that a step is a part of the answer to."""
    before = (
        each for each in facts.depends_on(own) if each.step.label == "assistant_call" and each.run is own.run
    )
    return next((each for each in before if each.position < own.position), None)


def _asked(facts: SessionFacts, own: StepFacts) -> StepFacts | None:
    if own.call is not None:
        return own.call
    asked = {"tool_call", "approval_request"}
    return next((each for each in facts.depends_on(own) if each.step.label in asked), None)


def _group(facts: SessionFacts, first: Piece, columns: list[_Column]) -> Group:
    rows = _rows(columns)
    across = max(map(len, rows))
    cells: list[Node] = []
    edges: list[Edge] = []
    key = f"g{first.first.position + 1}"
    for beside in rows:
        deep = 1 + max(len(column.answers) for column in beside)
        for row in range(deep):
            for place in range(across):
                shown = [beside[place].piece, *beside[place].answers] if place < len(beside) else []
                cells.append(_node(facts, shown[row]) if row < len(shown) else _nothing(len(cells)))
        for column in beside:
            keys = [column.piece.first.key, *(answer.first.key for answer in column.answers)]
            edges += [Edge(above, below, "dep") for above, below in pairwise(keys)]
    return Group(key, across, cells, edges)


def _rows(columns: list[_Column]) -> list[list[_Column]]:
    """Return the columns in rows, about equally many in each; what was thought before many calls has one of its own."""
    if len(columns) > ACROSS and columns[0].piece.first.step.label == "reasoning":
        return [columns[:1], *_rows(columns[1:])]
    across = -(-len(columns) // -(-len(columns) // ACROSS))
    return [columns[at : at + across] for at in range(0, len(columns), across)]


def _nothing(number: int) -> Node:
    """Return what fills a cell below which nothing came back."""
    return Node(f"no{number}", ("nothing",), ())


def _edges(facts: SessionFacts, pieces: list[Piece], reached: dict[StepFacts, str]) -> Iterator[Edge]:
    """Yield the arrows between shapes: what depends on what, and what was tried again."""
    drawn: set[tuple[str, str, str]] = set()
    for own in chain.from_iterable(piece.steps for piece in pieces):
        for other, look in (*((other, "dep") for other in _needed(facts, own)), (own.retry_of, "retry")):
            if other is None or other not in reached:
                continue
            ends = (reached[other], reached[own], look)
            if ends[0] != ends[1] and ends not in drawn:
                drawn.add(ends)
                again = f"retry of {other.name}" if reached[other] != other.key else "retry"
                yield Edge(*ends, (again,) if look == "retry" else ())


def _needed(facts: SessionFacts, own: StepFacts) -> Iterator[StepFacts]:
    needed = facts.depends_on(own)
    # A request that carries a call's output depends on the call through it: one way is enough to see.
    told = {call for answer in needed if answer.step.label in ANSWERS for call in facts.depends_on(answer)}
    return (other for other in needed if other not in told and not other.is_snapshot)


def _quiet(
    facts: SessionFacts, pieces: list[Piece], reached: dict[StepFacts, str], pages: list[Node]
) -> Iterator[Edge]:
    """Yield an arrow from each page of snapshots to the first step that depends on it: it says it for all."""
    shown_on: dict[StepFacts, str] = {}
    keys = {page.key for page in pages}
    page = ""
    for piece in pieces:
        if piece.first.is_snapshot:
            page = piece.first.key if piece.first.key in keys else page
            shown_on[piece.first] = page
    for own in chain.from_iterable(piece.steps for piece in pieces):
        for other in () if own.is_snapshot or not shown_on else facts.depends_on(own):
            if (key := shown_on.get(other)) in keys:
                keys.discard(key)
                yield Edge(key, reached[own], "quiet")
