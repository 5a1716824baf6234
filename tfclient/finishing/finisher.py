"""The background task that writes documents and diagrams: one daemon event loop for sync and async programs.

A live session's document is refreshed at most every second and never takes more than a twentieth of the time: a
refresh that took long waits longer for the next. When a session ends, its files, document and diagram, are written
before anything else. Whatever goes wrong here goes to whoever asked, never to the program's own calls.

Memory is bounded: sessions beyond ``live.HEAVY`` are left to a helper process, and of many open sessions those
not refreshed for longest are dropped, and read again when they go on.

Nothing heavy is imported here: what the loop needs, its own thread imports, so that a program's first call does
not wait for it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from tfstore.disk.fork import lock, renew_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anyio.from_thread import BlockingPortal

    from tfclient.finishing.live import LiveSession
    from tfclient.settings import Settings
    from tfstore.disk.paths import StorePaths

    OnDone = Callable[[Exception | None, int], None]
    """Gets what went wrong, or None, and how many responses of the journal the document lacks: there must be none."""

_log = logging.getLogger("tfclient")

REFRESH_SECONDS = 1.0
SHARE = 20
"""A refresh may take one part in this many of the time."""


class Finisher:
    """Keeps the files of one store's sessions, for one process."""

    def __init__(self, paths: StorePaths) -> None:
        """Prefer ``Finisher.for_store``; no thread is started before there is something to do."""
        self.paths = paths
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        # A forked child has no thread yet, and none of its parent's work is its own.
        self._live: dict[str, LiveSession] = {}
        self._dirty: set[str] = set()
        self._waiting: set[str] = set()
        self._heavy: set[str] = set()
        self._closed: set[str] = set()
        self._pending = 0
        self._idle = threading.Condition()
        # Reentrant: the garbage collector may finish a stream, and so ask for a refresh, in the middle of one.
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._portal: BlockingPortal | None = None
        self._backlog: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._recovered = False

    @classmethod
    def for_store(cls, paths: StorePaths, settings: Settings | None = None) -> Finisher:  # noqa: ARG003
        """Return the finisher of this store in this process."""
        with _FINISHERS_LOCK:
            return _FINISHERS.setdefault(paths.root, cls(paths))

    def refresh(self, session_id: str) -> None:
        """Have the session's document brought up to date soon; costs next to nothing when that is due already."""
        if session_id in self._dirty:
            # A refresh that has not begun to read yet.
            return
        self._dirty.add(session_id)
        if session_id in self._waiting:
            return
        self._closed.discard(session_id)
        self._waiting.add(session_id)
        if not self._submit(self._refresh, session_id):
            self._waiting.discard(session_id)
            self._dirty.discard(session_id)

    def write_files(self, session_id: str, on_done: OnDone) -> None:
        """Have the files of a session written that has ended, and its journal archived."""
        with self._idle:
            self._pending += 1
        if not self._submit(self._write_files, session_id, on_done):
            # The interpreter is going down and starts no threads: do it here and now.
            self._write_now(session_id, on_done)

    def drain(self, timeout: float) -> None:
        """Wait until all that is to be written is, for at most so many seconds."""
        deadline = monotonic() + timeout
        with self._idle:
            while self._pending and (left := deadline - monotonic()) > 0:
                self._idle.wait(left)

    def _submit(self, work: Callable[..., Any], *args: Any) -> bool:
        with self._lock:
            if self._portal is not None:
                try:
                    self._portal.start_task_soon(work, *args)
                except RuntimeError:
                    return False
                return True
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="tfclient", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return False
                self._thread = thread
            self._backlog.append((work, args))
        return True

    def _run(self) -> None:
        import anyio
        from anyio.from_thread import BlockingPortal

        async def main() -> None:
            async with anyio.create_task_group() as early, BlockingPortal() as portal:
                with self._lock:
                    self._portal = portal
                    for work, args in self._backlog:
                        # A portal takes nothing from its own thread.
                        early.start_soon(work, *args)
                    self._backlog.clear()
                await portal.sleep_until_stopped()

        anyio.run(main)

    async def _refresh(self, session_id: str) -> None:
        while True:
            await _pause(REFRESH_SECONDS)
            began = monotonic()
            self._dirty.discard(session_id)
            if session_id in self._heavy:
                await self._refresh_by_helper(session_id)
            elif session_id not in self._closed:
                self._refresh_here(session_id)
            self._recover_others()
            await _pause((monotonic() - began) * (SHARE - 1))
            if session_id in self._dirty:
                continue
            self._waiting.discard(session_id)
            # Between the look and the word, somebody may have come who saw that a refresh was due.
            if session_id not in self._dirty:
                return
            self._waiting.add(session_id)

    def _refresh_here(self, session_id: str) -> None:
        from tfclient.finishing.live import HEAVY, TooHeavy

        try:
            self._session(session_id).refresh(HEAVY)
        except TooHeavy:
            self._live.pop(session_id, None)
            self._heavy.add(session_id)
            # Nothing was written, and nobody may ever ask again.
            self._dirty.add(session_id)
        except Exception:  # noqa: BLE001 - a live view that fails is made again by the next refresh
            _log.debug("tfclient: session %s was not refreshed", session_id, exc_info=True)

    async def _refresh_by_helper(self, session_id: str) -> None:
        from tfclient.finishing.helper import start_helper

        ended = threading.Event()
        if start_helper(self.paths, session_id, lambda *_: ended.set()):
            while not ended.is_set():  # set by a thread, and nobody is in a hurry
                await _pause(REFRESH_SECONDS)

    async def _write_files(self, session_id: str, on_done: OnDone) -> None:
        self._write_now(session_id, on_done)

    def _write_now(self, session_id: str, on_done: OnDone) -> None:
        from tfclient.finishing.live import TooHeavy

        error: Exception | None = None
        drift = 0
        try:
            try:
                drift = self._write_here(session_id)
            except TooHeavy as heavy:
                self._live.pop(session_id, None)
                self._heavy.add(session_id)
                error = heavy
                if self._left_to_helper(session_id, on_done):
                    return
        except Exception as caught:  # noqa: BLE001 - goes to whoever asked
            error = caught
        self._is_done(on_done, error, drift)

    def _write_here(self, session_id: str) -> int:
        from tfclient.finishing.last_steps import claim_and_write
        from tfclient.finishing.live import HEAVY

        live = self._session(session_id)
        session = claim_and_write(live, HEAVY)
        if session.status != "closed":
            return 0
        self._live.pop(session_id, None)
        self._closed.add(session_id)
        return len(live.missing_in(session))

    def _left_to_helper(self, session_id: str, on_done: OnDone) -> bool:
        from tfclient.finishing.helper import start_helper

        def done(error: Exception | None, drift: int) -> None:
            self._heavy.discard(session_id)
            self._is_done(on_done, error, drift)

        return start_helper(self.paths, session_id, done)

    def _is_done(self, on_done: OnDone, error: Exception | None, drift: int) -> None:
        try:
            on_done(error, drift)
        finally:
            with self._idle:
                self._pending -= 1
                self._idle.notify_all()

    def _session(self, session_id: str) -> LiveSession:
        from tfclient.finishing.live import HEAVY, LiveSession
        from tfstore.store import Store

        live = self._live.pop(session_id, None)
        if live is None:
            live = LiveSession(Store(self.paths.root, create=True), session_id)
        # The one used last stands last.
        self._live[session_id] = live
        held = sum(each.weight for each in self._live.values())
        for name, each in list(self._live.items())[:-1]:
            if held > HEAVY:
                held -= each.weight
                del self._live[name]
        return live

    def _recover_others(self) -> None:
        """Once per process, when there is time: recover what earlier processes left, in a thread of its own."""
        if self._recovered:
            return
        self._recovered = True
        # Where no thread can be started, the next process will find them.
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=self._recover, name="tfclient-recover", daemon=True).start()

    def _recover(self) -> None:
        from tfclient.finishing.helper import start_helper
        from tfclient.finishing.live import HEAVY
        from tfclient.finishing.recovery import recover, unarchived
        from tfstore.journal.reading import size_of
        from tfstore.store import Store

        try:
            store = Store(self.paths.root, create=True)
            for session_id in unarchived(store):
                if size_of(store.paths, session_id) > HEAVY:
                    start_helper(store.paths, session_id, _ignore)
                    continue
                for session in recover(store, [session_id]):
                    _log.info(
                        "tfclient: the files of session %s of an earlier process were written",
                        session.session_id,
                    )
        except Exception:  # noqa: BLE001 - `tfclient recover` says what is wrong
            _log.debug("tfclient: recovery failed", exc_info=True)


async def _pause(seconds: float) -> None:
    """Let time pass without any ``sleep``: a program's tests put something else in its place, and count its calls."""
    from anyio import Event, move_on_after

    with move_on_after(seconds):
        await Event().wait()


def _ignore(_error: Exception | None, _drift: int) -> None:
    """What a helper could not do, the next process will try."""


_FINISHERS: dict[Path, Finisher] = {}
_FINISHERS_LOCK = lock()
