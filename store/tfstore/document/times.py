"""Journal times (microseconds since the epoch) as documents write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=256)
def iso(at: int) -> str:
    """Return microseconds since the epoch as ISO-8601 UTC with milliseconds.

    Example:
        >>> iso(1_788_379_895_442_999)
        '2026-09-02T20:11:35.442Z'
    """
    seconds, microseconds = divmod(at, 1_000_000)
    return f"{_second(seconds)}.{microseconds // 1000:03d}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"


def milliseconds(start: int, end: int) -> int:
    """Return whole milliseconds between two times, never negative: clocks jump."""
    return max(0, (end - start) // 1000)
