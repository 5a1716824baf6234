"""Which session of a store is meant by what somebody typed: an id, the start of one, or the latest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tfstore.errors import DocumentMissing, NoSessions, SeveralSessions, UnknownSession
from tfstore.journal.segment_reader import archive_of
from tfstore.reading.naming import near, short_id

if TYPE_CHECKING:
    from tfstore.protocols import Reading
    from tfstore.store import Store

LAST: Final = "last"

_BEGAN: Final = re.compile(r"sess_(\d{8}T\d{6})Z_")


def find_session(store: Reading, typed: str) -> str:
    """Return the id of the session that is meant: ``last``, an id, or the start of one or of its last part.

    Raises:
        UnknownSession: there is none; the error names near ones.
        DocumentMissing: it has a journal only.
        ArchiveUnreadable: it has an archive only, and that is damaged.
        SeveralSessions: several are meant.
        NoSessions: the store is empty.
    """
    if typed == LAST:
        return _latest(store)
    if store.has(typed):
        return typed
    ids = store.ids()
    meant = [each for each in ids if typed and each.startswith(typed)]
    meant = meant or [each for each in ids if typed and short_id(each).startswith(typed)]
    if len(meant) > 1:
        raise SeveralSessions(typed, meant)
    if not meant:
        if (here := on_disk(store)) is not None:
            _without_document(here, typed)
        raise UnknownSession(typed, near(typed, ids))
    return meant[0]


def on_disk(store: Reading) -> Store | None:
    """Return the store if it is a folder of this machine: one that has journals."""
    from tfstore.store import Store

    return store if isinstance(store, Store) else None


def _without_document(store: Store, typed: str) -> None:
    """Raise if just one session is meant that has a journal and no document."""
    told = [each for each in store.recorded() if typed and _is_typed(each, typed)]
    if len(told) == 1:
        # Where it cannot be read, nothing makes the document.
        archive_of(store.paths, told[0])
        raise DocumentMissing(told[0])


def _is_typed(session_id: str, typed: str) -> bool:
    """Say whether this is the start of an id, or of its last part."""
    return session_id.startswith(typed) or short_id(session_id).startswith(typed)


def _latest(store: Reading) -> str:
    """Return the session that started last, also if its document cannot be read.

    Raises:
        DocumentMissing: it was closed, and has no document any more.
        NoSessions: there is none.
    """
    rows = store.list(limit=1)
    if (here := on_disk(store)) is not None:
        began = re.sub("[:-]", "", rows[0].started_at or "")[:15] if rows else ""
        later = _later(here, began)
        if later is not None:
            return later
    if rows:
        return rows[0].session_id
    try:
        return store.last()
    except UnknownSession:
        raise NoSessions(store.where) from None


def _later(store: Store, began: str) -> str | None:
    """Return the latest session that began after this moment and cannot be listed.

    Raises:
        DocumentMissing: it has no document.
    """
    from tfstore.journal.archive import archived_sessions

    later = [
        each
        for each in {*archived_sessions(store.paths), *store.skipped}
        if (moment := _BEGAN.match(each)) and moment[1] > began
        if each in store.skipped or not store.has(each)
    ]
    latest = max(later, default=None)
    if latest is not None and latest not in store.skipped:
        raise DocumentMissing(latest)
    return latest
