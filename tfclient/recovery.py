"""Sessions that nobody finished: their writers died, or ran out of time at exit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfclient.live import LiveSession
from tfstore.journal import iter_entries, live_writers, sessions_with_journal
from tfstore.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.documents import Session
    from tfstore.store import Store


def unfinished(store: Store) -> list[str]:
    """Return the ids of sessions that no living process writes to and whose document is not final, sorted."""
    closed = {row.session_id for row in store.list(status="closed")}
    return [
        session_id
        for session_id in sessions_with_journal(store.paths)
        if session_id not in closed and not live_writers(store.paths, session_id)
    ]


def recover(store: Store, session_ids: list[str] | None = None) -> Iterator[Session]:
    """Finish unfinished sessions and yield each; what was in flight is shown as that.

    Args:
        store: the store.
        session_ids: these only; else all that are unfinished.

    Raises:
        StoreError: a document could not be written.
        DrawingFailed: a diagram could not be made; the document is whole.
    """
    for session_id in unfinished(store) if session_ids is None else session_ids:
        yield finish_session(store, session_id)


def finish_session(store: Store, session_id: str) -> Session:
    """Finish one session that nobody writes to; its journal says so from now on.

    Raises:
        StoreError: nothing could be written.
        DrawingFailed: the diagram could not be made; the document is whole.
    """
    last_at, last_type = 0, ""
    for entry in iter_entries(store.paths, session_id):
        if isinstance(entry.get("at"), int) and entry["at"] >= last_at:
            last_at, last_type = entry["at"], str(entry.get("type"))
    if last_type != "session.ended":
        with Segment.open(store.paths, session_id) as segment:
            # The end is when it was last heard of: when it was found means nothing to whoever reads it.
            segment.append({"at": last_at + 1, "mono": 0, "type": "session.ended", "end_reason": "recovered"})
    return LiveSession(store, session_id).finish()
