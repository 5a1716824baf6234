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
    """The sessions that a place has not confirmed, the oldest first, and those that it refused, with why."""

    rows: list[SessionRow]
    refused: dict[str, str]

    @property
    def session_ids(self) -> list[str]:
        """Which sessions wait."""
        return [row.session_id for row in self.rows]

    @property
    def oldest(self) -> str | None:
        """When the first of them that says so began."""
        return next((row.started_at for row in self.rows if row.started_at), None)


def waiting(
    store: Store, ledger: ExportLedger, rows: Iterable[SessionRow], *, again: bool = False
) -> Waiting:
    """Return which of these sessions are still to be sent.

    Args:
        store: where they are.
        ledger: what was sent.
        rows: those of the sessions, the latest first.
        again: those that were confirmed or refused, too.

    Raises:
        StoreUnusable: the ledger cannot be read.
    """
    known = ledger.read()
    found: list[SessionRow] = []
    refused: dict[str, str] = {}
    for row in rows:
        if row.status != "closed":
            continue
        line = known.get(row.session_id)
        if line is None or again or not _is_of(line, store, row):
            found.append(row)
        elif line.refused is not None:
            refused[row.session_id] = line.refused
    return Waiting(found[::-1], refused)


def waiting_since_begun(store: Store, ledger: ExportLedger) -> Waiting:
    """Return what waits of the sessions that ended since anything was sent there: what was recorded before need not.

    Raises:
        StoreUnusable: the ledger cannot be read.
    """
    ledger.read()
    rows = store.list(status="closed")
    return waiting(store, ledger, [row for row in rows if (row.ended_at or "") >= ledger.since])


def _is_of(line: Line, store: Store, row: SessionRow) -> bool:
    """Return whether a line is about a session as it is now: one may have gone on since."""
    if row.head:
        return line.head == row.head
    try:
        return line.head == store.get(row.session_id).integrity.head
    except StoreError:
        # Whoever sends it says what is wrong.
        return False
