"""What a session says of being played again: of which recording, and how its attempts were answered."""

from __future__ import annotations

from typing import Any, Final

from tfstore.document.documents import Played, Replay, Session

_COUNTED: Final = frozenset({"exact", "alike", "nearest"})
_MISS: Final = "ReplayMiss"
"""The exception of a request that had no answer, and was never sent."""


def begun(session: Session, told: Any) -> None:
    """Take what an entry says of the recording that is played."""
    if not isinstance(told, dict) or not isinstance(told.get("kind"), str):
        return
    replay = session.replay = session.replay or Replay(told["kind"])
    for name in ("session_id", "head", "until"):
        if isinstance(told.get(name), str):
            setattr(replay, name, told[name])
    unplayed = told.get("unplayed")
    if isinstance(unplayed, int) and not isinstance(unplayed, bool):
        replay.unplayed = unplayed


def played_in(entry: Any) -> Played | None:
    """Return where the answer that an entry tells of was recorded; None of one that came from a server."""
    told = entry.get("played")
    if not isinstance(told, dict) or not isinstance(told.get("exchange_id"), str):
        return None
    session_id = told.get("session_id")
    return Played(
        told["exchange_id"],
        str(told.get("how") or "exact"),
        session_id if isinstance(session_id, str) else None,
    )


def counted(session: Session, played: Played | None, error: Any = None) -> None:
    """Count an attempt that was answered, or failed: as played, or as live in a session that is played.

    Args:
        session: the one that is made.
        played: where its answer was recorded; None if it was not.
        error: as the journal has it, of one that failed; a miss was neither played nor sent.
    """
    if played is not None and session.replay is None:
        # The session was open already when the playback began.
        session.replay = Replay(session_id=played.session_id)
    replay = session.replay
    if replay is None or (isinstance(error, dict) and error.get("type") == _MISS):
        return
    if played is None:
        replay.live += 1
    elif played.how in _COUNTED:
        setattr(replay, played.how, getattr(replay, played.how) + 1)
