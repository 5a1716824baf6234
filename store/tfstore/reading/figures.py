"""Numbers as words: durations, tokens, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfstore.document.documents import Usage

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
TENTHS_BELOW_MS = 100 * SECOND_MS


def duration(milliseconds: int) -> str:
    """Return a duration as a person says it.

    Example:
        >>> duration(840), duration(10_600), duration(383_100), duration(7_380_000)
        ('840 ms', '10.6 s', '6 min 23 s', '2 h 3 min')
    """
    if milliseconds < SECOND_MS:
        return f"{milliseconds} ms"
    if milliseconds < TENTHS_BELOW_MS:
        return f"{milliseconds / SECOND_MS:.1f} s"
    if milliseconds < HOUR_MS:
        return f"{milliseconds // MINUTE_MS} min {milliseconds % MINUTE_MS // SECOND_MS} s"
    return f"{milliseconds // HOUR_MS} h {milliseconds % HOUR_MS // MINUTE_MS} min"


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
    return " · ".join(part for part in parts if part)


def minute(moment: str) -> str:
    """Return an ISO-8601 moment to the minute.

    Example:
        >>> minute("2026-09-02T09:14:02.118Z")
        '2026-09-02 09:14 UTC'
    """
    day, _, time = moment.partition("T")
    return f"{day} {time[:5]} UTC" if time else moment
