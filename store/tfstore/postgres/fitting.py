"""What PostgreSQL cannot hold, made such that it can: NUL, halves of surrogate pairs, great numbers, odd times."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

from attrs import define, field

UNDATED: Final = date(1, 1, 1)
"""The month of sessions whose beginning is not known, or lies in the future."""

PINNED: Final = date(4000, 1, 1)
"""The month of sessions that are kept whatever is pruned."""

_LARGEST: Final = 2**63 - 1
_UNFIT: Final = re.compile("[\0\ud800-\udfff]")


@define
class Fitting:
    """Makes values fit, and keeps what was left out for it, by its name."""

    left_out: set[str] = field(factory=set[str])

    def text(self, value: Any) -> str | None:
        """Return a text as a database can hold it."""
        return None if value is None else fit(value if isinstance(value, str) else str(value))

    def number(self, name: str, value: Any) -> int | None:
        """Return a whole number of 64 bits; nothing for a greater one."""
        if value is None:
            return None
        if not isinstance(value, int) or not -_LARGEST <= value <= _LARGEST:
            self.left_out.add(name)
            return None
        return int(value)

    def moment(self, name: str, value: Any) -> datetime | None:
        """Return a time; nothing for what is none."""
        if value is None:
            return None
        try:
            found = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            self.left_out.add(name)
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def json(self, name: str, value: Any) -> str | None:
        """Return JSON text; nothing for what is nested too deeply to be one."""
        try:
            text = json.dumps(_fit_json(value), ensure_ascii=False, allow_nan=False, default=str)
        except (ValueError, RecursionError, TypeError):
            self.left_out.add(name)
            return None
        return text


def fit(text: str) -> str:
    r"""Return a text with U+FFFD for each character that a database cannot hold.

    Example:
        >>> fit("a\0b\ud800") == "a\ufffdb\ufffd"
        True
    """
    return _UNFIT.sub("\ufffd", text)


def fits(texts: Iterable[str]) -> list[str]:
    """Return texts, each as ``fit`` has it and once, sorted."""
    return sorted({fit(each) for each in texts})


def month_of(began: str | None, now: datetime) -> date:
    """Return the first day of the month in which a session began; the month after this one is the last.

    Example:
        >>> month_of("2026-09-02T09:14:00.000Z", datetime(2026, 10, 1, tzinfo=UTC))
        datetime.date(2026, 9, 1)
    """
    found = Fitting().moment("", began)
    if found is None:
        return UNDATED
    try:
        month = found.astimezone(UTC).date().replace(day=1)
    except OverflowError:
        return UNDATED
    return month if month <= next_month(now.date()) else UNDATED


def next_month(day: date) -> date:
    """Return the first day of the month after a day's."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _fit_json(value: Any) -> Any:
    if isinstance(value, str):
        return fit(value)
    if isinstance(value, list):
        return [_fit_json(each) for each in value]
    if isinstance(value, dict):
        return {fit(str(name)): _fit_json(each) for name, each in value.items()}
    if isinstance(value, float) and value - value != 0:
        # NaN and infinities are no JSON: as documents that were marked have them.
        return str(value)
    return value
