"""The document of a session that has only begun: what a projector says of ``session.started``, without a projector.

It stands there from the session's first moment, however much there is to do before the first projection. What makes
all other documents is imported then at the earliest, and takes a hundred times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tfstore.document.json_text import readable
from tfstore.document.labels import SCHEMA_VERSION
from tfstore.document.times import iso

if TYPE_CHECKING:
    from tfstore.journal.entries import Written


_TELLS_MORE: Final = frozenset({"replay", "redactions"})


def opened(session_id: str, started: Written, head: str) -> bytes | None:
    """Return the document of a session whose only entry is this one; None if more is to be said of it than that.

    Args:
        session_id: the session.
        started: its first entry, as it was written.
        head: the digest of that line.

    Raises:
        TypeError, ValueError, RecursionError: something in it has no JSON form.

    Example:
        >>> opened("sess_1", {"type": "session.started", "at": 1, "mono": 1, "replay": {}}, "") is None
        True
    """
    if isinstance(started, bytes) or not _TELLS_MORE.isdisjoint(started):
        return None
    redaction = {"mode": started["redaction"]["mode"], "marks": 0}
    if "max_payload" in started:
        redaction["max_payload"] = started["max_payload"]
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "session_id": session_id,
        "title": started["title"],
        "started_at": iso(started["at"]),
        "ended_at": None,
        "duration_ms": 0,
        "status": "active",
        "result": None,
        "end_reason": None,
        "channel": started["channel"],
        "metadata": started["metadata"] or {},
        "runtime": started["runtime"],
        "redaction": redaction,
        "summary": {
            **dict.fromkeys(("runs", "steps", "model_calls", "tool_calls", "tool_errors"), 0),
            **dict.fromkeys(("unresolved_tool_calls", "errors", "retries", "forks"), 0),
            "models": {},
            "tools": {},
            "usage": dict.fromkeys(
                ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "total_tokens"), 0
            ),
        },
        "artifacts": {"json": f"sessions/{session_id}.json"},
        "integrity": {"alg": "sha256", "entries": 1, "head": head},
        "notes": [],
        "runs": [],
    }
    return readable(document)
