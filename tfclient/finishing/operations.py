"""What this process met with while it recorded into a store, written down for ``tfclient metrics``.

Nothing is told by those who record: the counts of their health are looked at by the thread that writes documents, when
the files of a session that ended are there, and from time to time while one goes on.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from tfstore.disk.fork import lock, renew_after_fork

if TYPE_CHECKING:
    from tfclient.health import Health
    from tfstore.disk.paths import StorePaths

SELDOM: Final = 10.0
"""Seconds between two lines of a session that goes on."""


class Keeper:
    """What is to be written down of one store, by one process."""

    def __init__(self, paths: StorePaths) -> None:
        """Nothing is read or written yet."""
        self._paths = paths
        self._lock = lock()
        self._watched: WeakKeyDictionary[Health, Counter[str]] = WeakKeyDictionary()
        """How many faults of each kind are written down already."""
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        # What a parent has not written down yet is its own.
        self._ingested: list[float] = []
        self._saved_at = 0.0
        for health in list(self._watched):
            self._watched[health] = Counter(health.by_kind)

    def watch(self, health: Health) -> None:
        """Have the faults of a recorder written down, those that it has met with already too."""
        # Without the lock: somebody's first call waits here.
        self._watched.setdefault(health, Counter())

    def ingested(self, seconds: float) -> None:
        """Note how long a session's files took, from its end on."""
        self._ingested.append(seconds)

    def save(self, *, soon: bool = True) -> None:
        """Write down what is new; what cannot be written waits for the next time.

        Args:
            soon: now, and not only if the last time is a while ago.
        """
        if not soon and monotonic() - self._saved_at < SELDOM:
            return
        self._saved_at = monotonic()
        # A disk that is full is told by those whose work it is to write there.
        with contextlib.suppress(Exception), self._lock:
            self._save()

    def _save(self) -> None:
        from tfstore.disk.operations import Operations, add_operations

        new = Operations()
        counted = {health: Counter(health.by_kind) for health in list(self._watched)}
        for health, faults in counted.items():
            new.faults.update(faults - self._watched[health])
        some = list(self._ingested)
        for seconds in some:
            new.ingestion.add(seconds)
        if new and add_operations(self._paths, new):
            self._watched.update(counted)
            del self._ingested[: len(some)]
