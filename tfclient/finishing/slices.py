"""How the background thread shares the processor with the program: a few milliseconds of work, then a pause."""

from __future__ import annotations

from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SLICE: Final = 0.002
"""Seconds of work between two pauses: no thread that wants to go on waits for much longer than that."""

SHARE: Final = 20
"""One part in this many of the time is for the background, while nobody waits for it."""

_BREATH: Final = 0.0005
"""Seconds of a pause while somebody does: who else has something to do has its turn, and nobody else loses one."""


class Turns:
    """The turns of one thread.

    Args:
        pause: lets that many seconds pass, or fewer if somebody begins to wait meanwhile.
        hurried: whether somebody waits for what this thread does.
    """

    def __init__(self, pause: Callable[[float], object], hurried: Callable[[], bool]) -> None:
        self._pause = pause
        self._hurried = hurried
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
        """End a turn: pause for as long as its work asks for."""
        self._pause(_BREATH if self._hurried() else (thread_time() - self._used) * (SHARE - 1))
        self.begin()
