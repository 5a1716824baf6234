"""What no server should send, and no program: kept as far as possible, counted, never raised."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.capture import documents, journals
from tests.capture.sockets.conftest import Talk
from tests.capture.sockets.test_responses import answered, create
from tests.server.sockets import Close, Got
from tfclient import Recorder
from tfclient.capture.sockets import messages, responses
from tfstore.document.documents import Step

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
    talk.sockets.script(*ODD, Close(1000))
    with talk.connected(kind) as connection:
        got = [talk.drive.do(connection.recv_bytes()) for _ in ODD]
        with pytest.raises(Exception, match="1000"):
            talk.drive.do(connection.recv_bytes())
    assert got == [each.encode() if isinstance(each, str) else each for each in ODD]
    frames = journals.entries(recorder, "socket.frame")
    kept = len(frames)
    # A socket of responses takes what nobody asked for as what steering has made.
    assert kept == len(ODD)
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
