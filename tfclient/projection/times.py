"""Journal times (microseconds since the epoch) as documents write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(at: int) -> str:
    """Return microseconds since the epoch as ISO-8601 UTC with milliseconds.

    Example:
        >>> iso(1_788_379_895_442_999)
        '2026-09-02T20:11:35.442Z'
    """
    moment = _EPOCH + timedelta(microseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def milliseconds(start: int, end: int) -> int:
    """Return whole milliseconds between two times, never negative: clocks jump."""
    return max(0, (end - start) // 1000)
