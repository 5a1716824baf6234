"""What tests of sockets share: a server, and a way to talk to it that is the same for both kinds of client."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.capture.driver import Driver
from tests.server.sockets import SocketServer
from tfclient import Recorder


@pytest.fixture
def sockets() -> Iterator[SocketServer]:
    with SocketServer() as server:
        yield server


class Talk:
    """A program at a socket: sends what it is told to, and reads so many events."""

    def __init__(self, drive: Driver, sockets: SocketServer, recorder: Recorder) -> None:
        self.drive = drive
        self.sockets = sockets
        self.recorder = recorder
        self.client = drive.traced(recorder, base_url=sockets.url)

    def connected(self, kind: str = "realtime", client: Any = None, **options: Any) -> Any:
        """Give what enters a connection."""
        resource = client or self.client
        for name in kind.split("."):
            resource = getattr(resource, name)
        if kind.endswith("realtime"):
            options = {"model": "gpt-realtime", **options}
        return self.drive.entered(resource.connect(**options))

    def reconnecting(self, kind: str, told: list[Any]) -> Any:
        """Give a manager that connects again when the connection is lost."""
        connect = getattr(self.client, kind).connect
        if "on_reconnecting" not in inspect.signature(connect).parameters:
            pytest.skip("this openai does not connect again")
        model = {"model": "gpt-realtime"} if kind == "realtime" else {}
        return connect(**model, on_reconnecting=told.append, initial_delay=0.001, max_delay=0.001)

    def send(self, connection: Any, *events: Any) -> None:
        for event in events:
            self.drive.do(connection.send(event))

    def read(self, connection: Any, count: int = 1) -> list[Any]:
        return [json.loads(self.drive.do(connection.recv_bytes())) for _ in range(count)]

    def seen(self) -> None:
        """Wait until the server has seen the end of a connection."""
        assert self.sockets.over.acquire(timeout=60)


@pytest.fixture
def talk(drive: Driver, sockets: SocketServer, recorder: Recorder) -> Talk:
    return Talk(drive, sockets, recorder)
