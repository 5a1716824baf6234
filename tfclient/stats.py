"""What a recorder did, in numbers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stats:
    """A recorder's work so far.

    ``calls`` are logical calls, ``entries`` and ``bytes`` what was written to journals, ``lost`` entries that
    could not be; ``write_median_us`` and ``write_p99_us`` how long the last writes took, in microseconds;
    ``backlog`` the entries that wait for a slow disk; ``faults`` everything that went wrong; ``drift`` the
    responses that were recorded and were missing in the documents of sessions when they ended, which must be 0.
    """

    calls: int
    entries: int
    bytes: int
    lost: int
    write_median_us: float
    write_p99_us: float
    backlog: int
    faults: int
    drift: int


class Counters:
    """Counts while recording; losing one to a race is no matter.

    ``latest`` has how long the last writes took, in seconds.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.entries = 0
        self.lost = 0
        self.closed_bytes = 0
        self.drift = 0
        self.latest: deque[float] = deque(maxlen=2048)

    def percentile(self, share: float) -> float:
        """Return how many microseconds the given share of the last writes took at most."""
        latest = sorted(self.latest)
        if not latest:
            return 0.0
        return round(latest[min(len(latest) - 1, int(share * len(latest)))] * 1e6, 1)
