"""The stores whose sessions are in a database: one row each, by the store's own id, with a name that people know."""

from __future__ import annotations

import getpass
import platform
from typing import TYPE_CHECKING

from attrs import frozen

from tfstore.errors import DatabaseUnusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfstore.postgres.address import Address
    from tfstore.postgres.connecting import Connection


@frozen
class Source:
    """A store: its id and its name."""

    source_id: str
    name: str


def sources(connection: Connection) -> list[Source]:
    """Return all stores that sent something, by name."""
    found = connection.execute("SELECT source_id::text, name FROM sources ORDER BY name").fetchall()
    return [Source(*each) for each in found]


def source_named(connection: Connection, address: Address, name: str) -> Source:
    """Return the store of this name.

    Raises:
        DatabaseUnusable: there is none.
    """
    every = sources(connection)
    for each in every:
        if each.name == name:
            return each
    there = ", ".join(each.name for each in every[:10]) or "none yet"
    raise DatabaseUnusable(
        address.shown, f"no store of the name {name!r} sent anything there; those that did: {there}"
    )


def our_source(
    connection: Connection, address: Address, store_id: str, name: str | None, version: str
) -> Source:
    """Return this store's row, made when it comes for the first time, and renamed if a name is given.

    Raises:
        DatabaseUnusable: another store has the name.
    """
    every = sources(connection)
    mine = next((each for each in every if each.source_id == store_id), None)
    taken = [each.name for each in every if each.source_id != store_id]
    if name is not None and name in taken:
        raise DatabaseUnusable(
            address.shown, f"another store has the name {name!r} there: give another with --name"
        )
    wanted = name or (mine.name if mine is not None else default_name(store_id, taken))
    # Not each time: what says when it was last seen is no reason to write.
    connection.execute(
        "INSERT INTO sources AS s (source_id, name, version) VALUES (%s, %s, %s)"
        " ON CONFLICT (source_id) DO UPDATE SET name = excluded.name, version = excluded.version, last_seen = now()"
        " WHERE s.name <> excluded.name OR s.version <> excluded.version"
        " OR s.last_seen < now() - interval '10 minutes'",
        (store_id, wanted, version),
    )
    return Source(store_id, wanted)


def default_name(store_id: str, taken: Sequence[str]) -> str:
    """Return ``user@host``, with the beginning of the store's id where another store is called so."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "somebody"
    name = f"{user}@{platform.node() or 'somewhere'}"
    return f"{name}-{store_id[:8]}" if name in taken else name
