"""What a program's signal handlers raise is the program's, also where it strikes in the middle of recording."""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.capture.driver import MODEL
from tests.server.replies import answer
from tfclient import Recorder, TracedOpenAI
from tfclient.signals import let_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.server.scripted import ScriptedServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no alarms")


class Deadline(Exception):
    """A program's own."""


class Handler:
    def __call__(self, _number: int, _frame: object) -> None:
        raise Deadline

    def method(self, _number: int, _frame: object) -> None:
        raise Deadline


def plain(_number: int, _frame: object) -> None:
    raise Deadline


def timeout(*_: Any) -> None:
    raise TimeoutError("a subclass of OSError")


def that_resets_itself(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    raise Deadline


@pytest.fixture(autouse=True)
def _no_alarm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "handler",
    [
        plain,
        timeout,
        that_resets_itself,
        Handler(),
        Handler().method,
        partial(plain),
        lambda *given: plain(*given),  # noqa: PLW0108 - a lambda is what is tried
    ],
)
@pytest.mark.parametrize("where", ["attempt.sent", "attempt.answered"])
def test_it_reaches_the_program(
    tmp_path: Path,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    handler: Callable[..., object],
    where: str,
) -> None:
    server.always(answer("Hello!"))
    recorder = Recorder(tmp_path)
    write = os.write

    def slow(descriptor: int, data: Any) -> int:
        if where.encode() in bytes(data) and threading.current_thread() is threading.main_thread():
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            threading.Event().wait(60)
        return write(descriptor, data)

    with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder, max_retries=0) as client:
        client.responses.create(model=MODEL, input="warm")
        signal.signal(signal.SIGALRM, handler)
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", slow)
            with pytest.raises((Deadline, TimeoutError, openai.APIConnectionError)) as caught:
                client.responses.create(model=MODEL, input="Hi")
        # openai 2 makes an error of its own of whatever happens while a request is sent, ours or not.
        assert isinstance(caught.value, Deadline | TimeoutError) or isinstance(
            caught.value.__cause__, Deadline | TimeoutError
        )
        assert client.responses.create(model=MODEL, input="on").output_text == "Hello!"
        session = client.end_session()
    assert session is not None
    assert session.wait(60)


def test_faults_of_our_own_do_not() -> None:
    def given_a_frame(_frame: object) -> None:
        raise OSError("no space")

    for error in (OSError("no space"), ValueError("of a redactor")):
        try:
            raise error
        except (OSError, ValueError) as caught:
            let_pass(caught)
    try:
        given_a_frame(sys._getframe())
    except OSError as caught:
        with pytest.raises(OSError, match="no space"):
            let_pass(caught)
