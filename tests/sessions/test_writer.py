"""What a journal does where opening takes long, and where writing is refused."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

import tfclient.sessions.writer
from tests.capture.driver import MODEL
from tests.server.replies import answer
from tfclient import AsyncTracedOpenAI, Recorder, TracedOpenAI
from tfstore.disk.paths import StorePaths
from tfstore.journal import segment as segments
from tfstore.journal.reading import read_entries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.server.scripted import ScriptedServer


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, finisher: object) -> None:  # noqa: ARG001 - after that fixture
    monkeypatch.setattr(tfclient.sessions.writer, "STALLED", 0.1)


class BlockingError(Exception):
    """What a detector of blocking calls raises."""


def refused_on_a_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*args: Any, **kwargs: Any) -> Any:
        if asyncio._get_running_loop() is not None:
            raise BlockingError(f"Blocking call to {function.__name__}")
        return function(*args, **kwargs)

    return checked


def test_where_a_loop_may_not_write_a_thread_does(
    tmp_path: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always(answer("Hello!"))
    recorder = Recorder(tmp_path)

    async def program() -> str:
        client = AsyncTracedOpenAI(base_url=server.url, api_key="k", recorder=recorder, max_retries=0)
        await client.responses.create(model=MODEL, input="before")
        for name in ("write", "open", "mkdir", "rename"):
            monkeypatch.setattr(os, name, refused_on_a_loop(getattr(os, name)))
        for n in range(5):
            await client.responses.create(model=MODEL, input=f"q{n}")
        assert "BlockingError" in recorder.health.reasons[0]
        assert recorder.health.faults == 0
        session = client.end_session()
        assert session is not None
        await session.finished()
        await client.close()
        return session.id

    session_id = asyncio.run(program())
    entries, report = read_entries(StorePaths(tmp_path), session_id)
    assert sum(entry["type"] == "attempt.answered" for entry in entries) == 6
    assert report.intact
    assert recorder.stats().lost == 0
    assert recorder.health.ok


@pytest.mark.parametrize("stalls", ["open_held", "rename", "flock"])
def test_a_call_does_not_wait_for_a_journal_to_be_opened(
    tmp_path: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, stalls: str
) -> None:
    server.always(answer("Hello!"))
    recorder = Recorder(tmp_path)
    disk = threading.Event()
    callers: list[str] = []

    def stalled(function: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*args: Any, **kwargs: Any) -> Any:
            callers.append(threading.current_thread().name)
            assert disk.wait(60)
            return function(*args, **kwargs)

        return slow

    where: Any = {"open_held": segments, "rename": os, "flock": fcntl}[stalls]
    monkeypatch.setattr(where, stalls, stalled(getattr(where, stalls)))
    with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder, max_retries=0) as client:
        for n in range(3):
            assert client.responses.create(model=MODEL, input=f"q{n}").output_text == "Hello!"
        assert "in memory" in recorder.health.reasons[0]
        assert threading.main_thread().name not in callers
        disk.set()
        session = client.end_session()
    assert session is not None
    assert session.wait(60)
    entries, report = read_entries(StorePaths(tmp_path), session.id)
    assert sum(entry["type"] == "attempt.answered" for entry in entries) == 3
    assert report.intact
    assert recorder.health.ok, recorder.health


def test_a_busy_machine_is_no_slow_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: ScriptedServer
) -> None:
    server.always(answer("Hello!"))
    recorder = Recorder(tmp_path)
    monkeypatch.setattr(tfclient.sessions.writer, "LEAST_SPEED", float("inf"))
    with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder, max_retries=0) as client:
        client.responses.create(model=MODEL, input="warm")
        # Each write seems to take long, and so does having one's turn.
        monkeypatch.setattr(tfclient.sessions.writer, "STALLED", 0.0)
        monkeypatch.setattr(tfclient.sessions.writer, "time_to_be_scheduled", lambda: 10.0)
        client.responses.create(model=MODEL, input="busy")
        assert not recorder.health.degraded
        monkeypatch.setattr(tfclient.sessions.writer, "time_to_be_scheduled", lambda: 0.0)
        client.responses.create(model=MODEL, input="slow")
        assert recorder.health.degraded
