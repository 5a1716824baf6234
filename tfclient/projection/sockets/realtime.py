"""A realtime conversation: what is said over a socket becomes runs and steps, as a conversation over HTTP would."""

from __future__ import annotations

from typing import Any

from tfclient.projection.sockets.connection import Connection
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.errors import Errors
from tfclient.projection.sockets.playback import Playback
from tfclient.projection.sockets.requests import Requests
from tfclient.projection.sockets.responses import Responses
from tfclient.projection.sockets.sent_items import SentItems
from tfclient.projection.sockets.session_config import SessionConfig
from tfclient.projection.sockets.speech import Speech
from tfclient.projection.sockets.talk import Handler, Talk
from tfclient.projection.steps.endings import Closing
from tfclient.projection.steps.request_steps import Opening
from tfstore.journal.entries import SocketAudio, SocketSound

_QUIET = frozenset(
    {
        "session.update",
        "transcription_session.update",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "response.cancel",
        "conversation.created",
        "conversation.item.input_audio_transcription.segment",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
    }
)
"""Messages of which the effect is told by others."""


class Realtime(Talk):
    """Reads what goes over one socket.

    Args:
        connection: the socket.
        opening: makes steps of requests.
        closing: makes steps of what came of them.
    """

    def __init__(self, connection: Connection, opening: Opening, closing: Closing) -> None:
        conversation = Conversation(connection, opening)
        self._config = config = SessionConfig(conversation)
        self._speech = speech = Speech(conversation)
        self._playback = playback = Playback(conversation)
        self._items = items = SentItems(conversation, speech)
        self._requests = requests = Requests(conversation, config, speech)
        self._responses = responses = Responses(conversation, closing, items, requests, playback)
        errors = Errors(conversation, items, requests.waiting)
        handlers: dict[tuple[str, str], Handler] = {
            ("out", "conversation.item.create"): items.sent,
            ("out", "response.create"): requests.made,
            ("out", "conversation.item.truncate"): playback.truncated,
            ("in", "session.created"): config.configured,
            ("in", "session.updated"): config.configured,
            ("in", "transcription_session.created"): config.configured,
            ("in", "transcription_session.updated"): config.configured,
            ("in", "input_audio_buffer.speech_started"): speech.started,
            ("in", "input_audio_buffer.speech_stopped"): speech.stopped,
            ("in", "input_audio_buffer.committed"): speech.committed,
            ("in", "input_audio_buffer.timeout_triggered"): speech.timed_out,
            ("in", "conversation.item.input_audio_transcription.completed"): speech.transcribed,
            ("in", "conversation.item.input_audio_transcription.delta"): speech.transcribing,
            ("in", "conversation.item.input_audio_transcription.failed"): speech.not_transcribed,
            ("in", "conversation.item.added"): items.named,
            ("in", "conversation.item.created"): items.named,
            ("in", "conversation.item.truncated"): playback.truncated,
            ("in", "conversation.item.done"): items.done,
            ("in", "response.created"): responses.created,
            ("in", "response.done"): responses.done,
            ("in", "rate_limits.updated"): responses.limits,
            ("in", "error"): errors.told,
        }
        super().__init__(conversation, errors, handlers)

    def audio(self, entry: SocketAudio, ms: int, /) -> None:
        """Audio went by."""
        super().audio(entry, ms)
        item_id, response_id, first_at = entry["item_id"], entry["response_id"], entry["first_at"]
        if entry["dir"] != "in":
            return
        if isinstance(item_id, str):
            self._playback.came(item_id, ms)
        answer = self._conversation.answers.get(str(response_id))
        if answer is not None and isinstance(first_at, int):
            answer.heard(first_at)

    def sound(self, entry: SocketSound, kept: dict[str, Any]) -> bool:
        """What was said can be heard; say whether it is known who said it."""
        name = entry["item_id"]
        if not isinstance(name, str):
            return False
        if entry["dir"] == "in":
            return self._playback.kept(name, kept)
        return self._speech.kept(name, kept)

    def reopened(self) -> None:
        """A new connection: the server knows nothing of what was said."""
        self._conversation.reopened()
        self._config.told = {}
        self._speech.reopened()
        self._items.reopened()
        self._requests.reopened()

    def over(self, by: str, at: int) -> None:
        """The connection is over, and what is under way with it."""
        self._responses.over(by, at)
        self._speech.over(at)
        self._items.list_tools(None, at)

    def _other(self, way: str, kind: str, event: dict[str, Any], at: int) -> None:
        if kind not in _QUIET and (way == "out" or not self._responses.piece(kind, event, at)):
            self._conversation.generic(kind, event, at)
