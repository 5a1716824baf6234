"""What a program notes on a session of its own, while it records or afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from tfclient.redaction.notes import note_keeper
from tfstore.reading.naming import step_id_of
from tfstore.store import Store

if TYPE_CHECKING:
    from tfclient.sessions.sessions import Sessions
    from tfstore.document.notes import Note


def note_on(sessions: Sessions, session_id: str, note: Note, step: str | None) -> Note | None:
    """Keep a note on a session, redacted as what the session records; None where that cannot be, which is told.

    Args:
        sessions: those of the recorder.
        session_id: the session.
        note: one that was checked.
        step: what it is about; it need not be in the document yet.
    """
    settings = sessions.settings
    if not settings.enabled:
        return None
    with sessions.health.guard("note", f"noting something on session {session_id}"):
        store = Store(settings.directory, fsync=settings.fsync, keep=note_keeper(settings.redact))
        about = evolve(note, step_id=None if step is None else step_id_of(step))
        return store.noting.add(session_id, about, sessions.redactor.mode)
    return None
