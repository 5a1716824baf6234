"""Secrets that go over a socket are nowhere on the disk, in one message or spread over many."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.capture import journals
from tests.capture.driver import Driver
from tests.capture.sockets.conftest import Talk
from tests.capture.sockets.test_connections import everything
from tests.capture.sockets.test_responses import answered, create
from tests.server.sockets import Close, Got, SocketServer
from tfclient import Recorder

SECRET = "sk-proj-" + "a1B2c3D4" * 5

PIECES = [SECRET[:6], SECRET[6:15], SECRET[15:30], SECRET[30:]]

DELTAS = [
    "response.output_text.delta",
    "response.output_audio_transcript.delta",
    "response.function_call_arguments.delta",
    "conversation.item.input_audio_transcription.delta",
    "session.input_transcript.delta",
    "session.output_transcript.delta",
]


@pytest.mark.parametrize("kind", DELTAS)
def test_a_key_that_is_spoken_in_pieces(kind: str, talk: Talk, recorder: Recorder) -> None:
    events = [
        {"type": kind, "item_id": "item_1", "output_index": 0, "content_index": 0, "delta": f"{piece}"}
        for piece in ["It is ", *PIECES, " indeed"]
    ]
    done = {"type": kind.replace(".delta", ".done"), "item_id": "item_1", "text": f"It is {SECRET} indeed"}
    talk.sockets.script(*events, done)
    with talk.connected() as connection:
        assert talk.read(connection, 7) == [*events, done]
    frames = [json.loads(each["data"]) for each in journals.entries(recorder, "socket.frame")]
    assert "".join(each["delta"] for each in frames[:-1]).startswith("It is <redacted:")
    assert len(frames) == 7
    for piece in PIECES[1:]:
        assert piece.encode() not in everything(recorder)


def test_a_key_in_the_pieces_of_a_delegated_response(talk: Talk, recorder: Recorder) -> None:
    def inside(type_: str, **event: Any) -> dict[str, Any]:
        return {"type": "response.event", "delegation_id": "dlg_1", "event": {"type": type_, **event}}

    events = [
        inside("response.output_text.delta", output_index=0, content_index=0, delta=piece)
        for piece in ["It is ", *PIECES, " indeed"]
    ]
    talk.sockets.script(*events, inside("response.output_text.done", text=f"It is {SECRET} indeed"))
    with talk.connected() as connection:
        assert talk.read(connection, 7)[:6] == events
    frames = [json.loads(each["data"])["event"] for each in journals.entries(recorder, "socket.frame")]
    assert "".join(each["delta"] for each in frames[:-1]).startswith("It is <redacted:")
    for piece in PIECES[1:]:
        assert piece.encode() not in everything(recorder)


def test_a_key_that_the_program_sends(talk: Talk, recorder: Recorder) -> None:
    update = {"type": "session.update", "session": {"tools": [{"type": "mcp", "authorization": SECRET}]}}
    said = {"type": "conversation.item.create", "item": {"role": "user", "content": f"my key is {SECRET}"}}
    talk.sockets.script(Got(), Got())
    with talk.connected() as connection:
        talk.send(connection, update, said)
    talk.seen()
    assert SECRET in str(talk.sockets.connections[0].events)
    assert SECRET.encode() not in everything(recorder)
    assert all("redactions" in each for each in journals.entries(recorder, "socket.frame"))


def test_keys_of_responses_over_a_socket(talk: Talk, recorder: Recorder) -> None:
    events = answered(1)
    pieces = [{**events[1], "delta": piece} for piece in PIECES]
    whole = json.loads(json.dumps(events[2]).replace("Answer 1", SECRET))
    talk.sockets.script(Got(), events[0], *pieces, whole)
    with talk.connected("responses") as connection:
        talk.send(connection, create(input=f"my key is {SECRET}"))
        talk.read(connection, 6)
    for piece in (SECRET, *PIECES[1:]):
        assert piece.encode() not in everything(recorder)
    assert "<redacted:" in journals.entries(recorder, "attempt.sent")[0]["body"]["text"]


def test_no_word_of_content(drive: Driver, sockets: SocketServer) -> None:
    recorder = Recorder(redact="content")
    talk = Talk(drive, sockets, recorder)
    words: list[Any] = [
        {"type": "session.created", "session": {"instructions": "Whisper softly"}},
        {"type": "response.output_audio_transcript.delta", "item_id": "item_1", "delta": "Whisper softly"},
        {"type": "conversation.item.done", "item": {"role": "user", "content": [{"text": "Whisper softly"}]}},
        {"type": "session.input_transcript.delta", "delta": "Whisper softly", "start_ms": 0, "end_ms": 200},
        {
            "type": "response.event",
            "event": {"type": "response.output_text.delta", "output_index": 0, "delta": "Whisper softly"},
        },
        "Whisper softly",
    ]
    sockets.script(*words, Got(), Close(1000, "Whisper softly"))
    with talk.connected() as connection:
        for _ in words:
            drive.do(connection.recv_bytes())
        talk.send(connection, {"type": "conversation.item.create", "item": {"content": "Whisper softly"}})
        with pytest.raises(Exception, match="1000"):
            talk.read(connection)
    assert b"Whisper" not in everything(recorder)
    assert len(journals.entries(recorder, "socket.frame")) == 7
    assert recorder.health.ok
