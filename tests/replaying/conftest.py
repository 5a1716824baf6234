"""What tests of replays share: sync and async clients, a way to record with them, and no sockets afterwards."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture.driver import AsyncDriver, Driver
from tests.replaying.recording import Studio
from tfclient.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.scripted import ScriptedServer


@pytest.fixture(params=["sync", "async"])
def drive(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[Driver]:
    driver = (AsyncDriver if request.param == "async" else Driver)(server.url)
    yield driver
    driver.close()


@pytest.fixture
def studio(drive: Driver, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """Record a program against the scripted server; from then on no socket may be opened."""

    def refused(*args: Any, **_: Any) -> Any:
        pytest.fail(f"a socket was opened in a replay: {args[1:]}")

    def close() -> None:
        for name in ("connect", "connect_ex"):
            monkeypatch.setattr(socket.socket, name, refused)
        monkeypatch.setattr(socket, "getaddrinfo", refused)

    return Studio(drive, server, Recorder(), close)
