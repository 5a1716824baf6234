"""Numbers in the few columns that a terminal has: durations, counts, sizes, ages."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_AGES = ((365 * _DAY, "y"), (30 * _DAY, "mo"), (_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m"))


def present() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def short_duration(milliseconds: int | None) -> str:
    """Return a duration in at most seven columns; nothing when it is not known.

    Example:
        >>> [short_duration(ms) for ms in (840, 10_600, 383_100, 7_380_000, 14_435_163_319)]
        ['840 ms', '10.6 s', '6m23s', '2h03m', '167d']
    """
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 100_000:
        return f"{milliseconds / 1000:.1f} s"
    seconds = milliseconds // 1000
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m{seconds % _MINUTE:02}s"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR}h{seconds % _HOUR // _MINUTE:02}m"
    return f"{seconds // _DAY:,}d"


def short_count(number: int) -> str:
    """Return a count in at most six columns.

    Example:
        >>> short_count(8063), short_count(12_345), short_count(3_400_000)
        ('8,063', '12.3k', '3.4M')
    """
    for unit, name in ((1_000_000_000, "G"), (1_000_000, "M")):
        if number >= unit:
            return f"{number / unit:.1f}{name}"
    return f"{number / 1000:.1f}k" if number >= 10_000 else f"{number:,}"


def size(number: int) -> str:
    """Return a number of bytes.

    Example:
        >>> size(312), size(1_240), size(5_300_000)
        ('312 B', '1.2 kB', '5.3 MB')
    """
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")):
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return f"{number} B"


def age(moment: str | None, now: datetime) -> str:
    """Return how long ago an ISO-8601 moment was.

    Example:
        >>> age("2026-09-02T09:14:00.000Z", datetime(2026, 9, 2, 12, 30, tzinfo=UTC))
        '3h'
    """
    try:
        then = datetime.fromisoformat(moment or "")
    except ValueError:
        return ""
    seconds = (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()
    for unit, name in _AGES:
        if seconds >= unit:
            return f"{int(seconds // unit)}{name}"
    return f"{max(0, int(seconds))}s"
