"""A WebSocket server that does as it is told: a script for each connection, one move after the other.

A move is what is sent (a dict as JSON, a text or bytes as they are), or one of the things below. What came is in
``connections``. After the last move it waits until the client closes.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from attrs import define, field, frozen
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve
from websockets.version import version

WAIT = 10.0
"""Seconds after which a script that waits for the client gives up."""


@frozen
class Got:
    """Wait for a message; ``then`` may make moves of it."""

    then: Callable[[Any], Iterable[Any]] = lambda _message: ()


@frozen
class Close:
    """Close the connection."""

    code: int = 1000
    reason: str = ""


@frozen
class Drop:
    """Let the connection go, without a word."""


@frozen
class Wait:
    """Wait for something that the test does."""

    for_: threading.Event


@frozen
class Refuse:
    """As the first move: no connection, this status instead."""

    status: int = 401


@define
class Seen:
    """One connection as the server saw it."""

    path: str
    headers: list[tuple[str, str]]
    messages: list[str | bytes] = field(factory=list)

    @property
    def events(self) -> list[Any]:
        """What came, as JSON."""
        return [json.loads(message) for message in self.messages]


class SocketServer:
    """Plays a script to each connection, in the order in which they come; the last one again to all others."""

    def __init__(self) -> None:
        self.scripts: list[list[Any]] = []
        self.connections: list[Seen] = []
        self.over = threading.Semaphore(0)
        """Released when a connection is over."""
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def script(self, *moves: Any) -> None:
        """Say what is to happen on the next connection."""
        self.scripts.append(list(moves))

    @property
    def url(self) -> str:
        """Its address, as a client takes it for ``base_url``."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.socket.getsockname()[1]}/v1"

    def __enter__(self) -> Self:
        self._server = serve(
            self._play, "127.0.0.1", 0, process_request=self._begin, compression=None, max_size=None,
            **({"ping_interval": None} if int(version.partition(".")[0]) >= 15 else {}),
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join(WAIT)

    def _begin(self, connection: ServerConnection, request: Any) -> Any:
        with self._lock:
            seen = Seen(request.path, list(request.headers.raw_items()))
            self.connections.append(seen)
            moves = self.scripts[min(len(self.connections), len(self.scripts)) - 1] if self.scripts else []
        connection.script = (seen, moves)  # type: ignore[attr-defined]
        if moves and isinstance(moves[0], Refuse):
            return connection.respond(HTTPStatus(moves[0].status), '{"error": {"message": "no"}}')
        return None

    def _play(self, connection: ServerConnection) -> None:
        seen, moves = connection.script  # type: ignore[attr-defined]
        try:
            with contextlib.suppress(ConnectionClosed, TimeoutError):
                self._moves(connection, seen, moves)
                while True:
                    seen.messages.append(connection.recv(WAIT))
        finally:
            self.over.release()

    def _moves(self, connection: ServerConnection, seen: Seen, moves: Iterable[Any]) -> None:
        for move in moves:
            if isinstance(move, Got):
                message = connection.recv(WAIT)
                seen.messages.append(message)
                self._moves(connection, seen, move.then(message))
            elif isinstance(move, Close):
                connection.close(move.code, move.reason)
            elif isinstance(move, Drop):
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.socket.shutdown(socket.SHUT_RDWR)
                connection.socket.close()
            elif isinstance(move, Wait):
                move.for_.wait(WAIT)
            else:
                connection.send(json.dumps(move) if isinstance(move, dict | list) else move)


def recorded(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the messages of a recording: whether each was ``sent`` or ``received``, and what it says."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(line["direction"], line["data"]) for line in lines if line["kind"] == "message"]


def played(messages: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Return the server's side of a recording as a script."""
    return [data if direction == "received" else Got() for direction, data in messages]
