"""HTTP clients that answer from a tape: of the library that the program's client runs on, without a socket."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from tfclient.playing import MARK

if TYPE_CHECKING:
    from tfclient.replaying.recorded import Recorded

_LEFT_OUT: Final = frozenset({"content-encoding", "transfer-encoding"})
"""Headers of how a body came: it is kept as it was before that."""

Moments = Iterator[tuple[float, bytes]]
"""Seconds to wait, and the bytes that come then."""

Answerer = Callable[[Any], "Answer"]


class Answer:
    """What a request is answered with.

    Args:
        recorded: what came of it when it was recorded.
        mark: what a recorder writes of where it came from.
        pace: share of the recorded time that it takes; 0 for none.
        stopped: gives what is raised where the recorded program stopped reading, None where the body was whole.
    """

    def __init__(
        self,
        recorded: Recorded,
        mark: dict[str, Any],
        pace: float,
        stopped: Callable[[], BaseException] | None = None,
    ) -> None:
        self.recorded = recorded
        self.mark = mark
        self.pace = pace
        self._stopped = stopped

    @property
    def wait(self) -> float:
        """Seconds until the head of the response, or until none came."""
        return self.recorded.answered_after * self.pace / 1e6

    def failure(self, http: Any, request: Any) -> BaseException | None:
        """Return the exception in place of a response, if there was none."""
        return None if self.recorded.status is not None else self._raised(http, request, http.ConnectError)

    def head(self, http: Any, request: Any, stream: Any) -> Any:
        """Return the response, its body still to be read."""
        headers = [
            (_bytes(name), _bytes(value))
            for name, value in self.recorded.answer_headers.items()
            if name not in _LEFT_OUT
        ]
        extensions = {MARK: self.mark, "http_version": b"HTTP/1.1"}
        return http.Response(
            self.recorded.status, headers=headers, stream=stream, request=request, extensions=extensions
        )

    def moments(self) -> Moments:
        """Yield the body as it came."""
        before = self.recorded.answered_after
        for at, data in self.recorded.pieces:
            yield max(0, at - before) * self.pace / 1e6, data
            before = at

    def end(self, http: Any, request: Any) -> BaseException | None:
        """Return what is raised behind the last piece, if the body was not whole."""
        if self.recorded.ending == "cut":
            return self._raised(http, request, http.ReadError)
        return None if self._stopped is None else self._stopped()

    def _raised(self, http: Any, request: Any, otherwise: Any) -> BaseException:
        error = self.recorded.error or {}
        kind = getattr(http, str(error.get("type")), None)
        if not (isinstance(kind, type) and issubclass(kind, http.TransportError)):
            kind = otherwise
        words = error.get("message") if error else "the connection was lost"
        made: BaseException = kind(str(words or ""), request=request)
        made.__cause__ = _cause(error.get("cause"))
        made.tf_played = self.mark  # type: ignore[attr-defined]
        return made


def _cause(told: Any) -> Exception | None:
    """Return an exception that says what the cause of the recorded one said, by a class of that name."""
    if not isinstance(told, str) or not told:
        return None
    name, _, words = told.partition(": ")
    made: Exception = type(name, (Exception,), {})(words)
    return made


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def library_of(request: Any) -> str:
    """Return the name of the library that a request is of: ``httpx2`` or ``httpx``."""
    return type(request).__module__.partition(".")[0]


def library_of_openai() -> str:
    """Return the name of the library that the installed openai runs on."""
    import openai

    bases = (each.__module__.partition(".")[0] for each in openai.DefaultHttpxClient.__mro__)
    return next(each for each in bases if each in {"httpx2", "httpx"})


def client_of(library: str, answer: Answerer, *, asynchronous: bool, live: bool = False) -> Any:
    """Make an HTTP client of a library whose requests are answered by a function.

    Args:
        library: ``httpx2`` or ``httpx``.
        answer: gives the answer to a request, or raises.
        asynchronous: whether it is an asynchronous client.
        live: requests for which ``answer`` raises ``GoLive`` go out; needs a connection.
    """
    http = sys.modules[library]
    made = _classes(library)
    outer = (http.AsyncHTTPTransport if asynchronous else http.HTTPTransport)() if live else None
    transport = (made.asynchronous if asynchronous else made.sync)(answer, outer)
    return (http.AsyncClient if asynchronous else http.Client)(transport=transport, trust_env=False)


class GoLive(Exception):
    """The tape has no answer, and the real API is to be asked."""


@cache
def _classes(library: str) -> SimpleNamespace:
    http: Any = sys.modules[library]
    return SimpleNamespace(sync=_transport(http), asynchronous=_async_transport(http))


def _transport(http: Any) -> Any:
    class Body(http.SyncByteStream):  # type: ignore[misc]
        def __init__(self, answer: Answer, request: Any) -> None:
            self._answer = answer
            self._request = request
            # Who reads once more, as the SDK does to drain it, goes on where the first has stopped.
            self._moments = answer.moments()

        def __iter__(self) -> Iterator[bytes]:
            for seconds, data in self._moments:
                if seconds:
                    time.sleep(seconds)
                yield data
            error = self._answer.end(http, self._request)
            if error is not None:
                raise error

    class Transport(http.BaseTransport):  # type: ignore[misc]
        def __init__(self, answer: Answerer, outer: Any) -> None:
            self._answer = answer
            self._outer = outer

        def handle_request(self, request: Any) -> Any:
            try:
                answer = self._answer(request)
            except GoLive:
                return self._outer.handle_request(request)
            if answer.wait:
                time.sleep(answer.wait)
            failure = answer.failure(http, request)
            if failure is not None:
                raise failure
            return answer.head(http, request, Body(answer, request))

        def close(self) -> None:
            if self._outer is not None:
                self._outer.close()

    return Transport


def _async_transport(http: Any) -> Any:
    class Body(http.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, answer: Answer, request: Any) -> None:
            self._answer = answer
            self._request = request
            # Who reads once more, as the SDK does to drain it, goes on where the first has stopped.
            self._moments = answer.moments()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for seconds, data in self._moments:
                await _sleep(seconds)
                yield data
            error = self._answer.end(http, self._request)
            if error is not None:
                raise error

    class Transport(http.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self, answer: Answerer, outer: Any) -> None:
            self._answer = answer
            self._outer = outer

        async def handle_async_request(self, request: Any) -> Any:
            try:
                answer = self._answer(request)
            except GoLive:
                return await self._outer.handle_async_request(request)
            await _sleep(answer.wait)
            failure = answer.failure(http, request)
            if failure is not None:
                raise failure
            return answer.head(http, request, Body(answer, request))

        async def aclose(self) -> None:
            if self._outer is not None:
                await self._outer.aclose()

    return Transport


async def _sleep(seconds: float) -> None:
    if seconds:
        import anyio

        await anyio.sleep(seconds)
