"""Work that a session leaves to threads, and that its files wait for."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from tfstore.disk.fork import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable


class Aside:
    """The threads that work for one session.

    Example:
        >>> aside, done = Aside(), []
        >>> aside.begin(lambda: done.append(1), "a-thread")
        >>> aside.wait(20.0), done
        (True, [1])
    """

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self.is_waited_for = True
        """Whether the session's files are still to wait for it."""

    def __bool__(self) -> bool:
        """Whether something is still being done, by other threads than this."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return any(thread is not threading.current_thread() for thread in self._threads)

    def begin(self, work: Callable[[], None], name: str) -> None:
        """Have something done by a thread; here, where there can be none."""
        thread = start_thread(work, name)
        if thread is None:
            work()
        else:
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]

    def wait(self, seconds: float) -> bool:
        """Wait until all is done, no longer than so many seconds; say whether it is."""
        until = monotonic() + seconds
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - monotonic()))
        self.is_waited_for = False
        return not self
