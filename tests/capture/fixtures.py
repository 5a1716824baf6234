"""What tests of the recorder share: a recorder, calls sync and async, and a finisher that writes no files."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest

import tfclient.sessions.ends
import tfclient.sessions.idle_and_exit
import tfclient.sessions.writer
from tests.capture.driver import AsyncDriver, Driver
from tests.server.scripted import ScriptedServer
from tfclient import Recorder
from tfclient.settings import Settings


class RecordingFinisher:
    """Stands for the background task that writes documents: these tests are about what comes before it."""

    def __init__(self) -> None:
        self.refreshed: list[str] = []
        self.finished: list[str] = []
        self.error: Exception | None = None
        self.held: threading.Event | None = None

    def refresh(self, session_id: str) -> None:
        self.refreshed.append(session_id)

    def write_files(self, session_id: str, on_done: Callable[[Exception | None, int], None]) -> None:
        def work() -> None:
            if self.held is not None:
                self.held.wait(60)
            on_done(self.error, 0)

        self.finished.append(session_id)
        threading.Thread(target=work).start() if self.held else work()

    def drain(self, timeout: float) -> None:
        """Nothing waits."""

    def watch(self, health: object) -> None:
        """Nothing is counted."""

    def write_down(self) -> None:
        """Nothing is."""

    def see_to_it(self) -> bool:
        """There is no thread that could end."""
        return True

    def waiting(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is faster for it."""
        return contextlib.nullcontext()


@pytest.fixture(autouse=True)
def finisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingFinisher]:
    made = RecordingFinisher()

    def make(_settings: Settings) -> RecordingFinisher:
        return made

    monkeypatch.setattr(tfclient.sessions.ends, "make_finisher", make)
    # However busy the machine: what is written is there when it is asked for. Tests of slow disks say otherwise.
    monkeypatch.setattr(tfclient.sessions.writer, "STALLED", 60.0)
    yield made
    for state in tfclient.sessions.idle_and_exit.open_sessions():
        state.end("closed")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(params=["sync", "async"])
def drive(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[Driver]:
    driver = AsyncDriver(server.url) if request.param == "async" else Driver(server.url)
    yield driver
    driver.close()
