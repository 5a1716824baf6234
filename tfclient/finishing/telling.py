"""Telling a program what happens in its sessions, on the thread that makes their documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfclient.projection.happened import Happened

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfclient.event import Event
    from tfclient.health import Health
    from tfstore.document.documents import Session


class Listener:
    """Who listens to one session.

    Args:
        tell: the program's function; what it raises is counted.
        health: where.
    """

    def __init__(self, tell: Callable[[Event], object], health: Health) -> None:
        self._tell = tell
        self._health = health
        self._happened = Happened()

    def hear(self, session: Session) -> None:
        """Tell what is new in the session."""
        for event in self._happened.since(session):
            with self._health.guard("event", f"telling on_event of a {event.kind} in {event.session_id}"):
                self._tell(event)

    def deaf(self, session_id: str) -> None:
        """Say that the session goes on untold: a process of its own makes its document."""
        self._health.untold(session_id)
