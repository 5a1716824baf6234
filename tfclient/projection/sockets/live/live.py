"""A live session: the model listens and speaks at once, and gives away what is to be thought about.

Nobody says where a turn ends (``spoken``); what is given away is answered by itself (``delegated``).
"""

from __future__ import annotations

from typing import Any

from tfclient.projection.sockets.connection import Connection
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.errors import Errors
from tfclient.projection.sockets.live.backend import Backend
from tfclient.projection.sockets.live.delegated import Delegated
from tfclient.projection.sockets.live.spoken import Piece, Spoken
from tfclient.projection.sockets.sent_items import SentItems
from tfclient.projection.sockets.speech import Speech
from tfclient.projection.sockets.talk import Handler, Talk
from tfclient.projection.steps.endings import Closing
from tfclient.projection.steps.request_steps import Opening

_QUIET = frozenset(
    {
        ("out", "session.start"),
        ("out", "session.update"),
        ("out", "session.close"),
        ("out", "session.input_audio.mute"),
        ("out", "session.input_audio.unmute"),
        ("out", "decision.create"),
        ("in", "session.commentary.appended"),
        ("in", "session.instructions.appended"),
        ("in", "session.thinking.appended"),
    }
)
"""Messages of which the effect is told by others."""

_PLAIN = frozenset(
    {
        "decision.item.create",
        "decision.item.created",
        "decision.item.delete",
        "decision.item.deleted",
        "info",
        "session.input_audio.muted",
        "session.input_audio.unmuted",
        "session.output_audio.fixture.played",
        "session.output_audio.fixture.playing",
        "session.paused",
        "session.resumed",
        "transport.answered",
        "transport.dtmf.received",
        "transport.dtmf.send",
        "transport.dtmf.sent",
        "transport.failed",
        "transport.ringing",
    }
)
"""Messages that are what they are: each is a step, whole."""

_KEPT = frozenset({"audio", "delegation", "triggers", "store", "safety_identifier"})
"""What of a session's configuration is a step of its own where it changes."""


class Live(Talk):
    """Reads what goes over one socket.

    Args:
        connection: the socket.
        opening: makes steps of requests.
        closing: makes steps of what came of them.
    """

    def __init__(self, connection: Connection, opening: Opening, closing: Closing) -> None:
        conversation = Conversation(connection, opening, "live")
        self._model, self._backend = Backend(connection.model), Backend()
        self._spoken = spoken = Spoken(conversation, closing, self._model)
        self._items = items = SentItems(conversation, Speech(conversation))
        self._delegated = delegated = Delegated(conversation, closing, spoken, items, self._backend)
        errors = Errors(conversation, items, delegated.waiting)
        handlers: dict[tuple[str, str], Handler] = {
            ("out", "response.item.create"): items.sent,
            ("out", "response.create"): delegated.asked,
            ("out", "session.commentary.append"): delegated.replied,
            ("out", "session.instructions.append"): delegated.replied,
            ("out", "session.thinking.append"): delegated.replied,
            ("in", "session.started"): self._configured,
            ("in", "session.updated"): self._configured,
            ("in", "session.input_transcript.delta"): self._heard,
            ("in", "session.output_transcript.delta"): self._answered,
            ("in", "session.delegation.created"): delegated.created,
            ("in", "response.event"): delegated.event,
            ("in", "decision.event"): delegated.decided,
            ("in", "session.usage.updated"): self._used,
            ("in", "session.closed"): self._closed,
            ("in", "error"): errors.told,
        }
        super().__init__(conversation, errors, handlers)

    def reopened(self) -> None:
        """A new connection: a sideband joins the session that was there, others begin one anew."""
        self._items.reopened()
        self._delegated.reopened()
        if self._conversation.connection.kind != "sideband":
            self._conversation.reopened()
            self._model.told, self._backend.told = {}, {}

    def over(self, by: str, at: int) -> None:
        """The connection is over, and what is under way with it."""
        self._delegated.over(by, at)
        self._spoken.over(by, at)

    def _other(self, way: str, kind: str, event: dict[str, Any], at: int) -> None:
        if (way, kind) not in _QUIET:
            step = self._conversation.generic(kind, event, at)
            if kind not in _PLAIN:
                step.notes.append("not_understood")

    # What is said

    def _heard(self, event: dict[str, Any], at: int) -> None:
        piece = _piece(event, at)
        if piece is None:
            self._conversation.generic(str(event["type"]), event, at)
        else:
            self._spoken.heard(piece)

    def _answered(self, event: dict[str, Any], at: int) -> None:
        piece = _piece(event, at)
        if piece is None:
            self._conversation.generic(str(event["type"]), event, at)
        else:
            self._spoken.answered(piece)

    # The session

    def _configured(self, event: dict[str, Any], at: int) -> None:
        session = event.get("session")
        if not isinstance(session, dict):
            self._conversation.generic(str(event["type"]), event, at)
            return
        before = self._model.told
        self._model.told = dict(session)
        if before:
            # It was given at the beginning, and is told each time.
            self._model.told.pop("input", None)
            changed = {k: session[k] for k in sorted(_KEPT & session.keys()) if before.get(k) != session[k]}
            if changed:
                self._conversation.generic("session.updated", {"session": changed}, at)
        delegation = session.get("delegation")
        told = delegation.get("responses") if isinstance(delegation, dict) else None
        if isinstance(told, dict):
            self._backend.told = dict(told)

    def _used(self, event: dict[str, Any], _at: int) -> None:
        about = {k: event[k] for k in ("usage", "context_window") if event.get(k) is not None}
        self._conversation.connection.about |= about

    def _closed(self, event: dict[str, Any], at: int) -> None:
        self._used(event, at)
        self._conversation.connection.about["session_closed"] = event.get("reason")
        if event.get("reason") == "expired":
            self._conversation.connection.expires = True
        self._spoken.rest(at)


def _piece(event: dict[str, Any], at: int) -> Piece | None:
    text, start, end = event.get("delta"), event.get("start_ms"), event.get("end_ms")
    if not isinstance(text, str):
        return None
    return Piece(text, at, start if isinstance(start, int) else None, end if isinstance(end, int) else None)
