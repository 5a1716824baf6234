"""A long session: memory does not grow with it, and a step costs at the end what it cost at the start."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from tests.bench.figures import Figure

_FROM = 1_000
_PROMISED = 100_000

_CODE = r"""
import json, os, resource, sys, time, statistics
from pathlib import Path
calls, folder, mode = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
projecting = mode == "projected"
import contextlib
import tfclient.finishing.finisher
from tests.bench.traffic import nothing_finished, prompt
from tfclient import Recorder
from tfclient.capture.exchange import Call

def memory(most=False):
    told = open("/proc/self/status").read()
    return int(told.partition("VmHWM:" if most else "VmRSS:")[2].split()[0]) / 1024

def written(session):
    # Wait for a document of all that was recorded so far.
    since = time.time()
    while time.time() < since + 60 and not (session.path.exists() and session.path.stat().st_mtime > since):
        time.sleep(0.1)

class Headers:
    raw = [(b"content-type", b"application/json"), (b"x-request-id", b"req_1")]

class Request:
    method, url, headers = "POST", "http://localhost/v1/responses", Headers
    def __init__(self, text):
        self.content = json.dumps({"model": "gpt-5.4-mini", "input": text}).encode()

class Response:
    status_code, headers, history = 200, Headers, []
    def __init__(self, n):
        item = {"type": "message", "id": f"msg_{n}", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Yes.", "annotations": []}]}
        self.content = json.dumps({"id": f"resp_{n}", "object": "response", "status": "completed",
            "created_at": 1, "model": "gpt-5.4-mini", "output": [item], "error": None,
            "incomplete_details": None, "usage": None}).encode()

apart = contextlib.nullcontext() if mode == "finished" else nothing_finished()
apart.__enter__()
# Nobody wants to wait for a refresh that does not disturb.
tfclient.finishing.finisher.SHARE = 1
recorder = Recorder(folder)
seconds, feeding, at = [], [], {}
with recorder.session(id="long") as session:
    state = session._state
    if projecting:
        from tfclient.projection.projector import Projector
        from tfstore.journal.reading import Tail
        from tfstore.disk.paths import StorePaths
        tail, projector = Tail(StorePaths(folder), "long"), Projector("long")
    for n in range(calls):
        began = time.thread_time()
        call = Call(recorder.sessions, state, method="post", path="/responses", stream=False, cast_to=dict, tool=None)
        call.sent(Request(prompt(100))).answered(Response(n))
        seconds.append(time.thread_time() - began)
        if projecting:
            began = time.thread_time()
            entries = tail.poll()
            for entry in entries:
                projector.feed(entry)
            if n % 100 == 0:
                projector.session()
            projector.take_blobs()
            feeding.append(time.thread_time() - began)
        if n + 1 in (1000, calls):
            if mode == "finished":
                written(session)
            at[n + 1] = memory(most=mode == "finished")

def around(taken, n):
    return statistics.median(taken[n : n + max(9, len(taken) // 100)]) * 1e6

def late(taken):
    return statistics.median(taken[-max(9, len(taken) // 100):]) * 1e6

print(json.dumps({"grown": at[calls] - at[1000], "first": around(seconds, 10), "last": late(seconds),
    "fed_first": around(feeding, 10) if feeding else 0, "fed_last": late(feeding) if feeding else 0}))
"""


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure 100,000 calls in one session (10,000 without ``--long``), each part in a process of its own.

    What projects in the background holds a session up to a limit, then leaves it to a helper: that does not grow
    evenly, so the most that it grew to is told.
    """
    calls = _PROMISED if long else _PROMISED // 10
    recorded = _run(calls, "recorded")
    at_the_end = recorded["grown"] * (_PROMISED - _FROM) / (calls - _FROM)
    name = f"memory of {_PROMISED:,} calls over {_FROM:,}: recorder"
    yield Figure(name, at_the_end, "MB", 50, f"as it grew from {_FROM:,} to {calls:,} calls")
    yield Figure(f"journal: call {calls:,} / call 10", recorded["last"] / recorded["first"], "×", 1.5)
    finished = _run(calls, "finished")
    yield Figure(f"memory of {calls:,} calls over {_FROM:,}: and documents", finished["grown"], "MB", 50)
    projected = _run(calls // 2, "projected")
    ratio = projected["fed_last"] / projected["fed_first"]
    yield Figure(f"projection: call {calls // 2:,} / call 10", ratio, "×", 1.5)
    held = projected["grown"] * 1024 / (calls // 2 - _FROM)
    yield Figure("  what it holds for a call", held, "KB")


def _run(calls: int, mode: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tfclient-bench-", ignore_cleanup_errors=True) as folder:
        done = subprocess.run(  # noqa: S603 - our own Python
            [sys.executable, "-c", _CODE, str(calls), folder, mode],
            capture_output=True,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found
