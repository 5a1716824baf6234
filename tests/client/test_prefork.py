"""Servers that make their client before they fork their workers, and pools of processes, however these are made."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.client.test_forks import PRELUDE, ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

POOLS = (
    PRELUDE
    + """
import concurrent.futures, multiprocessing

if __name__ == "__main__":
    ask("parent")
    context = multiprocessing.get_context(sys.argv[1])
    names = [f"work {n}" for n in range(4)]
    if sys.argv[2] == "Pool":
        with context.Pool(2) as pool:
            pool.map(work, names, chunksize=1)
    else:
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            list(pool.map(work, names))
    assert client.end_session().wait(60)
"""
)

MASTER = (
    PRELUDE
    + """
import signal

class Ended(BaseException):
    pass

def end(*_):
    raise Ended

def worker(number):
    # As gunicorn's: it serves until it is told to end, and ends with a status, by the interpreter's own way out.
    signal.signal(signal.SIGTERM, end)
    faulthandler.dump_traceback_later(50, exit=True)
    try:
        for n in range(int(sys.argv[3])):
            ask(f"worker {number} request {n}")
        os.write(ready[1], b".")
        while True:
            signal.pause()
    except Ended:
        sys.exit(0)

ready = os.pipe()
if sys.argv[1] == "called":
    ask("master")
elif sys.argv[1] == "in a session":
    client.session(title="held").__enter__()
    ask("master")
time.sleep(float(sys.argv[2]))
workers = []
for number in range(3):
    pid = os.fork()
    if not pid:
        worker(number)
    workers.append(pid)
for _ in workers:
    os.read(ready[0], 1)
for pid in workers:
    os.kill(pid, getattr(signal, sys.argv[4]))
wanted = {"SIGTERM": 0, "SIGKILL": -9}[sys.argv[4]]
assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers] == [wanted] * 3
if sys.argv[1] != "only made":
    ask("master, afterwards")
"""
)


def run(folder: Path, program: str, *args: str) -> Path:
    """Run a program of that text; return its store."""
    file, store = folder / "program.py", folder / "store"
    file.write_text(program)
    environment = {**os.environ, "THOUGHTFLOW_DIR": str(store), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, str(file), *args],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        timeout=110,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return store


def documents(store: Path) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_bytes()) for path in (store / "sessions").glob("*.json")}


def asked(document: Any) -> list[str]:
    """What a session was asked; every call of it is whole."""
    (session,) = document["_default"].values() if "_default" in document else (document,)
    assert session["status"] == "closed"
    assert all(run["status"] == "completed" for run in session["runs"])
    for each in session["runs"]:
        (call,) = (step for step in each["steps"] if step["label"] == "assistant_call")
        assert (call["status"], call["payload_completed"]["text"]) == ("completed", "ok")
    return [each["input_text"] for each in session["runs"]]


@pytest.mark.parametrize("way", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("pool", ["Pool", "ProcessPoolExecutor"])
def test_pools_of_processes(tmp_path: Path, way: str, pool: str) -> None:
    store = run(tmp_path, POOLS, way, pool)
    texts = sorted(asked(each) for each in documents(store).values())
    assert texts == [["parent"], *([f"work {n}"] for n in range(4))]


EACH_WORKER = [[f"worker {number} request {n}" for n in range(3)] for number in range(3)]


def test_workers_of_a_master_that_has_a_client(tmp_path: Path) -> None:
    store = run(tmp_path, MASTER, "only made", "0", "3", "SIGTERM")
    assert sorted(asked(each) for each in documents(store).values()) == EACH_WORKER


@pytest.mark.parametrize(
    ("master", "delay"), [("called", "0"), ("called", "0.03"), ("called", "0.3"), ("in a session", "0.03")]
)
def test_workers_of_a_master_that_has_called(tmp_path: Path, master: str, delay: str) -> None:
    """Its session goes on in the workers, and is whole with what all of them wrote, whoever ended last."""
    store = run(tmp_path, MASTER, master, delay, "3", "SIGTERM")
    (texts,) = (asked(each) for each in documents(store).values())
    assert texts[0] == "master"
    assert sorted(texts[1:]) == sorted(["master, afterwards", *itertools.chain(*EACH_WORKER)])


def test_workers_that_are_killed_are_told_by_who_comes_next(tmp_path: Path) -> None:
    store = run(tmp_path, MASTER, "only made", "0", "3", "SIGKILL")
    command = [
        sys.executable,
        "-c",
        "from tfclient.cli.app import app; app()",
        "recover",
        "--store",
        str(store),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr.decode()
    assert sorted(asked(each) for each in documents(store).values()) == EACH_WORKER
