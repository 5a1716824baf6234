"""What a process met with is written down, once, before anybody hears that a session's files are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import tfclient.sessions.ends
from tests.capture.driver import MODEL
from tests.projection.builders import Story, said, user
from tests.server.replies import answer
from tfclient import Recorder, TracedOpenAI
from tfclient.finishing import operations
from tfclient.finishing.live import LiveSession
from tfclient.finishing.operations import Keeper
from tfclient.finishing.rebuilding import rebuild, verify
from tfclient.health import Health
from tfclient.sessions.ends import make_finisher
from tfstore.disk.operations import Operations, read_operations
from tfstore.disk.paths import StorePaths
from tfstore.document.text import text_of
from tfstore.journal.segment import Segment
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.scripted import ScriptedServer

SESSION = "sess_20260901T120000Z_00000001"


@pytest.fixture
def paths(tmp_path: Path) -> StorePaths:
    made = StorePaths(tmp_path / "store")
    made.create()
    made.make_dir(made.locks)
    return made


def a_recorded(folder: Path) -> Store:
    """Return a store with the journal of a session of two answers."""
    store, story = Store(folder, create=True), Story()
    story.begin()
    story.ask([user("Oslo?")], [said("Sun.")])
    story.ask([user("Bergen?")], [said("Rain.")])
    story.end()
    with Segment.open(store.paths, SESSION) as segment:
        segment.append(*({"mono": 0, **entry} for entry in story.entries))
    return store


def test_each_fault_is_written_down_once(paths: StorePaths) -> None:
    keeper, health = Keeper(paths), Health()
    health.fault("capture", "before", "watching")
    keeper.watch(health)
    keeper.save()
    health.fault("journal", "then", "writing")
    keeper.ingested(0.2)
    for _ in range(3):
        keeper.save()

    met = read_operations(paths)
    assert met.faults == {"capture": 1, "journal": 1}
    assert met.ingestion.counts == {"0.25": 1}


def test_what_cannot_be_written_waits(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, health = Keeper(paths), Health()
    keeper.watch(health)
    health.fault("journal", "no space", "writing")
    keeper.ingested(0.2)

    def full(_paths: StorePaths, _some: Operations) -> bool:
        raise OSError("no space")

    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("tfstore.disk.operations.add_operations", full)
        keeper.save()
    assert not read_operations(paths)
    keeper.save()

    assert read_operations(paths).faults == {"journal": 1}
    assert read_operations(paths).ingestion.counts == {"0.25": 1}


def test_a_session_that_goes_on_is_written_of_seldom(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(operations, "monotonic", lambda: now[0])
    keeper, health = Keeper(paths), Health()
    keeper.watch(health)
    for _ in range(25):
        health.fault("journal", "again", "writing")
        keeper.save(soon=False)
        now[0] += 1

    assert (paths.root / "operations.jsonl").read_bytes().count(b"\n") == 3
    assert read_operations(paths).faults == {"journal": 21}


def test_a_child_does_not_write_what_its_parent_met_with(paths: StorePaths) -> None:
    keeper, health = Keeper(paths), Health()
    keeper.watch(health)
    health.fault("journal", "in the parent", "writing")
    keeper.ingested(0.2)
    keeper._forked()
    health.fault("tool", "in the child", "writing")
    keeper.save()

    met = read_operations(paths)
    assert (met.faults, bool(met.ingestion.counts)) == ({"tool": 1}, False)


def test_it_is_there_when_the_files_are(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfclient.sessions.ends, "make_finisher", make_finisher)
    server.script(answer("Hi."))
    recorder = Recorder(tmp_path / "store")
    recorder.health.fault("capture", "something", "recording")
    with TracedOpenAI(base_url=server.url, api_key="sk-none", recorder=recorder) as client:
        client.responses.create(model=MODEL, input="Hello")
        session = client.end_session()
        assert session is not None
        assert session.wait(60)

    met = read_operations(StorePaths(tmp_path / "store"))
    assert met.faults == {"capture": 1}
    assert met.ingestion.counts.total() == 1
    assert Store(tmp_path / "store").get(session.id).integrity.drift == 0


def test_how_long_rebuilding_took(tmp_path: Path) -> None:
    store = a_recorded(tmp_path / "store")
    LiveSession(store, SESSION).write_files()
    assert not rebuild(store, SESSION).changed
    assert read_operations(store.paths).rebuild.counts.total() == 1


def test_drift_stands_in_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_recorded(tmp_path / "store")
    live = LiveSession(store, SESSION)
    live._catch_up(float("inf"))
    live._responses.found["resp_that_no_step_has"] = None

    session = live.project()

    assert session.integrity.drift == 1
    monkeypatch.setattr(LiveSession, "_catch_up", lambda *_, **__: True)
    assert live.write_files().integrity.drift == 1
    assert [row.drift for row in store.list()] == [1]


def test_a_document_of_before_is_as_it_should_be(tmp_path: Path) -> None:
    store = a_recorded(tmp_path / "store")
    session = LiveSession(store, SESSION).write_files()
    session.integrity.drift = None
    before = text_of(session)
    assert b"drift" not in before
    store.paths.document(SESSION).write_bytes(before)

    assert [row.drift for row in store.list()] == [None]
    assert verify(store, SESSION).sound
    assert rebuild(store, SESSION).changed
    assert [row.drift for row in store.list()] == [0]
