"""Audio that a program asked to be kept: a file for each item, in the format of the session."""

from __future__ import annotations

import base64
import io
import struct
import threading
import wave
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.capture import documents
from tests.capture.driver import Driver
from tests.capture.sockets.conftest import Talk
from tests.server.sockets import Close, Got, SocketServer
from tfclient import Recorder, open_store
from tfclient.capture.sockets import sounds
from tfclient.errors import SettingError
from tfstore.disk.blobs import Blobs

SPEAKS = bytes(range(256)) * 9 + b"\x01\x00" * 48
ANSWERS = b"\x02\x01" * 480


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def appended(data: bytes) -> dict[str, Any]:
    return {"type": "input_audio_buffer.append", "audio": text(data)}


def answered(data: bytes = ANSWERS, item: str = "item_2") -> dict[str, Any]:
    return {
        "type": "response.output_audio.delta",
        "response_id": "resp_1",
        "item_id": item,
        "delta": text(data),
    }


def session(kind: str, rate: int = 24_000) -> dict[str, Any]:
    side = {"format": {"type": f"audio/{kind}", "rate": rate}}
    told = {"type": "realtime", "model": "gpt-realtime", "audio": {"input": side, "output": side}}
    return {"type": "session.created", "session": told}


def conversation() -> list[Any]:
    """Somebody speaks, and is answered: the script of the server."""
    message = {
        "id": "item_2", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_audio", "transcript": "Hello!"}],
    }  # fmt: skip
    response = {"id": "resp_1", "status": "completed", "output": [message]}
    return [
        Got(),
        {"type": "input_audio_buffer.committed", "item_id": "item_1"},
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "response_id": "resp_1", "output_index": 0, "item": message},
        answered(),
        answered(),
        {"type": "response.output_audio.done", "response_id": "resp_1", "item_id": "item_2"},
        {"type": "response.done", "response": response},
    ]


@pytest.fixture
def keeping(drive: Driver, sockets: SocketServer, tmp_path: Path) -> Iterator[Any]:
    made: list[Talk] = []

    def keep(**settings: Any) -> Talk:
        made.append(Talk(drive, sockets, Recorder(tmp_path / "store", **{"audio": "keep", **settings})))
        return made[-1]

    yield keep
    for talk in made:
        talk.drive.do(talk.client.close())


def written() -> None:
    """Wait until the threads that make files of sounds have done so."""
    for thread in threading.enumerate():
        if thread.name == "tfclient-sound":
            thread.join(60)


def talked(talk: Talk, *before: Any) -> Any:
    """Talk, and return the session's document once it is written."""
    talk.sockets.script(*before, *conversation())
    with talk.connected() as connection:
        talk.read(connection, len(before))
        talk.send(connection, appended(SPEAKS))
        talk.read(connection, 7)
    written()
    handle = talk.recorder.end_session()
    assert handle is not None
    assert handle.wait(60)
    assert talk.recorder.health.faults == 0
    return open_store(talk.recorder.settings.directory).get(handle.id)


def played(talk: Talk, reference: dict[str, Any]) -> tuple[int, bytes]:
    """The rate and the samples of a sound that is kept."""
    data = open_store(talk.recorder.settings.directory).blobs.get(reference)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), file.readframes(file.getnframes())


def test_a_sound_for_each_item(keeping: Any) -> None:
    talk = keeping()
    document = talked(talk, session("pcm"))
    (run,) = document.runs
    (prompt,) = (step for step in run.steps if step.label == "user_message")
    (message,) = (step for step in run.steps if step.label == "assistant_message")
    assert played(talk, prompt.payload_completed["audio"]) == (24_000, SPEAKS)
    assert played(talk, message.payload_completed["audio"]) == (24_000, ANSWERS * 2)
    assert message.payload_completed["audio"]["media_type"] == "audio/wav"
    # It is counted all the same, and the journal holds none of it.
    assert message.payload_completed["audio_ms"] == len(ANSWERS) * 2 // 48
    kept = b"".join(p.read_bytes() for p in (talk.recorder.settings.directory / "journal").rglob("*.jsonl"))
    assert text(ANSWERS).encode() not in kept


@pytest.mark.parametrize(("kind", "code"), [("pcmu", 7), ("pcma", 6)])
def test_the_codes_of_telephones(kind: str, code: int, keeping: Any) -> None:
    talk = keeping()
    document = talked(talk, session(kind, 8_000))
    (message,) = (step for step in document.runs[0].steps if step.label == "assistant_message")
    store = open_store(talk.recorder.settings.directory)
    data = store.blobs.get(message.payload_completed["audio"])
    assert struct.unpack_from("<HHIIHHH", data, 20) == (code, 1, 8_000, 8_000, 1, 8, 0)
    assert (data[38:42], struct.unpack_from("<I", data, 46)[0]) == (b"fact", len(ANSWERS) * 2)
    assert data.endswith(ANSWERS * 2)
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8


def test_what_is_longer_than_the_cap_is_cut_and_says_so(keeping: Any) -> None:
    talk = keeping(max_payload=1000)
    document = talked(talk, session("pcm"))
    (message,) = (step for step in document.runs[0].steps if step.label == "assistant_message")
    kept = message.payload_completed["audio"]
    assert kept["bytes"] <= 1000
    assert kept["truncated"]["bytes"] == len(ANSWERS) * 2 + 44
    assert played(talk, kept)[1] == (ANSWERS * 2)[: (1000 - 58) & ~1]


def test_a_digest_and_nothing_more(keeping: Any) -> None:
    talk = keeping(audio="hash")
    document = talked(talk, session("pcm"))
    (message,) = (step for step in document.runs[0].steps if step.label == "assistant_message")
    assert message.payload_completed["audio"] == {
        "sha256": sha256(ANSWERS * 2).hexdigest(), "bytes": len(ANSWERS) * 2,
    }  # fmt: skip
    assert not list(talk.recorder.settings.directory.rglob("*.wav"))


def test_counting_is_what_happens_by_itself(keeping: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THOUGHTFLOW_AUDIO", "KEEP")
    assert keeping(audio=None).recorder.settings.audio == "keep"
    monkeypatch.setenv("THOUGHTFLOW_AUDIO", "loud")
    talk = keeping(audio=None)
    assert talk.recorder.settings.audio == "count"
    document = talked(talk, session("pcm"))
    assert all("audio" not in s.payload_completed for s in document.runs[0].steps if s.label != "generic")
    with pytest.raises(SettingError, match="audio"):
        keeping(audio="loud")


def test_no_word_of_content_is_no_voice_either(keeping: Any, caplog: pytest.LogCaptureFixture) -> None:
    talk = keeping(redact="content")
    document = talked(talk, session("pcm"))
    assert talk.recorder.health.unseen == ["The audio of WebSockets"]
    assert 'redact="content" keeps no content; it is counted' in caplog.text
    assert not list(talk.recorder.settings.directory.rglob("*.wav"))
    (connection,) = (s for s in document.runs[0].steps if s.type == "websocket.connection")
    assert connection.payload_completed["audio"]["in"]["bytes"] == len(ANSWERS) * 2
    assert "sounds" not in connection.payload_completed


def test_nobody_waits_for_a_disk_that_stands_still(keeping: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, begun, put = threading.Event(), threading.Event(), Blobs.put

    def slow(self: Blobs, data: bytes, *args: Any) -> Any:
        begun.set()
        assert stuck.wait(60)
        return put(self, data, *args)

    talk = keeping()
    monkeypatch.setattr(Blobs, "put", slow)
    talk.sockets.script(session("pcm"), *conversation())
    with talk.connected() as connection:
        talk.read(connection)
        talk.send(connection, appended(SPEAKS))
        talk.read(connection, 7)
        assert begun.wait(60)
    handle = talk.recorder.end_session()
    assert handle is not None
    assert not handle.wait(0.0)
    stuck.set()
    written()
    until = monotonic() + 60
    while kept(talk, handle.id) < 2 and monotonic() < until:
        # They may be late on a busy machine: then the files are written once more.
        handle.wait(0.1)
    assert kept(talk, handle.id) == 2
    assert handle.wait(60)


def kept(talk: Talk, session_id: str) -> int:
    """How many steps have a sound, of a document that may not be there yet."""
    try:
        document = open_store(talk.recorder.settings.directory).get(session_id)
    except KeyError:
        return 0
    steps = [step for run in document.runs for step in run.steps if step.label != "generic"]
    return sum("audio" in step.payload_completed for step in steps)


def test_what_is_of_no_item_is_of_the_connection(keeping: Any) -> None:
    talk = keeping()
    if not hasattr(talk.client, "live"):
        pytest.skip("this openai has none")
    heard = {"type": "session.output_audio.delta", "delta": text(ANSWERS)}
    started = {
        "type": "session.started",
        "session": {"audio": {"format": {"type": "audio/pcm", "rate": 16000}}},
    }
    talk.sockets.script(started, heard, heard, Got(), Close())
    with talk.connected("live") as connection:
        talk.read(connection, 3)
        talk.send(connection, {"type": "session.input_audio.append", "audio": text(SPEAKS)})
        with pytest.raises(Exception, match="1000"):
            talk.read(connection)
    written()
    handle = talk.recorder.end_session()
    assert handle is not None
    assert handle.wait(60)
    document = open_store(talk.recorder.settings.directory).get(handle.id)
    (step,) = (step for step in document.runs[0].steps if step.type == "websocket.connection")
    kept = {each["dir"]: played(talk, each["audio"]) for each in step.payload_completed["sounds"]}
    assert kept == {"out": (16_000, SPEAKS), "in": (16_000, ANSWERS * 2)}


def gathered(*moves: tuple[str, dict[str, Any]]) -> list[tuple[str | None, bytes]]:
    """What becomes of what is sent (``out``), comes (``in``) and is told, by item."""
    kept = sounds.Sounds({"in": (24_000, 2, 1), "out": (1000, 1, 7)})
    made: list[sounds.Sound] = []
    for way, event in moves:
        made += kept.take(way, event) if way else kept.told(event["type"], event)
    made += kept.rest()
    return [(each.item_id, b"".join(map(base64.b64decode, each.pieces))) for each in made]


def told(kind: str, **event: Any) -> tuple[str, dict[str, Any]]:
    return "", {"type": f"input_audio_buffer.{kind}", **event}


def test_what_was_said_is_from_where_somebody_spoke_to_where_they_stopped() -> None:
    sent = [("out", appended(bytes([n]) * 100)) for n in range(8)]
    found = gathered(
        *sent[:3], told("speech_started", audio_start_ms=150), *sent[3:6],
        told("speech_stopped", audio_end_ms=350), told("committed", item_id="one"),
        *sent[6:], told("committed", item_id="two"),
    )  # fmt: skip
    assert [(name, sorted(set(data))) for name, data in found] == [("one", [1, 2, 3]), ("two", [4, 5, 6, 7])]


def test_what_is_cleared_is_no_sound() -> None:
    assert gathered(("out", appended(b"ab")), told("cleared"), ("out", appended(b"cd"))) == [(None, b"cd")]


def test_a_long_sound_goes_on_as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "_PART", 100)
    found = gathered(*[("in", answered(bytes(60), "long"))] * 3, *[("out", appended(bytes(60)))] * 3)
    assert [(name, len(data)) for name, data in found] == [
        ("long", 120), (None, 120), (None, 60), ("long", 60),
    ]  # fmt: skip


def test_what_is_no_base64_breaks_nothing(keeping: Any) -> None:
    talk = keeping()
    odd = {**answered(), "delta": "x"}
    talk.sockets.script(odd, answered(), Close())
    with talk.connected() as connection:
        talk.read(connection, 2)
        with pytest.raises(Exception, match="1000"):
            talk.read(connection)
    assert documents.session(talk.recorder).runs
    assert talk.recorder.health.faults == 0
