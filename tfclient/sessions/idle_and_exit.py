"""The sessions of this process that have not ended: idleness, and the end of the process.

They are held here: a client may be gone while its session waits for either. The handles do not hold their
recorder, so that a recorder that is gone can be noticed.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

from tfstore.disk.fork import renew_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Protocol

    from tfclient.sessions.handle import SessionHandle

    class Finisher(Protocol):
        """What writes documents and diagrams (``tfclient.finishing.finisher``)."""

        def refresh(self, session_id: str) -> None: ...

        def finish(self, session_id: str, on_done: Callable[[Exception | None], None]) -> None: ...

        def drain(self, timeout: float) -> None: ...


EXIT_SECONDS: Final = 5.0
"""How long the end of the process waits for documents and diagrams."""

_OPEN: dict[int, SessionHandle] = {}
_DRAINED: dict[Path, Finisher] = {}


def hold(handle: SessionHandle) -> None:
    """Have a session ended when it is idle, or with the process."""
    _OPEN[id(handle)] = handle
    _SWEEP.wake()


def let_go(handle: SessionHandle) -> None:
    """Hold an ended session no longer."""
    _OPEN.pop(id(handle), None)


def look_again() -> None:
    """Have it noticed, soon and in another thread, that a session is to be ended."""
    _SWEEP.wake()


def drain_at_exit(store: Path, finisher: Finisher) -> None:
    """Have the process wait, before it ends, for what this store's finisher is still writing."""
    _DRAINED[store] = finisher


def open_sessions() -> list[SessionHandle]:
    """Return the sessions of this process that have not ended."""
    return list(_OPEN.values())


def _at_exit() -> None:
    until = monotonic() + EXIT_SECONDS
    for handle in open_sessions():
        with contextlib.suppress(Exception):
            handle._sessions.end(handle, "process_exit")  # noqa: SLF001
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
        for handle in open_sessions():
            sessions = handle._sessions  # noqa: SLF001
            limit = sessions.settings.idle_minutes * 60 or float("inf")
            left = handle.last_activity + limit - monotonic()
            if handle.abandoned or left <= 0:
                sessions.end(handle, "closed" if handle.abandoned else "idle_timeout")
            elif left < float("inf"):
                pause = left if pause is None else min(pause, left)
        return None if pause is None else min(pause, threading.TIMEOUT_MAX)


_SWEEP = _Sweep()
