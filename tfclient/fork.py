"""What must begin anew in a forked child: locks that another thread may have held, threads that are gone."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something with a state that a fork breaks."""

    def _forked(self) -> None: ...


_FORKABLE: WeakSet[Forkable] = WeakSet()


def renew_after_fork(thing: Forkable) -> None:
    """Call ``thing._forked()`` in every child that is forked while it lives."""
    _FORKABLE.add(thing)


def _in_child() -> None:
    for thing in list(_FORKABLE):
        thing._forked()  # noqa: SLF001 - the protocol of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
