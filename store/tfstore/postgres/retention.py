"""What is kept how long in a database; what is pinned stays.

First documents go, then the JSON of steps, then all of a session. Each batch, and each month, is one transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from attrs import define
from psycopg import sql

from tfstore.postgres import pruned_totals
from tfstore.postgres.connecting import connect, told_of
from tfstore.postgres.fitting import next_month
from tfstore.postgres.migrating import check
from tfstore.postgres.partitions import PARENTS, lock, months_of, name_of

if TYPE_CHECKING:
    from datetime import date

    from tfstore.postgres.address import Address
    from tfstore.postgres.connecting import Connection

BATCH: Final = 1_000
"""Sessions of one transaction, of a month that is not over for all of them."""


@define
class Kept:
    """How long documents, the JSON of steps, and sessions stay; None for ever. From when a session began."""

    documents: timedelta | None = None
    payloads: timedelta | None = None
    events: timedelta | None = None


@define
class Pruned:
    """How many sessions lost their document, the JSON of their steps, or went; and how many partitions were dropped."""

    documents: int = 0
    payloads: int = 0
    sessions: int = 0
    months: int = 0


def prune(address: Address, kept: Kept, *, now: datetime, dry: bool = False) -> Pruned:
    """Remove what is older than it is to be kept; pinned sessions, and those whose beginning is not known, stay.

    Raises:
        DatabaseUnusable: the database cannot be written; what was removed until then is gone.
    """
    done = Pruned()
    connection = connect(address, reads_only=dry)
    try:
        check(connection, address, writes=True)
        with told_of(address):
            if kept.documents is not None:
                done.documents = _part(connection, "documents", now - kept.documents, done, dry=dry)
            if kept.payloads is not None:
                done.payloads = _part(connection, "agent_run_payloads", now - kept.payloads, done, dry=dry)
            if kept.events is not None:
                done.sessions = _sessions(connection, now - kept.events, done, dry=dry)
    finally:
        connection.close()
    return done


def _part(connection: Connection, table: str, before: datetime, done: Pruned, *, dry: bool) -> int:
    """Remove the rows of a table that are of sessions which began before a moment; return of how many sessions."""
    of = sql.SQL(
        "FROM sessions s WHERE s.started_at < %s AND s.month <> DATE '4000-01-01' AND EXISTS (SELECT 1 FROM {} t"
        " WHERE t.month = s.month AND t.source_id = s.source_id AND t.session_id = s.session_id)"
    ).format(sql.Identifier(table))
    row = connection.execute(sql.SQL("SELECT count(*) {}").format(of), (before,)).fetchone()
    count = 0 if row is None else int(row[0])
    if dry:
        return count
    for month in _over(connection, table, before):
        with connection.transaction():
            lock(connection)
            connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name_of(table, month))))
        done.months += 1
    statement = sql.SQL(
        "DELETE FROM {} t USING (SELECT s.month, s.source_id, s.session_id {} LIMIT %s) gone WHERE t.month = gone.month"
        " AND t.source_id = gone.source_id AND t.session_id = gone.session_id"
    ).format(sql.Identifier(table), of)
    while connection.execute(statement, (before, BATCH)).rowcount:
        pass
    return count


def _sessions(connection: Connection, before: datetime, done: Pruned, *, dry: bool) -> int:
    """Remove all of the sessions that began before a moment; return how many."""
    of = "FROM sessions WHERE started_at < %s AND month <> DATE '4000-01-01'"
    row = connection.execute(f"SELECT count(*) {of}".encode(), (before,)).fetchone()
    count = 0 if row is None else int(row[0])
    if dry:
        return count
    # Nothing is listed that does not open: a session's row goes together with what is below it.
    for month in _over(connection, "agent_run_events", before):
        with connection.transaction():
            lock(connection)
            going = "SELECT source_id::text, session_id FROM sessions WHERE month = %s"
            pruned_totals.keep(connection, connection.execute(going, (month,)).fetchall())
            connection.execute(
                "DELETE FROM notes n USING sessions s WHERE s.month = %s AND n.source_id = s.source_id"
                " AND n.session_id = s.session_id",
                (month,),
            )
            connection.execute("DELETE FROM sessions WHERE month = %s", (month,))
            for parent in PARENTS:
                connection.execute(
                    sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name_of(parent, month)))
                )
        done.months += 1
    while True:
        with connection.transaction():
            gone = connection.execute(
                f"SELECT month, source_id::text, session_id {of} LIMIT %s FOR UPDATE".encode(),
                (before, BATCH),
            ).fetchall()
            pruned_totals.keep(connection, [each[1:] for each in gone])
            for month, source_id, session_id in gone:
                for table in (*PARENTS, "sessions"):
                    connection.execute(
                        sql.SQL(
                            "DELETE FROM {} WHERE month = %s AND source_id = %s AND session_id = %s"
                        ).format(sql.Identifier(table)),
                        (month, source_id, session_id),
                    )
                connection.execute(
                    "DELETE FROM notes WHERE source_id = %s AND session_id = %s", (source_id, session_id)
                )
        if not gone:
            return count


def _over(connection: Connection, parent: str, before: datetime) -> list[date]:
    """Return the months with a partition that ended before a moment."""
    return [month for month in months_of(connection, parent) if next_month(month) <= before.date()]
