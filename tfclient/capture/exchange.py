"""What was observed → journal entries. Nothing in here raises into the user's call, and nothing parses a body.

The order of writing is the promise: ``call.started`` and ``attempt.sent`` are in the journal before the request
leaves, ``attempt.answered`` and each ``stream.chunk`` before the program has them.

Requests and responses are those of httpx or httpx2, whichever the client runs on; they are only looked at.
"""

from __future__ import annotations

import asyncio
import os
import sys
from time import monotonic_ns, time_ns
from typing import TYPE_CHECKING, Any, Final

import openai
from orjson import dumps

from tfclient.capture.form_bodies import unread_body
from tfstore.journal.entries import Entry, stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfclient.redaction import Redactor
    from tfclient.sessions.handle import SessionHandle
    from tfclient.sessions.sent_bodies import SentBody
    from tfclient.sessions.sessions import Sessions
    from tfstore.document.labels import Ending

IN_ONE_ENTRY: Final = 8 * 1024 * 1024
"""Characters of a response body that stand in one entry; a longer one becomes chunks, as if it had been streamed."""

LONGEST_REQUEST: Final = 40 * 1024 * 1024
"""Characters of a request body that is kept; entries have a limit, and a request is one entry."""

_CHUNK: Final = b'"at":%%d,"mono":%%d,"type":"stream.chunk","exchange_id":%b,"data":%%b'

_FAILED: Final = 400

_TOUCH: Final = 250_000_000
"""Nanoseconds of a stream after which its session hears that something is going on."""


class Call:
    """One logical call of the program: one ``request()`` of the SDK, with as many attempts as that made."""

    __slots__ = ("_attempts", "_unsent", "answered", "handle", "id", "sessions")

    def __init__(
        self,
        sessions: Sessions,
        handle: SessionHandle,
        *,
        method: str,
        path: str,
        stream: bool,
        cast_to: object,
        tool: str | None,
        parent: str | None = None,
    ) -> None:
        self.sessions = sessions
        self.handle = handle
        self.id = handle.writer.new_id()
        self.answered = False
        self._attempts = 0
        at, mono = stamp()
        started: Entry = {
            "at": at,
            "mono": mono,
            "type": "call.started",
            "call": self.id,
            "method": method.upper(),
            "path": sessions.redactor.url(path, "call.path")[0] if "?" in path or ":" in path else path,
            "stream": stream,
            "cast_to": getattr(cast_to, "__name__", None) or str(cast_to),
            "tool": tool,
            "explicit_parent": parent,
        }
        # Written with the first attempt, in one write; kept until that has worked.
        self._unsent: tuple[Entry, ...] = (started,)
        sessions.counters.calls += 1

    def sent(self, request: Any) -> Exchange | None:
        """Journal a request that is about to be sent; None if that was not possible."""
        self._attempts += 1
        exchange = Exchange(self, f"{self.id}.{self._attempts}")
        try:
            exchange.sent(request, self._attempts)
        except Exception as error:  # noqa: BLE001 - the call goes on
            self.sessions.health.fault("capture", error, f"recording a request of call {self.id}")
            return None
        return exchange

    def failed(self, error: BaseException) -> None:
        """Journal the exception that the call ends in."""
        try:
            at, mono = stamp()
            entry: Entry = {"at": at, "mono": mono, "type": "call.ended", "call": self.id}
            entry["ending"] = self._ending(error)
            entry["error"] = describe(error, self.sessions)
            self.write(entry)
            self.handle.settle()
        except Exception as fault:  # noqa: BLE001 - the call goes on
            self.sessions.health.fault("capture", fault, f"recording the error of call {self.id}")

    def write(self, entry: Entry) -> bool:
        """Journal an entry of this call, after those that could not be written so far."""
        unsent = self._unsent
        if self.handle.write(*unsent, entry):
            self._unsent = ()
            return True
        if entry["type"] == "attempt.sent":
            self._unsent = (*unsent, entry)
        return False

    def _ending(self, error: BaseException) -> Ending:
        if isinstance(error, openai.APIStatusError):
            return "http_error"
        if is_cancellation(error):
            return "cancelled"
        # Everything came, and it was no good to the SDK: no JSON, another shape, a wrong argument before it.
        return "completed" if self.answered else "no_response"


class Exchange:
    """One HTTP attempt."""

    __slots__ = (
        *("_call", "_chunk", "_chunks", "_ended", "_pid", "_received", "_started", "_status", "_stream"),
        *("_touch_at", "id"),
    )

    def __init__(self, call: Call, exchange_id: str) -> None:
        self.id = exchange_id
        self._call = call
        self._pid = os.getpid()
        self._status = 0
        self._stream: Any = None
        self._chunk = b""
        self._touch_at = 0
        self._chunks = 0
        self._received = 0
        self._started = False
        self._ended = False

    def sent(self, request: Any, n: int) -> None:
        """Journal the request, before it leaves; it is the call's n-th."""
        call = self._call
        at, mono = stamp()
        known = call.sessions.known
        url, marks = known.url(request.url)
        headers, found, content_type = known.headers(request.headers, "request.headers")
        body, more, kept = self._request_body(request, content_type)
        entry: Entry = {
            "at": at,
            "mono": mono,
            "type": "attempt.sent",
            "call": call.id,
            "exchange_id": self.id,
            "n": n,
            "method": request.method,
            "url": url,
            "headers": headers,
            "body": body,
            "redactions": [*marks, *found, *more],
        }
        if call.write(entry) and kept is not None:
            call.handle.writer.remember(kept)

    def answered(self, response: Any) -> bool:
        """Journal a response, with its body if that is in memory; say whether its body is still to be read."""
        call = self._call
        at, mono = stamp()
        call.answered = True
        redactor = call.sessions.redactor
        self._status = response.status_code
        headers, marks, content_type = call.sessions.known.headers(response.headers, "response.headers")
        entry: Entry = {
            "at": at,
            "mono": mono,
            "type": "attempt.answered",
            "exchange_id": self.id,
            "status": self._status,
            "headers": headers,
            "body": None,
            "complete": False,
            "redactions": marks,
        }
        if response.history:
            entry["history"] = [_redirect(each, redactor.url) for each in response.history]
        content = response.__dict__.get("_content")
        if content is None:
            self._stream = redactor.stream(content_type, "response.body")
            self._chunk = _CHUNK % dumps(self.id).replace(b"%", b"%%")
            call.write(entry)
            return True
        self._ended = True
        body, found = self._response_body(redactor, content, content_type)
        marks += found
        form, held = next(iter(body.items()))
        if isinstance(held, str) and len(held) > IN_ONE_ENTRY:
            call.write(entry)
            self._in_pieces(form, held, len(content))
        else:
            entry["body"] = body
            entry["complete"] = True
            call.write(entry)
        call.handle.settle()
        return False

    def chunk(self, data: bytes, decode: Callable[[bytes], bytes] | None = None) -> None:
        """Journal a piece of the response's body that is about to be given to the program."""
        try:
            self._chunks += 1
            self._received += len(data)
            if decode is not None:
                data = decode(data)
            piece, marks = self._stream.feed(data)
            if marks or not isinstance(piece, str) or len(piece) > IN_ONE_ENTRY:
                self._write_piece(piece, marks)
                return
            # Most of what is journaled of a stream comes by here: a word at a time.
            mono = monotonic_ns()
            self._call.handle.writer.append(
                self._chunk % (time_ns() // 1000, mono // 1000, dumps(piece)), again=True
            )
            if mono > self._touch_at:
                self._touch_at = mono + _TOUCH
                self._call.handle.touch()
        except Exception as error:  # noqa: BLE001 - the stream goes on
            self._call.sessions.health.fault("capture", error, f"recording the stream of {self.id}")

    def opened(self) -> None:
        """Note that somebody began to read the body."""
        self._started = True

    def finished(self, flush: Callable[[], bytes] | None = None) -> None:
        """Note that the body was read to its end; ``flush`` gives what a decoder still holds of it."""
        rest = b"" if flush is None or self._ended else flush()
        self._end("http_error" if self._status >= _FAILED else "completed", rest=rest)

    def broke(self, error: BaseException) -> None:
        """Note that reading the body ended in an exception."""
        self._end("cancelled" if is_cancellation(error) else "cut", error)

    def failed(self, error: BaseException) -> None:
        """Note that no response came."""
        self._end("cancelled" if is_cancellation(error) else "no_response", error)

    def closed(self) -> None:
        """Note that the response was closed: before its end, if it has not been noted yet."""
        if self._ended or self._pid != os.getpid():
            return
        error = sys.exc_info()[1]
        # A generator that is closed (GeneratorExit) is how a program stops reading, not how it is stopped.
        if error is not None and not isinstance(error, GeneratorExit) and is_cancellation(error):
            self._end("cancelled", error)
        elif self._status >= _FAILED:
            self._end("http_error")
        else:
            self._end("left_early" if self._started else "never_read")

    def dropped(self) -> None:
        """Note that the response is gone, unclosed. Called by the garbage collector, so nothing is written yet."""
        try:
            if self._ended or self._pid != os.getpid():
                return
            self._ended = True
            leave = self._call.handle.writer.leave
            if self._stream is not None and (rest := self._piece(*self._stream.flush())) is not None:
                leave(rest)
            leave(self._ended_entry("left_early" if self._started else "never_read"))
        except Exception as error:  # noqa: BLE001 - an exception in a finalizer is printed over the program's output
            self.fault(error, "recording an abandoned response")

    def fault(self, error: Exception, doing: str) -> None:
        """Count a fault of the recorder's own."""
        self._call.sessions.health.fault("capture", error, f"{doing} ({self.id})")

    def not_seen(self, what: str) -> None:
        """Say that something of this attempt is not recorded."""
        self._call.sessions.health.not_seen(what, "the recorder does not know how to watch it")

    def _end(self, ending: Ending, error: BaseException | None = None, rest: bytes = b"") -> None:
        if self._ended:
            return
        self._ended = True
        try:
            if self._stream is not None:
                if rest:
                    self._write_piece(*self._stream.feed(rest))
                self._write_piece(*self._stream.flush())
            entry = self._ended_entry(ending)
            if error is not None:
                entry["error"] = describe(error, self._call.sessions)
            self._call.write(entry)
            self._call.handle.settle()
        except Exception as fault:  # noqa: BLE001 - the call goes on
            self._call.sessions.health.fault("capture", fault, f"recording the end of {self.id}")

    def _ended_entry(self, ending: Ending) -> Entry:
        at, mono = stamp()
        return {
            "at": at,
            "mono": mono,
            "type": "attempt.ended",
            "exchange_id": self.id,
            "ending": ending,
            "bytes": self._received,
            "chunks": self._chunks,
        }

    def _piece(self, piece: Any, marks: list[Any]) -> Entry | None:
        if piece is None:
            return None
        at, mono = stamp()
        entry: Entry = {"at": at, "mono": mono, "type": "stream.chunk", "exchange_id": self.id, "data": piece}
        if marks:
            entry["redactions"] = marks
        return entry

    def _write_piece(self, piece: Any, marks: list[Any]) -> None:
        entry = self._piece(piece, marks)
        if entry is not None:
            self._call.handle.write(entry)

    def _in_pieces(self, form: str, held: str, received: int) -> None:
        # A multiple of 4: each piece of base64 can be read by itself.
        for start in range(0, len(held), IN_ONE_ENTRY // 2):
            piece = held[start : start + IN_ONE_ENTRY // 2]
            self._chunks += 1
            self._write_piece(piece if form == "text" else {"base64": piece}, [])
        self._received = received
        self._call.write(self._ended_entry("http_error" if self._status >= _FAILED else "completed"))

    def _request_body(
        self, request: Any, content_type: str | None
    ) -> tuple[dict[str, Any] | None, list[Any], SentBody | None]:
        data: Any = request.__dict__.get("_content")
        if data == b"":
            return None, [], None
        size = 0 if data is None else len(data)
        if size > LONGEST_REQUEST:
            mark = {"path": "request.body", "rule": "too_long", "action": "dropped", "bytes": size}
            return {"unread": "too_long", "bytes": size}, [mark], None
        try:
            if data is None:
                return *unread_body(request, self._call.sessions.redactor), None
            return self._in_memory(data, content_type)
        except Exception as error:  # noqa: BLE001 - the call goes on
            return *self._not_redacted(error, size, "request.body"), None

    def _in_memory(
        self, data: bytes, content_type: str | None
    ) -> tuple[dict[str, Any], list[Any], SentBody | None]:
        bodies = self._call.handle.writer.sent_bodies
        redactor = self._call.sessions.redactor
        if redactor.mode in {"secrets", "none"}:
            body, marks, kept = bodies.journaled(
                self.id, data, lambda part: redactor.body(part, content_type, "request.body")
            )
            if body is not None:
                return body, marks, kept
        else:
            # Hashed or judged text by text: only the whole can be redacted, and the result compared.
            text, marks = redactor.body(data, content_type, "request.body")
            if text is not None:
                body, _, kept = bodies.journaled(self.id, text.encode("utf-8", "surrogatepass"), _as_it_is)
                if body is not None:
                    return body, marks, kept
        return *_binary(redactor, data, "request.body"), None

    def _response_body(
        self, redactor: Redactor, content: bytes, content_type: str | None
    ) -> tuple[dict[str, Any], list[Any]]:
        try:
            text, marks = redactor.body(content, content_type, "response.body")
            return (
                ({"text": text}, marks) if text is not None else _binary(redactor, content, "response.body")
            )
        except Exception as error:  # noqa: BLE001 - the call goes on
            return self._not_redacted(error, len(content), "response.body")

    def _not_redacted(self, error: Exception, size: int, where: str) -> tuple[dict[str, Any], list[Any]]:
        """What is journaled of a body that could not be judged: nothing of it."""
        self._call.sessions.health.fault("redaction", error, f"redacting the {where} of {self.id}")
        mark = {"path": where, "rule": "redaction_failed", "action": "dropped", "bytes": size}
        return {"unread": "redaction_failed", "bytes": size}, [mark]


def _binary(redactor: Redactor, data: bytes, where: str) -> tuple[dict[str, Any], list[Any]]:
    kept, marks = redactor.binary(data, where)
    return ({"text": kept} if isinstance(kept, str) else {**kept, "bytes": len(data)}), marks


def _as_it_is(data: bytes) -> tuple[str | None, list[Any]]:
    return data.decode("utf-8", "surrogatepass"), []


def _redirect(response: Any, clean: Callable[[str, str], tuple[str, list[Any]]]) -> dict[str, Any]:
    return {"status": response.status_code, "url": clean(str(response.url), "response.history.url")[0]}


def is_cancellation(error: BaseException) -> bool:
    """Return whether somebody stopped this on purpose: a cancelled task, an interrupt, the exit of the program."""
    return isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit | GeneratorExit) or (
        # trio's, without importing trio
        type(error).__name__ == "Cancelled" and not isinstance(error, Exception)
    )


def describe(error: BaseException, sessions: Sessions) -> dict[str, Any]:
    """Return an exception as journaled: type, message and cause, in words that may be kept."""
    described = {"type": type(error).__name__, "message": words(error)}
    cause = error.__cause__ or error.__context__
    if cause is not None:
        described["cause"] = f"{type(cause).__name__}: {words(cause)}"
    kept: dict[str, Any] = sessions.clean(described, "an error")
    return kept


def words(error: BaseException) -> str:
    """Return an exception's message; its ``__str__`` is the user's code and may raise."""
    try:
        return str(error)
    except Exception as fault:  # noqa: BLE001 - see above
        return f"<its text raised {type(fault).__name__}>"
