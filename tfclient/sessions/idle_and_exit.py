"""The sessions of this process that have not ended: idleness, and the end of the process.

They are held here: a client may be gone while its session waits for either. They do not hold their recorder, so
that a recorder that is gone can be noticed.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

from tfstore.disk.fork import renew_after_fork

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
    for state in open_sessions():
        with contextlib.suppress(Exception):
            state.end("process_exit")
    for finisher in list(_DRAINED.values()):
        with contextlib.suppress(Exception):
            finisher.drain(max(0.0, until - monotonic()))


class _Sweep:
    """Ends idle sessions, from a daemon thread that sleeps until the next one can be due."""

    def __init__(self) -> None:
        self._exit = False
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        self._change = threading.Condition()
        self._changed = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Look again: a session was opened, or has become due."""
        with self._change:
            if not self._exit:
                self._exit = True
                atexit.register(_at_exit)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="tfclient-idle", daemon=True)
                # Where no thread can be started, sessions end with their process.
                with contextlib.suppress(RuntimeError):
                    thread.start()
                    self._thread = thread
            self._changed = True
            self._change.notify()

    def _run(self) -> None:
        while True:
            pause = self.sweep()
            with self._change:
                if not self._changed:
                    self._change.wait(pause)
                self._changed = False

    @staticmethod
    def sweep() -> float | None:
        """End what is idle; return the seconds until the next session can be, or None."""
        pause: float | None = None
        for state in open_sessions():
            left = state.last_activity + state.idle_seconds - monotonic()
            if state.due or left <= 0:
                state.end("closed" if state.due else "idle_timeout")
            elif left < float("inf"):
                pause = left if pause is None else min(pause, left)
        return None if pause is None else min(pause, threading.TIMEOUT_MAX)


_SWEEP = _Sweep()
