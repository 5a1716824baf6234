"""A session as boards: which pictures there are, and what is on the first."""

from __future__ import annotations

from collections.abc import Iterator

from tfd2 import cards
from tfd2.board_pages import piece_count
from tfd2.columns import cut, wrap
from tfd2.containers import box_of, edges_between, edges_of_order, rows_of, whole
from tfd2.elements import LEGEND_KEY, Board, Box, Edge, Lines, Node, Row, Tooltip, Way
from tfd2.lineage import lineage_board
from tfd2.run_boards import run_boards
from tfd2.snapshots import Snapshots
from tfd2.timeline import timeline_board
from tfstore.disk.turns import turn
from tfstore.document.documents import Session
from tfstore.reading.facts import RunFacts, SessionFacts, gather
from tfstore.reading.figures import counted, duration, joined, status_word, tokens
from tfstore.reading.helper_calls import rows
from tfstore.reading.plain_text import clean
from tfstore.reading.session_words import program_end, waits

TITLE_COLUMNS = 80
"""Of the session's own title."""

END_LINES = 6
END_COLUMNS = 60
"""How much is shown of the exception that ended a session."""

ROOT_PIECES = 80
"""Steps and loops that the overview shows one by one; of more, it shows runs as cards."""


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
    turn()
    extra: list[Board] = []
    for board_of in (lineage_board, timeline_board):
        board = board_of(facts)
        turn()
        if board is not None:
            extra.append(board)
    ways = [Way(board.key, board.key) for board in extra]
    many = len(facts.runs) > cards.CARDS
    failed = cards.failed_boards(facts.runs) if many else []
    if failed:
        count = counted(sum(run.failed for run in facts.runs), "failed run")
        ways = [Way(count, cards.failed_key()), *ways]
    snapshots = Snapshots(facts)
    turn()
    calls = [] if many else [row for row in rows(facts, facts.runs) if len(row) > 1]
    yield _root(facts, ways, snapshots)
    for row in calls:
        yield cards.row_board(row)
    if many:
        turn()
        yield from cards.page_boards(facts.runs)
        yield from failed
    for run in facts.runs:
        yield from run_boards(facts, run, snapshots)
    yield from extra


def _note(session: Session) -> Board:
    words = (f"Session {session.session_id}", "Nothing was recorded: it has no runs.")
    note = Node("note", ("note",), words, session.title)
    end = _end(session)
    return Board("", (), nodes=[note, *end], edges=[Edge(note.key, each.key, "dep") for each in end])


def _end(session: Session) -> list[Node]:
    """Return how an exception ended the session or its program, where one did."""
    said, failure = program_end(session), session.failure
    if failure is None or not said:
        return []
    cause = f"cause: {failure.cause}" if failure.cause else ""
    frames = "\n".join(reversed(failure.frames))
    tip = Tooltip((said, *([cause] if cause else [])), f"RAISED AT\n{frames}" if frames else "")
    return [Node("ended", ("error",), tuple(wrap(clean(said), END_LINES, END_COLUMNS)), tooltip=tip)]


def _root(facts: SessionFacts, ways: list[Way], snapshots: Snapshots) -> Board:
    title, end = _title(facts), _end(facts.session)
    if len(facts.runs) > cards.CARDS:
        return _of_cards(title, cards.page_cards(facts.runs), end, ways)
    in_order = list(rows(facts, facts.runs))
    if sum(_pieces(row) for row in in_order) > ROOT_PIECES:
        return _of_cards(title, [cards.row_card(row) for row in in_order], end, ways)
    cells: list[Box | Node] = [
        cards.row_card(row) if len(row) > 1 else box_of(facts, row[0], snapshots) for row in in_order
    ]
    stacked = rows_of(cells)
    edges = edges_between(facts, stacked)
    if end:
        stacked.append(Row("end", [*end]))
        edges += [Edge(_last(stacked), node.key, "dep") for node in end]
    edges += [*edges_of_order(stacked), Edge(whole(stacked[-1]), LEGEND_KEY, "unseen")]
    return Board("", title, rows=stacked, edges=edges, ways=ways, legend=True)


def _pieces(row: list[RunFacts]) -> int:
    return piece_count(row[0]) if len(row) == 1 else 1


def _last(stacked: list[Row]) -> str:
    """Return what stands above the end."""
    return stacked[-2].address(stacked[-2].cells[-1])


def _of_cards(title: Lines, shown: list[Node], end: list[Node], ways: list[Way]) -> Board:
    edges = [Edge("cards", node.key, "unseen") for node in end]
    return Board("", title, cards=shown, nodes=[*end], edges=edges, ways=ways)


def _title(facts: SessionFacts) -> Lines:
    session = facts.session
    first = (cut(session.title, TITLE_COLUMNS), f"session {session.session_id}")
    return *(line for line in first if line), joined(
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
