"""The overview of a short session: a container per run with its steps inside, in rows of readable width."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tfd2 import run_looks, sizes
from tfd2.board_pages import pieces_of
from tfd2.elements import OVERVIEW, Box, Edge, Node, Row
from tfd2.flow import flow
from tfd2.run_boards import NO_STEPS
from tfd2.snapshots import Snapshots
from tfstore.reading import run_words
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts

ROW_WIDTH: Final = 1_120
"""Pixels that a row of containers may be wide."""

UNEVEN: Final = 2.2
"""A run so much longer than another stands in no row with it: the shorter one would be mostly empty."""


def box_of(facts: SessionFacts, run: RunFacts, snapshots: Snapshots) -> Box:
    """Return the container of a run."""
    node = Node(
        _key(run),
        run_looks.looks(run, "run"),
        (run_looks.title(run),),
        tooltip=run_looks.tooltip(run),
        link=run.key,
    )
    drawn = flow(facts, pieces_of(run), snapshots)
    return Box(node, drawn.nodes or [NO_STEPS], drawn.edges)


def _key(run: RunFacts) -> str:
    return f"r{run.position + 1}"


def rows_of(cells: list[Box | Node]) -> list[Row]:
    """Return containers and cards in rows, in order, as many in each as there is room for."""
    rows: list[list[Box | Node]] = []
    wide = 0.0
    tall: list[int] = []
    for cell in cells:
        width, height = sizes.of(cell, OVERVIEW)
        even = not tall or max(*tall, height) <= UNEVEN * min(*tall, height)
        if rows and even and wide + width <= ROW_WIDTH:
            rows[-1].append(cell)
            wide, tall = wide + width, [*tall, height]
        else:
            rows.append([cell])
            wide, tall = width, [height]
    return [Row(f"row{number}", row) for number, row in enumerate(rows, start=1)]


def edges_between(facts: SessionFacts, rows: list[Row]) -> list[Edge]:
    """Return the arrows from run to run that cross nothing: what continues what, and what else depends on another.

    Where others stand between two runs, their titles say it, and the board of the lineage shows it.
    """
    places = {
        cell.node.key: (at, place, row.address(cell))
        for at, row in enumerate(rows)
        for place, cell in enumerate(row.cells)
        if isinstance(cell, Box)
    }
    edges: list[Edge] = []
    for run in facts.runs:
        if run.parent is not None and _side_by_side(rows, places, run.parent, run):
            words, *_ = run_words.evidence(run)
            known = "continues" if run.run.lineage.source == "previous_response_id" else words
            before, after = places[_key(run.parent)], places[_key(run)]
            # Between those of rows there is no room for words.
            alone = len(rows[before[0]].cells) == len(rows[after[0]].cells) == 1
            label = (known,) if alone else ()
            edges.append(Edge(before[2], after[2], "prev", label))
        others = dict.fromkeys(other for own in run.steps for other in _other_runs(facts, own))
        edges += [
            Edge(places[_key(other)][2], places[_key(run)][2], "dep", ("depends on",))
            for other in others
            if _side_by_side(rows, places, other, run)
        ]
    return edges


def _side_by_side(
    rows: list[Row], places: dict[str, tuple[int, int, str]], before: RunFacts, after: RunFacts
) -> bool:
    if _key(before) not in places or _key(after) not in places:
        return False
    (row, place, _), (next_row, next_place, _) = places[_key(before)], places[_key(after)]
    if row == next_row:
        return next_place == place + 1
    across = {len(rows[row].cells), len(rows[next_row].cells)}
    return next_row == row + 1 and 1 in across and max(across) <= 2


def edges_of_order(rows: list[Row]) -> Iterator[Edge]:
    """Yield unseen edges that put the rows below each other."""
    for above, below in pairwise(rows):
        yield Edge(whole(above), whole(below), "unseen")


def whole(row: Row) -> str:
    """Return the key of a row, or of what stands alone in it."""
    return row.key if len(row.cells) > 1 else row.address(row.cells[0])


def _other_runs(facts: SessionFacts, own: StepFacts) -> list[RunFacts]:
    return [other.run for other in facts.depends_on(own) if other.run not in {own.run, own.run.parent}]
