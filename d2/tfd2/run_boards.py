"""``layers.run_N``: a run on its own, its texts longer, with stubs to the runs around it; and its loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tfd2 import run_looks
from tfd2.board_pages import Pages, Piece, board_key, loop_key, loop_pages
from tfd2.elements import IN_FULL, Board, Node, Way
from tfd2.flow import flow
from tfd2.snapshots import Snapshots
from tfd2.stubs import stubs_of
from tfstore.reading.evidence import loops
from tfstore.reading.facts import Loop, RunFacts, SessionFacts
from tfstore.reading.figures import counted, joined

ALL_RUNS: Final = Way("all runs", "")

ERROR_PAGES_SHOWN: Final = 8
"""Links to pages with errors; which steps they are is in the run's tooltip too."""

NO_STEPS: Final = Node("none", ("note",), ("no steps were recorded",))


def run_boards(facts: SessionFacts, run: RunFacts, snapshots: Snapshots) -> Iterator[Board]:
    """Yield a run's own board, or boards when it has more than one can show, and those of its loops."""
    pages = Pages(run)
    ways = [*_troubled_pages(pages), ALL_RUNS]
    for page, stubs in enumerate(stubs_of(facts, pages)):
        drawn = flow(facts, pages.on(page), snapshots)
        yield Board(
            board_key(run, page),
            (run_looks.full_title(run, page, pages.count),),
            IN_FULL,
            nodes=[*(drawn.nodes or [NO_STEPS]), *stubs.nodes],
            edges=[*drawn.edges, *stubs.edges(drawn.reached)],
            ways=ways,
        )
    for piece in pages.loops:
        if piece.loop is not None:
            yield from _loop_boards(facts, pages, piece, piece.loop, snapshots)


def _loop_boards(
    facts: SessionFacts, pages: Pages, piece: Piece, loop: Loop, snapshots: Snapshots
) -> Iterator[Board]:
    parts = loop_pages(piece)
    back = board_key(pages.run, pages.of(piece.first))
    name = joined(f"Run {pages.run.number}", loops.span(loop), loops.name(loop))
    for page, pieces in enumerate(parts):
        drawn = flow(facts, pieces, snapshots)
        part = f"part {page + 1} of {len(parts)}" if len(parts) > 1 else ""
        ways = [
            *([Way("part before", loop_key(piece, page - 1))] if page else []),
            *([Way("next part", loop_key(piece, page + 1))] if page + 1 < len(parts) else []),
            Way(f"run {pages.run.number}", back),
            ALL_RUNS,
        ]
        yield Board(
            loop_key(piece, page),
            (joined(name, part),),
            IN_FULL,
            nodes=drawn.nodes,
            edges=drawn.edges,
            ways=ways,
        )


def _troubled_pages(pages: Pages) -> list[Way]:
    """Return links to the pages of a long run on which something went wrong: the first page seldom shows it."""
    if pages.count == 1:
        return []
    errors = Counter(pages.of(own) for own in pages.run.steps if own.failed)
    ways = [
        Way(f"part {page + 1}: {counted(errors[page], 'error')}", board_key(pages.run, page))
        for page in sorted(errors)
    ]
    return ways[:ERROR_PAGES_SHOWN]
