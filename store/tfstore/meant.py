"""Which session of a store is meant by what somebody typed: an id, the start of one, or the latest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tfstore.disk.paths import is_session_id
from tfstore.errors import DocumentMissing, NoSessions, SeveralSessions, UnknownSession
from tfstore.journal.segment_reader import archive_of
from tfstore.reading.naming import near, short_id

if TYPE_CHECKING:
    from tfstore.store import Store

LAST: Final = "last"

_BEGAN: Final = re.compile(r"sess_(\d{8}T\d{6})Z_")


def find_session(store: Store, typed: str) -> str:
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
    if is_session_id(typed) and store.paths.document(typed).is_file():
        return typed
    ids = store.ids()
    meant = [each for each in ids if typed and each.startswith(typed)]
    meant = meant or [each for each in ids if typed and short_id(each).startswith(typed)]
    if len(meant) > 1:
        raise SeveralSessions(typed, meant)
    if not meant:
        told = [each for each in store.recorded() if typed and _is_typed(each, typed)]
        if len(told) == 1:
            # Where it cannot be read, nothing makes the document.
            archive_of(store.paths, told[0])
            raise DocumentMissing(told[0])
        raise UnknownSession(typed, near(typed, ids))
    return meant[0]


def _is_typed(session_id: str, typed: str) -> bool:
    """Say whether this is the start of an id, or of its last part."""
    return session_id.startswith(typed) or short_id(session_id).startswith(typed)


def _latest(store: Store) -> str:
    """Return the session that started last, also if its document cannot be read.

    Raises:
        DocumentMissing: it was closed, and has no document any more.
        NoSessions: there is none.
    """
    from tfstore.journal.archive import archived_sessions

    rows = store.list(limit=1)
    began = re.sub("[:-]", "", rows[0].started_at or "")[:15] if rows else ""
    later = [
        each
        for each in {*archived_sessions(store.paths), *store.skipped}
        if (moment := _BEGAN.match(each)) and moment[1] > began
        if each in store.skipped or not store.paths.document(each).is_file()
    ]
    if later:
        latest = max(later)
        if latest not in store.skipped:
            raise DocumentMissing(latest)
        return latest
    if rows:
        return rows[0].session_id
    try:
        return store.last()
    except UnknownSession:
        raise NoSessions(store.paths.root) from None
