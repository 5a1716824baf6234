"""A connection to a database: who it cannot be made for is told so in a sentence, without the password."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg import sql

from tfstore.errors import DatabaseLost, DatabaseUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tfstore.postgres.address import Address

Connection = psycopg.Connection[Any]
T = TypeVar("T")

_PATIENCE: Final = 10
"""Seconds to wait for a connection, unless the address says otherwise."""

_READING: Final = 60_000
"""Milliseconds that one question may take."""

TRIES: Final = 5
"""How often a transaction is done that the server ends for the sake of another."""

_OF_WHAT_WAS_SENT: Final = frozenset({"22", "23", "44", "54", "P0"})
"""Of states: no such value, a constraint, a view's check, a limit of the server, what a trigger raised."""

_TOO_LARGE: Final = "XX000"
"""What there is no memory for at all is told as a fault of the server's own."""

OLDEST: Final = 140000
"""PostgreSQL 14."""


def connect(address: Address, *, reads_only: bool) -> Connection:
    """Return a connection whose search path is the schema of sessions; each statement is by itself.

    Raises:
        DatabaseLost: the server does not answer, or lets nobody in.
        DatabaseUnusable: something in the address is wrong, or the server is too old.
    """
    parameters = {"connect_timeout": str(_PATIENCE), "application_name": "tfclient", **address.parameters}
    try:
        connection = psycopg.connect(**parameters, autocommit=True)  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        told = address.told(error)
    except psycopg.Error as error:
        raise DatabaseUnusable(address.shown, address.told(error)) from None
    else:
        if connection.info.server_version < OLDEST:
            connection.close()
            raise DatabaseUnusable(address.shown, "it is older than PostgreSQL 14")
        with told_of(address):
            path = sql.SQL("SET search_path TO {}, public").format(sql.Identifier(address.schema))
            connection.execute(path)
            connection.execute("SET client_min_messages TO warning")
            if reads_only:
                connection.execute("SET default_transaction_read_only TO on")
                connection.execute(sql.SQL("SET statement_timeout TO {}").format(sql.Literal(_READING)))
        return connection
    # What the driver raised holds the password: it is no cause of what is told.
    raise DatabaseLost(address.shown, told)


@contextlib.contextmanager
def told_of(address: Address) -> Iterator[None]:
    """Turn what the driver raises into an error of the store.

    Raises:
        DatabaseLost: the connection is gone.
        DatabaseUnusable: anything else.
    """
    try:
        yield
    except psycopg.Error as error:
        raise as_ours(address, error) from None


def until_done(work: Callable[[], T]) -> T:
    """Do a transaction, and do it anew where the server ended it: it and another one waited for each other.

    All who write take their locks in one order (partitions, ``sessions``, its rows by store and id, then what lies
    below them, documents first), so that this is rare; a program of an earlier version, or somebody's own SQL, may not.

    Raises:
        psycopg.Error: it was ended so five times, or something else is wrong.
    """
    for left in reversed(range(TRIES)):
        try:
            return work()
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            if not left:
                raise
    raise AssertionError("unreachable")


def as_ours(address: Address, error: psycopg.Error) -> DatabaseUnusable:
    """Return what the driver raised as an error of the store."""
    if is_lost(error):
        return DatabaseLost(address.shown, address.told(error))
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return DatabaseUnusable(address.shown, f"this user may not do that there ({address.told(error)})")
    if isinstance(error, psycopg.errors.QueryCanceled):
        return DatabaseUnusable(address.shown, f"it took too long ({address.told(error)})")
    return DatabaseUnusable(address.shown, address.told(error))


def is_lost(error: psycopg.Error) -> bool:
    """Return whether an error means that the connection is gone, not that something was wrong with what was sent."""
    if isinstance(error, psycopg.errors.AdminShutdown | psycopg.errors.CrashShutdown):
        return True
    # Of the server's own refusals each has a state.
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and error.sqlstate is None


def is_of_all(error: psycopg.Error) -> bool:
    """Return whether the server would say the same of whatever is sent now: it is full, or may not be written."""
    return isinstance(
        error,
        psycopg.errors.DiskFull
        | psycopg.errors.InsufficientPrivilege
        | psycopg.errors.ReadOnlySqlTransaction,
    )


def is_of_what_was_sent(error: psycopg.Error) -> bool:
    """Return whether the server will say the same of it again: it is too large, no value, or against a rule of theirs.

    Not so what it had no time or no room for, and what stood in its way.
    """
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError)
    return error.sqlstate[:2] in _OF_WHAT_WAS_SENT or error.sqlstate == _TOO_LARGE
