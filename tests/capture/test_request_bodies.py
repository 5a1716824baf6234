"""What is sent: never drained, known where that costs nothing, and written once when it is sent again."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture import journals
from tests.capture.driver import HTTP, MODEL, Driver
from tests.server.replies import Raw, answer
from tests.server.scripted import ScriptedServer
from tfclient import Recorder
from tfclient.redaction import Redactor
from tfclient.sessions.sent_bodies import SentBodies
from tfstore.journal.repeated_bodies import RECENT, SentTexts

FILE = Raw(b'{"id": "file_1", "object": "file"}')


def upload(drive: Driver, client: Any, file: Any) -> Any:
    return drive.do(client.files.create(file=file, purpose="assistants"))


def part(recorder: Recorder, name: str) -> dict[str, Any]:
    (sent,) = journals.entries(recorder, "attempt.sent")
    assert sent["body"]["unread"] == "multipart"
    return next(each for each in sent["body"]["parts"] if each["name"] == name)


def test_files_are_sent_as_without_us(
    drive: Driver, recorder: Recorder, server: ScriptedServer, tmp_path: Path
) -> None:
    server.always(FILE)
    path = tmp_path / "data.bin"
    path.write_bytes(b"\xff" * 5000)
    sizes = []
    for client in (drive.plain(), drive.traced(recorder)):
        with path.open("rb") as file:
            upload(drive, client, file)
            sizes.append(file.tell())
    plain, traced = (_without_boundary(request) for request in server.requests)
    assert plain == traced
    assert sizes == [5000, 5000]
    assert part(recorder, "file") == {
        "name": "file",
        "filename": "data.bin",
        "content_type": "application/octet-stream",
        "bytes": 5000,
    }
    assert part(recorder, "purpose")["value"] == "assistants"


def _without_boundary(request: Any) -> bytes:
    boundary = request.header("content-type").split("boundary=")[1].encode()
    return bytes(request.body.replace(boundary, b"BOUNDARY"))


@pytest.mark.parametrize("make", [bytes, io.BytesIO], ids=["bytes", "BytesIO"])
def test_files_in_memory_are_kept(
    make: Any, drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(FILE)
    upload(drive, drive.traced(recorder), ("notes.txt", make(b"remember the milk"), "text/plain"))
    assert part(recorder, "file") == {
        "name": "file",
        "filename": "notes.txt",
        "content_type": "text/plain",
        "bytes": 17,
        "data": {"text": "remember the milk"},
    }
    assert b"remember the milk" in server.requests[0].body


def test_an_iterator_as_body_is_not_touched(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(FILE)

    def pieces() -> Iterator[bytes]:
        yield b"one"
        yield b"two"

    async def async_pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    content = async_pieces() if drive.is_async else pieces()
    drive.do(drive.traced(recorder).post("/anything", cast_to=HTTP.Response, content=content))
    assert server.requests[0].body == b"onetwo"
    (sent,) = journals.entries(recorder, "attempt.sent")
    assert sent["body"] == {"unread": "iterator"}


def test_no_secret_is_written_of_a_file_or_its_name(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(FILE)
    key = "sk-proj-" + "aB3" * 10
    files = {"file": (f"{key}.txt", b"hello"), "private_key": ("id.pem", b"correct horse")}
    options = {"headers": {"Content-Type": "multipart/form-data"}}
    drive.do(
        drive.traced(recorder).post(
            "/files", cast_to=HTTP.Response, body={"purpose": "x"}, files=files, options=options
        )
    )
    assert part(recorder, "file")["filename"] == "<redacted:openai_key>.txt"
    assert part(recorder, "private_key")["data"] == {"text": "<redacted:key:private_key>"}
    (sent,) = journals.entries(recorder, "attempt.sent")
    paths = [mark["path"] for mark in sent["redactions"]]
    assert {"request.body.file.filename", "request.body.private_key"} <= {*paths}


def test_a_secret_in_a_form_is_not_written(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.always(FILE)
    secret = "sk-proj-" + "Ab3" * 16
    upload(drive, drive.traced(recorder), ("notes.txt", f"my key is {secret}".encode(), "text/plain"))
    assert secret.encode() in server.requests[0].body
    assert secret not in journals.everything(recorder)


def test_a_conversation_that_is_sent_again_is_written_once(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("A short answer."))
    client = drive.traced(recorder)
    history: list[Any] = []
    for turn in range(40):
        history.append({"role": "user", "content": f"turn {turn}: " + "é" * 300})
        drive.do(client.responses.create(model=MODEL, input=history, store=False))
        history.append({"role": "assistant", "content": "A short answer."})
    sent = [request.body.decode() for request in server.requests]
    assert journals.requests(recorder) == sent
    unique = len(json.dumps(history, ensure_ascii=False).encode())
    written = sum(len(entry["body"]["text"].encode()) for entry in journals.entries(recorder, "attempt.sent"))
    assert written < 2 * unique
    assert written < sum(map(len, sent)) / 5


def test_conversations_side_by_side_are_each_written_once(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("A short answer."))
    client = drive.traced(recorder)
    system = {"role": "system", "content": "s" * 2000}
    histories: list[list[Any]] = [[system] for _ in range(5)]
    for turn in range(8):
        for number, history in enumerate(histories):
            history.append({"role": "user", "content": f"{number}/{turn} " + "x" * 500})
            drive.do(client.responses.create(model=MODEL, input=history, store=False))
    assert journals.requests(recorder) == [request.body.decode() for request in server.requests]
    written = sum(len(entry["body"]["text"]) for entry in journals.entries(recorder, "attempt.sent"))
    assert written < 1.5 * sum(len(json.dumps(history)) for history in histories)


def test_a_secret_in_a_resent_history_is_never_written(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("Noted."))
    client = drive.traced(recorder)
    secrets = ["sk-proj-" + letter * 2 + "b3" * 20 for letter in "acdefg"]
    history: list[Any] = []
    for secret in secrets:
        history.append({"role": "user", "content": f"my key is {secret}, and so on " + "x" * 900})
        drive.do(client.responses.create(model=MODEL, input=history, store=False))
    text = journals.everything(recorder)
    assert not any(secret in text for secret in secrets)
    for whole, secret in zip(journals.requests(recorder), secrets, strict=True):
        assert whole is not None
        assert "<redacted:" in whole
        assert json.loads(whole)["input"][-1]["content"].endswith("x" * 900)
        assert secret not in whole
    assert any("same" in entry["body"] for entry in journals.entries(recorder, "attempt.sent"))


@pytest.mark.parametrize(
    "redact", ["content", lambda _path, text: text.replace("x", "y")], ids=["content", "custom"]
)
def test_other_modes_refer_to_what_they_wrote(
    redact: Any, drive: Driver, server: ScriptedServer, tmp_path: Path
) -> None:
    server.always(answer("Noted."))
    recorder = Recorder(tmp_path, redact=redact)
    client = drive.traced(recorder)
    history: list[Any] = []
    for turn in range(30):
        history.append({"role": "user", "content": f"turn {turn}: " + "x" * 200})
        drive.do(client.responses.create(model=MODEL, input=history, store=False))
    for whole, request in zip(journals.requests(recorder), server.requests, strict=True):
        expected, _ = Redactor.from_setting(redact).body(request.body, "application/json", "request.body")
        assert whole == expected
    assert any("same" in entry["body"] for entry in journals.entries(recorder, "attempt.sent"))
    assert "xxxx" not in journals.everything(recorder)


_piece = st.text(alphabet='ab{},"é:\\', max_size=40).map(lambda text: '{"t":"' + text * 12 + '"}')


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.lists(_piece, max_size=4), st.booleans(), st.text("xyé", max_size=30)
        ),
        max_size=RECENT,
    )
)
def test_any_sequence_of_bodies_reads_back(
    steps: list[tuple[int, list[str], bool, str]],
) -> None:
    """Whatever four conversations send in whatever order, secrets among it, is what a reader puts together."""
    bodies, texts = SentBodies(), SentTexts()
    redactor = Redactor.from_setting()

    def redact(part: bytes) -> tuple[str | None, list[Any]]:
        return redactor.body(part, "application/json", "request.body")

    secret = "sk-proj-" + "Ab3" * 16
    threads: list[list[str]] = [[], [], [], []]
    for number, (thread, pieces, with_secret, tail) in enumerate(steps):
        threads[thread] += pieces
        if with_secret:
            threads[thread].append(f'{{"t":"{secret}{number}"}}')
        data = ('{"input":[' + ",".join(threads[thread]) + '],"tail":"' + tail + '"}').encode()
        body, _, kept = bodies.journaled(f"x{number}", data, redact)
        assert body is not None
        whole = texts.whole(f"x{number}", body)
        assert whole is not None
        assert secret not in whole
        assert _without(whole) == _without(data.decode().replace(secret, "<redacted:openai_key>"))
        if kept is not None:
            bodies.keep(kept)


def _without(text: str) -> str:
    """The text without what a secret became, whose extent is the redactor's own business."""
    start = text.find("<redacted")
    return text if start < 0 else text[:start]
