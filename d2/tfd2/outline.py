"""A session as boards: which pictures there are, and what is on the first."""

from __future__ import annotations

from collections.abc import Iterator

from tfd2 import cards
from tfd2.columns import cut
from tfd2.containers import boxes_of, edges_between, edges_of_order
from tfd2.elements import Board, Lines, Node, Way
from tfd2.lineage import lineage_board
from tfd2.run_boards import run_boards
from tfd2.timeline import timeline_board
from tfstore.document.documents import Session
from tfstore.reading.facts import RunFacts, SessionFacts, gather
from tfstore.reading.figures import counted, duration, joined, status_word, tokens
from tfstore.reading.helper_calls import rows
from tfstore.reading.session_words import waits

TITLE_COLUMNS = 64
"""Of the session's own title, so that its id is never cut."""

ROOT_STEPS = 80
"""Steps that the overview shows one by one; of more, it shows runs as cards."""


def outline(session: Session) -> Iterator[Board]:
    """Yield a session's boards, the root first, each made when it is asked for.

    Example:
        >>> from tfstore.document.documents import Session
        >>> [board.nodes[0].head[0] for board in outline(Session("sess_20260101T000000Z_00000000"))]
        ['Session sess_20260101T000000Z_00000000']
    """
    facts = gather(session)
    if not facts.runs:
        yield _note(session)
        return
    extra = [board for board in (lineage_board(facts), timeline_board(facts)) if board is not None]
    ways = [Way(board.key, board.key) for board in extra]
    many = len(facts.runs) > cards.CARDS
    failed = cards.failed_boards(facts.runs) if many else []
    if failed:
        count = counted(sum(run.failed for run in facts.runs), "failed run")
        ways = [Way(count, cards.failed_key()), *ways]
    calls = [] if many else [row for row in rows(facts, facts.runs) if len(row) > 1]
    yield _root(facts, ways)
    for row in calls:
        yield cards.row_board(row)
    if many:
        yield from cards.page_boards(facts.runs)
        yield from failed
    for run in facts.runs:
        yield from run_boards(facts, run)
    yield from extra


def _note(session: Session) -> Board:
    words = (f"Session {session.session_id}", "Nothing was recorded: it has no runs.")
    return Board("", (), nodes=[Node("note", ("note",), words, session.title)])


def _root(facts: SessionFacts, ways: list[Way]) -> Board:
    title = _title(facts)
    if len(facts.runs) > cards.CARDS:
        return Board("", title, cards=cards.page_cards(facts.runs), ways=ways)
    in_order = list(rows(facts, facts.runs))
    folded = [cards.row_card(row) for row in in_order if len(row) > 1]
    if sum(len(run.steps) for row in in_order if len(row) == 1 for run in row) + len(folded) > ROOT_STEPS:
        return Board("", title, cards=[cards.row_card(row) for row in in_order], ways=ways)
    runs = [row[0] for row in in_order if len(row) == 1]
    edges = [*edges_between(facts), *edges_of_order(runs)]
    boxes = boxes_of(facts, runs)
    return Board("", title, boxes=boxes, nodes=folded, edges=edges, ways=ways, legend=True)


def _title(facts: SessionFacts) -> Lines:
    session = facts.session
    first = joined(cut(session.title, TITLE_COLUMNS), f"session {session.session_id}")
    return first, joined(
        status_word(session.result or ""),
        status_word(session.status) if session.status != "closed" else "",
        waits(session),
        _runs(facts.runs),
        counted(facts.step_count, "step"),
        _total(sum(run.errors for run in facts.runs), "error"),
        _total(sum(run.unresolved for run in facts.runs), "unresolved tool call"),
        duration(session.duration_ms) if session.duration_ms else "",
        tokens(sum(run.tokens for run in facts.runs)),
    )


def _runs(runs: list[RunFacts]) -> str:
    failed = sum(run.failed for run in runs)
    return counted(len(runs), "run") + (f" ({failed:,} failed)" if failed else "")


def _total(number: int, noun: str) -> str:
    return counted(number, noun) if number else ""
