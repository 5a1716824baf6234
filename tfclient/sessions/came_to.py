"""What a session came to, in numbers, for the program that ended it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfstore.document.documents import Session, Usage
from tfstore.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session in numbers: zeros where there was nothing.

    ``turns`` are its runs but for calls that are no conversation; ``duration_ms`` is in milliseconds; of the tokens of
    ``usage`` those that were audio stand apart.

    Example:
        >>> SessionSummary().turns, SessionSummary().usage.total_tokens
        (0, 0)
    """

    turns: int = 0
    tool_calls: int = 0
    interruptions: int = 0
    errors: int = 0
    duration_ms: int = 0
    usage: Usage = field(default_factory=Usage)


def summary_of(store: Path, session_id: str) -> SessionSummary:
    """Return what a session came to, as its document says; zeros where there is none."""
    from tfstore.store import Store

    try:
        session = Store(store).get(session_id)
    except (StoreError, OSError):
        return SessionSummary()
    return _numbers(session)


def _numbers(session: Session) -> SessionSummary:
    told = session.summary
    return SessionSummary(
        turns=sum(run.trigger != "api" for run in session.runs),
        tool_calls=told.tool_calls,
        interruptions=told.interruptions,
        errors=told.errors,
        duration_ms=session.duration_ms or 0,
        usage=told.usage,
    )
