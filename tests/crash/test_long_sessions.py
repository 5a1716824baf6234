"""Sessions beyond what the program may hold in memory are finished by a helper; those of many writers let go of."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import tfclient
from tests.crash.program import SESSION, ask, client_of
from tfclient.finishing.helper import HelperFailed, can_help, start_helper
from tfstore.disk.paths import StorePaths

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is too heavy."""
    monkeypatch.setattr("tfclient.finishing.live.HEAVY", 1)


def record(root: Path) -> tfclient.SessionHandle:
    recorder = tfclient.Recorder(root)
    with client_of(recorder, lambda _: None) as client, recorder.session(id=SESSION) as session:
        ask(client, lambda _: None, "question")
    return session


@pytest.mark.skipif(not can_help(), reason="this interpreter cannot be started anew")
def test_a_helper_writes_document_diagram_and_archive(tmp_path: Path) -> None:
    session = record(tmp_path)

    assert session.wait(60), session.error
    store = tfclient.open_store(tmp_path)
    assert [run.input_text for run in store.get(SESSION).runs] == ["question"]
    assert store.paths.diagram(SESSION).is_file()
    assert store.paths.archived(SESSION).is_file()


@pytest.mark.skipif(not can_help(), reason="this interpreter cannot be started anew")
def test_the_document_of_a_long_session_that_waits_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call that made it too long may have been the last for a while."""
    monkeypatch.setattr("tfclient.finishing.asked.REFRESH_SECONDS", 0.01)
    recorder = tfclient.Recorder(tmp_path)
    with client_of(recorder, lambda _: None) as client, recorder.session(id=SESSION) as session:
        ask(client, lambda _: None, "question")
        pause = threading.Event()
        while not session.path.exists():
            pause.wait(0.05)
        assert tfclient.open_store(tmp_path).get(SESSION).status == "active"


def test_without_a_helper_the_next_process_finishes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfclient.finishing.helper.can_help", lambda: False)
    session = record(tmp_path)

    assert not session.wait(60)
    assert "is very long" in str(session.error)
    assert tfclient.open_store(tmp_path).get(SESSION).status == "closed"


def test_a_helper_that_fails_is_told(tmp_path: Path) -> None:
    told: list[Exception | None] = []
    done = threading.Event()

    def ended(error: Exception | None, _drift: int) -> None:
        told.append(error)
        done.set()

    assert start_helper(StorePaths(tmp_path / "nothing"), SESSION, ended)
    assert done.wait(60)
    (error,) = told
    assert isinstance(error, HelperFailed)
    assert "There is no store at" in str(error)
