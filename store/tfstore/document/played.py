"""What of a session came from a recording and not from a server: it counts in no total of the store."""

from __future__ import annotations

from tfstore.document.documents import Session, Step


def is_played(step: Step) -> bool:
    """Return whether a call's last attempt was answered from a recording, or all that went over its socket was."""
    if step.attempts:
        return step.attempts[-1].played is not None
    return "played" in step.payload_started


def is_all_played(session: Session) -> bool:
    """Return whether a session is a replay in which nothing went live: all that happened in it had happened before."""
    return session.replay is not None and not session.replay.live
