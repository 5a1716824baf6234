"""Waking a thread that waits for something to do."""

from __future__ import annotations

import contextlib
import threading


class News:
    """That there is something to do, for one thread that waits for it; what it is, the thread looks for itself.

    Whoever tells waits for nothing and takes no lock, so the garbage collector and signal handlers may strike in the
    middle of it. Several that are told before anybody waits are one.

    It stands where ``queue.SimpleQueue`` would: whose ``get(timeout=…)``, after something was got, waits for ever if
    its time is up between two of its own steps (CPython 3.11 to 3.13), as it is with short times on a busy machine.

    Example:
        >>> news = News()
        >>> news.tell(), news.tell()
        (None, None)
        >>> news.wait(1), news.wait(0.001)
        (True, False)
    """

    __slots__ = ("_nothing",)

    def __init__(self) -> None:
        self._nothing = threading.Lock()
        # It waits for nothing here, and says so to whoever looks for calls that may.
        self._nothing.acquire(blocking=False)

    def tell(self) -> None:
        """Wake the thread, or have its next wait end at once."""
        if self._nothing.locked():
            # Somebody else may have told meanwhile: that is as good.
            with contextlib.suppress(RuntimeError):
                self._nothing.release()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until there is something, for so many seconds at most if any are given; say whether there is."""
        if seconds is None:
            return self._nothing.acquire()
        return self._nothing.acquire(timeout=max(0.0, min(seconds, threading.TIMEOUT_MAX)))
