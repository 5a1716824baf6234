"""The overview of a long session: a grid of cards, one per run, or one per page of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tfd2 import run_looks
from tfd2.elements import Board, Lines, Node, Way
from tfd2.run_boards import ALL_RUNS
from tfstore.reading import run_words
from tfstore.reading.facts import RunFacts
from tfstore.reading.figures import counted, joined, minute
from tfstore.reading.helper_calls import names, span

CARDS = 120
"""Cards on one board at most."""

PAGE_CARDS = 60

WORSE: list[Lines] = [("card",), ("card_warn",), ("card_failed",)]


def card(run: RunFacts) -> Node:
    """Return a run's card: what was asked, what it took, and what went wrong."""
    return Node(
        f"c{run.position + 1}",
        run_looks.looks(run, "card"),
        tuple(line for line in (run_words.name(run), run_words.branch(run)) if line),
        run.run.input_text,
        tuple(line for line in (run_words.counts(run), run_words.cost(run)) if line),
        run_looks.tooltip(run),
        run.key,
    )


def row_card(row: list[RunFacts]) -> Node:
    """Return the one card of helper calls in a row, which leads to a board of them; of a run alone, its own."""
    if len(row) == 1:
        return card(row[0])
    head = (counted(len(row), "API call"), span(row))
    return Node(f"c{row[0].position + 1}", ("card",), head, names(row), link=_row_key(row))


def row_board(row: list[RunFacts]) -> Board:
    """Return the board of helper calls in a row."""
    return _cards_board(_row_key(row), (joined(counted(len(row), "API call"), span(row)),), row, [])


def _row_key(row: list[RunFacts]) -> str:
    return f"api_{row[0].position + 1}"


def pages_of(runs: list[RunFacts]) -> list[list[RunFacts]]:
    """Return the runs in pages."""
    return [runs[at : at + PAGE_CARDS] for at in range(0, len(runs), PAGE_CARDS)]


def page_cards(runs: list[RunFacts]) -> list[Node]:
    """Return a card for each page of runs."""
    return [_page_card(f"g{n}", _page_key(n), page) for n, page in enumerate(pages_of(runs), start=1)]


def _page_card(key: str, board: str, runs: list[RunFacts]) -> Node:
    failed = sum(run.failed for run in runs)
    errors = sum(run.errors for run in runs)
    worst = max((run_looks.looks(run, "card") for run in runs), key=WORSE.index)
    troubles = joined(f"{failed} failed" if failed else "", counted(errors, "error") if errors else "")
    steps = counted(sum(len(run.steps) for run in runs), "step")
    started = f"from {minute(runs[0].run.started_at)}" if runs[0].run.started_at else ""
    return Node(
        key,
        worst,
        (span(runs),),
        foot=tuple(line for line in (troubles, steps, started) if line),
        link=board,
    )


def _page_key(number: int) -> str:
    return f"runs_p{number}"


def page_boards(runs: list[RunFacts]) -> Iterator[Board]:
    """Yield a board of cards for each page of runs."""
    pages = pages_of(runs)
    for n, page in enumerate(pages, start=1):
        yield _cards_board(_page_key(n), (span(page),), page, _neighbours(n, len(pages), _page_key))


def failed_boards(runs: list[RunFacts]) -> list[Board]:
    """Return the board of the failed runs, and more of them when it overflows; none if nothing failed."""
    failed = [run for run in runs if run.failed]
    pages = pages_of(failed)
    title = f"{counted(len(failed), 'failed run')} of {len(runs):,}"
    return [
        _cards_board(
            failed_key(n),
            (joined(title, f"page {n} of {len(pages)}" if len(pages) > 1 else ""),),
            page,
            _neighbours(n, len(pages), failed_key),
        )
        for n, page in enumerate(pages, start=1)
    ]


def failed_key(number: int = 1) -> str:
    """Return the key of the n-th board of failed runs."""
    return "failed" if number == 1 else f"failed_p{number}"


def _cards_board(key: str, title: Lines, runs: list[RunFacts], ways: list[Way]) -> Board:
    return Board(key, title, cards=[card(run) for run in runs], ways=[*ways, ALL_RUNS])


def _neighbours(number: int, count: int, key: Callable[[int], str]) -> list[Way]:
    before = [Way("page before", key(number - 1))] if number > 1 else []
    return before + ([Way("next page", key(number + 1))] if number < count else [])
