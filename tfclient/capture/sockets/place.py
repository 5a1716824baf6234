"""Where one connection is recorded: its session, its name there, and the writing itself."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tfclient.sessions.sessions import Sessions
    from tfclient.sessions.state import SessionState

_TOUCH: Final = 250_000_000
"""Nanoseconds after which the session hears that something is going on."""


class Place:
    """The place of the n-th connection of a socket.

    Args:
        sessions: what records it.
        state: the session.
        socket: the socket's name there.
        n: which of its connections this is, from 1.
        kind: what goes over it, as in ``realtime``.
    """

    __slots__ = ("_touch_at", "error", "kind", "n", "sessions", "socket", "state")

    def __init__(self, sessions: Sessions, state: SessionState, socket: str, n: int, kind: str) -> None:
        self.sessions = sessions
        self.state = state
        self.socket = socket
        self.n = n
        self.kind = kind
        self.error: BaseException | None = None
        """What the handshake ended in, once that is journaled."""
        self._touch_at = 0

    def append(self, *entries: Any) -> None:
        """Journal entries that go on with what was written last."""
        self.state.writer.append(*entries, again=True, live=True)
        mono = monotonic_ns()
        if mono > self._touch_at:
            self._touch_at = mono + _TOUCH
            self.sessions.ends.touch(self.state)

    def go_on(self, members: bytes, mono: int) -> None:
        """Journal one entry, JSON already, that goes on with the last one; ``mono`` says when, in nanoseconds."""
        self.state.writer.go_on(members, mono)
        if mono > self._touch_at:
            self._touch_at = mono + _TOUCH
            self.sessions.ends.touch(self.state)

    def write(self, *entries: Any) -> bool:
        """Journal entries; say whether they were taken."""
        return self.sessions.write(self.state, *entries)

    def guard(self, doing: str) -> AbstractContextManager[None]:
        """Count what goes wrong inside as a fault of the recorder's own."""
        return self.sessions.health.guard("capture", f"{doing} ({self.socket})")

    def fault(self, error: Exception, doing: str) -> None:
        """Count a fault of the recorder's own."""
        self.sessions.health.fault("capture", error, f"{doing} ({self.socket})")
