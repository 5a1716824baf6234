"""One logical call put together again from its entries: its attempts, its request, its response so far."""

from __future__ import annotations

import base64
import binascii
import codecs
import contextlib
import json
import zlib
from typing import TYPE_CHECKING, Any

from attrs import define, field

from tfclient.projection.chat import ChatStream
from tfclient.projection.endpoints import Endpoint
from tfclient.projection.responses import ResponseStream
from tfclient.projection.sse import EventStream
from tfclient.projection.times import iso, milliseconds
from tfstore.documents import Attempt, Latency

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfclient.projection.lineage import Node
    from tfclient.projection.model_call import ModelRequest
    from tfclient.projection.run_state import RunState
    from tfstore.documents import Step

Entry = dict[str, Any]
"""One journal entry, as read."""


@define(eq=False)
class Call:
    """A logical call: what the program asked for once, however many HTTP attempts it took."""

    id: str
    started: Entry
    endpoint: Endpoint = field(factory=Endpoint)
    attempts: list[AttemptState] = field(factory=list["AttemptState"])
    request: ModelRequest | None = None
    request_body: Any = None
    run: RunState | None = None
    step: Step | None = None
    node: Node | None = None
    marked: bool = False
    closed: bool = False
    outputs: dict[int, Step] = field(factory=dict[int, "Step"])

    @property
    def attempt(self) -> AttemptState:
        """The latest attempt."""
        return self.attempts[-1]

    @property
    def started_at(self) -> int:
        """When the call began, microseconds since the epoch."""
        return int(self.started.get("at") or 0)

    def rows(self) -> list[Attempt]:
        """Return the document's rows, one per HTTP attempt."""
        return [attempt.row() for attempt in self.attempts]

    def latency(self, end: int) -> Latency:
        """Return the latencies of a call that ended at ``end``."""
        first, last = self.attempts[0], self.attempts[-1]
        latency = Latency(total_ms=milliseconds(first.sent_at, end))
        latency.provider_ms = _whole(last.headers.get("openai-processing-ms"))
        if last.first_event_at is not None:
            latency.first_event_ms = milliseconds(last.sent_at, last.first_event_at)
        if last.stream is not None:
            latency.events = last.stream.events
        return latency


@define(eq=False)
class AttemptState:
    """One HTTP attempt, fed as its entries come."""

    n: int
    sent: Entry
    endpoint: Endpoint
    sent_at: int = 0
    status: int | None = None
    headers: dict[str, str] = field(factory=dict[str, str])
    error: dict[str, Any] | None = None
    ended_at: int | None = None
    ending: str | None = None
    first_event_at: int | None = None
    stream: ResponseStream | ChatStream | None = None
    received: int = 0
    _events: EventStream = field(factory=EventStream)
    _pieces: list[bytes] = field(factory=list[bytes])
    _decode: Callable[[bytes], str] | None = None
    _inflate: Any = None

    def answered(self, entry: Entry) -> None:
        """Take the response's head, and its body if it came whole."""
        self.status = entry.get("status")
        self.headers = dict(entry.get("headers") or {})
        media = self.headers.get("content-type", "")
        if entry.get("complete"):
            self.ended_at = int(entry["at"])
            self._take(body_bytes(entry.get("body")), int(entry["at"]))
            if "text/event-stream" in media or self._looks_like_events():
                self._open_stream()
                self._feed_events(b"".join(self._pieces), int(entry["at"]))
        elif "text/event-stream" in media:
            self._open_stream()

    def _open_stream(self) -> None:
        if self.stream is None and (self.status or 0) < 400:
            self.stream = {"responses": ResponseStream, "chat": ChatStream}.get(
                self.endpoint.family, lambda: None
            )()

    def _looks_like_events(self) -> bool:
        head = self._pieces[0][:7] if self._pieces else b""
        return head in {b"event: ", b"data: {"} and self.endpoint.family in {"responses", "chat"}

    def chunk(self, entry: Entry) -> None:
        """Take a piece of the response's body."""
        data = entry.get("data")
        piece = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else body_bytes(data)
        encoding = self.headers.get("content-encoding", "")
        if not isinstance(data, str) and encoding in {"gzip", "deflate", "x-gzip"}:
            piece = self._undo(piece)
        if self.stream is not None:
            self._feed_events(piece, int(entry["at"]))
        else:
            self._take(piece, int(entry["at"]))

    def _undo(self, piece: bytes) -> bytes:
        if self._inflate is None:
            self._inflate = zlib.decompressobj(47)
        with contextlib.suppress(zlib.error):
            piece = self._inflate.decompress(piece)
        return piece

    def _take(self, piece: bytes, at: int) -> None:
        self.received += len(piece)
        self._pieces.append(piece)
        if self.first_event_at is None and not self.ended_at:
            self.first_event_at = at

    def _feed_events(self, piece: bytes, at: int) -> None:
        if self.stream is None:
            return
        if self._decode is None:
            self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.received += 0 if self._pieces else len(piece)
        for event in self._events.feed(self._decode(piece)):
            if self.first_event_at is None:
                self.first_event_at = at
            self.stream.feed(event.event, event.data)

    def body(self) -> bytes:
        """The body as far as it was kept (a stream of a known family is not)."""
        return b"".join(self._pieces)

    @property
    def cut_event(self) -> str:
        """What had come of an event that the stream never finished."""
        return self._events.rest

    def row(self) -> Attempt:
        """Return the document's row for this attempt."""
        row = Attempt(self.n, self.status, started_at=iso(self.sent_at))
        if self.ended_at is not None:
            row.duration_ms = milliseconds(self.sent_at, self.ended_at)
        row.request_id = self.headers.get("x-request-id") or self.headers.get("apim-request-id")
        row.retry_after = self.headers.get("retry-after-ms") or self.headers.get("retry-after")
        if row.retry_after and "retry-after-ms" in self.headers:
            row.retry_after += " ms"
        row.error = self.cause
        return row

    @property
    def cause(self) -> str | None:
        """Why this attempt failed, in a few words, or None."""
        if self.error:
            return str(self.error.get("type") or "error")
        if self.status is not None and self.status >= 400:
            body = parse_json(self.body())
            error = body.get("error") if isinstance(body, dict) else None
            code = (error.get("code") or error.get("type")) if isinstance(error, dict) else None
            return f"{self.status} {code}" if code else str(self.status)
        return None


def body_bytes(body: Any) -> bytes:
    """Return the bytes of a journaled body: text, base64, or nothing."""
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if not isinstance(body, dict):
        return b""
    text, encoded = body.get("text"), body.get("base64")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    with contextlib.suppress(binascii.Error, ValueError):
        return base64.b64decode(encoded) if isinstance(encoded, str) else b""
    return b""


def parse_json(data: bytes | str) -> Any:
    """Return the JSON value of a body, or None when it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _whole(text: str | None) -> int | None:
    try:
        return int(float(text)) if text else None
    except ValueError:
        return None
