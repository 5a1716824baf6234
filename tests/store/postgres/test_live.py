"""Sessions are sent to a database as they close, and nobody waits for it."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import traceback
from threading import Event
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from tests.finishing.pushed import fault_told, one_session
from tests.otlp.receiver import Receiver
from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tests.store.postgres.making import migrated, read, sync
from tfclient import Recorder
from tfclient.finishing import pushing, syncing
from tfclient.finishing.syncing import DatabaseTarget
from tfclient.settings import Settings
from tfstore.postgres.seen import Seen
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tfstore.disk.paths import StorePaths

PROGRAM = """
import os, sys, threading
from pathlib import Path
from tfclient import Recorder, TracedOpenAI

url, folder, database, how = sys.argv[1:]
client = TracedOpenAI(base_url=url, api_key="sk-none", recorder=Recorder(folder, sync=database))

def one(words):
    with client.session() as session:
        print(client.responses.create(model="gpt-4.1", input=words).output_text, flush=True)
    assert session.wait(60)
    return session.id

def until_sent(session_id):
    for _ in range(6000):
        if any(session_id.encode() in each.read_bytes() for each in Path(folder, "sync").glob("*.jsonl")):
            return
        threading.Event().wait(0.01)
    sys.exit("it was not sent")

first = one("Hello")
if how == "fork":
    until_sent(first)
    child = os.fork()
    if child == 0:
        until_sent(one("Hello from the child"))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    until_sent(one("Hello again"))
sys.exit(3)
"""


class UntilTheEnd:
    """A database that nothing is sent to when the test is over: another test may have its port by then."""

    def __init__(self, target: DatabaseTarget, over: Event) -> None:
        self.target = target
        self.over = over
        self.earlier = target.earlier
        self.close = target.close

    def send(self, session_ids: Sequence[str]) -> dict[str, str]:
        assert not self.over.is_set(), "the test is over"
        return self.target.send(session_ids)


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    over = Event()

    def opened(paths: StorePaths, address: str) -> UntilTheEnd:
        return UntilTheEnd(DatabaseTarget.open(paths, address), over)

    monkeypatch.setattr(pushing, "_WANTED", {})
    monkeypatch.setattr(syncing, "DATABASE", evolve(syncing.DATABASE, open=opened))
    yield
    over.set()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of what takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # 0 waits for more than two minutes.
        port = listening.getsockname()[1]
        yield f"postgresql://ada:s3cr3t@127.0.0.1:{port}/team?connect_timeout=0"


def sent(folder: Path) -> set[str]:
    every = Seen.every(Store(folder).paths)
    return {each for seen in every for each in seen._known}


def until_sent(folder: Path, *ids: str) -> None:
    """Wait until it is noted that these are there."""
    pause = Event()
    for _ in range(6_000):
        if set(ids) <= sent(folder):
            return
        pause.wait(0.01)
    raise AssertionError(f"{ids} were not sent")


def test_a_session_is_there_when_it_has_ended(server: ScriptedServer, database: str, tmp_path: Path) -> None:
    migrated(database)
    before = one_session(server, Recorder(tmp_path / "store"))
    recorder = Recorder(tmp_path / "store", sync=database)
    ids = [one_session(server, recorder) for _ in range(3)]
    until_sent(tmp_path / "store", *ids)
    (live,) = pushing.pushers(Store(tmp_path / "store").paths)
    # What was recorded before is not sent unasked.
    live.look_for_others()
    last = one_session(server, recorder)
    until_sent(tmp_path / "store", last)

    store = Store(tmp_path / "store")
    with read(database) as team:
        assert set(team.ids()) == {*ids, last}
        assert [team.text(each) for each in ids] == [store.text(each) for each in ids]
    assert recorder.health.by_kind == {}
    done = sync(store, database)
    assert (done.sent, done.same, set(store.ids())) == (1, 4, {before, *ids, last})


def test_what_an_earlier_process_left_is_sent_by_the_next(
    server: ScriptedServer, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated(database)
    recorder = Recorder(tmp_path / "store", sync=database)
    until_sent(tmp_path / "store", one_session(server, recorder))
    (live,) = pushing.pushers(Store(tmp_path / "store").paths)
    with monkeypatch.context() as elsewhere:
        # As in a process that sends nothing.
        elsewhere.setattr(pushing, "_WANTED", {})
        left = one_session(server, Recorder(tmp_path / "store"))
    assert left not in sent(tmp_path / "store")
    live.look_for_others()
    until_sent(tmp_path / "store", left)


def test_what_fails_is_counted_then_there_is_a_rest_and_no_password(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rested = Event()
    listen = pushing.Pusher._listen

    def listening(self: pushing.Pusher, target: object, left: object, rest_until: float) -> None:
        if rest_until and self.address == address:
            rested.set()
        listen(self, target, left, rest_until)  # type: ignore[arg-type]

    monkeypatch.setattr(pushing.Pusher, "_listen", listening)
    # Nobody listens there, and no test ever will.
    address = "postgresql://ada:s3cr3t@127.0.0.1:9/team"
    recorder = Recorder(tmp_path / "store", sync=address)
    told: list[str] = []
    fault = recorder.health.fault

    def heard(kind: str, error: BaseException | str, doing: str) -> None:
        if isinstance(error, BaseException):
            told.extend(traceback.format_exception(error))
        fault(kind, error, doing)

    monkeypatch.setattr(recorder.health, "fault", heard)
    one_session(server, recorder)
    assert rested.wait(60)
    one_session(server, recorder)

    assert recorder.health.by_kind == {"sync": pushing.TRIES}
    assert "postgresql://ada:***@127.0.0.1" in str(recorder.health.last_error)
    assert "`tfclient sync` sends the rest" in caplog.text
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    everything = [*told, caplog.text, repr(recorder.settings), repr(recorder.health), *map(repr, files)]
    assert [each for each in everything if "s3cr3t" in each] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("how", ["exit", "fork"])
def test_exit_and_fork_do_not_wait_and_the_wire_is_as_ever(
    tmp_path: Path, how: str, silent: str, request: pytest.FixtureRequest
) -> None:
    """Were a database waited for that says nothing, the program would take longer than it may."""
    address = silent
    if how == "fork":
        address = request.getfixturevalue("database")
        migrated(address)
    with ScriptedServer() as server:
        server.script(*[answer("Hi.")] * 3)
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-c", PROGRAM, server.url, str(tmp_path / "store"), address, how],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        bodies = [seen.body for seen in server.requests]

    assert (done.returncode, set(done.stdout.splitlines())) == (3, {"Hi."}), done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr
    # What a client without a recorder would have sent.
    words = ["Hello"] if how == "exit" else ["Hello", "Hello from the child", "Hello again"]
    assert bodies == [b'{"model":"gpt-4.1","input":"%s"}' % each.encode() for each in words]
    if how == "fork":
        with read(address) as team:
            assert len(team.ids()) == 3


def test_calls_and_ends_go_on_while_a_database_says_nothing(
    server: ScriptedServer, silent: str, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "store", sync=silent)
    for _ in range(3):
        one_session(server, recorder)

    assert len(Store(tmp_path / "store").list(status="closed")) == 3
    assert recorder.health.by_kind == {}


def test_tables_that_are_not_there_are_told_and_may_come(
    server: ScriptedServer, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "RESTS", (0.01,))
    recorder = Recorder(tmp_path / "store", sync=database)
    told = fault_told(recorder, monkeypatch)
    session_id = one_session(server, recorder)
    assert told.wait(60)
    assert "--migrate" in str(recorder.health.last_error)
    migrated(database)
    until_sent(tmp_path / "store", session_id)


def test_without_the_package_sessions_are_recorded_and_it_is_told_once(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    recorder = Recorder(tmp_path / "store", sync="postgresql://127.0.0.1:1/team")
    told = fault_told(recorder, monkeypatch)
    one_session(server, recorder)
    assert told.wait(60)
    one_session(server, recorder)

    assert recorder.health.by_kind == {"sync": 1}
    assert 'pip install "tfclient[postgres]"' in str(recorder.health.last_error)


def test_both_places_are_sent_to(server: ScriptedServer, tmp_path: Path, database: str) -> None:
    migrated(database)
    with Receiver() as receiver:
        recorder = Recorder(tmp_path / "store", sync=database, export=receiver.url)
        session_id = one_session(server, recorder)
        until_sent(tmp_path / "store", session_id)
        receiver.wait_for(1)

    kinds = {each._way.kind for each in pushing.pushers(Store(tmp_path / "store").paths)}
    assert kinds == {"export", "sync"}


def test_an_address_that_is_none(caplog: pytest.LogCaptureFixture) -> None:
    bad, given = "postgresql://ada:s3cr3t@h:port/x", "postgresql://ada:s3cr3t@h/team"
    with pytest.raises(ValueError, match="sync='…' cannot be used: give an address") as raised:
        Settings.resolve(sync=bad)
    assert "s3cr3t" not in "".join(traceback.format_exception(raised.value))
    with pytest.raises(TypeError):
        Settings.resolve(sync=7)  # type: ignore[arg-type]
    assert Settings.resolve(environ={"THOUGHTFLOW_SYNC": "mysql://ada:s3cr3t@h"}).sync is None
    assert Settings.resolve(environ={"THOUGHTFLOW_SYNC": given}).sync == given
    assert "THOUGHTFLOW_SYNC" in caplog.text
    assert "s3cr3t" not in caplog.text + repr(Settings.resolve(sync=given))
