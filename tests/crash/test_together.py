"""Many processes and threads in one store and one session, clocks that jump, recovery beside them."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import tfclient
from tests.crash.program import SESSION, ask, client_of, in_child
from tfclient.finishing.rebuilding import verify
from tfclient.finishing.recovery import unarchived

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.crash.program import Acknowledge

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

PROCESSES, THREADS, CALLS = 8, 8, 2


def at_once(works: list[Callable[[], Any]]) -> None:
    failures: list[BaseException] = []

    def guarded(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def questions(session: Any) -> list[str]:
    return sorted(run.input_text for run in session.runs)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.timeout(300)
def test_eight_processes_of_eight_threads(tmp_path: Path, *, shared: bool) -> None:
    """In one session, or in one each; whoever ends first, all of it is in the end."""

    def process(number: int, acknowledge: Acknowledge) -> None:
        recorder = tfclient.Recorder(tmp_path)

        def thread(name: int) -> None:
            session = recorder.session(id=SESSION if shared else f"sess_{number}_{name}")
            with client_of(recorder, lambda _: None) as client, session:
                for call in range(CALLS):
                    ask(client, lambda _: None, f"question {number} {name} {call}")
            session.wait(60)

        at_once([lambda name=name: thread(name) for name in range(THREADS)])  # type: ignore[misc]
        acknowledge(f"faults {recorder.health.faults}")

    outcomes: list[list[str]] = []
    at_once(
        [
            lambda number=number: outcomes.append(in_child(lambda said: process(number, said))[0])  # type: ignore[misc]
            for number in range(PROCESSES)
        ]
    )

    assert outcomes == [["faults 0"]] * PROCESSES
    store = tfclient.open_store(tmp_path)
    assert unarchived(store) == []
    asked = []
    for session_id in store.ids():
        session = store.get(session_id)
        assert session.status == "closed"
        assert verify(store, session_id).problems == []
        asked += questions(session)
    assert sorted(asked) == sorted(
        f"question {number} {name} {call}"
        for number in range(PROCESSES)
        for name in range(THREADS)
        for call in range(CALLS)
    )
    assert len(store.ids()) == (1 if shared else PROCESSES * THREADS)
    assert len(store.list()) == len(store.ids())


def test_recovery_while_another_process_records(tmp_path: Path) -> None:
    """What is alive is left alone; what died in between is finished, once."""

    def record(acknowledge: Acknowledge) -> None:
        recorder = tfclient.Recorder(tmp_path)
        with client_of(recorder, lambda _: None) as client, recorder.session(id="sess_alive") as session:
            for number in range(40):
                ask(client, acknowledge, f"question {number}")
                time.sleep(0.005)
        session.wait(60)

    def die(acknowledge: Acknowledge) -> None:
        recorder = tfclient.Recorder(tmp_path)
        with client_of(recorder, lambda _: None) as client, recorder.session():
            ask(client, acknowledge, "question")
            os.kill(os.getpid(), 9)

    said: list[str] = []
    alive = threading.Thread(target=lambda: said.extend(in_child(record)[0]))
    alive.start()
    for _ in range(10):
        in_child(die)
        at_once([lambda: tfclient.open_store(tmp_path)] * 2)
    alive.join()
    store = tfclient.open_store(tmp_path)

    assert len(said) == 40
    ends = {row.session_id: row.end_reason for row in store.list()}
    assert ends.pop("sess_alive") == "closed"
    assert list(ends.values()) == ["recovered"] * 10
    assert questions(store.get("sess_alive")) == sorted(f"question {number}" for number in range(40))
    for session_id in ends:
        types = [entry["type"] for entry in store.journal(session_id)[0]]
        assert types.count("session.ended") == 1


@pytest.mark.parametrize("jump", [-3600, 3600, -(10**9)])
def test_a_clock_that_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: int) -> None:
    """Calls stay in their order, and nothing ends before it began."""
    recorder = tfclient.Recorder(tmp_path)
    real = time.time_ns
    with client_of(recorder, lambda _: None) as client, recorder.session(id=SESSION) as session:
        ask(client, lambda _: None, "one")
        monkeypatch.setattr("tfstore.journal.entries.time_ns", lambda: real() + jump * 10**9)
        ask(client, lambda _: None, "two")
        monkeypatch.undo()
        ask(client, lambda _: None, "three")
    assert session.wait(60)

    found = tfclient.open_store(tmp_path).get(SESSION)

    assert [run.input_text for run in found.runs] == ["one", "two", "three"]
    assert found.duration_ms is not None
    assert found.duration_ms >= 0
    for run in found.runs:
        for step in run.steps:
            assert (step.duration_ms or 0) >= 0
            assert step.status == "completed"
