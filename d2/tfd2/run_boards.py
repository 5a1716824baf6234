"""``layers.run_N``: a run on its own, its texts longer, with stubs that lead to the runs around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tfd2 import run_looks
from tfd2.board_pages import board_key, page_count, page_of, steps_on
from tfd2.elements import IN_FULL, Board, Node, Way
from tfd2.steps import edges_of, nodes_of
from tfd2.stubs import stubs_of
from tfstore.reading.facts import RunFacts, SessionFacts
from tfstore.reading.figures import counted

ALL_RUNS = Way("all runs", "")

ERROR_PAGES_SHOWN = 8
"""Links to pages with errors; which steps they are is in the run's tooltip too."""

NO_STEPS = Node("none", ("note",), ("no steps were recorded",))


def run_boards(facts: SessionFacts, run: RunFacts) -> Iterator[Board]:
    """Yield a run's own board, or boards when it has more steps than one can show."""
    ways = [*_troubled_pages(run), ALL_RUNS]
    for page, stubs in enumerate(stubs_of(facts, run)):
        steps = steps_on(run, page)
        nodes = nodes_of(facts, steps) or [NO_STEPS]
        yield Board(
            board_key(run, page),
            (run_looks.full_title(run, page),),
            IN_FULL,
            nodes=[*nodes, *stubs.nodes],
            edges=[*edges_of(facts, steps, nodes), *stubs.edges],
            ways=ways,
        )


def _troubled_pages(run: RunFacts) -> list[Way]:
    """Return links to the pages of a long run on which something went wrong: the first page seldom shows it."""
    if page_count(run) == 1:
        return []
    errors = Counter(page_of(own) for own in run.steps if own.failed)
    pages = sorted(errors)
    ways = [Way(f"part {page + 1}: {counted(errors[page], 'error')}", board_key(run, page)) for page in pages]
    return ways[:ERROR_PAGES_SHOWN]
