"""Sessions that nobody finished: their writers died, or ran out of time at exit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfclient.finishing.last_steps import complete
from tfclient.finishing.live import LiveSession
from tfstore.document.documents import Integrity
from tfstore.errors import ArchiveUnreadable, JournalUnreadable, NewerDocument, StoreError
from tfstore.index.catalog import row_of
from tfstore.index.responses import links_of
from tfstore.journal.packing import pack
from tfstore.journal.reading import (
    JournalReport,
    has_journal,
    iter_entries,
    live_writers,
    sessions_with_journal,
)
from tfstore.journal.segment import Segment
from tfstore.journal.segment_reader import archive_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.document.documents import Session
    from tfstore.store import Store


def unpacked(store: Store) -> list[str]:
    """Return the ids of sessions whose journal is not archived and that no living process writes to, sorted.

    They are few, however many sessions are in the store.
    """
    return [each for each in sessions_with_journal(store.paths) if not live_writers(store.paths, each)]


def unfinished(store: Store) -> list[str]:
    """Return the ids of sessions that no living process writes to and whose document is not final, sorted."""
    return [each for each in unpacked(store) if not is_final(store, each)]


def recover(store: Store, session_ids: list[str] | None = None) -> Iterator[Session]:
    """Finish unfinished sessions and yield each; what was in flight is shown as that.

    Finished ones whose journal was not packed any more are packed, and not yielded. What another process is at
    is left to it.

    Args:
        store: the store.
        session_ids: these only; else all that are unfinished.

    Raises:
        StoreError: a document could not be written.
        DrawingFailed: a diagram could not be made; the document is whole.
        ArchiveUnreadable, JournalUnreadable: a journal is damaged, and nothing worse went wrong.
    """
    failure: Exception | None = None
    damage: StoreError | None = None
    for session_id in unpacked(store) if session_ids is None else session_ids:
        try:
            session = _recover(store, session_id)
        except (ArchiveUnreadable, JournalUnreadable) as error:
            damage = damage or error
            continue
        except Exception as error:  # noqa: BLE001 - one that fails does not stop the others
            failure = failure or error
            continue
        if session is not None:
            yield session
    if failure is not None:
        raise failure
    if damage is not None:
        raise damage


def damage_of(store: Store, session_id: str) -> StoreError | None:
    """Return why a session that nobody writes to cannot be finished, if that is damage of its journal.

    Only of one whose journal is not packed: what is packed is in its document.
    """
    if session_id not in unpacked(store):
        return None
    try:
        archive_of(store.paths, session_id)
        read_through(store, session_id)
    except (ArchiveUnreadable, JournalUnreadable) as error:
        return error
    return None


def _recover(store: Store, session_id: str) -> Session | None:
    with store.claim(session_id) as mine:
        if not mine or live_writers(store.paths, session_id) or not has_journal(store.paths, session_id):
            return None
        if is_final(store, session_id):
            pack(store.paths, session_id, fsync=True)
            return None
        return finish_session(store, session_id)


def finish_session(store: Store, session_id: str) -> Session:
    """Finish one session that nobody writes to; its journal says so from now on. Hold its claim.

    Raises:
        JournalUnreadable: part of its journal cannot be read, and there is a document that may hold it.
        StoreError: nothing could be written.
        DrawingFailed: the diagram could not be made; the document is whole.
    """
    last_at, last_type = read_through(store, session_id)
    if last_type != "session.ended":
        with Segment.open(store.paths, session_id) as segment:
            # The end is when it was last heard of: when it was found means nothing to whoever reads it.
            segment.append({"at": last_at + 1, "mono": 0, "type": "session.ended", "end_reason": "recovered"})
    return complete(LiveSession(store, session_id))


def read_through(store: Store, session_id: str) -> tuple[int, str]:
    """Read a session's whole journal; return the latest time in it, and the type of its last entry.

    A ``session.started`` after others does not count: it was written again because the file was deleted, or by a
    process that joined and wrote nothing.

    Raises:
        JournalUnreadable: part of it cannot be read, and there is a document that may hold what that part told.
    """
    last_at, last_type = 0, ""
    report = JournalReport()
    for entry in iter_entries(store.paths, session_id, report):
        if entry["type"] != "session.started" or not last_type:
            last_type = entry["type"]
        last_at = max(last_at, entry["at"])
    if report.unreadable and _has_document(store, session_id):
        raise JournalUnreadable(session_id, store.paths.document(session_id), report.unreadable[0][1])
    return last_at, last_type


def _has_document(store: Store, session_id: str) -> bool:
    try:
        store.get(session_id)
    except StoreError as error:
        return isinstance(error, NewerDocument)
    return True


def is_final(store: Store, session_id: str) -> bool:
    """Return whether all that is made of a session's journal is there, and tells all that is in it."""
    try:
        session = store.get(session_id)
    except NewerDocument:
        return True
    except StoreError:
        return False
    if session.status != "closed" or not _is_followed(store, session):
        return False
    report = JournalReport()
    for _ in iter_entries(store.paths, session_id, report):
        pass
    return session.integrity == Integrity(entries=report.entries, head=report.head)


def _is_followed(store: Store, session: Session) -> bool:
    """Whether what is written after the document is there too: row, links, diagram."""
    if "d2" in session.artifacts and not store.paths.diagram(session.session_id).is_file():
        return False
    try:
        return store.catalog.get(session.session_id) == row_of(session) and not store.responses.missing(
            links_of(session)
        )
    except (OSError, ValueError):
        return False
