"""One HTTP attempt, put together again from its entries."""

from __future__ import annotations

import codecs
import contextlib
import zlib
from collections.abc import Callable
from typing import Any

from attrs import define, field

from tfclient.projection.wire.bodies import body_bytes, parse_json
from tfclient.projection.wire.chat_stream import ChatStream
from tfclient.projection.wire.endpoints import Endpoint
from tfclient.projection.wire.response_stream import ResponseStream
from tfclient.projection.wire.sse import EventStream, begins_events
from tfstore.document.documents import Attempt, Played
from tfstore.document.times import elapsed, iso, milliseconds
from tfstore.journal.entries import AttemptAnswered, AttemptSent, Error, StreamChunk

OF_NOTE = (
    "x-request-id", "request-id", "apim-", "azureml-", "x-ms-", "openai-", "x-ratelimit", "ratelimit", "retry-after",
    "x-should-retry", "content-type", "date", "cf-ray",
)  # fmt: skip
"""How the names of response headers begin that are kept with each attempt."""

REQUEST_IDS = ("x-request-id", "apim-request-id")
"""Headers that hold the server's own id of a request; that one stands beside them."""


_READERS: dict[str, type[ResponseStream | ChatStream]] = {
    "responses": ResponseStream,
    "chat": ChatStream,
    "completions": ChatStream,
}

_UNREAD = ("not_decoded", "not_seen")
"""Marks of bodies of which nothing could be kept."""


@define(eq=False)
class AttemptState:
    """One HTTP attempt, fed as its entries come."""

    n: int
    sent: AttemptSent
    endpoint: Endpoint
    sent_at: int = 0
    status: int | None = None
    headers: dict[str, str] = field(factory=dict[str, str])
    error: Error | None = None
    ended_at: int | None = None
    ending: str | None = None
    first_event_at: int | None = None
    first_text_at: int | None = None
    largest_gap: int | None = None
    """Microseconds between two pieces of a stream that brought events."""
    keeps_deltas: bool = False
    deltas: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    stream: ResponseStream | ChatStream | None = None
    received: int = 0
    unread: dict[str, Any] | None = None
    """What stands in for a body of which nobody could keep anything: why, and how long it was."""
    settled: bool = False
    played: Played | None = None
    _events: EventStream = field(factory=EventStream)
    _pieces: list[bytes] = field(factory=list[bytes])
    _head: bytes = b""
    """The beginning of a body of which nobody can tell yet whether it is events."""
    _is_events: bool | None = None
    _decode: Callable[[bytes], str] | None = None
    _inflate: Any = None
    _cause: str | None = None
    _last_event_at: int | None = None
    exchange_id: str = ""

    def __attrs_post_init__(self) -> None:
        """Keep the name by which later entries speak of this attempt."""
        self.exchange_id = str(self.sent["exchange_id"])

    def answered(self, entry: AttemptAnswered, at: int) -> None:
        """Take the response's head, and its body if it came whole."""
        status, headers = entry["status"], entry["headers"]
        self.status = status if isinstance(status, int) and not isinstance(status, bool) else None
        self.headers = (
            {str(k).lower(): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {}
        )
        if self._is_declared:
            self._open_stream()
        body = entry["body"]
        if isinstance(body, dict) and "unread" in body:
            self.unread = {**body}
        if entry["complete"]:
            self.ended_at = at
            self._body_piece(body_bytes(body), at)

    @property
    def _is_declared(self) -> bool:
        return "text/event-stream" in self.headers.get("content-type", "")

    def _open_stream(self) -> None:
        reader = _READERS.get(self.endpoint.family)
        if self.stream is None and reader is not None and (self.status or 0) < 400:
            self.stream = reader()

    def _body_piece(self, piece: bytes, at: int) -> None:
        """Take a piece of the body; how it begins tells whether it is events, more than what its type says."""
        self.received += len(piece)
        if self._is_events is None:
            self._head += piece
            self._is_events = self._told_by(self._head)
            if self._is_events is None:
                return
            piece, self._head = self._head, b""
            if self._is_events:
                self._open_stream()
            else:
                self.stream = None
        if self.stream is not None:
            self._feed_events(piece, at)
        else:
            self._take(piece, at)

    def _told_by(self, head: bytes) -> bool | None:
        told = begins_events(head)
        # A stream may begin with a field that nobody knows, but no JSON or page is one.
        return head.lstrip()[:1] not in b'{["<' if told is False and self._is_declared else told

    def chunk(self, entry: StreamChunk, at: int) -> None:
        """Take a piece of the response's body."""
        data = entry["data"]
        marks = entry.get("redactions")
        for mark in marks if isinstance(marks, list) else ():
            if isinstance(mark, dict) and mark.get("rule") in _UNREAD:
                self.unread = {"unread": mark["rule"], "bytes": mark.get("bytes")}
        piece = body_bytes(data)
        encoding = self.headers.get("content-encoding", "")
        if not isinstance(data, str) and encoding in {"gzip", "deflate", "x-gzip"}:
            piece = self._undo(piece)
        self._body_piece(piece, at)

    def _undo(self, piece: bytes) -> bytes:
        if self._inflate is None:
            self._inflate = zlib.decompressobj(47)
        with contextlib.suppress(zlib.error):
            piece = self._inflate.decompress(piece)
        return piece

    def _take(self, piece: bytes, at: int) -> None:
        self._pieces.append(piece)
        if self.first_event_at is None and not self.ended_at:
            self.first_event_at = at

    def _feed_events(self, piece: bytes, at: int) -> None:
        if self.stream is None:
            return
        if self._decode is None:
            self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        events = self._events.feed(self._decode(piece))
        for event in events:
            delta = self.stream.feed(event.event, event.data)
            if delta is not None and self.keeps_deltas:
                self.deltas.append({"at_ms": milliseconds(self.sent_at, at), **delta})
        if events and self.ended_at is None:
            self._time(at)

    def _time(self, at: int) -> None:
        """Note when events came; of a body that came whole nobody knows."""
        if self.first_event_at is None:
            self.first_event_at = at
        if self._last_event_at is not None:
            self.largest_gap = max(self.largest_gap or 0, elapsed(self._last_event_at, at))
        self._last_event_at = at
        if self.first_text_at is None and self.stream is not None and self.stream.spoke:
            self.first_text_at = at

    @property
    def comments(self) -> list[str]:
        """The stream's comment lines, where a server writes any (``: OPENROUTER PROCESSING``)."""
        return self._events.comments

    def body(self) -> bytes:
        """The body as far as it was kept (a stream of a known family is not)."""
        return b"".join([*self._pieces, self._head])

    @property
    def is_events(self) -> bool:
        """Whether the body is an event stream."""
        return bool(self._is_events)

    @property
    def cut_event(self) -> str:
        """What had come of an event that the stream never finished."""
        return self._events.rest or self._head.decode("utf-8", "replace")

    def row(self) -> Attempt:
        """Return the document's row for this attempt."""
        row = Attempt(self.n, self.status, started_at=iso(self.sent_at))
        if self.ended_at is not None:
            row.duration_ms = milliseconds(self.sent_at, self.ended_at)
        row.exchange_id = self.exchange_id
        row.request_id = self.request_id
        row.retry_after = self.headers.get("retry-after-ms") or self.headers.get("retry-after")
        if row.retry_after and "retry-after-ms" in self.headers:
            row.retry_after += " ms"
        row.error = self.cause
        row.played = self.played
        row.headers = {
            k: v
            for k, v in self.headers.items()
            if k.startswith(OF_NOTE) and (k not in REQUEST_IDS or v != row.request_id)
        }
        return row

    @property
    def request_id(self) -> str | None:
        """The server's own id of this request."""
        return next((self.headers[name] for name in REQUEST_IDS if self.headers.get(name)), None)

    def settle(self) -> None:
        """Let go of everything that the document has taken in: what is left fits in a row."""
        self._cause = self.cause
        self.sent = {**self.sent, "headers": {}, "body": None, "redactions": []}
        self._pieces, self._head, self.stream, self._inflate = [], b"", None, None
        self.deltas, self._events = [], EventStream()
        self.settled = True

    @property
    def cause(self) -> str | None:
        """Why this attempt failed, in a few words, or None."""
        if self.error:
            return str(self.error.get("type") or "error")
        if self.settled:
            return self._cause
        if self.status is not None and self.status >= 400:
            body = parse_json(self.body())
            error = body.get("error") if isinstance(body, dict) else None
            code = (error.get("code") or error.get("type")) if isinstance(error, dict) else None
            return f"{self.status} {code}" if code else str(self.status)
        return None
