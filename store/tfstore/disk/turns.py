"""Work in the background takes turns with the program: where it can be interrupted it says so, by ``turn``.

Which thread works in the background, how long its turns are, and how it pauses is set by whoever runs it; to all
other threads, ``turn`` is nothing.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class _Here(threading.local):
    pause: Callable[[], None] | None = None


_here = _Here()


def take_turns(pause: Callable[[], None]) -> None:
    """Have ``pause`` called at each ``turn`` of this thread."""
    _here.pause = pause


def turn() -> None:
    """Let the program have its turn, if this is a thread that works in the background.

    Example:
        >>> turn()
    """
    pause = _here.pause
    if pause is not None:
        pause()
