"""What happens in a session, for a program that wants to be told: ``Recorder(on_event=…)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["turn_start", "turn_complete", "tool_call", "tool_result"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, told soon after: ``kind`` is one of the four.

    A turn is a run of the session's document, and ``turn`` its number, from 1; ``at`` is ISO-8601 in UTC, and
    ``duration_ms`` whole milliseconds. ``text`` is the prompt, the answer or the tool's output; of what is spoken it
    may still be ``[speech]`` when a turn starts. ``tool_call`` has the ``arguments`` as JSON text there. ``status`` is
    that of the turn or the step, ``reason`` why the model stopped.

    A turn is complete with an answer that asks for no tool; if it goes on all the same, it is so once more.

    Example:
        >>> Event("turn_start", "sess_1", 1, "2026-01-01T00:00:00.000Z", text="Hi").turn
        1
    """

    kind: Kind
    session_id: str
    turn: int
    at: str | None
    text: str | None = None
    tool_name: str | None = None
    call_id: str | None = None
    duration_ms: int | None = None
    status: str | None = None
    reason: str | None = None
