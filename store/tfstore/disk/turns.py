"""Work in the background takes turns with the program: where it can be interrupted it says so, by ``turn``.

Which thread works in the background, how long its turns are, and how it pauses is set by whoever runs it; to all
other threads, ``turn`` is nothing.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Here(threading.local):
    pause: Callable[[], None] | None = None


_here = _Here()


@contextlib.contextmanager
def taking_turns(pause: Callable[[], None]) -> Iterator[None]:
    """Have ``pause`` called at each ``turn`` of this thread meanwhile."""
    before, _here.pause = _here.pause, pause
    try:
        yield
    finally:
        _here.pause = before


def turn() -> None:
    """Let the program have its turn, if this is a thread that works in the background.

    Example:
        >>> turn()
    """
    pause = _here.pause
    if pause is not None:
        pause()
