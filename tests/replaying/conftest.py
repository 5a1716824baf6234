"""What tests of replays share: sync and async clients, a way to record with them, and no sockets afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.capture.driver import AsyncDriver, Driver
from tests.no_sockets import refuse
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
    return Studio(drive, server, Recorder(), lambda: refuse(monkeypatch))
