"""The background task, beside a program that patches what it likes."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import anyio

from tests.capture.driver import MODEL
from tests.server.replies import answer
from tfclient import Recorder, TracedOpenAI
from tfclient.finishing import asked
from tfclient.finishing import finisher as finish
from tfstore.disk.paths import StorePaths

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.server.scripted import ScriptedServer


def test_no_sleep_is_called(tmp_path: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's tests count calls of ``sleep``, as those of the SDK's retries do."""
    monkeypatch.setattr(asked, "REFRESH_SECONDS", 0.01)
    here, earlier = threading.current_thread(), threading.enumerate()
    slept: list[float] = []

    def note(seconds: float) -> None:
        if (thread := threading.current_thread()) is here or thread not in earlier:
            slept.append(seconds)

    async def sleep(seconds: float) -> None:
        note(seconds)

    monkeypatch.setattr(time, "sleep", note)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(anyio, "sleep", sleep)
    server.always(answer("Hello!"))
    recorder = Recorder(tmp_path)
    with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder) as client:
        client.responses.create(model=MODEL, input="Hi")
        session = recorder.current
        assert session is not None
        finisher = finish.Finisher(StorePaths(tmp_path))
        finisher.refresh(session.id)
        pause = threading.Event()
        while not session.path.exists():
            pause.wait(0.01)
    done = threading.Event()
    finisher.write_files(session.id, lambda *_: done.set())
    assert done.wait(60)
    assert slept == []
