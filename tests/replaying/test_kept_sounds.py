"""Sounds that were kept are heard again when their session is played; silence stands for what was not."""

from __future__ import annotations

import random
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tfclient
from tests.capture.driver import Driver
from tests.capture.sockets.test_responses import answered as responded
from tests.capture.sockets.test_responses import create
from tests.capture.sockets.test_sounds import answered, session, written
from tests.replaying.test_sockets import Stage
from tests.server.sockets import Got, SocketServer
from tfclient import Recorder
from tfclient.export.bundle import bundled

NOISE = random.Random(7).randbytes(4000)  # noqa: S311 - a noise
SAID = {
    "item_1": [NOISE[:100], NOISE[100:104], NOISE[104:1000]],
    "item_2": [NOISE[1000:1200], NOISE[1200:2200]],
}


@pytest.fixture
def sockets() -> Iterator[SocketServer]:
    with SocketServer() as server:
        yield server


@pytest.fixture
def staged(drive: Driver, sockets: SocketServer, tmp_path: Path) -> Iterator[Any]:
    made: list[Stage] = []

    def make(**settings: Any) -> Stage:
        made.append(Stage(drive, sockets, Recorder(tmp_path / "store", **settings)))
        return made[-1]

    yield make
    for stage in made:
        stage.drive.do(stage.client.close())


def listened(stage: Stage, kind: str = "pcm") -> dict[str, list[bytes]]:
    """Record a program that listens to two items, which come between each other; return what it heard."""
    one, two = ([answered(data, item) for data in said] for item, said in SAID.items())
    stage.sockets.script(
        session(kind), one[0], two[0], one[1], one[2], two[1],
        *({"type": "response.output_audio.done", "item_id": item} for item in SAID),
    )  # fmt: skip
    heard = stage.record(program)
    written()
    return heard  # type: ignore[no-any-return]


def program(stage: Any) -> dict[str, list[bytes]]:
    with stage.connected() as connection:
        return _heard(stage.read(connection, 8))


NAMES: list[str] = []


def _heard(messages: list[Any]) -> dict[str, list[bytes]]:
    heard: dict[str, list[bytes]] = {}
    NAMES.clear()
    for each in messages:
        if "delta" in each:
            heard.setdefault(each["item_id"], []).append(b64decode(each["delta"]))
            NAMES.append(str(each.get("event_id")).rstrip("0123456789"))
    return heard


def joined(heard: dict[str, list[bytes]]) -> dict[str, bytes]:
    return {item: b"".join(pieces) for item, pieces in heard.items()}


def test_what_was_kept_is_heard_again(staged: Any) -> None:
    stage = staged(audio="keep")
    first = listened(stage)
    assert first == SAID
    with stage.replay():
        again = program(stage)
    assert joined(again) == joined(SAID)
    assert {item: len(pieces) for item, pieces in again.items()} == {"item_1": 3, "item_2": 2}
    # Samples are not taken apart.
    assert all(len(piece) % 2 == 0 for pieces in again.values() for piece in pieces)
    assert set(NAMES) == {"event_sound_"}
    # And as often as one likes.
    with stage.replay():
        assert program(stage) == again


@pytest.mark.parametrize("how", ["count", "hash"])
def test_where_it_was_not_kept_there_is_silence(staged: Any, how: str) -> None:
    stage = staged(audio=how)
    listened(stage, "pcmu")
    with stage.replay():
        again = program(stage)
    assert joined(again) == {item: b"\xff" * len(b"".join(said)) for item, said in SAID.items()}
    assert set(NAMES) == {"event_silence_"}
    with bundled(stage.store, stage.session_id) as made:
        assert made.replay.why == "5 messages of audio were not kept, and silence is played"


def test_of_a_sound_that_was_cut_the_rest_is_silence(staged: Any) -> None:
    stage = staged(audio="keep", max_payload=1024)
    listened(stage)
    with stage.replay():
        again = program(stage)
    # Of both, 966 bytes were kept; a message of which a part was not is silence.
    assert again["item_1"] == [NOISE[:334], NOISE[334:668], bytes(332)]
    assert again["item_2"] == [NOISE[1000:1600], bytes(600)]
    with bundled(stage.store, stage.session_id) as made:
        assert made.replay.level == "placeholders"
        assert made.replay.why == "2 messages of audio were not kept, and silence is played"


def test_what_is_gone_is_silence(staged: Any) -> None:
    stage = staged(audio="keep")
    listened(stage)
    for path in stage.store.paths.blobs.glob("??/*"):
        if path.stat().st_size > 1100:
            path.write_bytes(b"RIFFanything else")
        else:
            path.unlink()
    with stage.replay():
        again = program(stage)
    assert joined(again) == {item: bytes(len(b"".join(said))) for item, said in SAID.items()}


@pytest.mark.parametrize("redact", [(), ("emails",)], ids=["as it is", "redacted"])
def test_a_bundle_takes_sounds_along_and_says_so(staged: Any, tmp_path: Path, redact: Any) -> None:
    stage = staged(audio="keep")
    listened(stage)
    path = tmp_path / "session.tfbundle"
    with bundled(stage.store, stage.session_id, redact) as made:
        assert (made.replay.level, made.replay.why) == (
            "exact", "nothing of its answers was replaced; its audio is cut into messages of equal length",
        )  # fmt: skip
        assert [each for each in made.problems if not each.harmless] == []
        made.write(path)
    with tfclient.replay(path):
        assert joined(program(stage)) == joined(SAID)


def test_a_bundle_without_content_has_no_sound(staged: Any) -> None:
    stage = staged(audio="keep")
    listened(stage)
    with bundled(stage.store, stage.session_id, ("content",)) as made:
        assert made.replay.level == "no"
        assert not any(each.name.startswith("blobs/") for each in made.members)


def test_a_response_over_a_socket_is_heard_again(staged: Any) -> None:
    stage = staged(audio="keep")
    sound = {"type": "response.audio.delta", "delta": b64encode(NOISE[:480]).decode()}
    begun, said, done = responded(1)
    stage.sockets.script(Got(), begun, sound, said, sound, {"type": "response.audio.done"}, done)

    def asked(stage: Any) -> list[Any]:
        with stage.connected("responses") as connection:
            stage.send(connection, create(input="Sing"))
            return stage.read(connection, 6)  # type: ignore[no-any-return]

    first = stage.record(asked)
    with stage.replay():
        again = asked(stage)
    heard = [[each["delta"] for each in events if each["type"] == sound["type"]] for events in (first, again)]
    assert heard[0] == heard[1] == [sound["delta"]] * 2
    assert [each for each in again if each["type"] != sound["type"]] == [
        each for each in first if each["type"] != sound["type"]
    ]
