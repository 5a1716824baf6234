"""What is asked for of one store's sessions: which are to be refreshed and when, which have ended, who waits.

Whoever asks takes no time and waits for nothing; the thread that does it (``finisher``) takes from here what comes
next, and pauses here too, since news may end a pause.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from tfclient.finishing.slices import BREATH
from tfstore.disk.fork import lock
from tfstore.disk.news import News

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tfclient.finishing.helper import OnDone
    from tfclient.finishing.telling import Listener

REFRESH_SECONDS = 1.0
"""Seconds from when a refresh is asked for until it is due."""
TOLD_SECONDS = 0.4
"""The same where a program wants to be told what happens."""

_LOOK: Final = 0.01
"""Seconds between two looks of who waits for all."""


class Ended(NamedTuple):
    """A session that has ended, who wants to know when its files are written, and since when they are due."""

    session_id: str
    on_done: OnDone
    since: float


class Asked:
    """What one process asks for; a forked child begins with another one, since none of this is its own.

    Example:
        >>> asked = Asked()
        >>> asked.refresh("sess_1"), asked.refresh("sess_1")
        (True, False)
        >>> asked.ended("sess_1", lambda error, drift: None).session_id
        'sess_1'
        >>> asked.next_ended().session_id
        'sess_1'
    """

    def __init__(self) -> None:
        self._lock = lock()
        self._news = News()
        self._refreshes: deque[str] = deque()
        self._dirty: set[str] = set()
        self._due: dict[str, float] = {}
        self._ended: deque[Ended] = deque()
        self._pending = 0
        self._waiting = 0
        self._draining = 0
        """How many of those who wait do so for whatever there is, at the end of the program."""
        self._settled = threading.Event()
        self.own: set[str] = set()
        """Sessions that this process is at, until their files are written."""
        self.listeners: dict[str, Listener] = {}
        """Who is told what happens in a session."""

    def refresh(self, session_id: str) -> bool:
        """Ask for a session's document to be brought up to date; False if that is asked for already."""
        if session_id in self._dirty:
            # A refresh that has not begun to read yet.
            return False
        self._dirty.add(session_id)
        self.own.add(session_id)
        self._refreshes.append(session_id)
        self._news.tell()
        return True

    def ended(self, session_id: str, on_done: OnDone) -> Ended:
        """Ask for the files of a session that has ended."""
        self._pending += 1
        self.own.add(session_id)
        work = Ended(session_id, on_done, monotonic())
        self._ended.append(work)
        self._news.tell()
        return work

    def take_back(self, work: Ended) -> bool:
        """Have somebody else do it; False if it was taken already."""
        try:
            self._ended.remove(work)
        except ValueError:
            return False
        return True

    def wait_for_all(self, seconds: float, see_to_it: Callable[[], bool]) -> None:
        """Wait until the files of all that ended are written, for so long at most, and while somebody sees to it."""
        until = monotonic() + seconds
        self._draining += 1
        try:
            with self.waiting():
                while self._pending and see_to_it() and (left := until - monotonic()) > 0:
                    self._settled.wait(min(left, _LOOK))
                    self._settled.clear()
        finally:
            self._draining -= 1

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Somebody waits for files meanwhile: they are written at full speed."""
        with self._lock:
            self._waiting += 1
        self._news.tell()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    @property
    def hurried(self) -> bool:
        """Whether somebody waits."""
        return self._waiting > 0

    @property
    def one_is_waited_for(self) -> bool:
        """Whether somebody waits for a session's files, and not only for whatever there is."""
        return self._waiting > self._draining

    def next_ended(self) -> Ended | None:
        """Take the session that ended first."""
        # What was asked for before its end is done with its end.
        self._listen()
        with contextlib.suppress(IndexError):
            return self._ended.popleft()
        return None

    def others_that_ended(self, most: int) -> list[Ended]:
        """Return those that come next, and leave them here."""
        return list(self._ended)[:most]

    def next_due(self) -> str | None:
        """Return a session whose refresh is due; ``refreshing`` says that it has begun, ``put_off`` that it has not."""
        self._listen()
        now = monotonic()
        return next((session_id for session_id, at in self._due.items() if at <= now), None)

    def _listen(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                asked = self._refreshes.popleft()
                soon = TOLD_SECONDS if asked in self.listeners else REFRESH_SECONDS
                self._due.setdefault(asked, monotonic() + soon)

    def put_off(self, session_id: str, seconds: float = inf) -> None:
        """Have a session refreshed after so many seconds, or when it would be anyway."""
        self._dirty.add(session_id)
        self._due[session_id] = monotonic() + min(seconds, REFRESH_SECONDS)

    def refreshing(self, session_id: str) -> None:
        """A session is refreshed now: what is asked for from here on is another time."""
        if self._due.pop(session_id, None) is not None:
            self._dirty.discard(session_id)

    def written(self, session_id: str) -> None:
        """The files of a session that ended are written, or could not be."""
        self.listeners.pop(session_id, None)
        self.own.discard(session_id)

    def settled(self) -> None:
        """One of those that were to be written is, and whoever asked was told."""
        with self._lock:
            self._pending -= 1
        self._settled.set()

    def wait_for_news(self) -> None:
        """Wait until something is asked for, or due."""
        at = min(self._due.values(), default=None)
        self._news.wait(None if at is None else at - monotonic())

    def pause(self, seconds: float) -> None:
        """Let time pass, no longer than a breath from when somebody waits.

        Without any ``sleep``: a program's tests put something else in its place, and count its calls.
        """
        began = monotonic()
        while (left := began + self.at_most(seconds) - monotonic()) > 0:
            self._news.wait(left)

    def at_most(self, seconds: float) -> float:
        """Return how long a pause may be now."""
        # Asked anew whenever there is news: who begins to wait brings some.
        return min(seconds, BREATH) if self._waiting else seconds
