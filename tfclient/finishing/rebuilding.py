"""Documents made again from the journal: the same ones, unless something was wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from tfclient.finishing.last_steps import PATIENCE, complete
from tfclient.finishing.live import LiveSession
from tfclient.finishing.recovery import finish_session, read_through
from tfstore.disk.files import replace_file
from tfstore.errors import ClaimedElsewhere, StoreError
from tfstore.journal.reading import live_writers, writers
from tfstore.journal.segment_reader import archive_of

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.document.documents import Session
    from tfstore.store import Store


class NothingToRebuildFrom(StoreError):
    """A session has no journal any more; its document is all there is."""

    def __init__(self, session_id: str, path: Path) -> None:
        super().__init__(
            f"Session {session_id} has no journal to make its document from again; {path} stays."
        )
        self.session_id = session_id


@frozen
class Rebuilt:
    """A session made again: whether its document differs from the one before, and where that one is kept."""

    session: Session
    changed: bool
    earlier: Path | None = None


def rebuild(store: Store, session_id: str) -> Rebuilt:
    """Make a session's document, diagram and archive again from its journal.

    An earlier document that says something else is kept beside it as ``<id>.json.v1``. A session that nobody
    finished is finished.

    Raises:
        UnknownSession: there is nothing of it.
        NothingToRebuildFrom: there is a document, and no journal.
        ArchiveUnreadable, JournalUnreadable: its archive, or some of its journal, is damaged; the document is
            untouched.
        ClaimedElsewhere: another process is at it.
        StoreError, DrawingFailed: something could not be written.
    """
    store.known(session_id)
    archive_of(store.paths, session_id)
    if not writers(store.paths, session_id):
        raise NothingToRebuildFrom(session_id, store.paths.document(session_id))
    with store.claim(session_id, timeout=PATIENCE) as mine:
        if not mine:
            raise ClaimedElsewhere(session_id)
        before = _text(store, session_id)
        kept: Path | None = None
        try:
            if live_writers(store.paths, session_id):
                read_through(store, session_id)
                session = complete(LiveSession(store, session_id))
            else:
                session = finish_session(store, session_id)
        finally:
            # Also when what comes after the document failed.
            if before is not None and before != _text(store, session_id):
                kept = store.paths.earlier(session_id)
                replace_file(kept, before)
        return Rebuilt(session, changed=before is None or kept is not None, earlier=kept)


def _text(store: Store, session_id: str) -> bytes | None:
    try:
        return store.text(session_id)
    except StoreError:
        return None
