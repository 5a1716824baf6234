"""Sessions out of a database, whole: all that is kept of each goes in one transaction, its numbers stay.

Nothing is ever listed that is half gone. What only a deleted session referred to of long texts and media goes after it:
whoever dies in between leaves something that ``tfclient prune --blobs`` finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, field
from psycopg import sql

from tfstore.errors import SessionPinned, StoreError
from tfstore.postgres import pruned_totals
from tfstore.postgres.connecting import connect, told_of, until_done
from tfstore.postgres.migrating import check
from tfstore.postgres.partitions import PARENTS
from tfstore.postgres.questions import meant
from tfstore.postgres.unused_blobs import referred_to, remove_unused

if TYPE_CHECKING:
    from datetime import date

    from tfstore.postgres.address import Address
    from tfstore.postgres.connecting import Connection

Key = tuple[Any, str, str]
"""Month, store and id of a session."""


@define
class Deleted:
    """What came of deleting: ``deleted`` are gone, ``problems`` says of the others why they are not."""

    deleted: list[str] = field(factory=list[str])
    problems: dict[str, StoreError] = field(factory=dict[str, StoreError])
    blob_bytes: int = 0


def delete(address: Address, names: Iterable[str], *, pinned: bool = False) -> Deleted:
    """Delete sessions; all are looked for before the first is gone.

    Args:
        address: the database; its ``source`` narrows which are meant.
        names: whole ids, or ``id@store``.
        pinned: those that are pinned too; else each of them is a problem.

    Raises:
        UnknownSession, AmbiguousSession: there is none of this name, or more than one.
        DatabaseUnusable: the database cannot be written; doing it again goes on from there.
    """
    done = Deleted()
    connection = connect(address, reads_only=False)
    try:
        check(connection, address, writes=True)
        with told_of(address):
            keys = {name: meant(connection, address, name) for name in dict.fromkeys(names)}
            blobs: set[str] = set()
            for name, key in keys.items():
                incidents = until_done(partial(_delete, connection, key, blobs, pinned=pinned))
                if incidents:
                    done.problems[name] = SessionPinned(name, incidents)
                else:
                    done.deleted.append(name)
            done.blob_bytes = remove_unused(connection, blobs).bytes if blobs else 0
            pruned_totals.fold(connection)
    finally:
        connection.close()
    return done


def _delete(connection: Connection, named: tuple[str, str], blobs: set[str], *, pinned: bool) -> list[str]:
    """Delete a session, and add the digests that it referred to; return what it is pinned for, and stays."""
    with connection.transaction():
        key = _locked(connection, *named)
        incidents = _incidents(connection, *named)
        if key is not None and (pinned or not incidents):
            blobs |= referred_to(connection, [key])
            take_away(connection, [key])
            return []
    return [] if key is None else incidents


def take_away(connection: Connection, keys: Sequence[Key], *, parts: bool = True) -> None:
    """Remove all that is kept of sessions but their numbers, in the transaction that is open.

    Without ``parts``, who calls drops the partitions in which their documents and steps lie.
    """
    pruned_totals.keep(connection, [(source_id, session_id) for _, source_id, session_id in keys])
    for table in (*(PARENTS if parts else ()), "notes", "sessions"):
        # What else names a session goes with its row.
        remove_rows(connection, table, keys)


def remove_rows(connection: Connection, table: str, keys: Sequence[Key]) -> None:
    """Remove the rows of sessions from a table, in the transaction that is open."""
    months, sources, ids = ([each[place] for each in keys] for place in range(3))
    within = sql.SQL("AND t.month = k.month AND t.month = ANY(%s)" if table in PARENTS else "")
    statement = sql.SQL(
        "DELETE FROM {} t USING unnest(%s::date[], %s::uuid[], %s::text[]) k(month, source_id, session_id)"
        " WHERE t.source_id = k.source_id AND t.session_id = k.session_id {}"
    ).format(sql.Identifier(table), within)
    values = [months, sources, ids, *([sorted(set(months))] if table in PARENTS else [])]
    connection.execute(statement, values)


def _locked(connection: Connection, source_id: str, session_id: str) -> tuple[date, str, str] | None:
    asked = "SELECT month FROM sessions WHERE source_id = %s AND session_id = %s FOR UPDATE"
    row = connection.execute(asked, (source_id, session_id)).fetchone()
    return None if row is None else (row[0], source_id, session_id)


def _incidents(connection: Connection, source_id: str, session_id: str) -> list[str]:
    asked = "SELECT incident FROM incidents WHERE source_id = %s AND session_id = %s ORDER BY 1"
    return [name for (name,) in connection.execute(asked, (source_id, session_id))]
