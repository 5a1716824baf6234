"""Figures as words: durations, tokens, counts, sizes, ages, statuses."""

from __future__ import annotations

from datetime import UTC, datetime

from tfstore.document.documents import Usage

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
TENTHS_BELOW_MS = 100 * SECOND_MS
DAYS_FROM_MS = 2 * DAY_MS

_DAY = 24 * 60 * 60
_AGES = ((365 * _DAY, "y"), (30 * _DAY, "mo"), (_DAY, "d"), (60 * 60, "h"), (60, "m"))


def duration(milliseconds: int | None) -> str:
    """Return a duration as a person says it; nothing when it is not known.

    Example:
        >>> duration(840), duration(10_600), duration(383_100), duration(7_380_000), duration(14_435_163_319)
        ('840 ms', '10.6 s', '6 min 23 s', '2 h 3 min', '167 days')
    """
    if milliseconds is None:
        return ""
    if milliseconds < SECOND_MS:
        return f"{milliseconds} ms"
    if milliseconds < TENTHS_BELOW_MS:
        return f"{milliseconds / SECOND_MS:.1f} s"
    if milliseconds < HOUR_MS:
        return f"{milliseconds // MINUTE_MS} min {milliseconds % MINUTE_MS // SECOND_MS} s"
    if milliseconds < DAYS_FROM_MS:
        return f"{milliseconds // HOUR_MS} h {milliseconds % HOUR_MS // MINUTE_MS} min"
    return f"{milliseconds // DAY_MS:,} days"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "tool call"), counted(2_153, "step")
        ('1 tool call', '2,153 steps')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def tokens(total: int) -> str:
    """Return a sum of tokens.

    Example:
        >>> tokens(1681)
        '1,681 tok'
    """
    return f"{total:,} tok"


def traffic(usage: Usage) -> str:
    """Return one call's tokens, in and out.

    Example:
        >>> from tfstore.document.documents import Usage
        >>> traffic(Usage(input_tokens=1290, output_tokens=44))
        '1,290 in / 44 out tok'
    """
    return f"{usage.input_tokens:,} in / {usage.output_tokens:,} out tok"


def joined(*parts: str | None) -> str:
    """Return the parts that say something, with middle dots between them.

    Example:
        >>> joined("Run 4", "", "FAILED", None)
        'Run 4 · FAILED'
    """
    return " · ".join(filter(None, parts))


def minute(moment: str) -> str:
    """Return an ISO-8601 moment to the minute.

    Example:
        >>> minute("2026-09-02T09:14:02.118Z")
        '2026-09-02 09:14 UTC'
    """
    day, _, time = moment.partition("T")
    return f"{day} {time[:5]} UTC" if time else moment


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


def status_word(status: str) -> str:
    """Return a status in capitals; what went well is not said."""
    return "" if status == "completed" else status.replace("_", " ").upper()
