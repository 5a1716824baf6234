"""What a fork breaks begins anew in the child; what it must not strike is done while no fork happens.

Locks that another thread may have held and threads that are gone are begun anew. A module that another thread was
importing would stay half of one in the child for ever, and its lock taken; so would the locks inside of SQLite. Forks
wait for imports made under ``importing``, and for whatever else is done under a lock of ``waited_for``. At the end of
the interpreter all other threads stop where they are, whatever they hold: from then on no lock of ours is waited for,
and no thread is started.
"""

from __future__ import annotations

import os
import threading
from sys import is_finalizing
from threading import RLock
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE: Final = 5.0
"""Seconds that a fork waits for a lock at most: its thread may itself hold what that lock's holder needs."""


class Forkable(Protocol):
    """Something with a state that a fork breaks."""

    def _forked(self) -> None: ...


_FORKABLE: WeakSet[Forkable] = WeakSet()


def renew_after_fork(thing: Forkable) -> None:
    """Call ``thing._forked()`` in every child that is forked while it lives."""
    _FORKABLE.add(thing)


class lock:  # noqa: N801 - a word like `threading.RLock`, which is one too
    """A reentrant lock that is free in a forked child, and that nobody waits for when the interpreter goes down.

    Reentrant, since the garbage collector may finish an abandoned stream at any allocation.

    Example:
        >>> held = lock()
        >>> with held, held:
        ...     pass
    """

    __slots__ = ("__weakref__", "_lock", "acquire", "release")

    acquire: Callable[..., bool]
    release: Callable[[], None]
    """As of ``RLock``, for where each call counts; what a fork may come between goes by the block."""

    def __init__(self) -> None:
        self._forked()
        renew_after_fork(self)

    def __enter__(self) -> None:
        # Whoever has it then never runs again, and nobody else does: there is nothing to be kept apart.
        self.acquire(not is_finalizing())

    def try_to_take(self) -> bool:
        """Take it, if nobody else has it; say whether that is so."""
        return self._lock.acquire(blocking=False)

    def __exit__(self, *exc_info: object) -> None:
        try:  # noqa: SIM105 - `suppress` takes longer than the rest of this
            self.release()
        except RuntimeError:
            # Forked inside the block: the child's lock is another one, and nobody has it. Or it was not waited for.
            pass

    def _forked(self) -> None:
        self._lock = RLock()
        self.acquire, self.release = self._lock.acquire, self._lock.release


_WAITED_FOR: Final[list[lock]] = []


def waited_for() -> lock:
    """Return a lock that this process does not fork under, unless it is held for very long."""
    found = lock()
    _WAITED_FOR.append(found)
    return found


importing: Final = waited_for()
"""Held while modules are imported that a program may fork meanwhile."""


def import_hooks() -> None:
    """Import what registers hooks of its own for forks, before there is a thread that could fork meanwhile.

    A fork that waits until such a module is there would run only those of its hooks that come after.
    """
    with importing:
        import filelock  # noqa: F401 - its hooks


def start_thread(work: Callable[[], object], name: str) -> threading.Thread | None:
    """Start a daemon thread; None where none can be had: too many, or the interpreter is going down."""
    if is_finalizing():
        # Starting would wait, for ever, for a thread that never runs.
        return None

    def run(is_finalizing: Callable[[], bool] = is_finalizing) -> None:
        try:
            work()
        except BaseException:
            # Modules go before threads do: what it met then is nobody's fault.
            if not is_finalizing():
                raise

    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread


def _before() -> None:
    for each in _WAITED_FOR:
        each._lock.acquire(timeout=PATIENCE)  # noqa: SLF001 - a lock of this module


def _in_parent() -> None:
    for each in _WAITED_FOR:
        each.__exit__()


def _in_child() -> None:
    for thing in list(_FORKABLE):
        thing._forked()  # noqa: SLF001 - the protocol of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
