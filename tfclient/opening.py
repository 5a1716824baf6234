"""Opening a store to read what was recorded."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from tfclient.finishing.recovery import recover
from tfclient.settings import directory_to_read, redaction_here
from tfclient.stores_nearby import stores_near
from tfstore.document.documents import Session
from tfstore.errors import ArchiveUnreadable, JournalUnreadable, StoreNotFound
from tfstore.store import Store

if TYPE_CHECKING:
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
        path: the store's folder; else ``THOUGHTFLOW_DIR``, else ``.thoughtflow`` here or in a folder above.

    Raises:
        SettingError: the path, or ``THOUGHTFLOW_DIR``, cannot be that of a folder.
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
    """Open a store as those need it who only read; see ``open_store``."""
    return open_store(place)


def _keep(text: str, where: str, recorded: str) -> tuple[str, list[Any]]:
    # Its patterns take long to compile, and few that open a store note anything.
    from tfclient.redaction.notes import note_keeper

    return note_keeper(redaction_here())(text, where, recorded)


def _drawn(session: Session) -> str:
    from tfclient.notebook import outline

    return outline(session)
