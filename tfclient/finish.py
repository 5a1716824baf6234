"""The background task that writes documents and diagrams: one daemon event loop for sync and async programs.

A live session's document is refreshed at most every second and never takes more than a twentieth of the time: a
refresh that took long waits longer for the next. When a session ends, its final document and diagram are written
before anything else. Whatever goes wrong here is told to whoever asked, never to the program's own calls.

Nothing heavy is imported here: what the loop needs, its own thread imports, so that a program's first call does
not wait for it.
"""

from __future__ import annotations

import logging
import os
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anyio.from_thread import BlockingPortal

    from tfclient.live import LiveSession
    from tfclient.settings import Settings
    from tfstore.paths import StorePaths

    OnDone = Callable[[Exception | None], None]

_log = logging.getLogger("tfclient")

REFRESH_SECONDS = 1.0
SHARE = 20
"""A refresh may take one part in this many of the time."""


class Finisher:
    """Keeps the files of one store's sessions, for one process."""

    def __init__(self, paths: StorePaths) -> None:
        """Prefer ``Finisher.for_store``; no thread is started before there is something to do."""
        self.paths = paths
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._live: dict[str, LiveSession] = {}
        self._dirty: set[str] = set()
        self._waiting: set[str] = set()
        self._closed: set[str] = set()
        self._pending = 0
        self._idle = threading.Condition()
        self._lock = threading.Lock()
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
        self._dirty.add(session_id)
        if session_id in self._waiting and self._pid == os.getpid():
            return
        self._own()
        self._closed.discard(session_id)
        self._dirty.add(session_id)
        self._waiting.add(session_id)
        self._submit(self._refresh, session_id)

    def finish(self, session_id: str, on_done: OnDone) -> None:
        """Have the session's final document and diagram written; ``on_done`` gets what went wrong, or None."""
        self._own()
        with self._idle:
            self._pending += 1
        if not self._submit(self._finish, session_id, on_done):
            # The interpreter is going down and starts no threads: do it here and now.
            self._finish_now(session_id, on_done)

    def drain(self, timeout: float) -> None:
        """Wait until all that is to be finished is, for at most so many seconds."""
        deadline = monotonic() + timeout
        with self._idle:
            while self._pending and (left := deadline - monotonic()) > 0:
                self._idle.wait(left)

    def _own(self) -> None:
        # A forked child has no thread yet, and none of its parent's work is its own.
        if self._pid != os.getpid():
            self._begin()

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
        from anyio import sleep

        while True:
            await sleep(REFRESH_SECONDS)
            began = monotonic()
            self._dirty.discard(session_id)
            if session_id not in self._closed:
                try:
                    self._session(session_id).refresh()
                except Exception:  # noqa: BLE001 - a live view that fails is made again by the next refresh
                    _log.debug("tfclient: session %s was not refreshed", session_id, exc_info=True)
            self._recover_others()
            await sleep((monotonic() - began) * (SHARE - 1))
            if session_id in self._dirty:
                continue
            self._waiting.discard(session_id)
            # Between the look and the word, somebody may have come who saw that a refresh was due.
            if session_id not in self._dirty:
                return
            self._waiting.add(session_id)

    async def _finish(self, session_id: str, on_done: OnDone) -> None:
        self._finish_now(session_id, on_done)

    def _finish_now(self, session_id: str, on_done: OnDone) -> None:
        error: Exception | None = None
        try:
            session = self._session(session_id).finish()
            if session.status == "closed":
                self._live.pop(session_id, None)
                self._closed.add(session_id)
        except Exception as caught:  # noqa: BLE001 - told to whoever asked
            error = caught
        try:
            on_done(error)
        finally:
            with self._idle:
                self._pending -= 1
                self._idle.notify_all()

    def _session(self, session_id: str) -> LiveSession:
        if session_id not in self._live:
            from tfclient.live import LiveSession
            from tfstore.store import Store

            self._live[session_id] = LiveSession(Store(self.paths.root, create=True), session_id)
        return self._live[session_id]

    def _recover_others(self) -> None:
        """Once per process, when there is time: finish what earlier processes left."""
        if self._recovered:
            return
        self._recovered = True
        from tfclient.recovery import recover
        from tfstore.store import Store

        try:
            for session in recover(Store(self.paths.root, create=True)):
                _log.info("tfclient: session %s of an earlier process was finished", session.session_id)
        except Exception:  # noqa: BLE001 - `tfclient recover` says what is wrong
            _log.debug("tfclient: recovery failed", exc_info=True)


_FINISHERS: dict[Path, Finisher] = {}
_FINISHERS_LOCK = threading.Lock()
