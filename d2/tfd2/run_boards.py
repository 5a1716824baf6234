"""``layers.run_N``: a run on its own, its texts longer, with stubs that lead to the runs around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfd2 import run_words
from tfd2.elements import IN_FULL, Board, Node, Way
from tfd2.flow import edges_of, nodes_of
from tfd2.stubs import stubs_of

if TYPE_CHECKING:
    from tfd2.facts import RunFacts, SessionFacts

ALL_RUNS = Way("all runs", "")

NO_STEPS = Node("none", ("note",), ("no steps were recorded",))


def run_boards(facts: SessionFacts, run: RunFacts) -> list[Board]:
    """Return a run's own board, or boards when it has more steps than one can show."""
    boards: list[Board] = []
    for page, stubs in enumerate(stubs_of(facts, run)):
        steps = run.page(page)
        nodes = nodes_of(facts, steps) or [NO_STEPS]
        boards.append(
            Board(
                run.board(page),
                (run_words.full_title(run, page),),
                IN_FULL,
                nodes=[*nodes, *stubs.nodes],
                edges=[*edges_of(facts, steps, nodes), *stubs.edges],
                ways=[ALL_RUNS],
            )
        )
    return boards
