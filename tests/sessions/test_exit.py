"""The end of a program: nothing of ours keeps it, changes how it ends, or says a word about it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tfclient
from tests.capture.driver import HTTP
from tfclient.finishing.recovery import recover
from tfstore.store import Store

if TYPE_CHECKING:
    from subprocess import CompletedProcess

ROOT = Path(__file__).parents[2]

PRELUDE = f"""
import json, os, signal, sys, time
import {HTTP.__name__} as http
import tfclient, tfclient.sessions.idle_and_exit

CHUNK = {{"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
         "choices": [{{"index": 0, "delta": {{"content": "a "}}, "finish_reason": None}}]}}

class Body(http.SyncByteStream):
    def __iter__(self):
        for _ in range(50):
            yield b"data: " + json.dumps(CHUNK).encode() + b"\\n\\n"

def answer(request):
    return http.Response(200, headers={{"content-type": "text/event-stream"}}, stream=Body())

client = tfclient.TracedOpenAI(base_url="http://mock.invalid/v1", api_key="k", max_retries=0,
    http_client=http.Client(transport=http.MockTransport(answer)))

def ask():
    return client.chat.completions.create(model="m", stream=True, messages=[{{"role": "user", "content": "hi"}}])
"""


def run(store: Path, program: str) -> CompletedProcess[bytes]:
    environment = {**os.environ, "THOUGHTFLOW_DIR": str(store), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, "-c", PRELUDE + program],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("for chunk in stream:\n    break", 0),
        ("for chunk in stream:\n    raise SystemExit(3)", 3),
        ("next(iter(stream)); client.close()", 0),
        ("inner = stream.response.iter_raw(); next(inner)", 0),
    ],
)
def test_a_stream_is_left_open(tmp_path: Path, end: str, status: int) -> None:
    """The interpreter closes it when it has stopped all threads: whoever waits then waits for ever."""
    done = run(tmp_path, f"stream = ask()\n{end}\n")
    assert done.returncode == status
    # The SDK's own generator complains, with and without recording.
    assert str(Path(tfclient.__file__).parent).encode() not in done.stderr
    assert b"recorded" not in done.stderr
    store = Store(tmp_path)
    list(recover(store))
    (session,) = (store.get(session_id) for session_id in store.ids())
    assert [step.label for run in session.runs for step in run.steps if step.label == "assistant_call"]


@pytest.mark.skipif(sys.platform == "win32", reason="there it is told in another way")
def test_an_interrupt_ends_it(tmp_path: Path) -> None:
    """A shell that runs it in a loop stops only if the program died of the interrupt."""
    # Where a shell began the tests in the background, interrupts are ignored, also in what they start.
    heard = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    done = run(tmp_path, f"{heard}\nlist(ask())\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n")
    assert done.returncode == -signal.SIGINT
    assert done.stderr.splitlines()[-1] == b"KeyboardInterrupt"


def test_sessions_on_a_disk_that_hangs_wait_together(tmp_path: Path) -> None:
    program = """
tfclient.sessions.idle_and_exit.EXIT_SECONDS = 0.5
import threading
held = [client.session() for _ in range(40)]
for session in held:
    session.__enter__()
    list(ask())
    session._state.token = None
written = os.write
def write(descriptor, data):
    return threading.Event().wait(3600) if b"session.ended" in bytes(data) else written(descriptor, data)
os.write = write
"""
    done = run(tmp_path, program)
    assert (done.returncode, done.stderr) == (0, b"")
