"""What was observed → journal entries. Nothing in here raises into the user's call, and nothing parses a body.

The order of writing is the promise: ``call.started`` and ``attempt.sent`` are in the journal before the request
leaves, ``attempt.answered`` and each ``stream.chunk`` before the program has them.

Requests and responses are those of httpx or httpx2, whichever the client runs on; they are only looked at.
"""

from __future__ import annotations

import os
import sys
from time import monotonic_ns, time_ns
from typing import TYPE_CHECKING, Any, Final, cast

import openai
from orjson import dumps

from tfclient import playing
from tfclient.capture.borrowed import header_list, url_key
from tfclient.capture.exceptions import describe, is_cancellation
from tfclient.capture.request_body import in_memory, request_body, response_body
from tfstore.journal.entries import dropped, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tfclient.sessions.sessions import Sessions
    from tfclient.sessions.state import SessionState
    from tfstore.document.labels import Ending
    from tfstore.journal.entries import (
        AttemptAnswered,
        AttemptEnded,
        AttemptSent,
        CallEnded,
        CallStarted,
        Mark,
        Played,
        Redirect,
        StreamChunk,
        Written,
    )

IN_ONE_ENTRY: Final = 8 * 1024 * 1024
"""Characters of a response body that stand in one entry; a longer one becomes chunks, as if it had been streamed."""

_CHUNK: Final = b'"at":%%d,"mono":%%d,"type":"stream.chunk","exchange_id":%b,"data":%%b'

_FAILED: Final = 400

_TOUCH: Final = 250_000_000
"""Nanoseconds of a stream after which its session hears that something is going on."""


class Call:
    """One logical call of the program: one ``request()`` of the SDK, with as many attempts as that made."""

    __slots__ = ("_unsent", "answered", "attempts", "id", "sessions", "state")

    def __init__(
        self,
        sessions: Sessions,
        state: SessionState,
        *,
        method: str,
        path: str,
        stream: bool,
        cast_to: object,
        tool: str | None,
        parent: str | None = None,
        agent: str | None = None,
    ) -> None:
        self.sessions = sessions
        self.state = state
        self.id = state.writer.new_id()
        self.answered = False
        self.attempts = 0
        at, mono = stamp()
        started: CallStarted = {
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
        if agent is not None and isinstance(name := sessions.clean(agent, "the name of an agent"), str):
            started["agent"] = name
        # Written with the first attempt, in one write; kept until that has worked.
        self._unsent: tuple[Written, ...] = (started,)
        sessions.counters.calls += 1

    def sent(self, request: Any) -> Exchange | None:
        """Journal a request that is about to be sent; None if that was not possible."""
        self.attempts += 1
        exchange = Exchange(self, f"{self.id}.{self.attempts}")
        try:
            exchange.sent(request, self.attempts)
        except Exception as error:  # noqa: BLE001 - the call goes on
            self.sessions.health.fault("capture", error, f"recording a request of call {self.id}")
            return None
        return exchange

    def failed(self, error: BaseException) -> None:
        """Journal the exception that the call ends in."""
        with self.sessions.health.guard("capture", f"recording the error of call {self.id}"):
            at, mono = stamp()
            marks: list[Mark] = []
            ending, told = self._ending(error), describe(error, self.sessions, marks)
            entry: CallEnded = {
                "at": at,
                "mono": mono,
                "type": "call.ended",
                "call": self.id,
                "ending": ending,
                "error": told,
            }
            if marks:
                entry["redactions"] = marks
            self.write(entry)
            if self.sessions.raw is not None:
                self.sessions.raw.error(self.state.id, self.id, error)
            self.sessions.ends.write_late_files(self.state)

    def write(self, entry: Written) -> bool:
        """Journal an entry of this call, after those that could not be written so far."""
        unsent = self._unsent
        if self.sessions.write(self.state, *unsent, entry):
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
        *("_raw", "_touch_at", "_withheld", "id"),
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
        self._withheld = False
        self._raw = call.sessions.raw

    def sent(self, request: Any, n: int) -> None:
        """Journal the request, before it leaves; it is the call's n-th."""
        call = self._call
        at, mono = stamp()
        known = call.sessions.known
        url, marks = known.url(url_key(request.url), request.url)
        headers, found, content_type = known.headers(header_list(request.headers), "request.headers")
        earlier = call.state.writer.sent_bodies
        body, more, kept = request_body(request, content_type, self.id, earlier, call.sessions)
        entry: AttemptSent = {
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
            call.state.writer.remember(kept)
        if self._raw is not None:
            about = {"method": request.method, "url": url, "headers": headers}
            self._raw.request(call.state.id, self.id, about, in_memory(request))

    def answered(self, response: Any) -> bool:
        """Journal a response, with its body if that is in memory; say whether its body is still to be read."""
        call = self._call
        at, mono = stamp()
        call.answered = True
        redactor = call.sessions.redactor
        self._status = response.status_code
        headers, marks, content_type = call.sessions.known.headers(
            header_list(response.headers), "response.headers"
        )
        entry: AttemptAnswered = {
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
        if playing.on and (played := playing.mark_of(response)) is not None:
            entry["played"] = cast("Played", played)
        if response.history:
            entry["history"] = [_redirect(each, redactor.url) for each in response.history]
        content = in_memory(response)
        if self._raw is not None:
            about = {"status": response.status_code, "headers": headers}
            self._raw.response(call.state.id, self.id, about, content)
        if content is None:
            self._stream = redactor.stream(content_type, "response.body")
            self._chunk = _CHUNK % dumps(self.id).replace(b"%", b"%%")
            call.write(entry)
            return True
        self._ended = True
        body, found = response_body(content, content_type, self.id, call.sessions)
        marks += found
        form, held = next(iter(body.items()))
        if isinstance(held, str) and len(held) > IN_ONE_ENTRY:
            call.write(entry)
            self._in_pieces(form, held, len(content))
        else:
            entry["body"] = body
            entry["complete"] = True
            call.write(entry)
        call.sessions.ends.write_late_files(call.state)
        return False

    def chunk(self, data: bytes, decode: Callable[[bytes], bytes] | None = None) -> None:
        """Journal a piece of the response's body that is about to be given to the program."""
        try:
            self._chunks += 1
            self._received += len(data)
            if decode is not None:
                data = decode(data)
            if self._raw is not None:
                self._raw.piece(self._call.state.id, self.id, data)
            piece, marks = self._stream.feed(data)
            if marks or not isinstance(piece, str) or len(piece) > IN_ONE_ENTRY:
                self._write_piece(piece, marks)
                return
            # Most of what is journaled of a stream comes by here: a word at a time.
            mono = monotonic_ns()
            self._call.state.writer.append(
                self._chunk % (time_ns() // 1000, mono // 1000, dumps(piece)), again=True
            )
            if mono > self._touch_at:
                self._touch_at = mono + _TOUCH
                self._call.sessions.ends.touch(self._call.state)
        except Exception as error:  # noqa: BLE001 - the stream goes on
            self.fault(error, "recording a stream")

    def opened(self) -> None:
        """Note that somebody began to read the body."""
        self._started = True

    def ended(self, flush: Callable[[], bytes] | None = None) -> None:
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

    def collected(self) -> None:
        """Note that the response is gone, unclosed. Called by the garbage collector, so nothing is written yet."""
        # An exception in a finalizer is printed over the program's output.
        with self.guard("recording a response that nobody closed"):
            if self._ended or self._pid != os.getpid():
                return
            self._ended = True
            ended = self._ended_entry("left_early" if self._started else "never_read")
            self._call.sessions.ends.leave_entries(self._call.state, (*self._rest(), ended))

    def fault(self, error: Exception, doing: str) -> None:
        """Count a fault of the recorder's own."""
        self._call.sessions.health.fault("capture", error, f"{doing} ({self.id})")

    def guard(self, doing: str) -> AbstractContextManager[None]:
        """Count what goes wrong inside as a fault of the recorder's own."""
        return self._call.sessions.health.guard("capture", f"{doing} ({self.id})")

    def not_seen(self, what: str, why: str = "the recorder does not know how to watch it") -> None:
        """Say that something of this attempt is not recorded."""
        self._call.sessions.health.not_seen(what, why)

    def withhold(self, what: str, why: str) -> None:
        """Say that the body's bytes are not recorded, since nobody can look for secrets in them."""
        self._withheld = True
        self.not_seen(what, why)

    def _end(self, ending: Ending, error: BaseException | None = None, rest: bytes = b"") -> None:
        if self._ended:
            return
        self._ended = True
        with self.guard("recording the end of a response"):
            call = self._call
            if self._raw is not None and rest:
                self._raw.piece(call.state.id, self.id, rest)
            for piece in self._rest(rest):
                call.sessions.write(call.state, piece)
            entry = self._ended_entry(ending)
            if error is not None:
                marks: list[Mark] = []
                entry["error"] = describe(error, call.sessions, marks)
                if marks:
                    entry["redactions"] = marks
                if self._raw is not None:
                    self._raw.error(call.state.id, self.id, error)
                if playing.on and not self._status and (played := playing.mark_of(error)) is not None:
                    entry["played"] = cast("Played", played)
            call.write(entry)
            call.sessions.ends.write_late_files(call.state)

    def _rest(self, rest: bytes = b"") -> Iterator[StreamChunk]:
        """What is still to be journaled of the body: the last of it, and that nothing of it could be."""
        if self._stream is None:
            return
        pieces = [self._stream.feed(rest)] if rest else []
        pieces.append(self._stream.flush())
        if self._withheld:
            pieces.append(("", [dropped("response.body", "not_decoded", self._received)]))
        for piece, marks in pieces:
            if piece is not None:
                yield self._piece(piece, marks)

    def _ended_entry(self, ending: Ending) -> AttemptEnded:
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

    def _piece(self, piece: Any, marks: list[Any]) -> StreamChunk:
        at, mono = stamp()
        entry: StreamChunk = {
            "at": at,
            "mono": mono,
            "type": "stream.chunk",
            "exchange_id": self.id,
            "data": piece,
        }
        if marks:
            entry["redactions"] = marks
        return entry

    def _write_piece(self, piece: Any, marks: list[Any]) -> None:
        if piece is not None:
            self._call.sessions.write(self._call.state, self._piece(piece, marks))

    def _in_pieces(self, form: str, held: str, received: int) -> None:
        # A multiple of 4: each piece of base64 can be read by itself.
        for start in range(0, len(held), IN_ONE_ENTRY // 2):
            piece = held[start : start + IN_ONE_ENTRY // 2]
            self._chunks += 1
            self._write_piece(piece if form == "text" else {"base64": piece}, [])
        self._received = received
        self._call.write(self._ended_entry("http_error" if self._status >= _FAILED else "completed"))


def _redirect(response: Any, clean: Callable[[str, str], tuple[str, list[Any]]]) -> Redirect:
    return {"status": response.status_code, "url": clean(str(response.url), "response.history.url")[0]}
