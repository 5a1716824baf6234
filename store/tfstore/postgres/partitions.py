"""The partitions of months: made when the first session of a month comes, dropped when the month is pruned."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from tfstore.postgres.fitting import PINNED, UNDATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfstore.postgres.connecting import Connection

PARENTS: Final = ("documents", "agent_run_events", "agent_run_payloads")

_LOCK: Final = 0x7466_706D
"""Of the advisory lock that is held while partitions are made and dropped: "tfpm"."""

_BOUNDS: Final = (
    "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i"
    " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass"
)
_BOUND: Final = re.compile(r"FROM \((?:'([0-9-]+)'|MINVALUE)\) TO \((?:'([0-9-]+)'|MAXVALUE)\)")


def ensure_partitions(connection: Connection, months: Iterable[date]) -> None:
    """Make the partitions in which sessions of these months lie, unless they are there."""
    wanted = set(months)
    if not _missing(connection, wanted):
        return
    with connection.transaction():
        lock(connection)
        for month in _missing(connection, wanted):
            connection.execute("SELECT make_month(%s)", (month,))


def lock(connection: Connection) -> None:
    """Be the only one that makes or drops partitions, until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def name_of(parent: str, month: date) -> str:
    """Return the name of a month's partition.

    Example:
        >>> name_of("documents", date(2026, 9, 1))
        'documents_2026_09'
    """
    return f"{parent}_{month:%Y_%m}"


def months_of(connection: Connection, parent: str) -> list[date]:
    """Return the months that have a partition of their own, the earliest first."""
    return sorted(start for start, _ in _bounds(connection, parent) if start not in {UNDATED, PINNED})


def _missing(connection: Connection, wanted: set[date]) -> list[date]:
    missing: set[date] = set()
    for parent in PARENTS:
        there = _bounds(connection, parent)
        missing |= {month for month in wanted if not any(start <= month < end for start, end in there)}
    return sorted(missing)


def _bounds(connection: Connection, parent: str) -> list[tuple[date, date]]:
    found = (_BOUND.search(bound) for (bound,) in connection.execute(_BOUNDS, (parent,)).fetchall())
    return [
        (
            date.fromisoformat(each[1]) if each[1] else UNDATED,
            date.fromisoformat(each[2]) if each[2] else date.max,
        )
        for each in found
        if each is not None
    ]
