"""Threads record while another ends the session again and again: everything that they were given is in a document."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

import tfclient
import tfclient.sessions.writer
from tests.crash.program import ask, client_of, in_child, stream
from tfclient.finishing.rebuilding import verify
from tfclient.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.program import Acknowledge
    from tfclient.sessions.handle import SessionHandle
    from tfstore.store import Store


@pytest.fixture(autouse=True)
def no_disk_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine: what waits for a slow disk may be lost with a kill, which is another promise."""
    monkeypatch.setattr(tfclient.sessions.writer, "STALLED", 600.0)


LONG = bool(os.environ.get("TFCLIENT_LONG_TESTS"))
SECONDS = 60.0 if LONG else 1.0

# Thousands of sessions have their files written and verified afterwards.
pytestmark = pytest.mark.timeout(3600 if LONG else 120)


def record(root: Path, acknowledge: Acknowledge, *, threads: int, seconds: float) -> None:
    recorder = tfclient.Recorder(root)
    until = time.monotonic() + seconds
    ended: list[SessionHandle] = []

    def work(name: int) -> None:
        for number in itertools.count():
            if time.monotonic() > until:
                return
            if number % 2:
                stream(client, lambda _: None, f"streamed {name} {number}")
                acknowledge(f"resp_streamed_{name}_{number}")
            else:
                ask(client, lambda _: None, f"asked {name} {number}")
                acknowledge(f"resp_asked_{name}_{number}")

    def end() -> None:
        while time.monotonic() < until:
            time.sleep(0.005)
            ended.extend(filter(None, [client.end_session()]))

    with client_of(recorder, lambda _: None) as client:
        working = [threading.Thread(target=work, args=(name,)) for name in range(threads)]
        working.append(threading.Thread(target=end))
        for each in working:
            each.start()
        for each in working:
            each.join()
        ended.extend(filter(None, [client.end_session()]))
    assert all(session.wait(1200 if LONG else 60) for session in ended)
    assert recorder.health.ok, recorder.health
    assert (recorder.stats().lost, recorder.stats().drift) == (0, 0)


def whole(store: Store, acknowledged: list[str]) -> None:
    shown = {
        step["response_id"]
        for session_id in store.ids()
        for run in json.loads(store.text(session_id))["runs"]
        for step in run["steps"]
        if step["label"] == "assistant_call"
        and step["payload_completed"].get("text", "").startswith("answer")
    }
    assert acknowledged
    assert set(acknowledged) - shown == set()
    for session_id in store.ids():
        assert {each.kind for each in verify(store, session_id).problems} <= {"torn"}


@pytest.mark.parametrize("threads", [4, 16])
def test_without_a_kill(threads: int, tmp_path: Path) -> None:
    lines, _ = in_child(lambda say: record(tmp_path, say, threads=threads, seconds=SECONDS))

    whole(open_store(tmp_path), lines)


def test_with_a_kill(tmp_path: Path) -> None:
    lines, killed = in_child(
        lambda say: record(tmp_path, say, threads=6, seconds=SECONDS + 30), kill_after=SECONDS
    )

    assert killed
    whole(open_store(tmp_path), lines)
