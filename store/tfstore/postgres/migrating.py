"""The tables of a database, made and brought up to date by numbered SQL files, each in a transaction of its own."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

import psycopg
from attrs import frozen
from psycopg import sql

from tfstore.errors import DatabaseUnusable
from tfstore.postgres.connecting import told_of

if TYPE_CHECKING:
    from tfstore.postgres.address import Address
    from tfstore.postgres.connecting import Connection

_LOCK: Final = 0x7466_6D69
"""Of the advisory lock that migrations hold: "tfmi"."""


@frozen
class Migration:
    """One step of the schema: its number, its name and its SQL."""

    number: int
    name: str
    text: str


def migrations() -> list[Migration]:
    """Return all migrations, in their order.

    Example:
        >>> [each.name for each in migrations()][0]
        '0001_sessions'
    """
    folder = files("tfstore.postgres") / "migrations"
    found = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return [
        Migration(int(name[:4]), name.removesuffix(".sql"), (folder / name).read_text(encoding="utf-8"))
        for name in found
    ]


def number_of(name: str) -> int:
    """Return the number of the migration that is called so: a database of that version has what it makes.

    Example:
        >>> number_of("sessions")
        1
    """
    return next(each.number for each in migrations() if each.name.partition("_")[2] == name)


def version_of(connection: Connection) -> int:
    """Return the number of the last migration that was applied; 0 where there are no tables of ours."""
    try:
        row = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return 0
    return 0 if row is None else int(row[0])


def check(connection: Connection, address: Address, *, writes: bool) -> int:
    """Return the version of a database that can be used.

    Raises:
        DatabaseUnusable: it is of a later version, has no tables or, for who ``writes``, is of an earlier one.
    """
    with told_of(address):
        version = version_of(connection)
    newest = migrations()[-1].number
    if version > newest:
        reason = f"it has version {version} of our tables and this tfclient knows {newest}: upgrade tfclient"
        raise DatabaseUnusable(address.shown, reason)
    if not version:
        reason = (
            f"there are no sessions in its schema {address.schema!r}, or this user may not see them: "
            "`tfclient sync URL --migrate` makes the tables"
        )
        raise DatabaseUnusable(address.shown, reason)
    if writes and version < newest:
        reason = (
            f"it has version {version} of our tables and this tfclient writes {newest}: "
            "`tfclient sync URL --migrate` brings them up to date"
        )
        raise DatabaseUnusable(address.shown, reason)
    return version


def migrate(connection: Connection, address: Address, *, up_to: int | None = None) -> list[str]:
    """Apply the migrations that a database does not have yet; return their names.

    Another process that migrates is waited for.

    Raises:
        DatabaseUnusable: it is of a later version, or this user may not make tables there.
    """
    done: list[str] = []
    every = migrations()
    with told_of(address):
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        try:
            version = version_of(connection)
            if version > every[-1].number:
                check(connection, address, writes=True)
            for each in every:
                if version < each.number <= (up_to or each.number):
                    _apply(connection, address, each)
                    done.append(each.name)
        finally:
            if not connection.closed:
                connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
    return done


def _apply(connection: Connection, address: Address, migration: Migration) -> None:
    with connection.transaction():
        if migration.number == 1:
            schema = sql.Identifier(address.schema)
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            connection.execute(
                "CREATE TABLE schema_version (version integer PRIMARY KEY, name text NOT NULL,"
                " applied timestamptz NOT NULL DEFAULT now())"
            )
        connection.execute(migration.text.encode())
        connection.execute(
            "INSERT INTO schema_version (version, name) VALUES (%s, %s)", (migration.number, migration.name)
        )
