"""What waits to be sent to a place that sessions are exported to: the store is the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from tfstore.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfstore.disk.export_ledger import ExportLedger, Line
    from tfstore.index.rows import SessionRow
    from tfstore.store import Store


@frozen
class Waiting:
    """The sessions that a place has not confirmed, the oldest first, and those that it refused, with why.

    ``oldest`` is when the first of them began, ``ended`` when the one ended that has waited longest.
    """

    session_ids: list[str]
    oldest: str | None
    ended: str | None
    refused: dict[str, str]


def waiting(
    store: Store,
    ledger: ExportLedger,
    rows: Iterable[SessionRow] | None = None,
    *,
    again: bool = False,
    since: str = "",
) -> Waiting:
    """Return which sessions are still to be sent.

    Args:
        store: where they are.
        ledger: what was sent.
        rows: those of the sessions, the latest first; all of the store by default, of which no more is held than ids.
        again: those that were confirmed or refused, too.
        since: those that ended then or later; and those that were refused.

    Raises:
        StoreUnusable: the ledger cannot be read.
    """
    known = ledger.read()
    refused: dict[str, str] = {}
    unsure: dict[str, Line] = {}
    oldest: str | None = None
    ended: str | None = None

    def take(row: SessionRow) -> str | None:
        nonlocal oldest, ended
        early = (row.ended_at or "") < since
        line = None if again else known.get(row.session_id)
        # Somebody sent what was refused, whenever it ended.
        if row.status != "closed" or (
            early and (line is None or line.refused is None or line.head != row.head)
        ):
            return None
        if line is not None:
            if not row.head:
                unsure[row.session_id] = line
                return row.session_id
            if line.head == row.head:
                if line.refused is not None:
                    refused[row.session_id] = line.refused
                return None
        oldest = row.started_at or oldest
        ended = min(ended or row.ended_at, row.ended_at) if row.ended_at else ended
        return row.session_id

    ids = store.closed(take) if rows is None else [each for row in rows if (each := take(row)) is not None]
    if unsure:
        done = {each: line for each, line in unsure.items() if _is_of(line, store, each)}
        refused |= {each: line.refused for each, line in done.items() if line.refused is not None}
        ids = [each for each in ids if each not in done]
    ids.reverse()
    return Waiting(ids, oldest, ended, refused)


def waiting_since_begun(store: Store, ledger: ExportLedger) -> Waiting:
    """Return what waits of the sessions that ended since anything was sent there: what was recorded before need not.

    Raises:
        StoreUnusable: the ledger cannot be read.
    """
    ledger.read()
    return waiting(store, ledger, since=ledger.since)


def _is_of(line: Line, store: Store, session_id: str) -> bool:
    """Return whether a line is about a session as it is now: one may have gone on since."""
    try:
        return line.head == store.get(session_id).integrity.head
    except StoreError:
        # Whoever sends it says what is wrong.
        return False
