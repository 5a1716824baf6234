"""A journal that is being opened where nobody waits for it longer than a call may."""

from __future__ import annotations

import contextlib
import sys
import threading
from functools import partial
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, Final

from tfclient.sessions.openers import OPENERS
from tfclient.signals import let_pass

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.journal.segment import Segment

SURELY_STALLED: Final = 1.0
"""Seconds after which it is the disk, however busy the machine is."""


class StillOpening(Exception):
    """A journal is being opened, and that takes longer than a call is to wait."""


class Begun:
    """A segment that is being opened by a thread.

    Args:
        work: opens it; returns it, and what its thread does after that, when nobody waits any more: to raise nothing.
    """

    def __init__(self, work: Callable[[], tuple[Segment, Callable[[], object]]]) -> None:
        self._work = work
        self._then: Callable[[], object] | None = None
        self._told: list[Callable[[], object]] = []
        self._segment: Segment | None = None
        self._error: Exception | None = None
        self._done = threading.Event()
        if not OPENERS.open(self._run_and_go_on):
            self._run()

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is opened, or cannot be, for so long at most, or longer if only the processor is busy."""
        until = None if seconds is None else perf_counter() + seconds
        busy = process_time()
        try:
            while not self._done.wait(seconds):
                used, busy = process_time() - busy, process_time()
                if until is None or used < (seconds or 0) / 2 or perf_counter() > until + SURELY_STALLED:
                    break
        except Exception as error:  # noqa: BLE001 - somebody forbids to wait here
            let_pass(error)
        return self._done.is_set()

    async def let_others_run(self, seconds: float) -> None:
        """Wait until it is opened, or cannot be, for so long at most, while an event loop goes on with other tasks.

        Where none of asyncio's runs this task, nothing is waited for.
        """
        asyncio: Any = sys.modules.get("asyncio")
        if asyncio is None:
            return
        loop = asyncio._get_running_loop()  # noqa: SLF001 - it has no other name that is quick
        if loop is None or asyncio.current_task(loop) is None or self._done.is_set():
            return
        future = loop.create_future()

        def over() -> None:
            if not future.done():
                future.set_result(None)

        self._told.append(partial(loop.call_soon_threadsafe, over))
        at_last = loop.call_later(seconds, over)
        if self._done.is_set():
            over()
        try:
            await future
        finally:
            at_last.cancel()

    def result(self) -> Segment:
        """Return what was opened.

        Raises:
            Exception: why it could not be.
        """
        if self._segment is None:
            raise self._error or OSError("the journal was not opened")
        return self._segment

    def _run_and_go_on(self) -> None:
        self._run()
        if self._then is not None:
            self._then()

    def _run(self) -> None:
        try:
            self._segment, self._then = self._work()
        except Exception as error:  # noqa: BLE001 - goes to whoever asks
            self._error = error
        finally:
            self._done.set()
            for tell in list(self._told):
                # Of a loop that has ended meanwhile nobody waits any more.
                with contextlib.suppress(RuntimeError):
                    tell()
