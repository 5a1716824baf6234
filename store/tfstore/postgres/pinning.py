"""Sessions of a database that stay, whatever is pruned: they lie in a partition of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve
from psycopg import sql

from tfstore.document.times import moment_text
from tfstore.postgres.connecting import connect, told_of, until_done
from tfstore.postgres.fitting import PINNED, fit, month_of
from tfstore.postgres.migrating import check
from tfstore.postgres.partitions import PARENTS, ensure_partitions
from tfstore.postgres.questions import meant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfstore.document.pins import Pin
    from tfstore.postgres.address import Address
    from tfstore.postgres.connecting import Connection


def pin(address: Address, named: str, given: Pin) -> Pin:
    """Keep a session whatever is pruned, for an incident; return the pin with its moment.

    Raises:
        UnknownSession, AmbiguousSession: there is none of this name, or more than one.
        DatabaseUnusable: the database cannot be written.
    """
    connection = connect(address, reads_only=False)
    try:
        check(connection, address, writes=True)
        with told_of(address):
            at = until_done(partial(_pin, connection, address, named, given))
            return evolve(given, at=at)
    finally:
        connection.close()


def unpin(address: Address, named: str, incident: str | None = None) -> bool:
    """Let a session go when its time comes, as far as one incident goes, or any; return whether it was pinned so.

    Raises:
        UnknownSession, AmbiguousSession, DatabaseUnusable: as from ``pin``.
    """
    connection = connect(address, reads_only=False)
    try:
        check(connection, address, writes=True)
        with told_of(address):
            return until_done(partial(_unpin, connection, address, named, incident))
    finally:
        connection.close()


def _pin(connection: Connection, address: Address, named: str, given: Pin) -> str:
    with connection.transaction():
        source_id, session_id = _meant(connection, address, named)
        row = connection.execute(
            "INSERT INTO incidents (source_id, session_id, incident, note) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (source_id, session_id, incident) DO UPDATE SET note = excluded.note, sent = FALSE"
            " RETURNING pinned_at",
            (source_id, session_id, fit(given.incident), fit(given.note)),
        ).fetchone()
        _put_in_place(connection, source_id, session_id)
    return "" if row is None else moment_text(row[0])


def _unpin(connection: Connection, address: Address, named: str, incident: str | None) -> bool:
    with connection.transaction():
        source_id, session_id = _meant(connection, address, named)
        gone = connection.execute(
            "DELETE FROM incidents WHERE source_id = %s AND session_id = %s AND coalesce(incident = %s, TRUE)",
            (source_id, session_id, None if incident is None else fit(incident)),
        )
        _put_in_place(connection, source_id, session_id)
    return gone.rowcount > 0


def _meant(connection: Connection, address: Address, named: str) -> tuple[str, str]:
    """Return the store and the id of a session that nobody else changes until the transaction ends."""
    # Whoever drops a month waits, or is waited for: else what is pinned would go with it.
    connection.execute("LOCK TABLE sessions IN ROW EXCLUSIVE MODE")
    return meant(connection, address, named, locked=True)


def send_pins(connection: Connection, source_id: str, pins: Mapping[str, Sequence[Pin]]) -> int:
    """Make the pins that a machine sent those that it has; return how many came, went or changed.

    What was pinned in the database itself stays as it is. Each session is a transaction.
    """
    wanted = {(name, fit(each.incident)): fit(each.note) for name, some in pins.items() for each in some}
    asked = "SELECT session_id, incident, note, sent FROM incidents WHERE source_id = %s"
    rows = connection.execute(asked, (source_id,)).fetchall()
    there = {(name, incident): (note, sent) for name, incident, note, sent in rows}
    gone = [key for key, (_, sent) in there.items() if sent and key not in wanted]
    new = [
        key for key, note in wanted.items() if key not in there or (there[key][1] and there[key][0] != note)
    ]
    count = 0
    for session_id in sorted({name for name, _ in (*gone, *new)}):
        away = [incident for name, incident in gone if name == session_id]
        come = {incident: wanted[name, incident] for name, incident in new if name == session_id}
        count += until_done(partial(_send_pins, connection, source_id, session_id, away, come))
    return count


def _send_pins(
    connection: Connection, source_id: str, session_id: str, away: Sequence[str], come: Mapping[str, str]
) -> int:
    with connection.transaction():
        if not _lock(connection, source_id, session_id):
            return 0  # it was not sent
        for incident in away:
            connection.execute(
                "DELETE FROM incidents WHERE source_id = %s AND session_id = %s AND incident = %s AND sent",
                (source_id, session_id, incident),
            )
        for incident, note in come.items():
            connection.execute(
                "INSERT INTO incidents AS i (source_id, session_id, incident, note, sent)"
                " VALUES (%s, %s, %s, %s, TRUE) ON CONFLICT (source_id, session_id, incident)"
                " DO UPDATE SET note = excluded.note WHERE i.sent",
                (source_id, session_id, incident, note),
            )
        _put_in_place(connection, source_id, session_id)
    return len(away) + len(come)


def _lock(connection: Connection, source_id: str, session_id: str) -> bool:
    connection.execute("LOCK TABLE sessions IN ROW EXCLUSIVE MODE")
    asked = "SELECT 1 FROM sessions WHERE source_id = %s AND session_id = %s FOR UPDATE"
    return connection.execute(asked, (source_id, session_id)).fetchone() is not None


def _put_in_place(connection: Connection, source_id: str, session_id: str) -> None:
    """Move a session to the partition of pinned ones, or back to its month, as what it is pinned for says."""
    key = (source_id, session_id)
    row = connection.execute(
        "SELECT month, began, EXISTS (SELECT 1 FROM incidents i WHERE i.source_id = s.source_id"
        " AND i.session_id = s.session_id) FROM sessions s WHERE source_id = %s AND session_id = %s",
        key,
    ).fetchone()
    if row is None:
        return
    month, began, pinned = row
    target = PINNED if pinned else month_of(began, datetime.now(UTC))
    if target == month:
        return
    ensure_partitions(connection, [target])
    for table in ("sessions", *PARENTS):
        statement = "UPDATE {} SET month = %s WHERE month = %s AND source_id = %s AND session_id = %s"
        connection.execute(sql.SQL(statement).format(sql.Identifier(table)), (target, month, *key))
