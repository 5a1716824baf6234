"""What comes while a session ends, and after it: all of it is journaled, and its files are made again."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

import tfclient.sessions.idle_and_exit
from tests.capture import journals
from tests.capture.driver import MODEL, Driver
from tests.server.replies import answer
from tfstore.disk.paths import StorePaths
from tfstore.errors import SegmentNotOurs
from tfstore.journal.reading import read_entries
from tfstore.journal.segment import Segment

if TYPE_CHECKING:
    import pytest

    from tests.capture.fixtures import RecordingFinisher
    from tests.server.scripted import ScriptedServer
    from tfclient import Recorder


def texts(recorder: Recorder, session: str) -> str:
    entries, _ = read_entries(StorePaths(recorder.settings.directory), session)
    return "".join(entry["data"] for entry in entries if entry["type"] == "stream.chunk")


def test_a_stream_that_is_read_after_a_short_session(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    """However short: opening again is put off only where it failed."""
    server.always(answer("one two three"))
    client = drive.traced(recorder)
    with client.session(id="short"):
        stream = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
    drive.events(stream)

    assert "response.completed" in texts(recorder, "short")
    assert recorder.health.ok
    assert recorder.stats().lost == 0


def test_two_streams_at_the_end_of_a_session(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(lambda seen: answer(f"to {seen.json['input']}"))
    client = drive.traced(recorder)
    streams = [
        drive.do(client.responses.create(model=MODEL, input=name, stream=True)) for name in ("one", "two")
    ]
    session = client.end_session()
    for stream in streams:
        drive.events(stream)

    assert texts(recorder, session.id).count("event: response.completed") == 2
    assert recorder.stats().lost == 0


def test_ends_in_turn_under_one_write(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    state = recorder.sessions.new(session_id="mine")
    plain, refuse = Segment.append, [True, True, False, True, False]

    def append(segment: Segment, *entries: Any, again: bool = False) -> None:
        if entries[0]["type"] == "annotation" and refuse.pop(0):
            segment.close()
            raise SegmentNotOurs(segment.path, segment.pid)
        plain(segment, *entries, again=again)

    monkeypatch.setattr(Segment, "append", append)
    recorder.sessions.annotate(state, "one", 1)
    recorder.sessions.annotate(state, "two", 2)

    entries, _ = read_entries(StorePaths(recorder.settings.directory), "mine")
    assert [entry["kind"] for entry in entries if entry["type"] == "annotation"] == ["one", "two"]
    assert recorder.health.ok


def test_a_segment_says_what_those_before_it_had(recorder: Recorder) -> None:
    with recorder.session(id="mine") as session:
        session.annotate("before")
    session.annotate("after")

    entries, report = read_entries(StorePaths(recorder.settings.directory), "mine")
    (first,) = {entry["writer"] for entry in entries if entry["type"] == "session.ended"}
    assert [entry["follows"] for entry in entries if "follows" in entry] == [{first: 3}]
    assert report.intact


def test_a_call_that_opens_a_session_which_just_ended(recorder: Recorder) -> None:
    """The session is over before anything was written to it: its end is written behind that."""
    state = recorder.sessions.for_call()
    recorder.end_session()
    recorder.sessions.annotate(state, "late", None)

    assert journals.types(recorder, state.id) == ["session.started", "annotation", "session.ended"]


def test_a_stream_that_nobody_closes_after_the_session(
    recorder: Recorder, server: ScriptedServer, finisher: RecordingFinisher
) -> None:
    server.script(reply := answer("word " * 20, hold_after=4))
    drive = Driver(server.url)
    client = drive.traced(recorder)
    stream: Any = client.responses.create(model=MODEL, input="Hi", stream=True)
    drive.events(stream, count=2)
    session = client.end_session()
    del stream
    gc.collect()
    for _ in range(1000):
        if len(finisher.finished) > 1:
            break
        threading.Event().wait(0.01)
    reply.gate.set()

    assert journals.entries(recorder, "attempt.ended", session.id)[0]["ending"] == "left_early"
    assert len(finisher.finished) == 2
    drive.close()


def test_what_came_late_is_in_the_files_at_the_end_of_the_process(
    recorder: Recorder, server: ScriptedServer, finisher: RecordingFinisher
) -> None:
    server.script(reply := answer("word " * 20, hold_after=4))
    drive = Driver(server.url)
    client = drive.traced(recorder)
    stream: Any = client.responses.create(model=MODEL, input="Hi", stream=True)
    session = client.end_session()
    drive.events(stream, count=2)
    tfclient.sessions.idle_and_exit._at_exit()
    reply.gate.set()

    assert finisher.finished == [session.id, session.id]
    drive.close()
