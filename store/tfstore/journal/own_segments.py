"""The segments of this process: which are open, so that not too many are, and how far those went that were closed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakSet

from tfstore.disk.fork import lock
from tfstore.disk.parked import bound

if TYPE_CHECKING:
    from pathlib import Path


class Parkable(Protocol):
    """A segment, as far as it holds a descriptor that others may need."""

    @property
    def last_use(self) -> int:
        """More for whatever was used later."""
        ...

    def is_open(self, pid: int) -> bool:
        """Whether it has a descriptor of this process."""
        ...

    def park(self) -> None:
        """Do without the descriptor."""


_OPENED: Final[WeakSet[Parkable]] = WeakSet()
_OPENED_LOCK: Final = lock()
"""Held by who adds to them, or looks at all: a set that grows meanwhile cannot be gone through."""

_CLOSED: Final[dict[Path, dict[str, int]]] = {}


def opened(segment: Parkable) -> None:
    """Count one among those that may be open, and make room for it."""
    with _OPENED_LOCK:
        _OPENED.add(segment)
    make_room(segment)


def make_room(new: Parkable) -> None:
    """Park the segments used least, if there are too many open ones now."""
    pid = os.getpid()
    try:
        with _OPENED_LOCK:
            segments = list(_OPENED)
    except RuntimeError:
        # The garbage collector opened another one in the middle of this, and that one made room.
        return
    others = [each for each in segments if each is not new and each.is_open(pid)]
    too_many = len(others) + 1 - bound()
    if too_many > 0:
        for each in sorted(others, key=lambda each: each.last_use)[:too_many]:
            each.park()


def closed(folder: Path, writer: str, seq: int) -> None:
    """Note how far a segment went that this process has written to a session's folder, and closed."""
    _CLOSED.setdefault(folder, {})[writer] = seq


def closed_segments(folder: Path) -> dict[str, int]:
    """Return the last ``seq`` of each segment that this process has written to a session's folder, and closed.

    What a journal has less than this was written, and is lost.
    """
    return dict(_CLOSED.get(folder, ()))


def forget_closed(folder: Path) -> None:
    """Hold no longer what this process has written to a session: it was looked through."""
    _CLOSED.pop(folder, None)
