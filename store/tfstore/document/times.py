"""Journal times (microseconds since the epoch) as documents write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AGO: Final = re.compile(r"(\d{1,6})([mhdw])", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(int):
    """A journal time that also knows where it stands on a clock that never jumps, in microseconds.

    It is the time of day wherever a number is wanted; durations are told by ``steady``.

    Example:
        >>> one, other = Moment(5_000_000), Moment(1_000_000)
        >>> one.steady, other.steady = 5_000_000, 5_030_000
        >>> milliseconds(one, other), later(one, other) is other
        (30, True)
    """

    steady: int


def later(one: int, other: int) -> int:
    """Return which of two times comes after the other, whatever the clock on the wall said."""
    return other if getattr(other, "steady", other) > getattr(one, "steady", one) else one


@lru_cache(maxsize=256)
def iso(at: int) -> str:
    """Return microseconds since the epoch as ISO-8601 UTC with milliseconds.

    Example:
        >>> iso(1_788_379_895_442_999)
        '2026-09-02T20:11:35.442Z'
    """
    seconds, microseconds = divmod(at, 1_000_000)
    return f"{_second(seconds)}.{microseconds // 1000:03d}Z"


def iso_exactly(at: int) -> str:
    """Return microseconds since the epoch as ISO-8601 UTC with all of them.

    Example:
        >>> iso_exactly(1_788_379_895_442_999)
        '2026-09-02T20:11:35.442999Z'
    """
    seconds, microseconds = divmod(at, 1_000_000)
    return f"{_second(seconds)}.{microseconds:06d}Z"


def from_iso(text: str) -> int:
    """Return a moment as microseconds since the epoch; text without a zone is UTC.

    Raises:
        ValueError: it is no moment.

    Example:
        >>> from_iso("2026-09-02T20:11:35.442999Z")
        1788379895442999
    """
    moment = datetime.fromisoformat(text)
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return since // timedelta(microseconds=1)


def since(typed: str, now: datetime) -> datetime:
    """Return the moment that ``30m``, ``2h``, ``3d``, ``1w`` or a date means; without a zone it is UTC.

    Raises:
        ValueError: it means none.

    Example:
        >>> since("2h", datetime(2026, 9, 2, 12, tzinfo=UTC)).hour, since("2026-09-02", datetime.now(UTC)).month
        (10, 9)
    """
    ago = _AGO.fullmatch(typed)
    try:
        moment = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else datetime.fromisoformat(typed)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{typed} is before all time") from error


def moment_text(given: datetime | str) -> str:
    """Return a moment as it stands in documents; text without a zone is UTC.

    Raises:
        ValueError: it is no moment.

    Example:
        >>> moment_text("2026-09-02T22:11+02:00")
        '2026-09-02T20:11:00.000Z'
    """
    moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"


def milliseconds(start: int, end: int) -> int:
    """Return whole milliseconds between two times, never negative: of two processes the clocks may differ."""
    return elapsed(start, end) // 1000


def elapsed(start: int, end: int) -> int:
    """Return the microseconds between two times, never negative."""
    return max(0, getattr(end, "steady", end) - getattr(start, "steady", start))
