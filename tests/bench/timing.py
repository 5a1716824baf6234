"""Two things measured by turns, so that what the machine does meanwhile meets both alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence

import attrs


@attrs.frozen
class Pair:
    """What two things took, in microseconds, run for run.

    Attributes:
        plain: CPU of the calling thread without recording.
        traced: The same with it.
        plain_wall: Time as a clock on the wall has it.
        traced_wall: The same with recording.
    """

    plain: Sequence[float]
    traced: Sequence[float]
    plain_wall: Sequence[float]
    traced_wall: Sequence[float]

    @property
    def added(self) -> float:
        """The median of what recording added to a run, in CPU of the calling thread."""
        return statistics.median(t - p for p, t in zip(self.plain, self.traced, strict=True))

    @property
    def added_wall(self) -> float:
        """The median of what recording added to a run, on the wall; the machine's other work is in it."""
        return statistics.median(t - p for p, t in zip(self.plain_wall, self.traced_wall, strict=True))

    @property
    def share(self) -> float:
        """What recording added, as a share of what the run took without."""
        return self.added / statistics.median(self.plain)


def by_turns(plain: Callable[[], object], traced: Callable[[], object], times: int, warm: int = 20) -> Pair:
    """Run both alternately; which goes first changes from turn to turn."""
    for _ in range(warm):
        plain()
        traced()
    taken: tuple[list[float], list[float]] = ([], [])
    walls: tuple[list[float], list[float]] = ([], [])
    works = (plain, traced)
    gc.collect()
    gc.disable()
    try:
        for turn in range(times):
            for which in (0, 1) if turn % 2 else (1, 0):
                wall = time.perf_counter_ns()
                cpu = time.thread_time_ns()
                works[which]()
                taken[which].append((time.thread_time_ns() - cpu) / 1000)
                walls[which].append((time.perf_counter_ns() - wall) / 1000)
            if turn % 50 == 0:
                gc.collect()
    finally:
        gc.enable()
    return Pair(*taken, *walls)


def median_cpu(work: Callable[[], object], times: int) -> float:
    """Give the median CPU microseconds of some work in this thread."""
    taken: list[float] = []
    for _ in range(times):
        began = time.thread_time_ns()
        work()
        taken.append((time.thread_time_ns() - began) / 1000)
    return statistics.median(taken)
