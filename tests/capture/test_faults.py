"""Bad days: whatever the recorder cannot do, the program's call returns what it would have returned."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfclient.capture.seams
import tfclient.sessions.backlog
import tfclient.sessions.idle_and_exit
import tfclient.sessions.writer
from tests.capture import journals
from tests.capture.driver import HTTP, MODEL, Driver
from tests.capture.fixtures import RecordingFinisher
from tests.server.replies import Answer, answer
from tests.server.scripted import ScriptedServer
from tfclient import Health, Recorder
from tfclient.capture.body_tee import _decoding
from tfclient.capture.exchange import Call
from tfclient.capture.tools import ToolCall
from tfclient.redaction import Redactor
from tfclient.redaction.header_plans import Known
from tfclient.sessions.ends import Ends
from tfclient.sessions.sent_bodies import SentBodies
from tfclient.sessions.sessions import Sessions
from tfclient.sessions.writer import Writer
from tfstore.journal.repeated_bodies import SentTexts
from tfstore.journal.segment import Segment


@pytest.fixture(autouse=True)
def says_hello(server: ScriptedServer) -> Answer:
    reply = answer("Hello! " * 10)
    server.always(reply)
    return reply


def boom(*_args: Any, **_kwargs: Any) -> Any:
    raise ZeroDivisionError("boom")


def full(*_args: Any, **_kwargs: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def everything(drive: Driver, client: Any) -> list[Any]:
    """What a program does in a day; the results without what differs from call to call anyway."""
    one = drive.do(client.responses.create(model=MODEL, input="Hi"))
    stream = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
    events = drive.events(stream)
    mistake: Any = None
    early = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
    drive.events(early, count=2)
    drive.do(early.close())
    try:
        drive.do(client.chat.completions.create())
    except TypeError as error:
        mistake = error.args
    return [one.output_text, [event.type for event in events], mistake]


def our_extras(client: Any, drive: Driver) -> None:
    with client.session(title="t", metadata={"a": 1}) as session:
        session.annotate("note", {"b": 2})
        with client.tool_call("call_1") as tool:
            tool.result = "x"
        assert client.tool(lambda: 3)() == 3
        drive.do(client.responses.create(model=MODEL, input="Hi"))
    session.wait(60)
    client.end_session()


FAULTS: list[tuple[Any, str, Callable[..., Any]]] = [
    (Segment, "append", boom),
    (Segment, "append", full),
    (Segment, "open", boom),
    (Segment, "close", boom),
    (Redactor, "body", boom),
    (Known, "headers", boom),
    (Redactor, "url", boom),
    (Redactor, "stream", boom),
    (Redactor, "value", boom),
    (SentBodies, "journaled", boom),
    (SentBodies, "keep", boom),
    (Call, "__init__", boom),
    (Sessions, "for_call", boom),
    (Ends, "write_files", boom),
    (Writer, "new_id", boom),
    (RecordingFinisher, "refresh", boom),
    (RecordingFinisher, "write_files", boom),
]


@pytest.mark.parametrize(
    ("owner", "name", "fault"), FAULTS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_a_recorder_that_fails_at_every_step(
    owner: Any,
    name: str,
    fault: Callable[..., Any],
    drive: Driver,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected = everything(drive, drive.plain())
    monkeypatch.setattr(owner, name, fault)
    client = drive.traced(recorder)
    assert everything(drive, client) == expected
    assert everything(drive, client) == expected
    our_extras(client, drive)
    health = recorder.health
    assert not health.ok
    assert health.faults == sum(health.by_kind.values()) > 0
    told = [record for record in caplog.records if record.name == "tfclient"]
    assert len(told) == len(health.by_kind)
    assert "boom" in caplog.text or "No space left" in caplog.text
    monkeypatch.undo()


def test_a_stream_redactor_that_fails(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    class Broken:
        feed = flush = boom

    monkeypatch.setattr(Redactor, "stream", lambda *_args, **_kwargs: Broken())
    assert everything(drive, drive.traced(recorder)) == everything(drive, drive.plain())
    assert "Hello" not in "".join(
        str(entry.get("data")) for entry in journals.entries(recorder) if entry["type"] == "stream.chunk"
    )
    assert recorder.health.by_kind["capture"] > 1
    assert server.requests


def test_a_redaction_that_fails_leaves_nothing_behind(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Redactor, "body", boom)
    drive.do(drive.traced(recorder).responses.create(model=MODEL, input="a private thing"))
    assert "a private thing" not in journals.everything(recorder)
    (sent,) = journals.entries(recorder, "attempt.sent")
    assert sent["body"]["unread"] == "redaction_failed"
    assert sent["redactions"][-1]["action"] == "dropped"


@pytest.mark.parametrize("kind", ["file", "below a file", "read-only"])
def test_a_store_that_cannot_be_used(
    kind: str, drive: Driver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "store"
    if kind == "read-only":
        if os.geteuid() == 0:
            pytest.skip("root may write anywhere")
        path.mkdir(mode=0o500)
    else:
        path.write_text("a file")
    recorder = Recorder(path / "deeper" if kind == "below a file" else path)
    client = drive.traced(recorder)
    assert everything(drive, client) == everything(drive, drive.plain())
    our_extras(client, drive)
    assert recorder.health.degraded
    assert recorder.stats().lost > 0
    assert str(path) in caplog.text
    if kind != "read-only":
        assert path.read_text() == "a file"


def test_it_records_again_as_soon_as_it_can(drive: Driver, tmp_path: Path) -> None:
    path = tmp_path / "store"
    path.write_text("a file")
    recorder = Recorder(path)
    client = drive.traced(recorder)
    drive.do(client.responses.create(model=MODEL, input="lost"))
    path.unlink()
    drive.do(client.responses.create(model=MODEL, input="kept"))
    assert "kept" in str(journals.requests(recorder)[-1])
    assert not recorder.health.degraded
    assert recorder.health.faults


def test_a_call_in_flight_when_the_disk_comes_back_is_whole(
    drive: Driver, server: ScriptedServer, tmp_path: Path
) -> None:
    path = tmp_path / "store"
    path.write_text("a file")
    recorder = Recorder(path)

    def reply(_seen: Any) -> Any:
        path.unlink()
        return answer("Hello!")

    server.script(reply)
    drive.do(drive.traced(recorder).responses.create(model=MODEL, input="Hi"))
    assert journals.types(recorder) == ["session.started", "call.started", "attempt.sent", "attempt.answered"]


def test_a_disk_that_is_full_for_a_while(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = drive.traced(recorder)
    drive.do(client.responses.create(model=MODEL, input="before"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        drive.do(client.responses.create(model=MODEL, input="during"))
        assert recorder.health.degraded
    drive.do(client.responses.create(model=MODEL, input="after"))
    assert not recorder.health.degraded
    texts = [entry["body"]["text"] for entry in _readable(recorder) if entry["type"] == "attempt.sent"]
    assert len(texts) == 2
    assert "before" in texts[0]
    assert "after" in texts[1]


def _readable(recorder: Recorder) -> list[dict[str, Any]]:
    from tfstore.disk.paths import StorePaths
    from tfstore.journal.reading import read_entries

    (session,) = journals.sessions(recorder)
    return read_entries(StorePaths(recorder.settings.directory), session)[0]


def test_a_store_deleted_under_the_program(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    client = drive.traced(recorder)
    history = [{"role": "user", "content": "x" * 3000}]
    drive.do(client.responses.create(model=MODEL, input=history))
    shutil.rmtree(recorder.settings.directory)
    history.append({"role": "user", "content": "more"})
    drive.do(client.responses.create(model=MODEL, input=history))
    drive.do(client.responses.create(model=MODEL, input=history))
    handle = client.end_session()
    types = [entry["type"] for entry in _readable(recorder)]
    assert "session.started" in types
    assert types.count("attempt.sent") == 2
    assert handle.wait(60)
    texts = SentTexts()
    wholes = [
        texts.whole(e["exchange_id"], e["body"]) for e in _readable(recorder) if e["type"] == "attempt.sent"
    ]
    assert wholes == [request.body.decode() for request in server.requests[1:]]
    assert recorder.health.by_kind == {"journal": 1}


def test_a_fault_is_told_once_and_counted_always(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Segment, "append", boom)
    client = drive.traced(recorder)
    for _ in range(5):
        drive.do(client.responses.create(model=MODEL, input="Hi"))
    told = [record for record in caplog.records if record.name == "tfclient"]
    assert len(told) == 1
    assert told[0].levelno == logging.WARNING
    assert "boom" in told[0].getMessage()
    assert recorder.health.faults >= 10
    assert recorder.health.last_error is not None


def test_a_logging_handler_that_raises_changes_nothing(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Angry(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
            raise RuntimeError("no logging today")

    logger = logging.getLogger("tfclient")
    angry = Angry()
    logger.addHandler(angry)
    try:
        monkeypatch.setattr(Segment, "append", boom)
        assert everything(drive, drive.traced(recorder)) == everything(drive, drive.plain())
    finally:
        logger.removeHandler(angry)


def test_a_slow_disk_is_written_to_in_the_background(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = threading.Event()
    append = Segment.append
    writing: list[str] = []

    def slow(self: Segment, *entries: Any, again: bool = False) -> None:
        writing.append(threading.current_thread().name)
        if threading.current_thread().name == "tfclient-slow-disk":
            disk.wait(60)
        append(self, *entries, again=again)

    client = drive.traced(recorder)
    drive.do(client.responses.create(model=MODEL, input="fast"))
    monkeypatch.setattr(Segment, "append", slow)
    # The next write is taken for a stalled one, however long it takes.
    monkeypatch.setattr(tfclient.sessions.writer, "STALLED", 0.0)
    monkeypatch.setattr(tfclient.sessions.writer, "BUSY", 0.0)
    monkeypatch.setattr(tfclient.sessions.writer, "LEAST_SPEED", float("inf"))
    monkeypatch.setattr(tfclient.sessions.writer, "SURELY_STALLED", 0.0)
    drive.do(client.responses.create(model=MODEL, input="stalls"))
    for n in range(5):
        drive.do(client.responses.create(model=MODEL, input=f"waits {n}"))
    assert recorder.health.degraded
    assert recorder.stats().backlog >= 10
    assert "in memory" in recorder.health.reasons[0]
    assert caplog.text.count("now in the background") == 1
    # Everything is being recorded: that it takes long is no fault.
    assert "Not everything is being recorded" not in caplog.text
    assert recorder.health.faults == 0
    monkeypatch.setattr(tfclient.sessions.writer, "STALLED", 60.0)
    monkeypatch.setattr(tfclient.sessions.writer, "FAST", 60.0)
    disk.set()
    handle = client.end_session()
    assert handle.wait(60)
    assert recorder.health.ok
    assert writing.count("tfclient-slow-disk") >= 6
    texts = journals.requests(recorder)
    assert len(texts) == 7
    assert all(f"waits {n}" in str(texts[n + 2]) for n in range(5))


def test_a_backlog_that_is_full_loses_and_counts(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = threading.Event()
    append = Segment.append

    def stuck(self: Segment, *entries: Any, again: bool = False) -> None:
        if threading.current_thread().name == "tfclient-slow-disk":
            disk.wait(60)
        append(self, *entries, again=again)

    client = drive.traced(recorder)
    drive.do(client.responses.create(model=MODEL, input="fast"))
    monkeypatch.setattr(Segment, "append", stuck)
    monkeypatch.setattr(tfclient.sessions.writer, "STALLED", 0.0)
    monkeypatch.setattr(tfclient.sessions.writer, "BUSY", 0.0)
    monkeypatch.setattr(tfclient.sessions.writer, "LEAST_SPEED", float("inf"))
    monkeypatch.setattr(tfclient.sessions.backlog, "BACKLOG_BYTES", 8000)
    for _ in range(6):
        drive.do(client.responses.create(model=MODEL, input="x" * 2000))
    assert recorder.stats().lost > 0
    assert recorder.health.by_kind["journal"] > 0
    disk.set()


def test_an_unknown_kind_of_stream_is_told_and_passes(
    drive: Driver, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    class Strange:
        """No stream of any library."""

    response = HTTP.Response(
        200, stream=HTTP.ByteStream(b""), request=HTTP.Request("POST", "https://x.example")
    )
    response.stream = Strange()
    response.__dict__.pop("_content", None)

    def send(*_args: Any, **_kwargs: Any) -> Any:
        return response

    async def send_async(*_args: Any, **_kwargs: Any) -> Any:
        return response

    http_client = drive.mock_client(lambda _request: HTTP.Response(500))
    http_client.send = send_async if drive.is_async else send
    client = drive.traced(recorder, http_client=http_client)
    given = drive.do(client.post("/responses", cast_to=HTTP.Response, body={}, stream=False))
    assert given is response
    assert isinstance(given.stream, Strange)
    assert "Strange" in caplog.text


def test_an_encoding_that_cannot_be_undone_is_kept_as_it_came() -> None:
    response = HTTP.Response(200, headers={"content-encoding": "gzip, unheard-of"})
    exchange: Any = None
    decoding = _decoding(HTTP.__name__, response, exchange)
    assert decoding is not None
    assert decoding.decode(b"not gzip at all") == b"not gzip at all"
    assert decoding.decode(b"more") == b"more"
    assert decoding.flush() == b""
    response = HTTP.Response(200, headers={"content-encoding": "unheard-of"})
    assert _decoding(HTTP.__name__, response, exchange) is None


def test_the_end_of_the_process_survives_everything(
    monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    with recorder.session():
        monkeypatch.setattr(Sessions, "end", boom)
        tfclient.sessions.idle_and_exit._at_exit()
        monkeypatch.undo()


def test_a_tool_runs_whatever_the_recorder_does(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToolCall, "_entry", boom)
    with ToolCall(recorder, name="x") as tool:
        tool.result = 1
    assert recorder.health.by_kind == {"tool": 2}


def test_a_recorder_that_cannot_even_be_made(
    drive: Driver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tfclient.capture.seams, "NOWHERE", Health())
    monkeypatch.setattr(Recorder, "__init__", boom)
    client = drive.made(drive.traced_class)
    assert everything(drive, client.with_options(timeout=9)) == everything(drive, drive.plain())
    assert caplog.text.count("making a recorder") == 1


def test_what_the_fast_encoder_refuses_is_written_all_the_same(drive: Driver, recorder: Recorder) -> None:
    """Half of a surrogate pair, with headers that are JSON already beside it."""
    body = rb'{"id": "resp_1", "object": "response", "output": [], "half": "\ud800", "api_key": "hidden"}'
    transport = drive.mock_client(
        lambda _request: HTTP.Response(200, content=body, headers={"content-type": "application/json"})
    )
    drive.do(drive.traced(recorder, http_client=transport).responses.create(model=MODEL, input="Hi"))
    (answered,) = journals.entries(recorder, "attempt.answered")
    assert answered["headers"]["content-type"] == "application/json"
    assert "hidden" not in answered["body"]["text"]
    assert json.loads(answered["body"]["text"])["half"] == "\ud800"
    assert recorder.health.ok
