"""What goes over a socket that is spoken over: each message goes to who reads its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.errors import Errors
from tfstore.journal.entries import SocketAudio

Handler: TypeAlias = Callable[[dict[str, Any], int], None]
"""Takes a message, and when it went by."""


class Talk(ABC):
    """Makes runs and steps of what goes over one socket.

    Args:
        conversation: what is made of it.
        errors: reads those that the server tells.
        handlers: who reads a message, by its way (``out``, ``in``) and its type.
    """

    def __init__(
        self, conversation: Conversation, errors: Errors, handlers: Mapping[tuple[str, str], Handler]
    ) -> None:
        self._conversation = conversation
        self._errors = errors
        self._handlers = handlers

    def frame(self, way: str, event: dict[str, Any], at: int) -> bool:
        """Take a message; say whether it is known."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return False
        if way == "out":
            self._conversation.undo = None
            self._errors.sent(event, kind)
        handler = self._handlers.get((way, kind))
        if handler is not None:
            handler(event, at)
        else:
            self._other(way, kind, event, at)
        return True

    def unsent(self) -> None:
        """The last message of the program did not leave."""
        self._conversation.take_back()

    def audio(self, _entry: SocketAudio, _ms: int, /) -> None:
        """Audio went by."""
        for run in self._conversation.runs:
            run.run.channel = "voice"

    @abstractmethod
    def reopened(self) -> None:
        """There is a new connection."""

    @abstractmethod
    def over(self, by: str, at: int) -> None:
        """The connection is over, and what is under way with it."""

    @abstractmethod
    def _other(self, way: str, kind: str, event: dict[str, Any], at: int) -> None:
        """Take a message that has no handler."""
