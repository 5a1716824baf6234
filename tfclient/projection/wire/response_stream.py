"""One Responses event stream, read as it comes.

The final ``response`` is the truth; what was streamed before it counts only where it is missing there, and then by
``output_index``, because ids change within a stream at some providers.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.call_errors import error_from_body, error_in_event
from tfclient.projection.api.model_call import ModelResponse
from tfclient.projection.api.responses import id_of, read_response
from tfclient.projection.wire.bodies import parse_json
from tfclient.projection.wire.event_growth import GROWERS, SILENT
from tfclient.projection.wire.growing import joined
from tfstore.document.item_types import item_type

TERMINAL = frozenset({"response.completed", "response.failed", "response.incomplete", "response.cancelled"})

_ADDED, _DONE = "response.output_item.added", "response.output_item.done"

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
    finished: bool = False
    """Whether ``[DONE]`` has come: the response is whole, also without a last word of its own."""
    _latest: dict[str, Any] = field(factory=dict[str, Any])
    _items: dict[int, dict[str, Any]] = field(factory=dict[int, dict[str, Any]])
    _places: dict[int, int] = field(factory=dict[int, int])
    """Where the item that events call by an ``output_index`` stands."""
    _ids: dict[str, int] = field(factory=dict[str, int])
    _announced: set[int] = field(factory=set[int])
    _closed: set[int] = field(factory=set[int])

    @property
    def ended(self) -> bool:
        """Whether the stream has said its last word."""
        return self.terminal is not None or self.finished

    def feed(self, name: str | None, data: str) -> dict[str, Any] | None:
        """Take one server-sent event and return it if it is a delta."""
        if data.strip() == "[DONE]":
            self.finished = True
            return None
        self.events += 1
        event = parse_json(data)
        if not isinstance(event, dict):
            self.unread.append(data)
            self.error = data if name == "error" else self.error
            return None
        return self.take(event, name)

    def take(self, event: dict[str, Any], name: str | None = None) -> dict[str, Any] | None:
        """Take one event that is read already; return it if it is a delta."""
        kind = str(event.get("type") or name or "")
        # An error beside a type of this API belongs to what that type says.
        told = not kind.startswith("response.") or kind == "response.error"
        error = error_in_event(event, name) if told else None
        if error is not None:
            self.error = error["error"]
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
        grower, item = GROWERS.get(kind), event.get("item")
        if isinstance(item, dict):
            place = self._place(event, item, kind)
            self._items[place] = joined(item)
            if kind == _DONE:
                by = item_type(str(item.get("type"))).answered_by
                self.asks = self.asks or by == "caller"
        elif grower is not None:
            guessed, grow = grower
            known = {"type": guessed, "id": event.get("item_id")}
            grow(self._items.setdefault(self._place(event, known), known), event)
        elif kind not in SILENT:
            self.strange.append(event)

    def _place(self, event: dict[str, Any], item: dict[str, Any], kind: str = "") -> int:
        """Return the place of the item that an event speaks of.

        Its ``output_index`` tells, since some providers give every event new ids. A server that gives none is
        understood by its ids; where it calls two items by one index, the ids tell those apart.
        """
        index, name = event.get("output_index"), id_of(item.get("id"))
        added, after_all = kind == _ADDED, max(self._items, default=-1) + 1
        place = self._places.get(index) if isinstance(index, int) else self._ids.get(name or "")
        if place is None:
            last = self._items.get(after_all - 1)
            if isinstance(index, int):
                place = after_all if index in self._items else index
            elif last is not None and not added and name is None and last.get("type") == item.get("type"):
                place = after_all - 1
            else:
                place = after_all
        elif (added and place in self._announced) or (
            place in self._closed and self._items[place].get("id") != name
        ):
            place = after_all
        elif self._items[place].get("id") != name:
            return self._ids.get(name or "", place)
        if isinstance(index, int):
            self._places[index] = place
        if name is not None and kind in {_ADDED, _DONE}:
            self._ids[name] = place
        if added:
            self._announced.add(place)
        elif kind == _DONE:
            self._closed.add(place)
        return place

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
        if self.finished and body.get("status", "in_progress") == "in_progress":
            for item in body["output"]:
                if item.get("status") == "in_progress":
                    item["status"] = "completed"
            body["status"] = "completed"
        return {"status": "in_progress", **body}

    def _told_whole(self) -> dict[str, Any] | None:
        return (
            self.final if self.final is not None and (self.final.get("output") or not self._items) else None
        )
