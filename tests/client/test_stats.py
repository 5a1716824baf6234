"""What ``recorder.stats()`` says of documents: whether they tell all that was recorded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import tfclient.sessions.ends
from tests.capture.driver import MODEL, Driver
from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tfclient import Recorder
from tfclient.finishing.live import LiveSession
from tfclient.sessions.ends import make_finisher
from tfstore.document.documents import Session


@pytest.fixture(autouse=True)
def documents(finisher: object, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - after that fixture
    """Have documents written, by what writes them outside of tests."""
    monkeypatch.setattr(tfclient.sessions.ends, "make_finisher", make_finisher)


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "store")


def _session(driver: Driver, server: ScriptedServer, recorder: Recorder, calls: int) -> str:
    server.always(answer("Yes."))
    client = driver.traced(recorder)
    for n in range(calls):
        driver.do(client.responses.create(model=MODEL, input=f"Is it {n}?"))
    handle = client.end_session()
    assert handle.wait(60)
    return str(handle.id)


def test_documents_that_tell_everything_do_not_drift(
    drive: Driver, server: ScriptedServer, recorder: Recorder
) -> None:
    _session(drive, server, recorder, 3)

    stats = recorder.stats()

    assert (stats.calls, stats.drift, stats.faults) == (3, 0, 0)


def test_responses_that_a_document_does_not_tell_are_drift(
    drive: Driver,
    server: ScriptedServer,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Counted as the files are written: a projection that loses something does not notice that itself."""
    project = LiveSession.project

    def losing(live: LiveSession) -> Session:
        session = project(live)
        for run in session.runs[1:]:
            run.steps.clear()
        return session

    monkeypatch.setattr(LiveSession, "project", losing)
    session_id = _session(drive, server, recorder, 3)

    stats = recorder.stats()
    assert (stats.drift, stats.faults, recorder.health.by_kind) == (2, 1, {"drift": 1})
    assert f"writing the files of session {session_id}: 2 of its responses are missing" in caplog.text


def test_stats_read_nothing_from_disk(drive: Driver, server: ScriptedServer, recorder: Recorder) -> None:
    session_id = _session(drive, server, recorder, 1)
    shutil.rmtree(recorder.settings.directory)

    assert (recorder.stats().calls, recorder.stats().drift, recorder.stats().faults) == (1, 0, 0), session_id
