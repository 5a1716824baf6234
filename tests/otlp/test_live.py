"""Sessions are sent as they close, and nobody waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from tests.capture.driver import MODEL
from tests.finishing.pushed import fault_told, one_session
from tests.otlp.receiver import HTML, TAKEN, Answer, Receiver
from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tfclient import Recorder, open_store
from tfclient.finishing import pushing
from tfclient.otlp.endpoint import endpoint_of
from tfclient.settings import Settings
from tfstore.disk.export_ledger import ExportLedger
from tfstore.store import Store

PROGRAM = """
import os, sys
from tfclient import Recorder, TracedOpenAI
client = TracedOpenAI(base_url=sys.argv[1], api_key="sk-none", recorder=Recorder(sys.argv[2], export=sys.argv[3]))
print(client.responses.create(model="gpt-4.1", input="Hello").output_text)
if sys.argv[4] == "fork":
    child = os.fork()
    if child == 0:
        client.responses.create(model="gpt-4.1", input="Hello from the child")
        client.end_session()
        os._exit(0)
    os.waitpid(child, 0)
client.end_session().wait(60)
sys.exit(3)
"""


def until_confirmed(receiver: Receiver, folder: Path, *ids: str) -> None:
    """Wait until these are in the ledger; it is written a moment after the receiver answered."""
    pause = Event()
    for _ in range(6_000):
        if set(ids) <= confirmed(receiver, folder):
            return
        pause.wait(0.01)
    raise AssertionError(f"{ids} are not confirmed; {len(receiver.got)} requests came")


def confirmed(receiver: Receiver, folder: Path) -> set[str]:
    endpoint = endpoint_of(receiver.url)
    return {*ExportLedger(Store(folder).paths, endpoint.target, endpoint.shown).read()}


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "_WANTED", {})


def test_a_session_is_sent_when_it_ends(receiver: Receiver, tmp_path: Path) -> None:
    with ScriptedServer() as server:
        recorder = Recorder(tmp_path / "store", export=receiver.url)
        first, second = (one_session(server, recorder) for _ in range(2))
        receiver.wait_for(2)
        until_confirmed(receiver, tmp_path / "store", first, second)

    assert {each.name for each in receiver.spans} == {"invoke_agent", f"chat {MODEL}"}
    assert len(receiver.spans) == 4
    assert recorder.health.by_kind == {}


def test_what_the_environment_asks_for(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THOUGHTFLOW_EXPORT", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=s3cr3t")
    with ScriptedServer() as server:
        one_session(server, Recorder(tmp_path / "store"))
        receiver.wait_for(1)

    assert receiver.got[0].headers["x-api-key"] == "s3cr3t"


def test_nothing_waits_for_an_endpoint_that_says_nothing(receiver: Receiver, tmp_path: Path) -> None:
    receiver.decide = lambda _: Answer(hang=True)
    with ScriptedServer() as server:
        recorder = Recorder(tmp_path / "store", export=receiver.url)
        # Its calls, its sessions' ends and their files come while the first request is still unanswered.
        for _ in range(3):
            one_session(server, recorder)
            receiver.wait_for(1)
        assert [seen.path for seen in server.requests] == ["/v1/responses"] * 3

    assert len(receiver.got) == 1
    assert len(open_store(tmp_path / "store").list(status="closed")) == 3


@pytest.mark.parametrize("how", ["exit", "fork"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_exit_and_fork_do_not_wait_and_the_wire_is_as_ever(
    receiver: Receiver, tmp_path: Path, how: str
) -> None:
    receiver.decide = lambda _: Answer(hang=True)
    sent: list[list[bytes]] = []
    for export in (receiver.url, "http://127.0.0.1:9"):
        with ScriptedServer() as server:
            server.script(answer("Hi."), *([answer("Hi.")] if how == "fork" else []))
            arguments = [server.url, str(tmp_path / f"store{len(sent)}"), export, how]
            # Were it waited for, it would take longer than that: nothing answers until this test is over.
            done = subprocess.run(  # noqa: S603 - ourselves
                [sys.executable, "-c", PROGRAM, *arguments],
                capture_output=True,
                text=True,
                timeout=50,
                check=False,
            )
            assert (done.returncode, done.stdout) == (3, "Hi.\n"), done.stderr
            sent.append([seen.body for seen in server.requests])
    assert sent[0] == sent[1]


def test_what_fails_is_counted_and_tried_again(receiver: Receiver, tmp_path: Path) -> None:
    receiver.script(HTML, Answer(401), TAKEN)
    with ScriptedServer() as server:
        recorder = Recorder(tmp_path / "store", export=receiver.url)
        session_id = one_session(server, recorder)
        receiver.wait_for(3)
        until_confirmed(receiver, tmp_path / "store", session_id)

    assert recorder.health.by_kind == {"export": 2}
    assert "answered 401" in str(recorder.health.last_error)


def test_after_three_failures_there_is_a_rest(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested = Event()
    listen = pushing.Pusher._listen

    def listening(self: pushing.Pusher, target: object, left: object, rest_until: float) -> None:
        if rest_until:
            rested.set()
        listen(self, target, left, rest_until)  # type: ignore[arg-type]

    monkeypatch.setattr(pushing.Pusher, "_listen", listening)
    receiver.decide = lambda _: Answer(401)
    with ScriptedServer() as server:
        recorder = Recorder(tmp_path / "store", export=receiver.url)
        one_session(server, recorder)
        assert rested.wait(60)
        one_session(server, recorder)

    assert len(receiver.got) == pushing.TRIES
    assert recorder.health.by_kind == {"export": pushing.TRIES}


def test_what_an_earlier_process_left_is_sent_by_the_next(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer() as server:
        recorder = Recorder(tmp_path / "store", export=receiver.url)
        first = one_session(server, recorder)
        until_confirmed(receiver, tmp_path / "store", first)
        (live,) = pushing.pushers(Store(tmp_path / "store").paths)
        with monkeypatch.context() as elsewhere:
            # As in a process that exports nothing.
            elsewhere.setattr(pushing, "_WANTED", {})
            left = one_session(server, Recorder(tmp_path / "store"))
        assert left not in confirmed(receiver, tmp_path / "store")
        live.look_for_others()
        until_confirmed(receiver, tmp_path / "store", first, left)


def test_what_was_recorded_before_is_not_sent_unasked(receiver: Receiver, tmp_path: Path) -> None:
    with ScriptedServer() as server:
        before = one_session(server, Recorder(tmp_path / "store"))
        recorder = Recorder(tmp_path / "store", export=receiver.url)
        after = one_session(server, recorder)
        (live,) = pushing.pushers(open_store(tmp_path / "store").paths)
        live.look_for_others()
        last = one_session(server, recorder)
        until_confirmed(receiver, tmp_path / "store", after, last)

    assert before not in confirmed(receiver, tmp_path / "store")


def test_without_the_package_sessions_are_recorded_and_it_is_told_once(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.collector.trace.v1", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.collector.trace.v1.trace_service_pb2", None)
    with ScriptedServer() as server:
        recorder = Recorder(tmp_path / "store", export=receiver.url)
        told = fault_told(recorder, monkeypatch)
        one_session(server, recorder)
        assert told.wait(60)
        one_session(server, recorder)

    assert recorder.health.by_kind == {"export": 1}
    assert 'pip install "tfclient[otel]"' in caplog.text
    assert "Everything is recorded" in caplog.text
    assert receiver.got == []


def test_an_address_that_is_none(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="export='…' cannot be used: give an address") as raised:
        Settings.resolve(export="ftp://ada:s3cr3t@h")
    assert "s3cr3t" not in str(raised.value)
    with pytest.raises(TypeError):
        Settings.resolve(export=7)  # type: ignore[arg-type]
    assert Settings.resolve(environ={"THOUGHTFLOW_EXPORT": "s3cr3t"}).export is None
    assert "THOUGHTFLOW_EXPORT" in caplog.text
    assert "s3cr3t" not in caplog.text
    assert "s3cr3t" not in repr(Settings.resolve(export="http://ada:s3cr3t@h"))


def test_who_exports_nothing_imports_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, tfclient; tfclient.Recorder(sys.argv[1]).session().__enter__().annotate('a', {});"
        "print([m for m in sys.modules if m.startswith(('tfclient.otlp', 'opentelemetry', 'google.protobuf', "
        "'genai_prices', 'tfclient.finishing.pushing', 'tfclient.finishing.syncing', 'psycopg', "
        "'tfclient.finishing.exporting', 'tfstore.postgres', 'tfclient.prices'))])"
    )
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", program, str(tmp_path / "store")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
