"""Sessions are sent somewhere as they close, in stores for which a recorder asks for it.

That is done by a thread of its own for each place, after a session's files are written, one request at a time: no
call, no end of a session, no exit and no fork waits for it. What is not out when the process ends is sent by the next
one that recovers sessions there, or by the command for it. Whatever goes wrong is counted in the recorder's health.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from attrs import frozen

from tfstore.disk.fork import importing, lock, renew_after_fork, start_thread
from tfstore.disk.news import News
from tfstore.disk.turns import taking_turns

if TYPE_CHECKING:
    from tfstore.disk.paths import StorePaths

OnFault: TypeAlias = Callable[[str, BaseException | str, str], None]
"""Counts what went wrong: of which kind, what it was, and while doing what."""

RESTS: Final = (60.0, 300.0)
"""Seconds without a try, after three that failed in a row; from then on after each."""

TRIES: Final = 3

MOST: Final = 10_000
"""Sessions that wait in memory; more of them wait in the store."""


class Target(Protocol):
    """A place that sessions of one store are sent to."""

    def earlier(self) -> list[str]:
        """Return the sessions that ended since this began to be sent to, and were not confirmed."""
        ...

    def send(self, session_ids: Sequence[str], /) -> dict[str, str]:
        """Send sessions, and return why some were refused, by their ids; what was taken is noted in the store.

        Raises:
            Exception: one of ``Way.later``, where nothing is taken there now.
        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


@frozen
class Way:
    """How sessions are sent to a kind of places.

    ``kind`` is that of its faults, ``doing`` what is being done. ``needed`` are the modules that the thread needs, so
    ordered that each brings little along. ``open`` gives the place that an address means; what it raises cannot be
    mended while the process runs. ``later`` are the errors that may be over the next time, and ``most`` how many
    sessions go together.
    """

    kind: str
    doing: str
    needed: Sequence[str]
    open: Callable[[StorePaths, str], Target]
    later: tuple[type[Exception], ...]
    most: int = 1


class Pusher:
    """Sends the sessions of one store to one place, for one process."""

    def __init__(self, paths: StorePaths, way: Way, address: str, on_fault: OnFault) -> None:
        """Prefer ``push_from_now_on``; no thread is started before there is something to send."""
        self.address = address
        self._paths = paths
        self._way = way
        self._on_fault = on_fault
        self._lock = lock()
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        # A child has no thread yet, and what its parent has to send is not its own.
        self._thread: threading.Thread | None = None
        self._news = News()
        self._asked: deque[str | None] = deque()
        self._failures = 0
        self._off = False

    def session_written(self, session_id: str) -> None:
        """Have a session sent whose files are written; takes no time."""
        self._put(session_id)

    def look_for_others(self) -> None:
        """Have those sent that earlier processes left; takes no time."""
        self._put(None)

    def _put(self, what: str | None) -> None:
        if self._off:
            return
        self._asked.append(what)
        self._news.tell()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = start_thread(self._run, f"tfclient-{self._way.kind}")

    def _run(self) -> None:
        from tfclient.finishing.slices import Turns

        pause = threading.Event()
        turns = Turns(pause.wait, lambda: False)
        with taking_turns(turns):
            self._run_in(turns)

    def _run_in(self, turns: Callable[[], None]) -> None:
        for name in self._way.needed:
            # What is missing is told where it is used.
            with importing, contextlib.suppress(ImportError):
                importlib.import_module(name)
            turns()
        target: Target | None = None
        try:
            target = self._way.open(self._paths, self.address)
            self._send_all(target, turns)
        except Exception as error:  # noqa: BLE001 - sessions are recorded all the same
            # It cannot be mended while this runs: a package, an address, a ledger.
            self._off = True
            self._fault(error)
        finally:
            if target is not None:
                with contextlib.suppress(Exception):
                    target.close()

    def _send_all(self, target: Target, turns: Callable[[], None]) -> None:
        left: deque[str] = deque()
        rest_until = 0.0
        while True:
            self._listen(target, left, rest_until)
            if not left or monotonic() < rest_until:
                continue
            some = list(islice(left, self._way.most))
            try:
                refused = target.send(some)
            except self._way.later as error:
                self._failures += 1
                self._fault(error)
                if self._failures >= TRIES:
                    rest_until = monotonic() + RESTS[min(self._failures - TRIES, len(RESTS) - 1)]
            else:
                self._failures = 0
                for _ in some:
                    left.popleft()
                for session_id, why in refused.items():
                    self._fault(f"session {session_id} was refused: {why}")
            turns()

    def _listen(self, target: Target, left: deque[str], rest_until: float) -> None:
        """Take what is to be sent; where nothing is, or nothing can be, wait for it."""
        if not self._asked:
            self._news.wait(rest_until - monotonic() if left else None)
        while self._asked:
            what = self._asked.popleft()
            found = [what] if what is not None else target.earlier()
            left.extend(each for each in found if each not in left)
            while len(left) > MOST:
                left.pop()

    def _fault(self, error: BaseException | str) -> None:
        self._on_fault(self._way.kind, error, self._way.doing)


_WANTED: Final[dict[tuple[Path, str], Pusher]] = {}
_WANTED_LOCK: Final = lock()


def push_from_now_on(paths: StorePaths, way: Way, address: str, on_fault: OnFault) -> None:
    """Have the sessions of a store sent there as they close, by this process."""
    with _WANTED_LOCK:
        known = _WANTED.get((paths.root, way.kind))
        if known is None or known.address != address:
            _WANTED[paths.root, way.kind] = Pusher(paths, way, address, on_fault)


def pushers(paths: StorePaths) -> list[Pusher]:
    """Return what sends the sessions of a store, to each place that somebody asked for."""
    return [each for (root, _), each in list(_WANTED.items()) if root == paths.root]
