"""Killed at any message of a socket: nothing that the program had is missing, the next process closes the session."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    recorder = tfclient.Recorder(root)
    client = tfclient.TracedOpenAI(base_url=url, api_key="k", recorder=recorder)
    resource: Any = client.responses if kind == "responses" else client.realtime
    options: dict[str, Any] = {} if kind == "responses" else {"model": "gpt-realtime"}
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
