"""Threads that open journals: who has opened one waits a moment for the next, since starting a thread takes time."""

from __future__ import annotations

from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from tfstore.disk.fork import renew_after_fork, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE_SECONDS: Final = 1.0


class Openers:
    """As many threads as journals are being opened at once; none is kept for longer than ``IDLE_SECONDS``.

    Example:
        >>> done = SimpleQueue()
        >>> Openers().open(lambda: done.put("opened"))
        True
        >>> done.get(timeout=10)
        'opened'
    """

    def __init__(self) -> None:
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        self._idle: deque[SimpleQueue[Callable[[], object]]] = deque()

    def open(self, work: Callable[[], object]) -> bool:
        """Have a thread do it; False if there is none. What it raises is lost: it is to raise nothing."""
        try:
            # The one that was at work last.
            idle = self._idle.pop()
        except IndexError:
            return start_thread(lambda: self._serve(work), "tfclient-open") is not None
        idle.put(work)
        return True

    def _serve(self, work: Callable[[], object]) -> None:
        mine: SimpleQueue[Callable[[], object]] = SimpleQueue()
        while True:
            work()
            del work
            self._idle.append(mine)
            try:
                work = mine.get(timeout=IDLE_SECONDS)
            except Empty:
                try:
                    self._idle.remove(mine)
                except ValueError:
                    # Somebody has just taken it, and is about to say what for.
                    work = mine.get()
                else:
                    return


OPENERS: Final = Openers()
