"""Sessions that nobody ended, or whose files nobody wrote: their writers died, or ran out of time at exit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfclient.finishing.last_steps import write_and_archive
from tfclient.finishing.live import LiveSession
from tfstore.document.documents import Session
from tfstore.errors import ArchiveUnreadable, JournalUnreadable, NewerDocument, StoreError
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
    from tfstore.store import Store


def unarchived(store: Store) -> list[str]:
    """Return the ids of sessions whose journal is not archived and that no living process writes to, sorted.

    They are few, however many sessions are in the store. What a later version wrote is left to that.
    """
    return [
        each
        for each in sessions_with_journal(store.paths)
        if not live_writers(store.paths, each) and not isinstance(_trouble_with(store, each), NewerDocument)
    ]


def recover(store: Store, session_ids: list[str] | None = None) -> Iterator[Session]:
    """End the sessions that nobody ended, write the files of all that are not archived, and yield each.

    What was in flight is shown as that. What another process is at is left to it.

    Args:
        store: the store.
        session_ids: these only; else all that are not archived.

    Raises:
        StoreError: a document could not be written.
        DrawingFailed: a diagram could not be made; the document is whole.
        ArchiveUnreadable, JournalUnreadable: a journal is damaged, and nothing worse went wrong.
    """
    failure: Exception | None = None
    damage: StoreError | None = None
    for session_id in unarchived(store) if session_ids is None else session_ids:
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
    """Return why the files of a session that nobody writes to cannot be written, if that is damage of its journal.

    Only of one whose journal is not archived: what is archived is in its document.
    """
    if session_id not in unarchived(store):
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
        return end_session(store, session_id)


def end_session(store: Store, session_id: str) -> Session:
    """End a session that nobody writes to, write its files and archive it. Hold its claim.

    If nobody ended it, its journal says from now on that it was recovered.

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
    return write_and_archive(LiveSession(store, session_id))


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
    trouble = _trouble_with(store, session_id) if report.unreadable else None
    if report.unreadable and (trouble is None or isinstance(trouble, NewerDocument)):
        raise JournalUnreadable(session_id, store.paths.document(session_id), report.unreadable[0][1])
    return last_at, last_type


def _trouble_with(store: Store, session_id: str) -> StoreError | None:
    """Return why a session's document cannot be given, None if it can."""
    try:
        store.get(session_id)
    except StoreError as error:
        return error
    return None
