"""Connections of a program's own classes, whatever they are like: nothing of the recorder's is raised into it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import websockets.asyncio.client
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from tests.capture import journals
from tests.capture.sockets.conftest import Talk
from tests.server.sockets import Close, Got
from tfclient import Recorder
from tfclient.capture.sockets import connections, socket

HELLO = {"type": "session.created", "session": {"type": "realtime", "model": "gpt-realtime"}}


def theirs(talk: Talk) -> Any:
    """The library's own class."""
    library = websockets.asyncio.client if talk.drive.is_async else websockets.sync.client
    return library.ClientConnection


def final(base: Any) -> type[Any]:
    """A class of which none may be derived."""

    class Final(base):  # type: ignore[misc] # known when it runs
        def __init_subclass__(cls) -> None:
            raise TypeError("Final is final")

    return Final


def without_streaming(base: Any) -> type[Any]:
    """A class that holds a connection instead of being one, and has not all of its methods."""

    class Holding:
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.held = base(*args, **kwargs)

        def handshake(self, *args: Any, **kwargs: Any) -> Any:
            return self.held.handshake(*args, **kwargs)

        def recv(self, *args: Any, **kwargs: Any) -> Any:
            return self.held.recv(*args, **kwargs)

        def send(self, *args: Any, **kwargs: Any) -> Any:
            return self.held.send(*args, **kwargs)

        def close(self, *args: Any, **kwargs: Any) -> Any:
            return self.held.close(*args, **kwargs)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.held, name)

    return Holding


def unhashable(base: Any) -> type[Any]:
    """A class of connections that no set takes."""

    class Unhashable(base):  # type: ignore[misc] # known when it runs
        __hash__ = None  # type: ignore[assignment] # as Python does for a class with an __eq__ of its own

    return Unhashable


@pytest.mark.parametrize(("made", "why"), [(final, "is final"), (without_streaming, "recv_streaming")])
def test_a_class_that_cannot_be_watched_is_used_as_it_is(
    made: Any, why: str, talk: Talk, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    talk.sockets.script(HELLO, Got())
    own = made(theirs(talk))
    with talk.connected(websocket_connection_options={"create_connection": own}) as connection:
        assert type(connection._connection) is own
        assert talk.read(connection) == [HELLO]
        talk.send(connection, {"type": "response.create"})
    talk.seen()
    assert talk.sockets.connections[0].events == [{"type": "response.create"}]
    assert recorder.health.unseen == ["What goes over the WebSocket of realtime"]
    assert "cannot be watched" in caplog.text
    assert why in caplog.text
    assert recorder.health.faults == 0
    assert journals.sessions(recorder) == []


def test_a_connection_without_a_hash_is_recorded(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(HELLO)
    own = unhashable(theirs(talk))
    with talk.connected(websocket_connection_options={"create_connection": own}) as connection:
        assert talk.read(connection) == [HELLO]
    for kind in ("opened", "frame", "closed"):
        assert len(journals.entries(recorder, f"socket.{kind}")) == 1, kind
    assert not recorder.health.ok


def test_a_connection_that_does_not_say_whether_it_is_over(
    talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_connection: Any) -> bool:
        raise AttributeError("protocol")

    monkeypatch.setattr(socket, "_is_over", broken)
    talk.sockets.script(HELLO, Close(1000))
    with talk.connected() as connection:
        talk.read(connection)
        for n, go in enumerate((connection._connection.recv, lambda: connection._connection.send("{}"))):
            with pytest.raises(ConnectionClosed):
                talk.drive.do(go())
            assert recorder.health.faults == n + 1
    assert recorder.health.faults == 3
    (closed,) = journals.entries(recorder, "socket.closed")
    assert (closed["by"], closed["code"]) == ("server", 1000)


class Pieces:
    """What gives pieces and is no generator."""

    def __init__(self, pieces: list[Any]) -> None:
        self.pieces = iter(pieces)

    def __iter__(self) -> Pieces:
        return self

    def __next__(self) -> Any:
        return next(self.pieces)

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self.pieces)
        except StopIteration:
            raise StopAsyncIteration from None


@pytest.mark.parametrize(
    ("given", "kept"), [(['{"type":', '"one"}'], 1), (['{"type":', b'"one"}'], 0)], ids=["text", "mixed"]
)
def test_pieces_of_a_programs_own(given: list[Any], kept: int, talk: Talk, recorder: Recorder) -> None:
    class Own(theirs(talk)):  # type: ignore[misc] # known when it runs
        def recv_streaming(self, *_args: Any, **_kwargs: Any) -> Any:
            return Pieces(given)

    talk.sockets.script(Got())
    with talk.connected(websocket_connection_options={"create_connection": Own}) as connection:
        assert talk.drive.events(connection._connection.recv_streaming()) == given
    assert len(journals.entries(recorder, "socket.frame")) == kept
    assert recorder.health.faults == 1 - kept


def test_classes_of_a_program_that_makes_one_for_each_connection_go_with_it() -> None:
    made = []
    for _ in range(3 * connections.AT_ONCE):

        class Own(Pieces):
            handshake = recv = recv_streaming = send = close = Pieces.__next__

        assert connections.watching(Own, connections.SYNC) is connections.watching(Own, connections.SYNC)
        made.append(weakref.ref(Own))
        del Own
    gc.collect()
    assert sum(each() is not None for each in made) <= connections.AT_ONCE
