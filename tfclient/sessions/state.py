"""One session while it is recorded: what the program's handle, the recorder and the idle sweep all look at."""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from tfstore.journal.entries import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token

    from tfclient.sessions.writer import Writer
    from tfstore.document.labels import EndReason

    Link = tuple["SessionState", "Link | None"]
    """The current session of a context, and what was its link before."""


class SessionState:
    """What is true of a session at this moment.

    ``kept`` says that something was to be written, so that it has to be ended; ``late`` that something came in
    after the end; ``done`` is set when its files are written, or could not be (``error``).
    """

    writer: Writer

    def __init__(
        self,
        owner: object,
        session_id: str,
        *,
        title: str = "",
        metadata: Mapping[str, Any] | None = None,
        idle_seconds: float,
        end: Callable[[SessionState, EndReason], None],
    ) -> None:
        self.owner = owner
        """The ``Sessions`` that it is one of."""
        self.id = session_id
        self.title = title
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.idle_seconds = idle_seconds
        self.pid = os.getpid()
        self.started = stamp()
        self.last_activity = monotonic()
        self.kept = False
        self.due = False
        """Nobody records into it any more: the idle sweep is to end it."""
        self.ended = False
        self.late = False
        self.done = threading.Event()
        self.error: Exception | None = None
        self.drift = 0
        """How many responses its document was seen to lack."""
        self.token: Token[Link | None] | None = None
        self.handle: Any = None
        """What the program holds of it, once it has asked for that."""
        self._end = end

    def end(self, reason: EndReason) -> None:
        """Have its owner end it."""
        self._end(self, reason)
