"""Requests for responses, of a realtime conversation.

Nobody says which request made a response: they are answered in order, unless the server was listening and began by
itself.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from attrs import define, field

from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.session_config import SessionConfig
from tfclient.projection.sockets.speech import Speech
from tfstore.document.times import milliseconds


@define(eq=False)
class Asked:
    """A request for a response."""

    response: dict[str, Any]
    at: int
    event_id: Any = None


@define(eq=False)
class Requests:
    """The requests that the program has made over one socket."""

    conversation: Conversation
    config: SessionConfig
    speech: Speech
    waiting: deque[Asked] = field(factory=deque[Asked])
    """Those that no response has answered yet."""

    def reopened(self) -> None:
        """A new connection: nobody answers what was asked for over the old one."""
        self.waiting.clear()

    def made(self, event: dict[str, Any], at: int) -> None:
        """The program asks for a response."""
        told = event.get("response")
        asked = Asked(told if isinstance(told, dict) else {}, at, event.get("event_id"))
        self.waiting.append(asked)

        def undo() -> None:
            if asked in self.waiting:
                self.waiting.remove(asked)

        self.conversation.undo = undo

    def answered_by(self, response: dict[str, Any]) -> Asked | None:
        """Return the request that a response answers, if it answers one; it waits no longer."""
        if not self.waiting:
            return None
        metadata = response.get("metadata")
        named = [each for each in self.waiting if metadata and each.response.get("metadata") == metadata]
        if named:
            self.waiting.remove(named[0])
            return named[0]
        turn = self.speech.unanswered
        if turn is not None and turn.stopped is not None and self.config.answers_itself:
            first = self.waiting[0]
            if milliseconds(turn.stopped, first.at) is not None and turn.stopped <= first.at:
                return None
        return self.waiting.popleft()
