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
from tfclient.projection.steps.endings import Closing
from tfclient.projection.steps.request_steps import Opening
from tfstore.journal.entries import SocketAudio

_QUIET = frozenset({"session.update", "session.close"})
"""Messages of the program of which the effect is told by the server's."""

_WORDS = {
    "session.input_transcript.delta": Spoken.heard,
    "session.output_transcript.delta": Spoken.answered,
}


class Translation:
    """Reads what goes over one socket.

    Args:
        connection: the socket.
        opening: makes steps of requests.
        closing: makes steps of what came of them.
    """

    def __init__(self, connection: Connection, opening: Opening, closing: Closing) -> None:
        self._conversation = conversation = Conversation(connection, opening, "translation")
        self._model = Backend(connection.model)
        self._spoken = Spoken(conversation, closing, self._model, by_pauses=True)
        items = SentItems(conversation, Speech(conversation))
        self._errors = Errors(conversation, items)

    def frame(self, way: str, event: dict[str, Any], at: int) -> bool:
        """Take a message; say whether it is known."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return False
        if way == "out":
            self._errors.sent(event, kind)
        said = event.get("delta")
        if way == "in" and kind in _WORDS and isinstance(said, str):
            moment = event.get("elapsed_ms")
            ms = moment if isinstance(moment, int) else None
            _WORDS[kind](self._spoken, Piece(said, at, ms, ms))
        elif way == "in" and kind in {"session.created", "session.updated"}:
            self._configured(kind, event, at)
        elif way == "in" and kind == "session.closed":
            self._spoken.rest(at)
        elif way == "in" and kind == "error":
            self._errors.told(event, at)
        elif way == "in" or kind not in _QUIET:
            self._conversation.generic(kind, event, at).notes.append("not_understood")
        return True

    def unsent(self) -> None:
        """The last message of the program did not leave; nothing was made of it."""

    def audio(self, _entry: SocketAudio, _ms: int, /) -> None:
        """Audio went by."""
        for run in self._conversation.runs:
            run.run.channel = "voice"

    def reopened(self) -> None:
        """A new connection: the server knows nothing of what was said."""
        self._conversation.reopened()
        self._model.told = {}

    def over(self, by: str, at: int) -> None:
        """The connection is over, and what is under way with it."""
        self._spoken.over(by, at)

    def _configured(self, kind: str, event: dict[str, Any], at: int) -> None:
        session, before = event.get("session"), self._model.told
        if not isinstance(session, dict):
            self._conversation.generic(kind, event, at)
            return
        self._model.told = dict(session)
        if before and session.get("audio") != before.get("audio"):
            # Another language, most often: what follows is another passage.
            self._conversation.generic("session.updated", {"session": {"audio": session.get("audio")}}, at)
