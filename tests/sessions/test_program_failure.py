"""How the program ended: the exception that leaves a session's block, or that nobody caught."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from tests.sessions.test_exit import PRELUDE, ROOT, run
from tfclient import Recorder
from tfclient.finishing.rebuilding import rebuild
from tfclient.finishing.recovery import recover
from tfstore.document.documents import Session
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEF"


def document_of(store: Path, session_id: str) -> Session:
    """Return what the journal comes to: no files are written behind these tests."""
    opened = Store(store)
    list(recover(opened, [session_id]))
    return opened.get(session_id)


def left_with(store: Path, error: BaseException | None, **settings: Any) -> Session:
    recorder = Recorder(store, **settings)
    session = recorder.session()
    if error is None:
        with session:
            pass
    else:
        with pytest.raises(type(error)) as raised, session:
            raise error
        assert raised.value is error
    assert session.wait(60)
    return document_of(store, session.id)


def test_the_exception_that_leaves_the_block_is_told(tmp_path: Path) -> None:
    session = left_with(tmp_path, ValueError("no such order"))
    assert session.result == "failed"
    failure = session.failure
    assert failure is not None
    assert (failure.type, failure.message, failure.stack) == ("ValueError", "no such order", [])
    assert failure.frames[-1].startswith(f"{__file__}:")
    assert failure.frames[-1].endswith(" in left_with")
    rebuild(Store(tmp_path), session.session_id)
    assert Store(tmp_path).get(session.session_id).failure == failure


def test_an_async_block_is_the_same(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    session = recorder.session()

    async def work() -> None:
        async with session:
            raise KeyError("order")

    with pytest.raises(KeyError):
        asyncio.run(work())
    assert session.wait(60)
    failure = document_of(tmp_path, session.id).failure
    assert failure is not None
    assert failure.type == "KeyError"


@pytest.mark.parametrize(
    "error",
    [None, SystemExit(), SystemExit(0), GeneratorExit(), asyncio.CancelledError(), StopIteration(1)],
    ids=repr,
)
def test_what_is_no_failure(tmp_path: Path, error: BaseException | None) -> None:
    session = left_with(tmp_path, error)
    assert session.failure is None
    assert session.result is None


def test_exit_codes_and_interrupts(tmp_path: Path) -> None:
    codes = {}
    for error in (SystemExit(3), SystemExit("no config"), KeyboardInterrupt()):
        failure = left_with(tmp_path, error).failure
        assert failure is not None
        codes[repr(error)] = (failure.exit_code, failure.message, failure.signal)
    assert list(codes.values()) == [(3, "", None), (1, "no config", None), (None, "", "SIGINT")]


def test_it_is_redacted_as_all_else(tmp_path: Path) -> None:
    error = ValueError(f"key {SECRET}")
    error.__cause__ = OSError(f"cause {SECRET}")
    session = left_with(tmp_path, error)
    failure = session.failure
    assert failure is not None
    assert failure.message.startswith("key ")
    assert failure.cause is not None
    assert failure.cause.startswith("OSError: cause ")
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]


def test_the_whole_stack_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        raise ValueError("deep")

    for stacks, count in ((False, 0), (True, 11)):
        recorder = Recorder(tmp_path, stacks=stacks)
        session = recorder.session()
        with pytest.raises(ValueError, match="deep"), session:
            deep(9)
        assert session.wait(60)
        failure = document_of(tmp_path, session.id).failure
        assert failure is not None
        assert (len(failure.frames), len(failure.stack)) == (5, count)


def test_nothing_of_the_program_is_kept_alive(tmp_path: Path) -> None:
    class Large:
        pass

    seen: list[weakref.ref[Large]] = []
    recorder = Recorder(tmp_path)
    session = recorder.session()

    def work() -> None:
        large = Large()
        seen.append(weakref.ref(large))
        with session:
            raise ValueError("large")

    gc.disable()
    try:
        with contextlib.suppress(ValueError):
            work()
        assert seen[0]() is None
    finally:
        gc.enable()


def test_an_exception_whose_text_raises_is_told_all_the_same(tmp_path: Path) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    failure = left_with(tmp_path, Odd()).failure
    assert failure is not None
    assert (failure.type, failure.message) == ("Odd", "<its text raised RuntimeError>")


def test_the_block_is_left_with_one_exception_and_the_next_session_is_its_own(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    done = recorder.session()
    with done:
        pass
    outer, inner = recorder.session(), recorder.session()
    with outer, pytest.raises(ValueError, match="inner"), inner:
        raise ValueError("inner")
    assert all([done.wait(60), outer.wait(60), inner.wait(60)])
    failed = [document_of(tmp_path, each.id).failure is not None for each in (done, outer, inner)]
    assert failed == [False, False, True]


def ended(store: Path, program: str) -> tuple[Session, subprocess.CompletedProcess[bytes]]:
    done = run(store, program)
    opened = Store(store)
    list(recover(opened))
    (session_id,) = opened.ids()
    return opened.get(session_id), done


def test_an_uncaught_exception_ends_the_implicit_session(tmp_path: Path) -> None:
    session, done = ended(tmp_path, "list(ask())\nraise LookupError('no such order')\n")
    assert (session.result, session.end_reason) == ("failed", "process_exit")
    assert session.failure is not None
    assert (session.failure.type, session.failure.message) == ("LookupError", "no such order")
    assert done.returncode == 1


def test_a_client_that_is_left_by_an_exception(tmp_path: Path) -> None:
    session, _ = ended(tmp_path, "with client:\n    list(ask())\n    raise LookupError('no such order')\n")
    assert session.failure is not None
    assert session.failure.type == "LookupError"


def test_an_exception_that_was_caught_ends_no_program(tmp_path: Path) -> None:
    """Test runners and debuggers note what they caught where the interpreter notes what nobody did."""
    caught = "def f():\n  try:\n    g()\n  except ValueError as e:\n    sys.last_value = e\n"
    session, _ = ended(tmp_path, f"def g():\n  raise ValueError(1)\n{caught}list(ask())\nf()\n")
    assert session.failure is None


def test_what_is_printed_and_the_program_s_own_hook_are_as_without(tmp_path: Path) -> None:
    program = "sys.excepthook = lambda *a: print('own', a[0].__name__, a[1], file=sys.stderr)\n"
    for hook in ("", program):
        _, done = ended(tmp_path / str(len(hook)), hook + "list(ask())\nraise LookupError('no such order')\n")
        plain = subprocess.run(  # noqa: S603 - our own Python
            [sys.executable, "-c", PRELUDE + hook + "list(ask())\nraise LookupError('no such order')\n"],
            env={**os.environ, "THOUGHTFLOW_DISABLED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=ROOT,
            capture_output=True,
            timeout=90,
            check=False,
        )
        assert done.stderr == plain.stderr
        assert done.returncode == plain.returncode == 1
