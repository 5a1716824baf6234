"""One session while it is recorded: what the program's handle, the recorder and the idle sweep all look at."""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from tfclient.sessions.aside import Aside
from tfstore.disk.fork import renew_after_fork
from tfstore.journal.entries import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token
    from weakref import ref

    from tfclient.playing import Player
    from tfclient.sessions.writer import Writer
    from tfstore.document.labels import EndReason
    from tfstore.journal.entries import ProgramFailure

    Holder = tuple[Any, int, Any]
    """A generator's frame, and the thread and the task in which it entered a session."""

    Link = tuple["SessionState", "Link | None"]
    """The current session of a context, and what was its link before."""


PATIENCE: Final = 5.0
"""Seconds that the end of a session waits for a slow disk, where nothing else says how long."""


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
        end: Callable[[SessionState, EndReason, float], None],
        fail: Callable[[SessionState, BaseException], None],
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
        self.calls = 0
        """How many calls it was given."""
        self.holder: Holder | None = None
        """The generator that holds it open."""
        self.under: SessionState | None = None
        """The session of the generator inside which it was entered."""
        self.beginning: bytes | None = None
        """What its first conversation began with, see ``continued``; only of sessions that a call opened."""
        self.unsaid: EndReason | None = None
        """How it ended, if nothing was written until then, so that neither was its end."""
        self.failure: ProgramFailure | None = None
        """The exception that ends it, as far as it may be told."""
        self.done = threading.Event()
        self.error: Exception | None = None
        self.drift = 0
        """How many responses its document was seen to lack."""
        self.token: Token[Link | None] | None = None
        self.asked = False
        """Whether a model was asked in it, and not only tools run."""
        self.player: Player | None = None
        """What its calls are played by, if they are."""
        self.aside = Aside()
        """What is still being made of what went by, off the program's path."""
        self.sockets: set[ref[Any]] = set()
        """Connections that are open: while one is, the session is not idle."""
        self.handle: ref[Any] | None = None
        """What the program holds of it, once it has asked for that."""
        self._end = end
        self._fail = fail
        renew_after_fork(self)

    def end(self, reason: EndReason, patience: float = PATIENCE) -> None:
        """Have its owner end it, waiting so many seconds for a slow disk at most."""
        self._end(self, reason, patience)

    def fail(self, error: BaseException) -> None:
        """Have it noted that this exception ends the session, before that is ended."""
        self._fail(self, error)

    def has_a_socket(self) -> bool:
        """Whether a connection is open, and still there."""
        return any(each() is not None for each in list(self.sockets))

    def _forked(self) -> None:
        # The child has none of them to speak through.
        self.sockets.clear()
        # Somebody may have been in the middle of setting it.
        if not self.done.is_set():
            self.done = threading.Event()
