"""An event loop goes on with other tasks while the journal of an async session is opened."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture import journals
from tfclient import Recorder
from tfclient.sessions import writer
from tfclient.sessions.handle import SessionHandle
from tfclient.sessions.idle_and_exit import open_sessions
from tfstore.disk import locks
from tfstore.journal import segment as segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """One that opens journals when this is set."""
    ready = threading.Event()
    real = locks.open_held

    def held(path: Path) -> Any:
        assert ready.wait(60)
        return real(path)

    monkeypatch.setattr(segments, "open_held", held)
    monkeypatch.setattr(writer, "MEANWHILE", 60.0)
    yield ready
    ready.set()


def test_other_tasks_run_meanwhile(tmp_path: Path, disk: threading.Event) -> None:
    recorder = Recorder(tmp_path)

    async def other() -> None:
        disk.set()

    async def program() -> SessionHandle:
        task = asyncio.create_task(other())
        async with recorder.session() as session:
            assert disk.is_set()
            session.annotate("note")
        await task
        return session

    session = asyncio.run(program())
    assert journals.types(recorder, session.id) == ["session.started", "annotation", "session.ended"]


def test_it_is_waited_for_as_calls_wait_where_it_takes_long(
    tmp_path: Path, disk: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MEANWHILE", 0.001)
    monkeypatch.setattr(writer, "STALLED", 0.001)
    recorder = Recorder(tmp_path)

    async def program() -> SessionHandle:
        async with recorder.session() as session:
            session.annotate("note")
            assert "opening the journal" in recorder.health.reasons[0]
            disk.set()
        return session

    session = asyncio.run(program())
    assert session.wait(60)
    assert journals.types(recorder, session.id) == ["session.started", "annotation", "session.ended"]


def test_one_that_is_cancelled_meanwhile_has_ended(tmp_path: Path, disk: threading.Event) -> None:
    recorder = Recorder(tmp_path)
    handle = recorder.session()

    async def entering() -> None:
        async with handle:
            pytest.fail("it was entered")

    async def program() -> None:
        task = asyncio.create_task(entering())
        await asyncio.sleep(0)
        task.cancel()
        # Ending it waits for the journal too, in the thread of the loop.
        disk.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert recorder.current is None

    asyncio.run(program())
    assert handle.ended
    assert handle._state not in open_sessions()
    assert journals.types(recorder, handle.id) == ["session.started", "session.ended"]


def test_where_no_task_of_asyncio_waits_nothing_is_awaited(tmp_path: Path, disk: threading.Event) -> None:
    """Other loops, and whoever steps a coroutine, get nothing from it that they do not know."""
    recorder = Recorder(tmp_path)
    disk.set()

    async def program() -> str:
        async with recorder.session() as session:
            return session.id

    def stepped() -> str:
        with pytest.raises(StopIteration) as done:
            program().send(None)
        return str(done.value.value)

    async def in_a_callback() -> str:
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: found.set_result(stepped()))
        return await found

    for session in (stepped(), asyncio.run(in_a_callback())):
        assert journals.types(recorder, session) == ["session.started", "session.ended"]
