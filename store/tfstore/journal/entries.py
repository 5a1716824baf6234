"""What one line of the journal says, and when it says that it was."""

from __future__ import annotations

from time import monotonic_ns, time_ns
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tfstore.document.labels import RedactionAction

Entry = dict[str, Any]
"""An entry: ``at``, ``mono``, ``type``, and the type's own fields; readers add ``writer``, the name of its segment."""

Members = bytes
"""The members of an entry as JSON already, without the braces around them: a ``stream.chunk``, as a rule."""


def stamp() -> tuple[int, int]:
    """Return now, as journal entries have it: epoch and monotonic microseconds."""
    return time_ns() // 1000, monotonic_ns() // 1000


def dropped(
    path: str, rule: Literal["too_long", "redaction_failed", "not_decoded"], size: int
) -> dict[str, Any]:
    """Return the mark of something that an entry leaves out, and of how many bytes that is."""
    action: RedactionAction = "dropped"
    return {"path": path, "rule": rule, "action": action, "bytes": size}
