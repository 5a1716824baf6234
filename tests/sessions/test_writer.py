"""What a journal does where opening takes long, and where writing is refused."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

import tfclient.sessions.writer
from tests.capture import journals
from tests.capture.driver import MODEL
from tests.noting import noted
from tests.server.replies import answer
from tfclient import AsyncTracedOpenAI, Recorder, TracedOpenAI
from tfclient.health import Health
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


@pytest.mark.parametrize("stalls", ["open_held", "open", "mkdir", "rename", "flock", "write"])
def test_a_call_does_not_wait_for_a_journal_to_be_opened(
    tmp_path: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, stalls: str
) -> None:
    server.always(answer("Hello!"))
    recorder = Recorder(tmp_path)
    disk = threading.Event()
    callers: list[str] = []

    def stalled(function: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*args: Any, **kwargs: Any) -> Any:
            of_us = str(tmp_path) in str(args[0]) or stalls in {"flock", "write"}
            if not of_us or (stalls == "write" and b'"session_id"' not in args[1]):
                # The server's, the interpreter's.
                return function(*args, **kwargs)
            callers.append(threading.current_thread().name)
            assert disk.wait(60)
            return function(*args, **kwargs)

        return slow

    where: Any = {"open_held": segments, "flock": fcntl}.get(stalls, os)
    monkeypatch.setattr(where, stalls, stalled(getattr(where, stalls)))
    with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder, max_retries=0) as client:
        for n in range(3):
            assert client.responses.create(model=MODEL, input=f"q{n}").output_text == "Hello!"
        assert "in memory" in recorder.health.reasons[0]
        assert callers
        assert threading.main_thread().name not in callers
        disk.set()
        session = client.end_session()
    assert session is not None
    assert session.wait(60)
    entries, report = read_entries(StorePaths(tmp_path), session.id)
    assert sum(entry["type"] == "attempt.answered" for entry in entries) == 3
    assert report.intact
    assert recorder.health.ok, recorder.health


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_kill_while_the_disk_is_stalled_loses_what_health_has_told(
    tmp_path: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always(answer("Hello!"))
    told, telling = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            recorder = Recorder(tmp_path)
            client = TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder, max_retries=0)
            client.responses.create(model=MODEL, input="before")
            real, slow = os.write, iter([0.3])
            monkeypatch.setattr(tfclient.sessions.writer, "time_to_be_scheduled", lambda: 0.0)

            def stalled(descriptor: int, data: bytes) -> int:
                if b'"session_id"' in data:
                    threading.Event().wait(next(slow, 20.0))
                return real(descriptor, data)

            os.write = stalled  # type: ignore[assignment]
            for text in ("slow", "in memory"):
                client.responses.create(model=MODEL, input=text)
            real(telling, recorder.health.reasons[0].encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(telling)
    os.waitpid(pid, 0)
    assert b"where a kill of the process would lose them" in os.read(told, 4096)
    os.close(told)
    (session_id,) = journals.sessions(tmp_path)
    entries, report = read_entries(StorePaths(tmp_path), session_id)
    assert report.intact
    kinds = [entry["type"] for entry in entries]
    assert (kinds.count("attempt.sent"), kinds.count("attempt.answered")) == (2, 1)


def test_a_busy_machine_is_no_slow_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: ScriptedServer
) -> None:
    server.always(answer("Hello!"))
    recorder = Recorder(tmp_path)
    # Whether it still is may be over by the time that one looks.
    told = noted(monkeypatch, Health, "degrade")
    monkeypatch.setattr(tfclient.sessions.writer, "LEAST_SPEED", float("inf"))
    with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder, max_retries=0) as client:
        client.responses.create(model=MODEL, input="warm")
        # Each write seems to take long, and so does having one's turn.
        monkeypatch.setattr(tfclient.sessions.writer, "STALLED", 0.0)
        monkeypatch.setattr(tfclient.sessions.writer, "time_to_be_scheduled", lambda: 10.0)
        client.responses.create(model=MODEL, input="busy")
        assert told == []
        monkeypatch.setattr(tfclient.sessions.writer, "time_to_be_scheduled", lambda: 0.0)
        client.responses.create(model=MODEL, input="slow")
        assert set(told) == {"slow"}
