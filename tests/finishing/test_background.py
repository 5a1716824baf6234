"""The background thread: it takes turns, has no event loop, and is replaced or done without."""

from __future__ import annotations

import asyncio
import ctypes
import dis
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, field

from tfclient.finishing import finisher as finish
from tfclient.finishing import helper, last_steps
from tfclient.finishing.slices import SHARE, SLICE, Turns
from tfstore.disk import turns as disk_turns
from tfstore.disk.paths import StorePaths
from tfstore.disk.turns import taking_turns, turn
from tfstore.journal.reading import sessions_with_journal
from tfstore.journal.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def paths(tmp_path: Path) -> StorePaths:
    return StorePaths(tmp_path / "flow")


def ended(paths: StorePaths, session_id: str) -> str:
    with Segment.open(paths, session_id) as segment:
        segment.append({"at": 1, "mono": 1, "type": "session.ended", "end_reason": "closed"})
    return session_id


def written(finisher: finish.Finisher, session_id: str) -> Exception | None:
    done = threading.Event()
    told: list[Exception | None] = []

    def on_done(error: Exception | None, _drift: int) -> None:
        told.append(error)
        done.set()

    finisher.write_files(session_id, on_done)
    with finisher.waiting():
        assert done.wait(60)
    return told[0]


def test_no_event_loop_runs_where_it_works(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the garbage collector finds a client of the program, it would be closed on that loop."""
    loops: list[Any] = []
    real = last_steps.claim_and_write

    def watched(*args: Any, **kwargs: Any) -> Any:
        loops.append(asyncio._get_running_loop())
        return real(*args, **kwargs)

    monkeypatch.setattr(last_steps, "claim_and_write", watched)
    assert written(finish.Finisher(paths), ended(paths, "sess_1")) is None
    assert loops == [None]


def test_it_needs_no_sockets(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden(socket.socket):
        def __new__(cls, *_: Any, **__: Any) -> Any:
            raise RuntimeError("this test uses no sockets")

    monkeypatch.setattr(socket, "socket", Forbidden)
    monkeypatch.setattr(socket, "socketpair", Forbidden)
    assert written(finish.Finisher(paths), ended(paths, "sess_1")) is None


def test_nobody_waits_for_its_pauses(paths: StorePaths) -> None:
    finisher = finish.Finisher(paths)

    def pausing() -> threading.Thread:
        thread = threading.Thread(target=finisher._asked.pause, args=(3600,), daemon=True)
        thread.start()
        return thread

    thread = pausing()
    with finisher.waiting():
        thread.join(60)
        assert not thread.is_alive()
        # One may begin just after somebody began to wait, and a turn may end in two of them.
        for _ in range(2):
            thread = pausing()
            thread.join(60)
            assert not thread.is_alive()


def test_what_cannot_be_imported_is_told_to_who_waits(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tfclient.finishing.live", None)
    assert isinstance(written(finish.Finisher(paths), ended(paths, "sess_1")), ImportError)


def test_what_no_helper_can_be_started_for_is_written_here(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise RuntimeError("this test starts no processes")

    monkeypatch.setattr(finish, "OVERDUE", 0.0)
    monkeypatch.setattr(subprocess, "Popen", forbidden)
    finisher = finish.Finisher(paths)
    told: list[Exception | None] = []
    finisher.write_files(ended(paths, "sess_1"), lambda error, _: told.append(error))
    finisher.drain(60)
    assert told == [None]
    assert helper.helper_is_free()


def test_who_waits_for_a_session_waits_for_no_helper(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives way to everything else: on a busy machine that took half a minute and more."""
    monkeypatch.setattr(finish, "OVERDUE", 0.0)
    monkeypatch.setattr(helper, "start_helper_for", lambda *_: pytest.fail("a helper"))
    finisher = finish.Finisher(paths)
    with finisher.waiting():
        assert written(finisher, ended(paths, "sess_1")) is None


def test_others_are_recovered_but_not_what_is_about_to_be_written(paths: StorePaths) -> None:
    ended(paths, "sess_other")
    finisher = finish.Finisher(paths)
    finisher._asked.own.add(ended(paths, "sess_own"))
    finisher._recover()
    assert sessions_with_journal(paths) == ["sess_own"]
    # Whoever did it, not only a thread of its own: it takes no turns any more.
    assert disk_turns._here.pause is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_that_is_ended_is_replaced(paths: StorePaths, caplog: pytest.LogCaptureFixture) -> None:
    finisher = finish.Finisher(paths)
    assert written(finisher, ended(paths, "sess_1")) is None
    first = finisher._thread
    assert first is not None
    assert first.ident is not None
    while first.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(first.ident), ctypes.py_object(SystemExit))
        finisher._asked._news.tell()
        # Long enough for it to end: another one would strike where a thread takes its leave.
        first.join(60)

    assert written(finisher, ended(paths, "sess_2")) is None
    assert "another one takes its place" in caplog.text


def test_without_threads_the_files_are_written_all_the_same(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    session_id = ended(paths, "sess_1")
    monkeypatch.setattr(threading.Thread, "start", refused)
    told: list[Any] = []
    finish.Finisher(paths).write_files(session_id, lambda *given: told.append(given))
    assert told == [(None, 0)]
    assert paths.diagram(session_id).exists()


def test_sessions_that_wait_for_long_are_left_to_a_helper(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "OVERDUE", 0.0)
    finisher = finish.Finisher(paths)
    names = [ended(paths, f"sess_{n}") for n in range(3)]
    told: dict[str, Any] = {}
    for name in [*names, "sess_nothing"]:
        finisher.write_files(name, lambda error, _, name=name: told.setdefault(name, error))  # type: ignore[misc]
    finisher.drain(90)
    assert [told[name] for name in names] == [None] * 3
    assert "SessionDeleted" in str(told["sess_nothing"])
    assert all(paths.archived(name).exists() for name in names)


def test_one_helper_is_enough_for_a_session_that_ended_more_than_once(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that record while another ends sessions: each had a process of its own, a minute for five seconds."""
    monkeypatch.setattr(finish, "OVERDUE", 0.0)
    started: list[list[str]] = []
    real = helper.start_helper_for

    def watched(paths: StorePaths, asked: Any) -> bool:
        started.append(list(asked))
        return real(paths, asked)

    monkeypatch.setattr(helper, "start_helper_for", watched)
    finisher = finish.Finisher(paths)
    names = [ended(paths, f"sess_{n}") for n in range(3)]
    told: list[tuple[str, Exception | None]] = []
    with monkeypatch.context() as not_yet:
        not_yet.setattr(finisher, "see_to_it", lambda: True)
        for name in names * 3:
            finisher.write_files(name, lambda error, _, name=name: told.append((name, error)))  # type: ignore[misc]
    finisher.drain(90)
    assert started == [names]
    assert sorted(told, key=str) == sorted([(name, None) for name in names * 3], key=str)


def test_few_helpers_work_at_once_however_many_sessions_wait(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions that end quicker than their files are written were given a process each, 140 in a minute."""
    at_work: list[int] = []

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            # Not before: others are started meanwhile, and look at all of these.
            started.append(self)
            at_work.append(sum(each.returncode is None and each.poll() is None for each in started))

    started: list[Watched] = []
    monkeypatch.setattr(subprocess, "Popen", Watched)
    told: list[Exception | None] = []
    names = [ended(paths, f"sess_{n}") for n in range(7)]
    for name in names:
        assert helper.start_helper(paths, name, lambda error, _: told.append(error))
    until = time.monotonic() + 90
    while len(told) < len(names) and time.monotonic() < until:
        time.sleep(0.02)
    assert told == [None] * len(names)
    assert len(started) == len(names)
    assert max(at_work) <= helper.AT_ONCE
    assert all(paths.archived(name).exists() for name in names)


def test_what_waits_is_written_here_while_helpers_are_at_work(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "OVERDUE", 0.0)
    monkeypatch.setattr(helper._HELPERS, "_at_work", helper.AT_ONCE)
    monkeypatch.setattr(helper, "_start", lambda *_: pytest.fail("one more helper"))
    finisher = finish.Finisher(paths)
    told: list[Exception | None] = []
    finisher.write_files(ended(paths, "sess_1"), lambda error, _: told.append(error))
    finisher.drain(60)
    assert told == [None]


def test_one_that_cannot_be_started_later_is_told(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Exception | None] = []
    done: list[Callable[[], None]] = []
    helpers = helper._Helpers()

    def started(_paths: StorePaths, _asked: object, when_done: Callable[[], None]) -> bool:
        done.append(when_done)
        return True

    monkeypatch.setattr(helper, "_start", started)
    for number in range(helper.AT_ONCE + 1):
        assert helpers.ask(paths, {f"sess_{number}": lambda error, _: told.append(error)})
    assert (len(done), helpers.free) == (helper.AT_ONCE, False)
    monkeypatch.setattr(helper, "_start", lambda *_: False)
    done[0]()
    (error,) = told
    assert str(error).startswith(
        f"The files of session sess_{helper.AT_ONCE} were not written: no process could"
    )
    assert helpers.free


def test_all_that_it_needs_is_imported_at_its_beginning() -> None:
    """What came later would come in the middle of something, where a fork may strike, and at once."""
    program = """
import sys, tempfile, threading
import importlib
from tfclient.finishing.finisher import Finisher
from tfclient.finishing.needed import NEEDED
for name in NEEDED:
    importlib.import_module(name)
before = set(sys.modules)
from tfstore.disk.paths import StorePaths
from tfstore.journal.reading import sessions_with_journal
from tfstore.journal.segment import Segment
paths = StorePaths(tempfile.mkdtemp())
with Segment.open(paths, "sess_1") as segment:
    segment.append({"at": 1, "mono": 1, "type": "annotation", "kind": "x", "data": "y"})
    segment.append({"at": 2, "mono": 2, "type": "session.ended", "end_reason": "closed"})
done = threading.Event()
finisher = Finisher(paths)
finisher.write_files("sess_1", lambda *told: done.set())
with finisher.waiting():
    assert done.wait(60)
print(sorted(name for name in set(sys.modules) - before if name.partition(".")[0] in {"tfclient", "tfstore", "tfd2"}))
"""
    done = subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=90
    )
    assert done.stdout == "[]\n"


@define
class Clocks:
    """Time that passes in pauses, in which the program uses a share of it."""

    now: float = 0.0
    own: float = 0.0
    program: float = 0.0
    busy: float = 1.0
    pauses: list[float] = field(factory=list[float])

    def work(self, seconds: float) -> None:
        self.now += seconds
        self.own += seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        self.program += seconds * self.busy

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = sys.modules[Turns.__module__]
        monkeypatch.setattr(module, "perf_counter", lambda: self.now)
        monkeypatch.setattr(module, "thread_time", lambda: self.own)
        monkeypatch.setattr(module, "process_time", lambda: self.own + self.program)


def test_turns_end_after_a_slice_and_pauses_are_as_long_as_they_ask_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clocks = Clocks()
    clocks.patch(monkeypatch)
    hurried = False
    turns = Turns(clocks.pause, lambda: hurried)
    clocks.work(SLICE / 2)
    turns()
    assert clocks.pauses == []
    clocks.work(SLICE * 1.5)
    turns()
    assert sum(clocks.pauses) == pytest.approx(SLICE * 2 * (SHARE - 1))
    hurried = True
    clocks.pauses.clear()
    clocks.work(SLICE * 2)
    turns()
    assert sum(clocks.pauses) < SLICE


@pytest.mark.parametrize("busy", [1.0, 0.3, 0.05])
def test_a_program_that_runs_is_left_its_time(busy: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(busy=busy)
    clocks.patch(monkeypatch)
    turns = Turns(clocks.pause, lambda: False)
    for _ in range(10):
        clocks.work(SLICE)
        turns()
    assert sum(clocks.pauses) == pytest.approx(10 * SLICE * (SHARE - 1))


def test_a_program_that_has_nothing_to_do_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(busy=0.0)
    clocks.patch(monkeypatch)
    turns = Turns(clocks.pause, lambda: False)
    for _ in range(50):
        clocks.work(SLICE)
        turns()
    assert sum(clocks.pauses) < 50 * SLICE
    clocks.busy = 1.0
    clocks.pauses.clear()
    for _ in range(2):
        clocks.work(SLICE)
        turns()
    assert sum(clocks.pauses) == pytest.approx(2 * SLICE * (SHARE - 1))


def test_only_threads_that_work_in_the_background_take_turns() -> None:
    taken: list[str] = []

    def background() -> None:
        with taking_turns(lambda: taken.append(threading.current_thread().name)):
            turn()
        # It does something else now.
        turn()

    turn()
    thread = threading.Thread(target=background, name="background")
    thread.start()
    thread.join()
    turn()
    assert taken == ["background"]


def test_the_thread_imports_nothing_that_a_fork_does_not_wait_for() -> None:
    """A fork in the middle would leave a module's lock taken in the child, whose files nobody would ever write."""
    for run in (finish.Finisher._run, finish.Finisher._run_in):
        done = dis.get_instructions(run.__code__)
        assert not [each for each in done if each.opname == "IMPORT_NAME"]
