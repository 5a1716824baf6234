"""By which policy a session was recorded before another process, or another recorder, went on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfstore.journal.reading import iter_entries, writers

if TYPE_CHECKING:
    from tfstore.disk.paths import StorePaths
    from tfstore.journal.segment import Segment


def earlier_policy(paths: StorePaths, own: Segment) -> str | None:
    """Return the redaction mode that the session began with; None where nothing was recorded of it before.

    Args:
        paths: the store.
        own: the segment that goes on with the session; it does not count.
    """
    if writers(paths, own.session_id) == [own.writer]:
        return None
    for entry in iter_entries(paths, own.session_id):
        if entry.get("type") == "session.started" and entry.get("writer") != own.writer:
            policy = entry.get("redaction")
            return str(policy.get("mode")) if isinstance(policy, dict) else None
    return None
