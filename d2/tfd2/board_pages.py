"""A run's steps on boards: a loop is one piece of several, a long run takes several boards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from tfstore.reading.evidence.loops import loops_of
from tfstore.reading.facts import Loop, RunFacts, StepFacts

PAGE_PIECES: Final = 80
"""Pieces on one board at most: ``layers.run_N`` goes on in ``run_N_p2``."""


@frozen(eq=False)
class Piece:
    """What is drawn as one: a step, or a loop, the n-th of its run."""

    steps: list[StepFacts]
    loop: Loop | None = None
    number: int = 0

    @property
    def first(self) -> StepFacts:
        """The step that it stands at."""
        return self.steps[0]


def pieces_of(run: RunFacts) -> list[Piece]:
    """Return what of a run is drawn as one, in order."""
    found = loops_of(run)
    if not found:
        return [Piece([own]) for own in run.steps]
    loops = {loop.steps[0]: (number, loop) for number, loop in enumerate(found, start=1)}
    held = {own for _, loop in loops.values() for own in loop.steps}
    pieces: list[Piece] = []
    for own in run.steps:
        if own in loops:
            number, loop = loops[own]
            pieces.append(Piece(loop.steps, loop, number))
        elif own not in held:
            pieces.append(Piece([own]))
    return pieces


def piece_count(run: RunFacts) -> int:
    """Return how many pieces a run has."""
    return len(run.steps) - sum(len(loop.steps) - 1 for loop in loops_of(run))


class Pages:
    """A run's pieces, page by page."""

    def __init__(self, run: RunFacts) -> None:
        """Pages are counted from 0."""
        self.run = run
        self.pieces = pieces_of(run)
        self.count = max(1, -(-len(self.pieces) // PAGE_PIECES))
        self._of = {own: at // PAGE_PIECES for at, piece in enumerate(self.pieces) for own in piece.steps}

    def on(self, page: int) -> list[Piece]:
        """Return what stands on a page."""
        return self.pieces[page * PAGE_PIECES : (page + 1) * PAGE_PIECES]

    def of(self, own: StepFacts) -> int:
        """Return the page that a step, or its loop, stands on."""
        return self._of[own]

    @property
    def loops(self) -> Iterator[Piece]:
        """The loops among the pieces."""
        return (piece for piece in self.pieces if piece.loop is not None)


def board_key(run: RunFacts, page: int) -> str:
    """Return the key of a run's n-th board, counted from 0."""
    return run.key if page == 0 else f"{run.key}_p{page + 1}"


def loop_key(loop: Piece, page: int = 0) -> str:
    """Return the key of the n-th board of a loop that was opened, counted from 0."""
    key = f"{loop.first.run.key}_loop_{loop.number}"
    return key if page == 0 else f"{key}_p{page + 1}"


def loop_pages(loop: Piece) -> list[list[Piece]]:
    """Return the steps of a loop that is opened, page by page, each a piece of its own."""
    pieces = [Piece([own]) for own in loop.steps]
    return [pieces[at : at + PAGE_PIECES] for at in range(0, len(pieces), PAGE_PIECES)]


def own_boards(run: RunFacts) -> Iterator[tuple[str, list[StepFacts]]]:
    """Yield the boards that are a run's own with the steps that can be seen there one by one."""
    pages = Pages(run)
    for page in range(pages.count):
        yield board_key(run, page), [piece.first for piece in pages.on(page) if piece.loop is None]
    for loop in pages.loops:
        for page, pieces in enumerate(loop_pages(loop)):
            yield loop_key(loop, page), [piece.first for piece in pieces]
