"""Opening a store to read what was recorded."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, cast

from tfclient.finishing.recovery import recover
from tfclient.settings import directory_to_read, redaction_here
from tfclient.stores_nearby import stores_near
from tfstore.document.documents import Session
from tfstore.errors import ArchiveUnreadable, DatabaseUnusable, JournalUnreadable, StoreNotFound
from tfstore.store import Store

if TYPE_CHECKING:
    from tfstore.postgres.address import Address
    from tfstore.postgres.postgres_store import PostgresStore
    from tfstore.protocols import Reading

_log = logging.getLogger("tfclient")


def existing_store(path: str | os.PathLike[str] | None) -> Store:
    """Return the store as it is.

    Raises:
        SettingError, StoreNotFound, StoreUnusable: as of ``open_store``; the second names stores nearby.
    """
    folder = directory_to_read(path)
    try:
        return Store(folder, keep=_keep)
    except StoreNotFound:
        near = stores_near(folder.parent)
        if not near:
            raise
        raise StoreNotFound(folder, near) from None


def open_store(path: str | os.PathLike[str] | None = None) -> Store:
    """Open a store, and finish the sessions that an earlier process could not.

    One whose journal is damaged stays as it is: ``tfclient doctor`` tells it, and so do the commands that show it.

    Args:
        path: the store's folder; else ``THOUGHTFLOW_DIR``, else ``.thoughtflow`` here or in a folder above. Of
            ``postgresql://host/name``, what is returned is a ``PostgresStore``: it has what
            ``tfstore.protocols.Reading`` names, and no journals. ``open_database`` is the same with its own type.

    Raises:
        SettingError: the path, or ``THOUGHTFLOW_DIR``, cannot be that of a folder.
        DatabaseUnusable: the database cannot be read.
        StoreNotFound: there is no store there.
        StoreUnusable: what is there cannot serve as one.

    Example:
        >>> import tempfile
        >>> from tfclient import Recorder, open_store
        >>> folder = tempfile.mkdtemp()
        >>> with Recorder(folder).session(title="A trial") as session:
        ...     session.annotate("note", {"weather": "fine"})
        >>> _ = session.wait()
        >>> [row.title for row in open_store(folder).list()]
        ['A trial']
    """
    Session.drawn = _drawn
    if isinstance(path, str) and "://" in path and _is_address(path):
        return cast("Store", open_database(path))
    store = existing_store(path)
    finish_left(store)
    return store


def finish_left(store: Store) -> None:
    """Finish the sessions that a process could not, as far as that can be done."""
    try:
        for session in recover(store):
            _log.info(
                "tfclient: the files of session %s of an earlier process were written", session.session_id
            )
    except (ArchiveUnreadable, JournalUnreadable) as error:
        # No opening mends that: said each time, it would be said for ever.
        _log.debug("tfclient: %s", error)
    except Exception as error:  # noqa: BLE001 - what is there can be read all the same
        _log.warning("tfclient: a session of an earlier process could not be written: %s", error)


def open_to_read(place: str | os.PathLike[str] | None = None) -> Reading:
    """Open a store, whichever kind it is, as those need it who only read; see ``open_store``."""
    return open_store(place)


def open_database(address: str) -> PostgresStore:
    """Open a team's store: the sessions that ``tfclient sync`` sent to a database.

    Args:
        address: ``postgresql://user@host/name``; the password better from ``PGPASSWORD`` or ``~/.pgpass``.

    Raises:
        DatabaseUnusable: it does not answer, holds no sessions, or ``tfclient[postgres]`` is not installed.
    """
    from tfstore.postgres.address import Address

    where = Address.of(address)
    try:
        from tfstore.postgres.postgres_store import PostgresStore
    except ImportError as error:
        raise no_driver(where) from error
    Session.drawn = _drawn
    return PostgresStore(where)


def _is_address(text: str) -> bool:
    from tfstore.postgres.address import is_address

    return is_address(text)


def no_driver(address: Address) -> DatabaseUnusable:
    """Return what is to be said where the package for databases is not installed."""
    return DatabaseUnusable(address.shown, "it needs another package: pip install 'tfclient[postgres]'")


def _keep(text: str, where: str, recorded: str) -> tuple[str, list[Any]]:
    # Its patterns take long to compile, and few that open a store note anything.
    from tfclient.redaction.notes import note_keeper

    return note_keeper(redaction_here())(text, where, recorded)


def _drawn(session: Session) -> str:
    from tfclient.notebook import outline

    return outline(session)
