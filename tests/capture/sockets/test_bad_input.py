"""What no server should send, and no program: kept as far as possible, counted, never raised."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from websockets.version import version

from tests.capture import documents, journals
from tests.capture.sockets.conftest import Talk
from tests.capture.sockets.test_responses import answered, create
from tests.server.sockets import Close, Got
from tfclient import Recorder, open_store
from tfclient.capture.sockets import messages, responses
from tfstore.document.documents import Session, Step

ODD: list[Any] = [
    "no JSON at all",
    "[1, 2]",
    '"text"',
    "{}",
    '{"type": null, "event_id": null}',
    '{"type": 7}',
    '{"type": "response.created", "response": null}',
    '{"type": "response.created"}',
    '{"type": "response.done"}',
    '{"type": "response.done", "response": {"id": null, "output": [null, 3]}}',
    '{"type": "response.done", "response": {"id": "resp_never_created", "status": "completed", "output": []}}',
    '{"type": "response.output_item.done", "item": 3}',
    '{"type": "response.output_text.delta", "delta": {"a": 1}}',
    '{"type": "response.output_audio.delta", "delta": 7}',
    '{"type": "conversation.item.added", "item": null}',
    '{"type": "conversation.item.truncated", "item_id": "unknown"}',
    '{"type": "input_audio_buffer.speech_started"}',
    '{"type": "input_audio_buffer.speech_stopped", "item_id": null}',
    '{"type": "conversation.item.input_audio_transcription.completed", "item_id": "x", "transcript": null}',
    '{"type": "rate_limits.updated", "rate_limits": 3}',
    '{"type": "error"}',
    '{"type": "error", "error": "plain"}',
    '{"type": "session.updated", "session": []}',
    '{"type": "big", "n": 123456789012345678901234567890, "x": NaN}',
    '{\n "type": "pretty",\r\n "a": 1\n}',
    '{"type": {"a": 1}}',
    '{"type": ["a"]}',
    '{"type": "error", "error": {"code": {}, "type": ["session_expired"], "event_id": {}}}',
    '{"type": "conversation.item.added", "item": {"id": "item_1", "role": ["user"], "content": 3}}',
    '{"type": "two\\n\\nlines"}',
    '{"type": "half", "text": "\\ud800"}',
    b'{"type": "half", "text": "\xed\xa0\x80"}',
    '{"type": "wide"}'.encode("utf-16"),
    b"\xff\xfe\x00binary",
    "",
]


def connection_step(recorder: Recorder) -> Step:
    (step,) = [
        s for r in documents.session(recorder).runs for s in r.steps if s.type == "websocket.connection"
    ]
    return step


@pytest.mark.parametrize("kind", ["realtime", "responses", "live"])
def test_odd_messages_are_given_on_and_kept(kind: str, talk: Talk, recorder: Recorder) -> None:
    if not hasattr(talk.client, kind):
        pytest.skip(f"this openai has no {kind}")
    # It closes when all is read: what is left then, websockets 13 gives to nobody.
    talk.sockets.script(*ODD, Got(), Close(1000))
    with talk.connected(kind) as connection:
        got = [talk.drive.do(connection.recv_bytes()) for _ in ODD]
        talk.send(connection, {"type": "response.cancel"})
        with pytest.raises(Exception, match="1000"):
            talk.drive.do(connection.recv_bytes())
    assert got == [each.encode() if isinstance(each, str) else each for each in ODD]
    frames = [each for each in journals.entries(recorder, "socket.frame") if each["dir"] == "in"]
    kept = len(frames)
    # A socket of responses takes what nobody asked for as what steering has made.
    assert kept == len(ODD)
    # Those that are no UTF-8 are kept as their bytes.
    assert sum("base64" in each["data"] for each in frames) == 3
    assert {"base64": "//4AYmluYXJ5"} in [each["data"] for each in frames]
    assert documents.session(recorder).runs
    assert connection_step(recorder).payload_completed["frames"]["in"] == kept
    assert recorder.health.ok


def test_odd_messages_of_the_program(talk: Talk, recorder: Recorder) -> None:
    sent = ["no JSON", '{"type": null}', '{"type": "conversation.item.create", "item": 3}', b"\xff\x00"]
    output = {"type": "function_call_output", "call_id": "call_unknown", "output": None}
    sent += [json.dumps({"type": "conversation.item.create", "item": output})]
    talk.sockets.script(*[Got() for _ in sent])
    with talk.connected() as connection:
        for each in sent:
            talk.drive.do(connection._connection.send(each))
        with pytest.raises(TypeError):
            talk.drive.do(connection._connection.send({"a": 1}))
    talk.seen()
    assert talk.sockets.connections[0].messages == sent
    assert len(journals.entries(recorder, "socket.frame")) == len(sent)
    assert documents.session(recorder).runs
    assert recorder.health.ok


def test_a_message_that_is_longer_than_an_entry_may_be(
    talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 64 MB are the same with a limit of 40.
    monkeypatch.setattr(messages, "LONGEST", 100_000)
    long = '{"type": "big", "text": "' + "x" * 100_000 + '"}'
    talk.sockets.script(long, "x" * 100_001, {"type": "small"}, Got())
    with talk.connected() as connection:
        assert talk.drive.do(connection.recv_bytes()) == long.encode()
        assert len(talk.drive.do(connection.recv_bytes())) == 100_001
        talk.read(connection)
        talk.drive.do(connection._connection.send(long))
    talk.seen()
    assert talk.sockets.connections[0].messages == [long]
    big, other, small, sent = journals.entries(recorder, "socket.frame")
    assert big["data"] == sent["data"] == {"unread": "too_long", "bytes": len(long)}
    assert [mark["rule"] for mark in (*big["redactions"], *other["redactions"])] == ["too_long"] * 2
    assert json.loads(small["data"]) == {"type": "small"}
    assert connection_step(recorder).payload_completed["frames"] == {"out": 1, "in": 3}


def test_an_event_that_is_longer_than_an_entry_may_be(
    talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "IN_ONE_ENTRY", 1000)
    events = json.loads(json.dumps(answered(1)).replace("Answer 1", "word " * 1000))
    talk.sockets.script(Got(), *events)
    with talk.connected("responses") as connection:
        talk.send(connection, create(input="Hi"))
        talk.read(connection, 3)
    assert len(journals.entries(recorder, "stream.chunk")) > 10
    (call,) = documents.steps(recorder, "assistant_call")
    assert call.payload_completed["text"] == "word " * 1000


def test_a_name_in_two_lines_is_one_event(talk: Talk, recorder: Recorder) -> None:
    begun, said, done = answered(1)
    talk.sockets.script(Got(), begun, {**said, "type": "odd\n\ndata: {}\r\nevent: x"}, said, done)
    with talk.connected("responses") as connection:
        talk.send(connection, create(input="Hi"))
        talk.read(connection, 4)
    chunks = journals.entries(recorder, "stream.chunk")
    assert [each["data"].count("\n") for each in chunks] == [3] * 4
    (call,) = documents.steps(recorder, "assistant_call")
    assert (call.status, call.payload_completed["text"]) == ("completed", "Answer 1")


def over(talk: Talk, connection: Any) -> None:
    """Wait until the library knows that the server has closed; what came before that is there to be read."""
    for _ in range(3000):
        if connection._connection.protocol.state.name == "CLOSED":
            break
        time.sleep(0.01)
        if talk.drive.is_async:
            talk.drive.do(asyncio.sleep(0))
    if version.startswith("13."):
        pytest.skip("this websockets gives nothing any more")


def settled(recorder: Recorder) -> tuple[Session, list[Any]]:
    """End the session and wait for its files; give the document and the journal."""
    handle = recorder.end_session()
    assert handle is not None
    assert handle.wait(60)
    assert recorder.health.ok
    store = open_store(recorder.settings.directory)
    return store.get(handle.id), store.journal(handle.id)[0]


@pytest.mark.parametrize("kind", ["realtime", "responses"])
def test_what_is_read_after_a_message_could_not_be_sent(kind: str, talk: Talk, recorder: Recorder) -> None:
    events = answered(1)
    if kind == "realtime":
        events[-1]["type"] = "response.done"
    talk.sockets.script(Got(), *events, Close(1001, "an hour is over"))
    with talk.connected(kind) as connection:
        talk.send(connection, create(input="Hi"))
        over(talk, connection)
        with pytest.raises(Exception, match="1001"):
            talk.send(connection, create(input="And now?"))
        talk.read(connection, 3)
        with pytest.raises(Exception, match="1001"):
            talk.read(connection)
    document, entries = settled(recorder)
    kinds = [each["type"] for each in entries if each["type"].startswith(("socket.", "stream."))]
    assert kinds.index("socket.closed") == len(kinds) - 1
    call, *_ = (step for run in document.runs for step in run.steps if step.label == "assistant_call")
    assert (call.status, call.ending) == ("completed", "completed")
    (step,) = (step for run in document.runs for step in run.steps if step.type == "websocket.connection")
    (told,) = step.payload_completed["connections"]
    assert (told["by"], told["code"]) == ("server", 1001)


def test_audio_that_cannot_leave_is_not_counted(talk: Talk, recorder: Recorder) -> None:
    append = {"type": "input_audio_buffer.append", "audio": "AAAA"}
    talk.sockets.script(Got(), Close(1000))
    with talk.connected() as connection:
        talk.send(connection, append)
        over(talk, connection)
        for _ in range(3):
            with pytest.raises(Exception, match="1000"):
                talk.send(connection, append)
    _, entries = settled(recorder)
    lines = [(each["frames"], each["bytes"]) for each in entries if each["type"] == "socket.audio"]
    assert lines == [(1, 3)]


def test_what_is_read_after_the_program_has_closed_is_kept(talk: Talk, recorder: Recorder) -> None:
    audio = {
        "type": "response.output_audio.delta",
        "item_id": "item_1",
        "response_id": "resp_1",
        "delta": "AAAA",
    }
    talk.sockets.script(audio, audio, {"type": "rate_limits.updated"}, Close(1000))
    with talk.connected() as connection:
        over(talk, connection)
        talk.drive.do(connection.close())
        talk.read(connection, 3)
    _, entries = settled(recorder)
    assert sum(each["frames"] for each in entries if each["type"] == "socket.audio") == 2
    assert [each["type"] for each in entries].count("socket.frame") == 1


def test_a_hostile_reason(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(Close(4000, "\x1b]0;owned\x07 sk-proj-" + "a1B2" * 9))
    with talk.connected() as connection, pytest.raises(Exception, match="4000"):
        talk.read(connection)
    told = connection_step(recorder).payload_completed["connections"][0]
    assert told["reason"].startswith("\x1b]0;owned\x07 <redacted:")
    assert recorder.health.ok


def test_responses_that_no_lane_knows(talk: Talk, recorder: Recorder) -> None:
    stray = answered(1, stream_id="nobody")[1:]
    talk.sockets.script(*stray, Got(), {"type": "error", "error": {"message": "odd"}}, *answered(2)[1:])
    with talk.connected("responses") as connection:
        talk.read(connection, 2)
        talk.send(connection, create(input="Hi"))
        talk.read(connection, 3)
    assert len(journals.entries(recorder, "socket.frame")) == 4
    assert [run.status for run in documents.session(recorder).runs if run.trigger != "api"] == ["failed"]
    assert recorder.health.ok


def test_a_clock_that_is_set_back(talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    import tfclient.capture.sockets.socket as module

    now = iter(range(10**18, 0, -(10**15)))
    monkeypatch.setattr(module, "time_ns", lambda: next(now))
    talk.sockets.script({"type": "one"}, {"type": "two"}, {"type": "three"})
    with talk.connected() as connection:
        talk.read(connection, 3)
    assert [json.loads(e["data"])["type"] for e in journals.entries(recorder, "socket.frame")] == [
        "one", "two", "three",
    ]  # fmt: skip
    assert documents.session(recorder).duration_ms is not None
