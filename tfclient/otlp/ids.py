"""The ids of traces and spans: made of what they are of, so that sending again changes nothing.

The store's own id is in them: two stores that imported one cassette are two. So is when the session began: a name that
is used again is another session.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from tfstore.document.documents import Session

WHOLE_SESSION: Final = "session"
"""What stands for a run's id where the whole session is one trace."""


@frozen
class Ids:
    """The ids of one session's traces and spans."""

    store_id: str
    session_id: str
    started_at: str

    @classmethod
    def of(cls, store_id: str, session: Session) -> Ids:
        """Return those of a session.

        Example:
            >>> from tfstore.document.documents import Session
            >>> ids = Ids.of("5e0a…", Session("sess_1", started_at="2026-09-02T09:14:00.000Z"))
            >>> ids.trace("run_1").hex(), ids.span("step_1_4").hex()
            ('ba16cb1571d15a71c54470ed621e3619', 'bd3decd29db04d0c')
        """
        return cls(store_id, session.session_id, session.started_at or "")

    def trace(self, run_id: str) -> bytes:
        """Return the id of a run's trace: 16 bytes."""
        return self._digest("trace", run_id)[:16]

    def span(self, step_id: str) -> bytes:
        """Return the id of the span of a step, or of a run: 8 bytes."""
        return self._digest("span", step_id)[:8]

    def _digest(self, kind: str, name: str) -> bytes:
        parts = ("thoughtflow/1", kind, self.store_id, self.session_id, self.started_at, name)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()
