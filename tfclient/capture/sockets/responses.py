"""Responses over a socket, written as calls are over HTTP: what asks for one, and the events that come of it."""

from __future__ import annotations

import weakref
from collections import deque
from time import monotonic_ns, time_ns
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from orjson import dumps

from tfclient import playing
from tfclient.capture.agent_here import agent_here
from tfclient.capture.exceptions import describe
from tfclient.capture.exchange import IN_ONE_ENTRY
from tfclient.capture.explicit_parent import parent_here
from tfclient.capture.request_body import request_body
from tfclient.capture.sockets.messages import Incoming, kept_alone
from tfclient.capture.tools import current_tool
from tfstore.journal.entries import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.capture.sockets.place import Place
    from tfstore.document.labels import Ending
    from tfstore.journal.entries import AttemptAnswered, AttemptEnded, AttemptSent, CallStarted, StreamChunk

_ENDS: Final = frozenset(
    {"response.completed", "response.failed", "response.incomplete", "response.cancelled", "error"}
)

_STEERING: Final = "response.steer"

_NOT_OF_THE_BODY: Final = frozenset({"type", "stream_id"})

_CHUNK: Final = b'"at":%%d,"mono":%%d,"type":"stream.chunk","exchange_id":%b,"data":%%b'

_OF_THE_SDK: Final = "ResponsesServerEvent"
"""What the SDK makes of an event."""

_BAD: Final = 400


class Exchange:
    """One request for a response, and what has come of it."""

    __slots__ = ("answered", "bytes", "chunk", "chunks", "ended", "id", "lane")

    def __init__(self, exchange_id: str, lane: str | None) -> None:
        self.id = exchange_id
        self.lane = lane
        self.answered = self.ended = False
        self.bytes = self.chunks = 0
        self.chunk = _CHUNK % dumps(exchange_id).replace(b"%", b"%%")


class Exchanges:
    """The exchanges of one connection.

    An event belongs to the exchange of its lane, the ``stream_id``; without one, to what is in flight without one,
    else to the only one in flight.
    """

    def __init__(self, place: Place) -> None:
        self.url = ""
        self._place = place
        self._lanes: dict[str | None, deque[Exchange]] = {}
        self._incoming: dict[str | None, Incoming] = {}
        self._latest: dict[str | None, str] = {}
        self._last_sent: Exchange | None = None
        self.connection: weakref.ref[Any] | None = None
        """What is opened, where it says of what it gives that it was played."""
        self._going_on: tuple[Exchange, Incoming] | None = None
        """Whose event came last, as long as the next one that is alike can be nobody else's."""

    def sent(self, event: dict[str, Any]) -> bool:
        """Journal what asks for a response, before it leaves; say whether it is that."""
        if event.get("type") != "response.create":
            self._last_sent = None
            return False
        lane = _text(event.get("stream_id"))
        body = {key: value for key, value in event.items() if key not in _NOT_OF_THE_BODY}
        self._last_sent = self._begin(lane, body)
        return True

    def goes_on(self, data: bytes) -> bool:
        """Journal an event that is as the last one but for a harmless piece of text; say whether it is that."""
        if self._going_on is None:
            return False
        exchange, incoming = self._going_on
        like = incoming.like
        if like is None or not data.startswith(like.head) or (text := like.take(data)) is None:
            return False
        incoming.went_by += 1
        exchange.bytes += len(data)
        exchange.chunks += 1
        mono = monotonic_ns()
        text = f"event: {incoming.like_name}\ndata: {text}\n\n"
        self._place.go_on(exchange.chunk % (time_ns() // 1000, mono // 1000, dumps(text)), mono)
        return True

    def received(self, event: dict[str, Any], data: bytes) -> bool:
        """Journal an event before the program has it; say whether it is of a response."""
        kind = str(event.get("type"))
        if kind.startswith(_STEERING):
            return False
        lane = _text(event.get("stream_id"))
        exchange = self._in_flight(lane)
        response = event.get("response")
        if exchange is None:
            if kind != "response.created" or not isinstance(response, dict):
                return False
            # Nobody asked for it: what steering has made of the one before.
            before = _text(response.get("previous_response_id")) or self._latest.get(lane)
            exchange = self._begin(lane, {"previous_response_id": before}, automatic=True)
        if isinstance(response, dict) and isinstance(response.get("id"), str):
            self._latest[lane] = response["id"]
        status = event.get("status")
        if kind == "error" and not exchange.answered and _is_bad(status):
            self._refused(exchange, event, data)
        else:
            self._take(exchange, kind, data)
        return True

    def unsent(self, error: BaseException) -> None:
        """Journal that the last request did not leave after all."""
        exchange, self._last_sent = self._last_sent, None
        if exchange is not None and not exchange.ended:
            self._end(exchange, "no_response", error)

    def over(self, ending: Ending, error: BaseException | None) -> None:
        """Journal that nothing more can come of what is in flight."""
        for lane in list(self._lanes.values()):
            for exchange in list(lane):
                self._end(exchange, ending, error)

    def _in_flight(self, lane: str | None) -> Exchange | None:
        waiting = self._lanes.get(lane)
        if waiting:
            return waiting[0]
        if lane is None:
            flying = [each[0] for each in self._lanes.values() if each]
            return flying[0] if len(flying) == 1 else None
        return None

    def _begin(self, lane: str | None, body: dict[str, Any], *, automatic: bool = False) -> Exchange:
        place = self._place
        sessions, state = place.sessions, place.state
        call = state.writer.new_id()
        exchange = Exchange(f"{call}.1", lane)
        self._going_on = None
        at, mono = stamp()
        started: CallStarted = {
            "at": at,
            "mono": mono,
            "type": "call.started",
            "call": call,
            "method": "POST",
            "path": "/responses",
            "stream": True,
            "cast_to": _OF_THE_SDK,
            "tool": current_tool(sessions),
            "explicit_parent": parent_here(),
        }
        if (agent := agent_here.get()) is not None and isinstance(
            name := sessions.clean(agent, "the name of an agent"), str
        ):
            started["agent"] = name
        sessions.counters.calls += 1
        state.calls += 1
        request = SimpleNamespace(content=as_json(body))
        kept, marks, sent = request_body(
            request, "application/json", exchange.id, state.writer.sent_bodies, sessions
        )
        entry: AttemptSent = {
            "at": at,
            "mono": mono,
            "type": "attempt.sent",
            "call": call,
            "exchange_id": exchange.id,
            "n": 1,
            "method": "POST",
            "url": self.url,
            "headers": {},
            "body": kept,
            "transport": "websocket",
            "socket": place.socket,
            "socket_n": place.n,
            "lane": lane,
        }
        if automatic:
            entry["automatic"] = True
        if marks:
            entry["redactions"] = marks
        self._lanes.setdefault(lane, deque()).append(exchange)
        if sessions.write(state, started, entry) and sent is not None:
            state.writer.remember(sent)
        return exchange

    def _take(self, exchange: Exchange, kind: str, data: bytes) -> None:
        entries: list[Any] = []
        if not exchange.answered:
            exchange.answered = True
            entries.append(self._answered(exchange))
        incoming = self._incoming.get(exchange.lane)
        if incoming is None:
            incoming = self._incoming[exchange.lane] = Incoming(
                self._place.sessions.redactor, "response.body", named=True
            )
        exchange.bytes += len(data)
        exchange.chunks += 1
        entries += _chunks(incoming.take(data, (exchange, time_ns(), monotonic_ns()), kind))
        self._going_on = (exchange, incoming)
        if kind in _ENDS:
            entries += _chunks(incoming.rest())
            entries.append(self._ended(exchange, "completed"))
        if entries:
            self._place.append(*entries)

    def _answered(self, exchange: Exchange) -> AttemptAnswered:
        at, mono = stamp()
        entry: AttemptAnswered = {
            "at": at,
            "mono": mono,
            "type": "attempt.answered",
            "exchange_id": exchange.id,
            "status": None,
            "headers": {},
            "body": None,
            "complete": False,
        }
        if playing.on and self.connection is not None and (mark := playing.mark_of(self.connection())):
            entry["played"] = mark  # type: ignore[typeddict-item] # made by what plays
        return entry

    def _refused(self, exchange: Exchange, event: dict[str, Any], data: bytes) -> None:
        """An error with a status is what an HTTP error of that status would be."""
        redactor = self._place.sessions.redactor
        entry = self._answered(exchange)
        told = event.get("error")
        headers = told.get("headers") if isinstance(told, dict) else None
        pairs = [(str(k), str(v)) for k, v in headers.items()] if isinstance(headers, dict) else []
        entry["headers"], marks = redactor.headers(pairs, "response.headers")
        body, found = kept_alone(redactor, data, "response.body", is_json=True)
        entry["status"], entry["complete"] = event["status"], True
        entry["body"] = {"text": body} if isinstance(body, str) else body
        if marks + found:
            entry["redactions"] = marks + found
        exchange.answered = True
        self._done(exchange)
        self._place.append(entry)
        self._place.sessions.ends.write_late_files(self._place.state)

    def _end(self, exchange: Exchange, ending: Ending, error: BaseException | None) -> None:
        if exchange.ended:
            return
        incoming = self._incoming.get(exchange.lane)
        rest = [*_chunks(incoming.rest())] if incoming is not None else []
        entry = self._ended(exchange, ending if exchange.answered or ending != "cut" else "no_response")
        if error is not None:
            entry["error"] = describe(error, self._place.sessions)
        self._place.sessions.write(self._place.state, *rest, entry)

    def _ended(self, exchange: Exchange, ending: Ending) -> AttemptEnded:
        self._done(exchange)
        at, mono = stamp()
        return {
            "at": at,
            "mono": mono,
            "type": "attempt.ended",
            "exchange_id": exchange.id,
            "ending": ending,
            "bytes": exchange.bytes,
            "chunks": exchange.chunks,
        }

    def _done(self, exchange: Exchange) -> None:
        exchange.ended = True
        self._going_on = None
        lane = self._lanes.get(exchange.lane)
        if lane is not None and exchange in lane:
            lane.remove(exchange)


def _chunks(kept: list[Any]) -> Iterator[Any]:
    """Give the entries of events; a long event is several pieces, as it would be over HTTP."""
    for noted, data, marks in kept:
        for start in range(0, len(data), IN_ONE_ENTRY):
            yield _chunk(noted, data[start : start + IN_ONE_ENTRY], [] if start else marks)


def _chunk(noted: Any, data: str, marks: list[Any]) -> Any:
    exchange, at, mono = noted
    if not marks:
        return exchange.chunk % (at // 1000, mono // 1000, dumps(data))
    entry: StreamChunk = {
        "at": at // 1000,
        "mono": mono // 1000,
        "type": "stream.chunk",
        "exchange_id": exchange.id,
        "data": data,
        "redactions": marks,
    }
    return entry


def as_json(body: dict[str, Any]) -> bytes:
    """Return a body as its bytes; numbers that JSON has no place for as the SDK writes them."""
    try:
        return dumps(body)
    except TypeError:
        # Numbers that it has no place for.
        import json

        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _is_bad(status: Any) -> bool:
    return isinstance(status, int) and not isinstance(status, bool) and status >= _BAD


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
