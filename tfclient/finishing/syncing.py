"""Sessions go to a team's database as they close; see ``pushing``, and ``tfclient sync`` for what did not.

A connection is open while something is sent, and no longer: a database has few of them, and a team many processes.
"""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfclient.errors import PackageMissing
from tfclient.finishing.pushing import Way
from tfstore.errors import DatabaseUnusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfstore.disk.paths import StorePaths
    from tfstore.postgres.syncing import Sync
    from tfstore.store import Store

NEEDED: Final = (
    *("tfstore.postgres.address", "tfstore.postgres.fitting", "tfstore.postgres.outgoing"),
    *("psycopg.errors", "psycopg.adapt", "psycopg.types", "psycopg.sql", "psycopg"),
    *("tfstore.postgres.connecting", "tfstore.postgres.sending", "tfstore.reading.search"),
    "tfstore.postgres.syncing",
)

TOGETHER: Final = 50
"""Sessions that are sent in one go."""

PATIENCE: Final = 10.0
"""Seconds to wait for another process that sends from the same store."""


@frozen
class DatabaseTarget:
    """A database that a team reads."""

    store: Store
    syncing: Sync

    @classmethod
    def open(cls, paths: StorePaths, address: str) -> DatabaseTarget:
        """Return the database at an address; it is not asked for anything yet.

        Raises:
            PackageMissing, DatabaseUnusable: nothing can be sent there.
        """
        try:
            import psycopg  # noqa: F401 - whether it is there
        except ImportError:
            raise PackageMissing("sending sessions to a database", "postgres") from None
        from tfstore.postgres.address import Address
        from tfstore.postgres.syncing import Sync
        from tfstore.store import Store

        store = Store(paths.root, create=True)
        version = next((each.version for each in metadata.distributions(name="tfclient")), "")
        made = cls(store, Sync(store, Address.of(address), version=version, patience=PATIENCE))
        # From now on: what was recorded before is sent when somebody asks for it.
        made.syncing.begin()
        return made

    def earlier(self) -> list[str]:
        """Return the sessions that ended since this was begun, and were not sent as they are now."""
        return self.syncing.unsent()

    def send(self, session_ids: Sequence[str]) -> dict[str, str]:
        """Send sessions, and return why some were refused.

        Raises:
            DatabaseUnusable: nothing is taken there now.
        """
        from tfstore.postgres.syncing import Wanted

        return self.syncing.run(Wanted(ids=tuple(session_ids))).refused

    def close(self) -> None:
        """Nothing stays open."""


DATABASE: Final = Way(
    kind="sync",
    doing="sending sessions to the database they are synced to",
    needed=NEEDED,
    open=DatabaseTarget.open,
    later=(DatabaseUnusable,),
    most=TOGETHER,
)
