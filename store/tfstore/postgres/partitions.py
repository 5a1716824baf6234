"""The partitions of months: made when the first session of a month comes."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from psycopg import sql

from tfstore.postgres.fitting import UNDATED, next_month

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfstore.postgres.connecting import Connection

PARENTS: Final = ("documents", "agent_run_events", "agent_run_payloads")

_LOCK: Final = 0x7466_706D
"""Of the advisory lock that is held while partitions are made: "tfpm"."""

_BOUNDS: Final = (
    "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i"
    " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'documents'::regclass"
)
_BOUND: Final = re.compile(r"FROM \((?:'([0-9-]+)'|MINVALUE)\) TO \((?:'([0-9-]+)'|MAXVALUE)\)")


def ensure_partitions(connection: Connection, months: Iterable[date]) -> None:
    """Make the partitions in which sessions of these months lie, unless they are there."""
    wanted = set(months)
    if not _missing(connection, wanted):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        for month in _missing(connection, wanted):
            for parent in PARENTS:
                statement = sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})")
                name, bounds = sql.Identifier(name_of(parent, month)), (month, next_month(month))
                connection.execute(
                    statement.format(name, sql.Identifier(parent), *(sql.Literal(str(day)) for day in bounds))
                )


def name_of(parent: str, month: date) -> str:
    """Return the name of a month's partition.

    Example:
        >>> name_of("documents", date(2026, 9, 1))
        'documents_2026_09'
    """
    return f"{parent}_{month:%Y_%m}"


def months_there(connection: Connection) -> list[date]:
    """Return the months that have a partition of their own, the earliest first."""
    return sorted(start for start, _ in _bounds(connection) if start != UNDATED)


def _missing(connection: Connection, wanted: set[date]) -> list[date]:
    there = _bounds(connection)
    return sorted(month for month in wanted if not any(start <= month < end for start, end in there))


def _bounds(connection: Connection) -> list[tuple[date, date]]:
    found = (_BOUND.search(bound) for (bound,) in connection.execute(_BOUNDS).fetchall())
    return [
        (
            date.fromisoformat(each[1]) if each[1] else UNDATED,
            date.fromisoformat(each[2]) if each[2] else date.max,
        )
        for each in found
        if each is not None
    ]
