"""One Responses event stream, read as it comes.

The final ``response`` is the truth; what was streamed before it counts only where it is missing there, and then by
``output_index``, because ids change within a stream at some providers.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import define, field

from tfclient.projection.api.call_errors import error_from_body
from tfclient.projection.api.model_call import ModelResponse
from tfclient.projection.api.responses import id_of, read_response
from tfclient.projection.wire.event_growth import GROWERS, SILENT
from tfclient.projection.wire.growing import joined
from tfstore.document.item_types import item_type

TERMINAL = frozenset({"response.completed", "response.failed", "response.incomplete", "response.cancelled"})

_SPOKEN = ("response.output_text.delta", "response.refusal.delta", "response.audio.transcript.delta")


@define
class ResponseStream:
    """The state of one stream: feed it events, ask for the response so far."""

    events: int = 0
    response_id: str | None = None
    final: dict[str, Any] | None = None
    terminal: str | None = None
    error: Any = None
    spoke: bool = False
    """Whether any text has come."""
    asks: bool = False
    """Whether it has asked for a tool that the caller runs."""
    unread: list[str] = field(factory=list[str])
    """Data that is not this API's JSON, as it came."""
    strange: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    """Events of types that nothing is known of, as they came."""
    _latest: dict[str, Any] = field(factory=dict[str, Any])
    _items: dict[int, dict[str, Any]] = field(factory=dict[int, dict[str, Any]])

    @property
    def ended(self) -> bool:
        """Whether the stream has said its last word."""
        return self.terminal is not None

    @property
    def finished(self) -> bool:
        """Whether the response is whole without a last word: never, here."""
        return False

    def feed(self, name: str | None, data: str) -> dict[str, Any] | None:
        """Take one server-sent event and return it if it is a delta."""
        if data.strip() == "[DONE]":
            return None
        self.events += 1
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            self.unread.append(data)
            return None
        kind = str(event.get("type") or name or "")
        if kind in {"error", "response.error"} or (not kind and "error" in event):
            self.error = event.get("error") or {k: v for k, v in event.items() if k != "type"}
        elif isinstance(event.get("response"), dict):
            self._whole(kind, event["response"])
        else:
            self._grow(kind, event)
        return event if kind.endswith(".delta") else None

    def _whole(self, kind: str, response: dict[str, Any]) -> None:
        self._latest = response
        self.response_id = self.response_id or id_of(response.get("id"))
        if kind in TERMINAL:
            self.final, self.terminal = response, kind
            self.response_id = id_of(response.get("id")) or self.response_id

    def _grow(self, kind: str, event: dict[str, Any]) -> None:
        self.spoke = self.spoke or kind in _SPOKEN
        grower = GROWERS.get(kind)
        index = event.get("output_index")
        if isinstance(index, int) and isinstance(event.get("item"), dict):
            self._items[index] = joined(event["item"])
            if kind == "response.output_item.done":
                by = item_type(str(event["item"].get("type"))).answered_by
                self.asks = self.asks or by == "caller"
        elif isinstance(index, int) and grower is not None:
            guessed, grow = grower
            grow(self._items.setdefault(index, {"type": guessed, "id": event.get("item_id")}), event)
        elif kind not in SILENT:
            self.strange.append(event)

    def response(self) -> ModelResponse:
        """Return the response as far as the stream has told it."""
        response = read_response(self.body())
        if self._told_whole() is None:
            response.indexed = True
            for item, place in zip(response.outputs, sorted(self._items), strict=True):
                item.index = place
        if self.error is not None and self.terminal is None:
            response.error = error_from_body({"error": self.error}, None)
        return response

    def body(self) -> dict[str, Any]:
        """Return the response as an unstreamed one would stand in a body, as far as the stream has told it."""
        whole = self._told_whole()
        if whole is not None:
            return whole
        body = {"object": "response", **(self.final or self._latest)}
        body["output"] = [joined(self._items[place]) for place in sorted(self._items)]
        if self.response_id:
            body["id"] = self.response_id
        if self.error is not None and self.terminal is None:
            body |= {"status": "failed", "error": body.get("error") or self.error}
        return {"status": "in_progress", **body}

    def _told_whole(self) -> dict[str, Any] | None:
        return (
            self.final if self.final is not None and (self.final.get("output") or not self._items) else None
        )
