"""Threads that open journals: who has opened one waits a moment for the next, since starting a thread takes time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from tfstore.disk.fork import renew_after_fork, start_thread
from tfstore.disk.news import News

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE_SECONDS: Final = 1.0


class _Opener:
    """A thread that waits, and what it is to do next."""

    def __init__(self) -> None:
        self.news = News()
        self.work: list[Callable[[], object]] = []


class Openers:
    """As many threads as journals are being opened at once; none is kept for longer than ``IDLE_SECONDS``.

    Example:
        >>> opened = News()
        >>> Openers().open(opened.tell), opened.wait(10)
        (True, True)
    """

    def __init__(self) -> None:
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        self._idle: deque[_Opener] = deque()

    def open(self, work: Callable[[], object]) -> bool:
        """Have a thread do it; False if there is none. What it raises is lost: it is to raise nothing."""
        try:
            # The one that was at work last.
            idle = self._idle.pop()
        except IndexError:
            return start_thread(lambda: self._serve(work), "tfclient-open") is not None
        idle.work.append(work)
        idle.news.tell()
        return True

    def _serve(self, work: Callable[[], object]) -> None:
        mine = _Opener()
        while True:
            work()
            del work
            self._idle.append(mine)
            if not mine.news.wait(IDLE_SECONDS):
                try:
                    self._idle.remove(mine)
                except ValueError:
                    # Somebody has just taken it, and is about to say what for.
                    mine.news.wait()
                else:
                    return
            work = mine.work.pop()


OPENERS: Final = Openers()
