"""A program that forks while this is being warmed up: neither the child nor the parent waits for what never comes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.capture.driver import HTTP

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

PRELUDE = f"""
import os, sys, threading, time, faulthandler
import {HTTP.__name__} as http
import tfclient

BODY = {{"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {{"index": 0, "message": {{"role": "assistant", "content": "ok"}}, "finish_reason": "stop"}}]}}
http_client = http.Client(transport=http.MockTransport(lambda request: http.Response(200, json=BODY)))
# The plain client's: a fork may copy it locked.
jar = http_client.cookies.jar
os.register_at_fork(after_in_child=lambda: setattr(jar, "_cookies_lock", threading.RLock()))
client = tfclient.TracedOpenAI(
    base_url="http://mock.invalid/v1", api_key="k", max_retries=0, http_client=http_client)

def ask(text):
    client.chat.completions.create(model="m", messages=[{{"role": "user", "content": text}}])

def work(name):
    faulthandler.dump_traceback_later(30, exit=True)
    with client.session(title=name) as session:
        ask(name)
    assert session.wait(60), session.error
    assert session.d2_path.exists()
    # A write that took long, on a machine that is busy, is none.
    assert not client.recorder.health.faults, client.recorder.health

def children(many):
    for n in range(many):
        if not os.fork():
            try:
                work(f"child {{n}}")
            except BaseException as error:
                print(repr(error), file=sys.stderr)
                os._exit(1)
            os._exit(0)
    return [os.wait()[1] for _ in range(many)]
"""


def run(store: Path, program: str, *args: str, flags: Sequence[str] = ()) -> None:
    environment = {**os.environ, "THOUGHTFLOW_DIR": str(store), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, *flags, "-c", PRELUDE + program, *args],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        timeout=110,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")


@pytest.mark.parametrize("delay", ["0", "0.005", "0.02", "0.1", "0.4"])
def test_after_a_warm_up_call(tmp_path: Path, delay: str) -> None:
    """The background thread may be importing what it needs at that moment."""
    run(tmp_path, "ask('parent'); time.sleep(float(sys.argv[1])); assert children(2) == [0, 0]", delay)


@pytest.mark.parametrize("delay", ["0", "0.001", "0.005", "0.02", "0.05"])
def test_while_another_thread_makes_the_first_call(tmp_path: Path, delay: str) -> None:
    program = """
# What openai and the standard library import and look up at first, under locks of their own, is not what is tried here.
client.chat, client.default_headers
first = threading.Thread(target=ask, args=("first",))
first.start()
time.sleep(float(sys.argv[1]))
assert children(1) == [0]
first.join()
"""
    run(tmp_path, program, delay)
