# ruff: noqa: FBT001 - arguments are those of the library
"""Connections of the ``websockets`` library's classes with no socket under them: a line of a tape gives and takes.

Nothing of the library is imported before a program opens one.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from tfclient.capture.sockets.messages import as_bytes
from tfclient.replaying.recorded_sockets import Close
from tfclient.replaying.sockets.lines import Failed, Given

if TYPE_CHECKING:
    from tfclient.replaying.recorded_sockets import Connection
    from tfclient.replaying.sockets.lines import Line

ALONE: Final = 5.0
"""Seconds that a program waits which has no other thread or task at the connection, before that is a miss."""

PATIENCE: Final = 60.0
"""Seconds where another might still send."""

_LOST: Final = 1006


class Played:
    """What both kinds of connection share: what the library says of itself, and how it ends.

    Args:
        line: what is played.
        url: what was asked for.
        mark: what a recorder writes of where it comes from.
        pace: share of the recorded time that it takes.
        missed: gives the miss that words tell of.
    """

    def __init__(
        self, line: Line, url: str, mark: dict[str, Any], pace: float, missed: Callable[[str], BaseException]
    ) -> None:
        self.line = line
        self.pace = pace
        self.missed = missed
        self.protocol = _protocol(url)
        self.threads: set[int] = set()
        self.mark = mark
        self._back: Given | None = None

    def shaken(self, connection: Any) -> None:
        """Have a connection say what the recorded handshake said.

        Raises:
            Exception: it was refused, or there was none.
        """
        recorded: Connection = self.line.connection
        connection.request = _message("Request", self.protocol.path, recorded.headers)
        if recorded.status is not None:
            connection.response = _message("Response", recorded.status, recorded.answer_headers)
        if recorded.error is not None:
            raise refusal(recorded)

    def next(self) -> Given | None:
        """Return what comes next, None where nothing does yet.

        Raises:
            ConnectionClosed: it is over.
            ReplayMiss: what came was not kept.
        """
        if self.protocol.state.name == "CLOSED":
            raise self.closed()
        if self._back is not None:
            back, self._back = self._back, None
            return back
        found = self.line.next()
        if isinstance(found, Close):
            self.ends(found)
            raise self.closed()
        if found is not None and found.mark is not None:
            self.mark = found.mark
        return found

    def back(self, given: Given) -> None:
        """Take back what the program was about to be given, and was stopped: it comes next."""
        self._back = given

    def sent(self, message: Any, text: bool | None) -> None:
        """Take what the program sends.

        Raises:
            ConnectionClosed: it is over.
            ReplayMiss: that is not what was recorded.
        """
        if self.protocol.state.name == "CLOSED":
            raise self.closed()
        data = as_bytes(message)
        is_text = text if text is not None else isinstance(message, str)
        if data is None:
            # In pieces, and this is who may read them.
            pieces = list(message)
            is_text = is_text or (bool(pieces) and isinstance(pieces[0], str))
            data = b"".join(as_bytes(each) or b"" for each in pieces)
        found = self.line.sent(data, is_text=is_text)
        if isinstance(found, Close):
            self.ends(found)
            raise self.closed()
        if isinstance(found, Failed):
            self.ends(self.line.connection.close or Close(_LOST, "", "network"))
            raise self.closed()

    def ends(self, close: Close) -> None:
        """Close the connection as it was closed."""
        from websockets.frames import Close as Frame

        protocol = self.protocol
        code = _LOST if close.code is None else close.code
        if close.by == "program":
            protocol.close_sent = protocol.close_rcvd = Frame(code, close.reason)
            protocol.close_rcvd_then_sent = False
        elif close.by == "server" or (code != _LOST and not close.reason.startswith("keepalive")):
            protocol.close_sent = protocol.close_rcvd = Frame(code, close.reason)
            protocol.close_rcvd_then_sent = True
        elif code != _LOST:
            protocol.close_sent = Frame(code, close.reason)
        protocol.close_code, protocol.close_reason = code, close.reason
        protocol.state = _states().CLOSED

    def closed(self) -> Exception:
        """Return what is raised by what is over."""
        from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

        protocol = self.protocol
        fine = protocol.close_rcvd is not None and protocol.close_code in {1000, 1001}
        kind = ConnectionClosedOK if fine else ConnectionClosedError
        return kind(protocol.close_rcvd, protocol.close_sent, protocol.close_rcvd_then_sent)

    def waited(self, seconds: float) -> BaseException:
        """Return the miss of a program that waits in vain."""
        words = f"The program has waited {seconds:g} s for what comes over {self.line.connection.name}, and"
        return self.missed(f"{words} {self.line.expected()}.")


def sync_class() -> type[Any]:
    """Return the class of played connections of synchronous clients."""
    from websockets.sync.client import ClientConnection

    return _sync(ClientConnection)


def async_class() -> type[Any]:
    """Return that of asynchronous ones."""
    from websockets.asyncio.client import ClientConnection

    return _async(ClientConnection)


@cache
def _sync(base: Any) -> type[Any]:  # noqa: C901 - a few lines each
    class PlayedConnection(base):  # type: ignore[misc] # known when it runs
        def __init__(self, played: Played) -> None:
            self._tf_played = played
            self._tf_changed = threading.Condition()
            self.protocol = played.protocol
            self.request = self.response = None
            self.latency = 0.0
            self._user()

        def _user(self) -> None:
            self._tf_played.threads.add(threading.get_ident())

        @property
        def tf_played(self) -> dict[str, Any]:
            return self._tf_played.mark

        def maybe_raise_legacy_warning(self) -> None:
            pass

        def handshake(self, *_: Any, **__: Any) -> None:
            self._tf_played.shaken(self)

        def recv(self, timeout: float | None = None, decode: bool | None = None, **_: Any) -> Any:
            self._user()
            played = self._tf_played
            with self._tf_changed:
                found = self._wait(timeout)
            if found.wait * played.pace:
                time.sleep(found.wait * played.pace / 1e6)
            return _as_wanted(found.data, decode)

        def _wait(self, timeout: float | None) -> Given:
            played, since = self._tf_played, time.monotonic()
            while (found := played.next()) is None:
                allowed = ALONE if len(played.threads) < 2 else PATIENCE
                left = (allowed if timeout is None else min(timeout, allowed)) - (time.monotonic() - since)
                if left <= 0:
                    if timeout is not None and timeout < allowed:
                        raise TimeoutError(f"timed out in {timeout:.1f}s")
                    raise played.waited(allowed)
                self._tf_changed.wait(min(left, ALONE))
            return found

        def recv_streaming(self, decode: bool | None = None) -> Iterator[Any]:
            yield self.recv(decode=decode)

        def send(self, message: Any, text: bool | None = None, **_: Any) -> None:
            self._user()
            with self._tf_changed:
                try:
                    self._tf_played.sent(message, text)
                finally:
                    self._tf_changed.notify_all()

        def close(self, code: int = 1000, reason: str = "", **_: Any) -> None:
            with self._tf_changed:
                if self.protocol.state.name != "CLOSED":
                    self._tf_played.ends(Close(code, reason, "program"))
                self._tf_changed.notify_all()

        def ping(self, *_: Any, **__: Any) -> threading.Event:
            answered = threading.Event()
            answered.set()
            return answered

        def pong(self, *_: Any, **__: Any) -> None:
            pass

    return _named(PlayedConnection, base)


@cache
def _async(base: Any) -> type[Any]:  # noqa: C901 - a few lines each
    class PlayedConnection(base):  # type: ignore[misc] # known when it runs
        def __init__(self, played: Played) -> None:
            self._tf_played = played
            self._tf_waiting: list[asyncio.Future[None]] = []
            self.protocol = played.protocol
            self.request = self.response = None
            self.latency = 0.0

        @property
        def tf_played(self) -> dict[str, Any]:
            return self._tf_played.mark

        async def handshake(self, *_: Any, **__: Any) -> None:
            self._tf_played.shaken(self)

        async def recv(self, decode: bool | None = None) -> Any:
            played = self._tf_played
            # Others have their turn, as they would while a message is on its way.
            await asyncio.sleep(0)
            since = time.monotonic()
            while (found := played.next()) is None:
                allowed = ALONE if len(asyncio.all_tasks()) < 2 else PATIENCE
                left = allowed - (time.monotonic() - since)
                if left <= 0:
                    raise played.waited(allowed)
                waiting = asyncio.get_running_loop().create_future()
                self._tf_waiting.append(waiting)
                await asyncio.wait([waiting], timeout=min(left, ALONE))
            if found.wait * played.pace:
                try:
                    await asyncio.sleep(found.wait * played.pace / 1e6)
                except asyncio.CancelledError:
                    played.back(found)
                    raise
            return _as_wanted(found.data, decode)

        def _tf_wake(self) -> None:
            waiting, self._tf_waiting = self._tf_waiting, []
            for each in waiting:
                if not each.done():
                    each.set_result(None)

        async def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[Any]:
            yield await self.recv(decode=decode)

        async def send(self, message: Any, text: bool | None = None, **_: Any) -> None:
            if hasattr(message, "__aiter__"):
                message = [each async for each in message]
            try:
                self._tf_played.sent(message, text)
            finally:
                self._tf_wake()

        async def close(self, code: int = 1000, reason: str = "", **_: Any) -> None:
            if self.protocol.state.name != "CLOSED":
                self._tf_played.ends(Close(code, reason, "program"))
            self._tf_wake()

        async def wait_closed(self) -> None:
            while self.protocol.state.name != "CLOSED":
                waiting = asyncio.get_running_loop().create_future()
                self._tf_waiting.append(waiting)
                await waiting

        async def ping(self, *_: Any, **__: Any) -> asyncio.Future[float]:
            answered: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            answered.set_result(0.0)
            return answered

        async def pong(self, *_: Any, **__: Any) -> None:
            pass

    return _named(PlayedConnection, base)


def _named(made: type[Any], base: Any) -> type[Any]:
    made.__name__, made.__qualname__ = base.__name__, base.__qualname__
    return made


def _as_wanted(data: str | bytes, decode: bool | None) -> Any:
    """Return a message as the library gives it: texts as texts, unless it is told otherwise."""
    if isinstance(data, str) and decode is False:
        return data.encode("utf-8", "surrogatepass")
    if isinstance(data, bytes) and decode is True:
        return data.decode()
    return data


def refusal(recorded: Connection) -> Exception:
    """Return what is raised in place of a connection that did not open."""
    import builtins
    import socket

    from websockets import exceptions

    told = recorded.error or {}
    name, words = str(told.get("type")), str(told.get("message") or "")
    if name == "InvalidStatus" and recorded.status is not None:
        return exceptions.InvalidStatus(_message("Response", recorded.status, recorded.answer_headers))
    for place in (builtins, socket, exceptions):
        kind = getattr(place, name, None)
        if isinstance(kind, type) and issubclass(kind, OSError | exceptions.WebSocketException):
            try:
                return kind(words)
            except TypeError:
                break
    return OSError(words or "the connection could not be opened")


def _message(kind: str, first: Any, headers: dict[str, str]) -> Any:
    """Return a request or a response of a handshake, as the library has them."""
    from http import HTTPStatus

    from websockets import http11
    from websockets.datastructures import Headers

    if kind == "Request":
        return http11.Request(first, Headers(headers.items()))
    try:
        phrase = HTTPStatus(first).phrase
    except ValueError:
        phrase = ""
    return http11.Response(first, phrase, Headers(headers.items()))


def _states() -> Any:
    from websockets.protocol import State

    return State


def _protocol(url: str) -> Any:
    """Return what of the library's protocol is looked at from outside."""
    from websockets.uri import parse_uri

    uri = parse_uri(url)
    return SimpleNamespace(
        uri=uri, wsuri=uri, path=uri.resource_name, state=_states().OPEN, subprotocol=None, id=None,
        close_sent=None, close_rcvd=None, close_rcvd_then_sent=None, close_code=None, close_reason=None,
    )  # fmt: skip
