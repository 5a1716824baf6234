"""The sessions of this process that have not ended: idleness, and the end of the process.

They are held here: a client may be gone while its session waits for either. They do not hold their recorder, so
that a recorder that is gone can be noticed.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

from tfclient.sessions.program_failure import uncaught
from tfstore.disk.fork import renew_after_fork, start_thread
from tfstore.disk.news import News

if TYPE_CHECKING:
    from pathlib import Path

    from tfclient.finishing.finisher import Finisher
    from tfclient.sessions.state import SessionState


EXIT_SECONDS: Final = 5.0
"""How long the end of the process waits for documents and diagrams."""

_OPEN: dict[SessionState, None] = {}
_DRAINED: dict[Path, Finisher] = {}


def hold(state: SessionState) -> None:
    """Have a session ended when it is idle, or with the process."""
    _OPEN[state] = None
    _SWEEP.wake()


def release(state: SessionState) -> None:
    """Hold a session no longer, since it has ended."""
    _OPEN.pop(state, None)


def look_again() -> None:
    """Have it noticed, soon and in another thread, that a session is to be ended."""
    _SWEEP.wake()


def drain_at_exit(store: Path, finisher: Finisher) -> None:
    """Have the process wait, before it ends, for what this store's finisher is still writing."""
    _DRAINED[store] = finisher


def open_sessions() -> list[SessionState]:
    """Return the sessions of this process that have not ended."""
    return list(_OPEN)


def _at_exit() -> None:
    until = monotonic() + EXIT_SECONDS
    # Whoever presses Ctrl-C once more waits for nothing.
    with contextlib.suppress(KeyboardInterrupt):
        _tell_failure()
        _SWEEP.end_all(until)
        for finisher in list(_DRAINED.values()):
            with contextlib.suppress(Exception):
                finisher.drain(max(0.0, until - monotonic()))
    _end_as_interrupted()


def _tell_failure() -> None:
    """Have the sessions that are still open say of what exception the program ends, if it does."""
    error = uncaught()
    if error is not None:
        for state in open_sessions():
            with contextlib.suppress(Exception):
                state.fail(error)


def _end_as_interrupted() -> None:
    """Let a program that an interrupt ended die of it, as it would have.

    The interpreter notes an interrupt that nobody caught where it ends a text of code, and forgets it at the next
    such text: in modules that are imported for the first time now, to write documents, there are some.
    """
    if getattr(sys, "last_type", None) is KeyboardInterrupt and not hasattr(sys, "ps1"):
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102 - see above


def _end_open_sessions(until: float) -> None:
    for state in open_sessions():
        with contextlib.suppress(Exception):
            state.end("process_exit", max(0.0, until - monotonic()))


class _Sweep:
    """Ends idle sessions, and all of them at exit, from a daemon thread that sleeps until the next one can be due."""

    def __init__(self) -> None:
        self._exit = False
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        self._news = News()
        self._thread: threading.Thread | None = None
        self._exit_by = 0.0
        self._all_ended = threading.Event()

    def wake(self) -> None:
        """Look again: a session was opened, or has become due."""
        if not self._exit:
            self._exit = True
            atexit.register(_at_exit)
        if self._thread is None or not self._thread.is_alive():
            # Where no thread can be started, sessions end with their process.
            self._thread = start_thread(self._run, "tfclient-idle")
        self._news.tell()

    def end_all(self, until: float) -> None:
        """End all sessions, and wait for that until this moment at most."""
        # What another's exit handler opens after this gets an end of its own.
        self._exit = False
        if self._thread is None or not self._thread.is_alive():
            _end_open_sessions(until)
            return
        # Not here: each may wait for a disk. And a new thread is not to be had any more.
        self._all_ended.clear()
        self._exit_by = until
        self._news.tell()
        self._all_ended.wait(max(0.0, until - monotonic()))

    def _run(self) -> None:
        news, all_ended = self._news, self._all_ended
        while True:
            if self._exit_by:
                _end_open_sessions(self._exit_by)
                self._exit_by = 0.0
                all_ended.set()
            news.wait(self.sweep())

    @staticmethod
    def sweep() -> float | None:
        """End what is idle; return the seconds until the next session can be, or None."""
        pause: float | None = None
        for state in open_sessions():
            left = state.last_activity + state.idle_seconds - monotonic()
            if left <= 0 and state.sockets and state.has_a_socket() and not state.due:
                # Idleness counts from its close, which tells; one that is gone unclosed is looked for.
                state.last_activity = monotonic()
                left = state.idle_seconds
            if state.due or left <= 0:
                state.end("closed" if state.due else "idle_timeout")
            elif left < float("inf"):
                pause = left if pause is None else min(pause, left)
        return None if pause is None else min(pause, threading.TIMEOUT_MAX)


_SWEEP = _Sweep()
