"""Audio is counted, by direction, item and second, and nobody waits for its lines."""

from __future__ import annotations

import base64
import itertools
import json
import os
import threading
from typing import Any

import pytest

import tfclient.sessions.writer
from tests.capture import journals
from tests.capture.sockets.conftest import Talk
from tests.server.sockets import Got
from tfclient import Recorder
from tfclient.capture.sockets import audio, socket
from tfstore.journal.segment import Segment


def heard(n: int, item: str = "item_1") -> dict[str, Any]:
    sound = base64.b64encode(b"\x01\x02" * (480 + n)).decode()
    return {"type": "response.output_audio.delta", "response_id": "resp_1", "item_id": item, "delta": sound}


def test_a_line_for_each_second_and_item(
    talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0, 20_000_000)
    monkeypatch.setattr(socket, "monotonic_ns", lambda: next(clock))
    done = {"type": "response.output_audio.done", "response_id": "resp_1", "item_id": "item_1"}
    format_ = {"type": "audio/pcm", "rate": 24000}
    created = {"type": "session.created", "session": {"audio": {"output": {"format": format_}}}}
    talk.sockets.script(created, *(heard(n % 3) for n in range(120)), done, heard(0, "item_2"), Got())
    with talk.connected() as connection:
        talk.read(connection, 123)
    lines = journals.entries(recorder, "socket.audio")
    assert [(each["item_id"], each["dir"]) for each in lines] == [*[("item_1", "in")] * 3, ("item_2", "in")]
    assert sum(each["frames"] for each in lines[:3]) == 120
    assert sum(each["bytes"] for each in lines[:3]) == sum(2 * (480 + n % 3) for n in range(120))
    assert all(each["ms"] == each["bytes"] // 48 for each in lines)
    # The last of an item is there before it is said that the item is over.
    kinds = [each["type"] for each in journals.entries(recorder)]
    assert kinds.index("socket.frame", kinds.index("socket.frame") + 1) > kinds.index("socket.audio")


@pytest.mark.parametrize(
    ("format_", "ms"),
    [
        ({"type": "audio/pcm", "rate": 24000}, 1000),
        ({"type": "audio/pcm", "rate": 16000}, 1500),
        ({"type": "audio/pcmu"}, 6000),
        ("g711_alaw", 6000),
        ("pcm16", 1000),
    ],
)
def test_how_long_it_sounds(format_: Any, ms: int) -> None:
    counted = audio.Audio()
    side = {"output": {"format": format_}} if isinstance(format_, dict) else None
    counted.configured({"audio": side} if side else {"output_audio_format": format_})
    counted.take(
        "in",
        {"type": "response.output_audio.delta", "delta": base64.b64encode(bytes(48_000)).decode()},
        0,
    )
    ((way, each),) = counted.rest("in")
    assert counted.entry(way, each, "socket_1", 1)["ms"] == ms


def test_audio_goes_on_while_the_disk_stands_still(
    talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "_LINE", 0)
    stuck, begun, own = threading.Event(), threading.Event(), threading.current_thread()
    append = Segment.append

    def stands_still(self: Segment, *entries: Any, again: bool = False) -> None:
        if threading.current_thread() is not own:
            begun.set()
            assert stuck.wait(60)
        append(self, *entries, again=again)

    talk.sockets.script({"type": "session.created"}, *(heard(0) for _ in range(50)), {"type": "last"}, Got())
    with talk.connected() as connection:
        talk.read(connection)
        monkeypatch.setattr(Segment, "append", stands_still)
        # None of these is written here: the program would wait.
        talk.read(connection, 50)
        assert begun.wait(60)
        stuck.set()
        talk.read(connection)
    for thread in threading.enumerate():
        if thread.name == "tfclient-audio":
            thread.join(60)
    lines = journals.entries(recorder, "socket.audio")
    assert sum(each["frames"] for each in lines) == 50
    assert recorder.health.ok


@pytest.fixture
def _sounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine: between two sounds it is not quiet."""
    monkeypatch.setattr(tfclient.sessions.writer, "SOUNDS", 10**15)


def told(n: int) -> dict[str, Any]:
    ids = {"event_id": f"event_a{n}", "response_id": "resp_1", "item_id": "item_1"}
    return {"type": "response.output_audio_transcript.delta", **ids, "delta": f" word{n}"}


@pytest.mark.usefixtures("_sounding")
def test_words_between_sounds_do_not_wait_for_a_disk_that_stands_still(
    talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, own = threading.Event(), threading.current_thread()
    plain = os.write
    written_by: list[str] = []

    def stands_still(descriptor: int, data: bytes) -> int:
        if b'"session_id"' in data:
            written_by.append(threading.current_thread().name)
            # Here the program would wait for ever.
            assert threading.current_thread() is not own
            assert stuck.wait(60)
        return plain(descriptor, data)

    said = [each for n in range(30) for each in (heard(0), told(n))]
    talk.sockets.script(*said, *said, {"type": "last"}, Got())
    with talk.connected() as connection:
        talk.read(connection, len(said))
        assert not recorder.health.degraded
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", stands_still)
            patch.setattr(tfclient.sessions.writer, "STALLED", 0.01)
            assert talk.read(connection, len(said)) == said
            assert "in memory" in recorder.health.reasons[0]
            assert set(written_by) == {"tfclient-slow-disk"}
            # Of those that were read while it stood still, nobody waited for more than the first.
            assert len(written_by) == 1
            stuck.set()
            talk.read(connection)
    state = recorder.sessions.open()[0]
    state.writer.close(60)
    frames = [json.loads(each["data"]) for each in journals.entries(recorder, "socket.frame")]
    assert [each for each in frames if each["type"] != "last"] == [told(n) for _ in (1, 2) for n in range(30)]
    assert recorder.stats().lost == 0
    assert recorder.health.faults == 0


@pytest.mark.usefixtures("_sounding")
def test_words_between_sounds_are_written_before_the_program_has_them(
    talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.write
    written_by: set[str] = set()

    def noted(descriptor: int, data: bytes) -> int:
        if b'"socket.frame"' in data:
            written_by.add(threading.current_thread().name)
        return plain(descriptor, data)

    said = [each for n in range(30) for each in (heard(0), told(n))]
    talk.sockets.script(*said, Got())
    monkeypatch.setattr(os, "write", noted)
    with talk.connected() as connection:
        for n, each in enumerate(said):
            assert talk.read(connection) == [each]
            assert len(journals.entries(recorder, "socket.frame")) == (n + 1) // 2
    assert written_by == {"tfclient-slow-disk"}
    assert recorder.health.ok


@pytest.mark.usefixtures("_sounding")
def test_what_is_written_beside_sounds_keeps_its_order(talk: Talk, recorder: Recorder) -> None:
    """All of a session goes by the same thread, whoever writes it."""
    said = [each for n in range(10) for each in (heard(0), told(n))]
    talk.sockets.script(*said, Got())
    with talk.connected() as connection:
        for n, each in enumerate(said):
            talk.read(connection)
            recorder.sessions.annotate(recorder.sessions.open()[0], "count", n)
            assert each
    kinds = [(each["type"], each.get("data")) for each in journals.entries(recorder)]
    counted = [data for kind, data in kinds if kind == "annotation"]
    assert counted == list(range(len(said)))
    order = [kind for kind, _ in kinds if kind in {"annotation", "socket.frame"}]
    assert order == ["annotation", "socket.frame", "annotation"] * 10
