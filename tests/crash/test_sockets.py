"""Killed at any message of a socket: nothing that the program had is missing, the next process closes the session."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest

import tfclient
import tfclient.sessions.writer
from tests.capture.driver import MODEL
from tests.capture.sockets.test_responses import answered, create
from tests.crash.program import SESSION, in_child
from tests.projection.sockets.tape import Tape, connection
from tests.server.sockets import Got, SocketServer
from tfclient.finishing.rebuilding import rebuild, verify
from tfclient.opening import open_store

if TYPE_CHECKING:
    from tests.crash.program import Acknowledge
    from tfstore.document.documents import Session
    from tfstore.store import Store

LONG = bool(os.environ.get("TFCLIENT_LONG_TESTS"))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@pytest.fixture(autouse=True)
def no_disk_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine: what waits for a slow disk may be lost with a kill, which is another promise."""
    monkeypatch.setattr(tfclient.sessions.writer, "STALLED", 600.0)


def messages() -> list[str]:
    tape = (
        Tape()
        .configured()
        .speaks("item_1")
        .begins("resp_1")
        .tells("resp_1", "item_2", "One", " two", " three")
    )
    tape.done("resp_1", "item_2", "One two three").hears("item_1", "Count").begins("resp_2").calls(
        "resp_2", "call_1"
    )
    return [entry["data"] for entry in tape.entries if entry["type"] == "socket.frame"]


def listen(
    root: Path, url: str, acknowledge: Acknowledge, *, die_at: int, kind: str, moves: list[Any]
) -> None:
    """Send what is to be sent, read as many as there are None of, say each, and die."""
    recorder = tfclient.Recorder(root)
    resource: Any = tfclient.TracedOpenAI(base_url=url, api_key="k", recorder=recorder)
    for name in kind.split("."):
        resource = getattr(resource, name)
    options: dict[str, Any] = {"model": "gpt-realtime"} if kind.startswith("realtime") else {}
    with recorder.session(id=SESSION), resource.connect(**options) as connection:
        for count, move in enumerate(moves, 1):
            if isinstance(move, dict):
                connection.send(move)
                acknowledge(json.dumps(move))
            else:
                acknowledge(connection.recv_bytes().decode())
            if count == die_at:
                os.kill(os.getpid(), 9)


def after(root: Path) -> tuple[Store, Session]:
    store = open_store(root)
    session = store.get(SESSION)
    assert (session.status, session.end_reason) == ("closed", "recovered")
    assert {each.kind for each in verify(store, SESSION).problems} <= {"torn", "unfinished_file"}
    assert not rebuild(store, SESSION).changed
    return store, session


@pytest.mark.parametrize("die_at", [1, 4, 8, 9, 12])
def test_killed_in_a_conversation(die_at: int, tmp_path: Path) -> None:
    told = messages()
    with SocketServer() as server:
        server.script(*told, Got())
        lines, killed = in_child(
            lambda acknowledge: listen(
                tmp_path, server.url, acknowledge, die_at=die_at, kind="realtime", moves=[None] * len(told)
            )
        )
    assert killed
    assert lines == told[:die_at]
    store, session = after(tmp_path)
    entries, _ = store.journal(SESSION)
    kept = [entry["data"] for entry in entries if entry["type"] == "socket.frame"]
    assert kept[:die_at] == lines
    assert connection(session).ending == "unknown"
    assert all(run.status not in {"in_progress", "queued"} for run in session.runs)


def test_killed_in_a_response_over_a_socket(tmp_path: Path) -> None:
    first = answered(1)
    with SocketServer() as server:
        server.script(Got(), *first[:2], Got())
        lines, killed = in_child(
            lambda acknowledge: listen(
                tmp_path,
                server.url,
                acknowledge,
                die_at=3,
                kind="responses",
                moves=[create(input="Hi"), None, None],
            )
        )
    assert killed
    assert len(lines) == 3
    _, session = after(tmp_path)
    (call,) = [step for run in session.runs for step in run.steps if step.label == "assistant_call"]
    assert (call.status, call.ending, call.model) == ("failed", "unknown", MODEL)
    assert call.payload_completed["text"] == "Answer 1"


_SOUND = base64.b64encode(b"\x01\x02" * 480).decode()


def spoken(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """What goes both ways, sound and words, in the words of this kind of socket."""
    if kind == "realtime":
        ids = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
        sound, word = "response.output_audio.delta", "response.output_audio_transcript.delta"
        out: dict[str, Any] = {"type": "input_audio_buffer.append", "audio": _SOUND}
    else:
        ids = {"item_id": "item_1"}
        sound, word = "session.output_audio.delta", "session.output_transcript.delta"
        out = {"type": "session.input_audio.append", "audio": _SOUND}
    moves: list[tuple[str, dict[str, Any]]] = [("in", {"type": "session.created", "session": {}})]
    for n in range(4):
        moves += [
            ("out", out),
            ("in", {"type": sound, "event_id": f"event_s{n}", **ids, "delta": _SOUND}),
            ("in", {"type": word, "event_id": f"event_w{n}", **ids, "delta": f" word{n}"}),
            ("out", {"type": "session.update", "session": {"instructions": f"Be brief, {n}."}}),
        ]
    return moves


@pytest.mark.parametrize("kind", ["realtime", "live"])
@pytest.mark.parametrize("die_at", range(1, 18) if LONG else [4, 9, 17])
def test_killed_while_both_sides_speak(kind: str, die_at: int, tmp_path: Path) -> None:
    moves = spoken(kind)
    if kind == "live" and not hasattr(openai.OpenAI(api_key="k"), "live"):
        kind = "realtime.translations"
    with SocketServer() as server:
        server.script(*(Got() if way == "out" else event for way, event in moves), Got())
        lines, killed = in_child(
            lambda acknowledge: listen(
                tmp_path, server.url, acknowledge, die_at=die_at, kind=kind,
                moves=[event if way == "out" else None for way, event in moves],
            )
        )  # fmt: skip
    assert killed
    assert [json.loads(line) for line in lines] == [event for _, event in moves[:die_at]]
    store, _ = after(tmp_path)
    entries, _ = store.journal(SESSION)
    kept = [(each["dir"], json.loads(each["data"])) for each in entries if each["type"] == "socket.frame"]
    assert kept == [move for move in moves[:die_at] if _SOUND not in move[1].values()]


@pytest.mark.parametrize("die_at", range(1, 9) if LONG else [2, 6, 8])
def test_killed_in_one_of_two_responses(die_at: int, tmp_path: Path) -> None:
    first, second = answered(1), answered(2, "resp_1")
    again = create(input="And now?", previous_response_id="resp_1")
    moves: list[Any] = [create(input="Hi"), *first, again, *second]
    with SocketServer() as server:
        server.script(*(Got() if each["type"] == "response.create" else each for each in moves), Got())
        lines, killed = in_child(
            lambda acknowledge: listen(
                tmp_path, server.url, acknowledge, die_at=die_at, kind="responses",
                moves=[each if each["type"] == "response.create" else None for each in moves],
            )
        )  # fmt: skip
    assert killed
    assert [json.loads(line) for line in lines] == moves[:die_at]
    store, _ = after(tmp_path)
    entries, _ = store.journal(SESSION)
    had = [each for each in moves[:die_at] if each["type"] != "response.create"]
    kept = "".join(each["data"] for each in entries if each["type"] == "stream.chunk")
    assert kept == "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in had)
    asked = [json.loads(each["body"]["text"])["input"] for each in entries if each["type"] == "attempt.sent"]
    assert asked == [each["input"] for each in moves[:die_at] if each["type"] == "response.create"]
