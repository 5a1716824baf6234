"""Errors that the server tells, and what of the program's they are about.

Where none is named, it is a guess, and a note says so.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any

from attrs import define, field

from tfclient.projection.api.call_errors import error_from_body
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.requests import Asked
from tfclient.projection.sockets.sent_items import SentItems
from tfstore.document.documents import ErrorInfo

_REMEMBERED = 256

_BUSY = "conversation_already_has_active_response"


@define(eq=False)
class Errors:
    """What went wrong over one socket."""

    conversation: Conversation
    items: SentItems
    waiting: deque[Asked] = field(factory=deque[Asked])
    """Requests that no response has answered yet."""
    _sent: OrderedDict[str, str] = field(factory=OrderedDict[str, str])
    """Types of the messages that the program gave an id."""

    def sent(self, event: dict[str, Any], kind: str) -> None:
        """Remember a message of the program: an error may name it."""
        if isinstance(name := event.get("event_id"), str):
            self._sent[name] = kind
            while len(self._sent) > _REMEMBERED:
                self._sent.popitem(last=False)

    def told(self, event: dict[str, Any], at: int) -> None:
        """The server tells an error."""
        told, waiting = event.get("error"), self.waiting
        error: dict[str, Any] = told if isinstance(told, dict) else {}
        code, name = error.get("code"), error.get("event_id") or error.get("client_event_id")
        if "session_expired" in (code, error.get("type")):
            self.conversation.connection.expires = True
        payload: dict[str, Any] = {}
        notes: list[str] = []
        if isinstance(name, str):
            payload = {"event_id": name, "event_type": self._sent.get(name)}
            said = next((each for each in self.items.said if each.event_id == name), None)
            if said is not None:
                self.items.take_back(said)
        asked = next((each for each in waiting if name is not None and each.event_id == name), None)
        nameless = asked is None and not isinstance(name, str) and bool(waiting)
        if nameless and (code == _BUSY or not self.conversation.answers):
            asked, notes = waiting[-1], ["inferred"]
        if asked is not None:
            waiting.remove(asked)
            payload |= {"refused": asked.response} if asked.response else {"refused": {}}
        step = self.conversation.generic(
            "error", event, at, payload_started={k: v for k, v in payload.items() if v is not None}
        )
        step.error = error_from_body(event, None) or ErrorInfo("provider", "an error without words")
        step.status, step.notes = "failed", notes
