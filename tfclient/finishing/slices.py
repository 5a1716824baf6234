"""How the background thread shares the processor with the program: a few milliseconds of work, then a pause.

A pause leaves the program its time. Of a program that has nothing to do nobody takes any: where nothing else of the
process ran for a while, the pause ends, and the next one looks sooner.
"""

from __future__ import annotations

import sys
from time import perf_counter, process_time, thread_time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SLICE: Final = 0.002
"""Seconds of work between two pauses: no thread that wants to go on waits for much longer than that."""

SHARE: Final = 20
"""One part in this many of the time is for the background, while nobody waits for it."""

BREATH: Final = 0.0005
"""Seconds of a pause while somebody does: who else has something to do has its turn, and nobody else loses one."""

_LONG_LOOK: Final = 0.02
_SHORT_LOOK: Final = _LONG_LOOK if sys.platform == "win32" else BREATH
"""Seconds in which nothing else ran, for a pause to end: the first time, and after several such times in a row.

On Windows the clock of the process's own time goes in steps of 16 ms.
"""

_NOTHING: Final = 0.02
"""The share of such a look that may have been used all the same: to find that there is nothing to do takes time too."""


class Turns:
    """The turns of one thread.

    Args:
        pause: lets that many seconds pass, or fewer if somebody begins to wait meanwhile.
        hurried: whether somebody waits for what this thread does.
    """

    def __init__(self, pause: Callable[[float], object], hurried: Callable[[], bool]) -> None:
        self._pause = pause
        self._hurried = hurried
        self._look = _LONG_LOOK
        self.begin()

    def begin(self) -> None:
        """Begin a turn, after having had nothing to do."""
        self._began = perf_counter()
        self._used = thread_time()

    def __call__(self) -> None:
        """Pause, if this thread has had its turn."""
        if perf_counter() - self._began >= SLICE:
            self.end()

    def end(self) -> None:
        """End a turn: pause for as long as its work asks for, or until the program turns out to have nothing to do."""
        if self._hurried():
            self._pause(BREATH)
        else:
            self._leave_its_time((thread_time() - self._used) * (SHARE - 1))
        self.begin()

    def _leave_its_time(self, seconds: float) -> None:
        look = min(self._look, seconds)
        before = process_time() - thread_time()
        self._pause(look)
        if process_time() - thread_time() - before <= look * _NOTHING:
            self._look = max(look / 2, _SHORT_LOOK)
        else:
            self._look = _LONG_LOOK
            self._pause(seconds - look)
