"""What one line of the journal says, and when it says that it was."""

from __future__ import annotations

from time import monotonic_ns, time_ns
from typing import Any

Entry = dict[str, Any]
"""An entry: ``at``, ``mono``, ``type``, and the type's own fields; readers add ``writer``, the name of its segment."""

Members = bytes
"""The members of an entry as JSON already, without the braces around them: a ``stream.chunk``, as a rule."""


def stamp() -> tuple[int, int]:
    """Return now, as journal entries have it: epoch and monotonic microseconds."""
    return time_ns() // 1000, monotonic_ns() // 1000
