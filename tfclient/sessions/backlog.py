"""Entries that wait for a slow disk, in bounded memory, and the thread that writes them.

Where nobody may wait for a disk at all, as while sound is played, that thread is there before the disk is slow: who has
something written waits a moment for it, and for no other from the first that takes longer.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from sys import is_finalizing
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Final

from tfclient.signals import let_pass
from tfstore.disk import fork
from tfstore.disk.fork import start_thread
from tfstore.disk.news import News

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from tfstore.journal.entries import Members, Written

    Together: TypeAlias = tuple[Written | Members, ...]

BACKLOG_BYTES: Final = 64 * 1024 * 1024
BUSY: Final = 4
"""A write that took no longer than so many turns of the processor is not the disk's fault."""


class Backlog:
    """What waits, until the disk is fast again and nothing is left.

    Args:
        write: writes entries, and says whether the disk was slow; it does not raise.
        full: is told how many entries there was no room for.
        over: is called when nothing will be taken any more.
        late: whether the disk is slow already.
    """

    def __init__(
        self,
        write: Callable[[Together], bool],
        full: Callable[[int], None],
        over: Callable[[Backlog], None],
        *,
        late: bool = True,
    ) -> None:
        self._write = write
        self._full = full
        self._tell_over = over
        self._lock = fork.lock()
        self._news = News()
        self._entries: deque[tuple[Together, int, threading.Lock | None]] = deque()
        self._bytes = 0
        self._over = False
        self.late = late
        """Whether something was not written in time: nobody waits for anything then."""
        self.waiting = 0
        self._thread = start_thread(self._run, "tfclient-slow-disk")

    @property
    def started(self) -> bool:
        """Whether there is a thread for it."""
        return self._thread is not None

    def is_this_thread(self) -> bool:
        """Whether this is the thread that writes."""
        return self._thread is threading.current_thread()

    def put(self, entries: Together, patience: float = 0.0) -> bool | None:
        """Take entries; False if there is no room for them, None if the backlog is over.

        Args:
            entries: what is to be written together.
            patience: seconds to wait until it is, if all before it was in time; what is not makes the backlog late.
        """
        if self.late or self.is_this_thread():
            return self._put(entries, None)
        done = threading.Lock()
        done.acquire()
        taken = self._put(entries, done)
        if taken and not _came(done, patience):
            self.late = True
        return taken

    def _put(self, entries: Together, done: threading.Lock | None) -> bool | None:
        weight = sum(map(weight_of, entries))
        with self._lock:
            if self._over:
                return None
            if self._thread is not None and not self._thread.is_alive():
                self._end_without_thread()
                return None
            if self._bytes + weight <= BACKLOG_BYTES:
                self._entries.append((entries, weight, done))
                self._bytes += weight
                self.waiting += len(entries)
                self._news.tell()
                return True
        self._full(len(entries))
        return False

    def leave(self) -> None:
        """Be over, if nothing waits and nothing was late: nobody needs it any more."""
        with self._lock:
            if not self._entries and not self.late:
                self._end()

    def wait(self, timeout: float) -> None:
        """Wait until everything is written, for at most this many seconds."""
        until = monotonic() + timeout
        pause = threading.Event()
        while self.waiting and (left := until - monotonic()) > 0 and not is_finalizing():
            pause.wait(min(left, 0.005))

    def _run(self) -> None:
        slow = True
        while True:
            if not self._news.wait(1.0 if slow or not self.late else 0.0):
                with self._lock:
                    if not self._entries:
                        self._end()
                        return
            while self._entries:
                slow = self._write_first()

    def _write_first(self) -> bool:
        entries, weight, done = self._entries[0]
        slow = self._write(entries)
        with self._lock:
            self._entries.popleft()
            self._bytes -= weight
            self.waiting -= len(entries)
        if done is not None:
            done.release()
        return slow

    def _end_without_thread(self) -> None:
        """Its thread was ended by somebody: what it had not written yet is written here."""
        self._end()
        while self._entries:
            self._write_first()

    def _end(self) -> None:
        self._over = True
        self._tell_over(self)


def _came(done: threading.Lock, patience: float) -> bool:
    """Wait for so long, and half as long again where it is the processor that others have."""
    try:
        if done.acquire(timeout=patience):
            return True
        return done.acquire(timeout=min(patience / 2, BUSY * time_to_be_scheduled()))
    except Exception as error:  # noqa: BLE001 - somebody forbids to wait here
        let_pass(error)
    return False


def time_to_be_scheduled() -> float:
    """Return the seconds after which this thread has its turn again, having waited for nothing: more if all is busy."""
    pause = threading.Event()
    began = perf_counter()
    pause.wait(1e-6)
    half = perf_counter()
    pause.wait(1e-6)
    return max(half - began, perf_counter() - half)


def weight_of(entry: Written | Members) -> int:
    """Return about how many bytes of memory an entry takes."""
    if isinstance(entry, bytes):
        return len(entry)
    body = entry.get("body")
    held = entry.get("data") or (body.get("text") or body.get("base64") if isinstance(body, dict) else None)
    if isinstance(held, dict):
        held = held.get("base64")
    return 1024 + (sys.getsizeof(held) if isinstance(held, str) else 0)
