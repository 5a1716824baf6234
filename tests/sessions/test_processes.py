"""Forks, exits and kills, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.capture import journals
from tests.capture.driver import HTTP
from tfstore.disk.paths import StorePaths
from tfstore.journal.reading import read_entries

ROOT = Path(__file__).parents[2]

PRELUDE = f"""
import contextlib, json, os, sys, threading, time
import {HTTP.__name__} as http
import tfclient
import tfclient.sessions.ends, tfclient.sessions.writer

tfclient.sessions.writer.STALLED = 60.0  # however busy the machine

class NoFiles:
    def refresh(self, session_id): pass
    def write_files(self, session_id, on_done): on_done(None, 0)
    def drain(self, timeout): pass
    def watch(self, health): pass
    def write_down(self): pass
    def see_to_it(self): return True
    def waiting(self): return contextlib.nullcontext()

real = tfclient.sessions.ends.make_finisher
tfclient.sessions.ends.make_finisher = lambda settings: NoFiles()

def handler(request):
    return http.Response(200, json={{"id": "resp_1", "object": "response", "output": []}})

recorder = tfclient.Recorder(sys.argv[1])
http_client = http.Client(transport=http.MockTransport(handler))
# The plain client's: a fork may copy it locked.
jar = http_client.cookies.jar
os.register_at_fork(after_in_child=lambda: setattr(jar, "_cookies_lock", threading.RLock()))
client = tfclient.TracedOpenAI(api_key="k", recorder=recorder, http_client=http_client)

def ask(text):
    client.responses.create(model="m", input=text)
"""


def run(code: str, store: Path, *, signalled: int = 0) -> str:
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code), str(store)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'store'}:{ROOT / 'd2'}"},
    )
    assert done.returncode == -signalled, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def texts(store: Path) -> list[str]:
    (session,) = journals.sessions(store)
    entries, _ = read_entries(StorePaths(store), session)
    return [entry["body"]["text"] for entry in entries if entry["type"] == "attempt.sent"]


def test_the_end_of_the_process_ends_the_session(tmp_path: Path) -> None:
    run("ask('one')", tmp_path)
    assert journals.types(tmp_path)[-1] == "session.ended"
    assert journals.entries(tmp_path, "session.ended")[0]["end_reason"] == "process_exit"


def test_an_exception_at_top_level_ends_the_session_too(tmp_path: Path) -> None:
    run("ask('one'); sys.excepthook = lambda *a: os.environ.get('x'); sys.exit(0)", tmp_path)
    assert journals.entries(tmp_path, "session.ended")[0]["end_reason"] == "process_exit"


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_nothing_is_lost_when_the_process_dies(end: str, tmp_path: Path) -> None:
    run(f"ask('one'); ask('two'); {end}", tmp_path, signalled=signal.SIGKILL if "kill" in end else 0)
    assert len(texts(tmp_path)) == 2
    assert journals.types(tmp_path)[-1] == "attempt.answered"


def test_a_killed_stream_keeps_what_had_arrived(tmp_path: Path) -> None:
    run(
        """
        class Stream(http.SyncByteStream):
            def __iter__(self):
                for n in range(5):
                    yield b'data: {"type": "response.other", "n": %d}\\n\\n' % n
                os.kill(os.getpid(), 9)

        client._client = http.Client(transport=http.MockTransport(
            lambda request: http.Response(200, headers={"content-type": "text/event-stream"}, stream=Stream())
        ))
        for event in client.responses.create(model="m", input="x", stream=True):
            pass
        """,
        tmp_path,
        signalled=signal.SIGKILL,
    )
    assert journals.body(tmp_path).count(b"data:") == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
class TestForks:
    def test_the_child_writes_its_own_segment_of_the_session(self, tmp_path: Path) -> None:
        run(
            """
            ask('parent before')
            child = os.fork()
            if child == 0:
                ask('child')
                os._exit(0)
            os.waitpid(child, 0)
            ask('parent after')
            """,
            tmp_path,
        )
        (session,) = journals.sessions(tmp_path)
        assert len(list((tmp_path / "journal" / session).glob("*.jsonl"))) == 2
        entries, report = read_entries(StorePaths(tmp_path), session)
        assert report.intact
        sent = [e["body"]["text"] for e in entries if e["type"] == "attempt.sent"]
        assert [word in text for word, text in zip(("before", "child", "after"), sent, strict=True)] == [
            True
        ] * 3
        assert len({e["call"] for e in entries if e["type"] == "call.started"}) == 3
        assert [e["type"] for e in entries].count("session.ended") == 1

    def test_a_child_that_exits_does_not_end_its_parents_session(self, tmp_path: Path) -> None:
        run(
            """
            ask('parent before')
            child = os.fork()
            if child == 0:
                ask('child')
                sys.exit(0)
            os.waitpid(child, 0)
            types = [json.loads(line)["type"] for path in recorder.current.path.parents[1].rglob("*.jsonl")
                     for line in path.read_text().splitlines()]
            assert "session.ended" not in types, types
            ask('parent after')
            """,
            tmp_path,
        )
        assert journals.types(tmp_path).count("session.ended") == 1
        assert len(texts(tmp_path)) == 3

    def test_a_child_that_outlives_its_parent_ends_the_session(self, tmp_path: Path) -> None:
        run(
            """
            ask('parent')
            child = os.fork()
            if child:
                os._exit(0)
            ask('child')
            """,
            tmp_path,
        )
        # Its output is the parent's too: `run` has waited for both.
        assert journals.types(tmp_path)[-1] == "session.ended"
        assert len(texts(tmp_path)) == 2

    def test_the_child_writes_the_files_of_its_own_sessions(self, tmp_path: Path) -> None:
        run(
            """
            tfclient.sessions.ends.make_finisher = real
            ask('parent')
            assert client.end_session().wait(60)
            child = os.fork()
            if child == 0:
                ask('child')
                session = client.end_session()
                os._exit(0 if session.wait(60) and session.path.exists() else 3)
            assert os.waitpid(child, 0)[1] == 0
            """,
            tmp_path,
        )
        assert len(list((tmp_path / "sessions").glob("*.json"))) == 2

    def test_a_stream_open_at_the_fork_is_the_parents(self, tmp_path: Path) -> None:
        run(
            """
            import gc
            stream = client.responses.with_streaming_response.create(model="m", input="x")
            response = stream.__enter__()
            child = os.fork()
            if child == 0:
                del response, stream
                gc.collect()
                ask('child')
                os._exit(0)
            os.waitpid(child, 0)
            response.read()
            stream.__exit__(None, None, None)
            """,
            tmp_path,
        )
        answered = journals.entries(tmp_path, "attempt.answered")
        assert len(answered) == 2

    def test_forking_while_other_threads_record(self, tmp_path: Path) -> None:
        run(
            """
            import threading
            ask('first')  # functools.cached_property of Python 3.11 has a lock that a fork may copy locked
            stop = threading.Event()
            def work():
                while not stop.is_set():
                    ask('thread')
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads: thread.start()
            for n in range(10):
                child = os.fork()
                if child == 0:
                    ask('child')
                    os._exit(0)
                assert os.waitpid(child, 0)[1] == 0
            stop.set()
            for thread in threads: thread.join()
            """,
            tmp_path,
        )
        assert sum("child" in text for text in texts(tmp_path)) == 10


def test_importing_is_light() -> None:
    """What a first call needs is loaded then; the libraries of the store, the command and the tests never here."""
    code = (
        "import sys, openai; before = set(sys.modules)\n"
        "from tfclient import TracedOpenAI, Recorder; new = set(sys.modules) - before\n"
        "heavy = {'tinydb', 'typer', 'rich', 'yaml', 'attrs', 'attr', 'cattrs', 'filelock', 'd2', 'vcr'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in new} | {'tfclient.redaction', 'tfstore.store'} & new))"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.stdout.strip() == "[]"
