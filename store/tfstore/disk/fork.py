"""What begins anew in a forked child: locks that another thread may have held, threads that are gone."""

from __future__ import annotations

import os
from threading import RLock
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something with a state that a fork breaks."""

    def _forked(self) -> None: ...


_FORKABLE: WeakSet[Forkable] = WeakSet()


def renew_after_fork(thing: Forkable) -> None:
    """Call ``thing._forked()`` in every child that is forked while it lives."""
    _FORKABLE.add(thing)


class lock:  # noqa: N801 - a word like `threading.RLock`, which is one too
    """A reentrant lock that is free in a forked child, whoever held it when the process forked.

    Reentrant, since the garbage collector may finish an abandoned stream at any allocation.

    Example:
        >>> held = lock()
        >>> with held, held:
        ...     pass
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._forked()
        renew_after_fork(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc_info: object) -> None:
        try:  # noqa: SIM105 - `suppress` takes longer than the rest of this
            self._lock.release()
        except RuntimeError:
            # Forked inside the block: the child's lock is another one, and nobody has it.
            pass

    def _forked(self) -> None:
        self._lock = RLock()


def _in_child() -> None:
    for thing in list(_FORKABLE):
        thing._forked()  # noqa: SLF001 - the protocol of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
