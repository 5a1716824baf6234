"""A translation: what somebody says, and the same in another language, while it is being said."""

from __future__ import annotations

from typing import Any

from tfclient.projection.sockets.connection import Connection
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.errors import Errors
from tfclient.projection.sockets.live.backend import Backend
from tfclient.projection.sockets.live.spoken import Piece, Spoken
from tfclient.projection.sockets.sent_items import SentItems
from tfclient.projection.sockets.speech import Speech
from tfclient.projection.sockets.talk import Handler, Talk
from tfclient.projection.steps.endings import Closing
from tfclient.projection.steps.request_steps import Opening

_QUIET = frozenset({"session.update", "session.close"})
"""Messages of the program of which the effect is told by the server's."""

_WORDS = {
    "session.input_transcript.delta": Spoken.heard,
    "session.output_transcript.delta": Spoken.answered,
}


class Translation(Talk):
    """Reads what goes over one socket.

    Args:
        connection: the socket.
        opening: makes steps of requests.
        closing: makes steps of what came of them.
    """

    def __init__(self, connection: Connection, opening: Opening, closing: Closing) -> None:
        conversation = Conversation(connection, opening, "translation")
        self._model = Backend(connection.model)
        self._spoken = Spoken(conversation, closing, self._model, by_pauses=True)
        items = SentItems(conversation, Speech(conversation))
        errors = Errors(conversation, items)
        handlers: dict[tuple[str, str], Handler] = {
            ("in", "session.created"): self._configured,
            ("in", "session.updated"): self._configured,
            ("in", "session.closed"): self._closed,
            ("in", "error"): errors.told,
        }
        super().__init__(conversation, errors, handlers)

    def reopened(self) -> None:
        """A new connection: the server knows nothing of what was said."""
        self._conversation.reopened()
        self._model.told = {}

    def over(self, by: str, at: int) -> None:
        """The connection is over, and what is under way with it."""
        self._spoken.over(by, at)

    def _other(self, way: str, kind: str, event: dict[str, Any], at: int) -> None:
        said = event.get("delta")
        if way == "in" and kind in _WORDS and isinstance(said, str):
            moment = event.get("elapsed_ms")
            ms = moment if isinstance(moment, int) else None
            _WORDS[kind](self._spoken, Piece(said, at, ms, ms))
        elif way == "in" or kind not in _QUIET:
            self._conversation.generic(kind, event, at).notes.append("not_understood")

    def _closed(self, _event: dict[str, Any], at: int) -> None:
        self._spoken.rest(at)

    def _configured(self, event: dict[str, Any], at: int) -> None:
        session, before = event.get("session"), self._model.told
        if not isinstance(session, dict):
            self._conversation.generic(str(event["type"]), event, at)
            return
        self._model.told = dict(session)
        if before and session.get("audio") != before.get("audio"):
            # Another language, most often: what follows is another passage.
            self._conversation.generic("session.updated", {"session": {"audio": session.get("audio")}}, at)
