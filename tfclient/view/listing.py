"""The list of sessions: searched and filtered, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, frozen

from tfstore.index.wanted import Wanted as Sessions
from tfstore.reading.session_words import row_words

if TYPE_CHECKING:
    from tfstore.store import Store

PAGE: Final = 100
LARGEST_PAGE: Final = 500
NAMES: Final = 200
"""Tools and models offered as filters at most, the most frequent ones."""

_AGO = re.compile(r"(\d{1,6})([mhdw])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class BadFilter(ValueError):
    """A filter or an order that says nothing."""


@frozen
class Wanted:
    """What to list: words looked for, and filters that must all hold.

    ``q`` is looked for in title, id, tools, models, answer and metadata.
    ``result`` is ``failed``, ``completed``, ``cancelled``, ``active``, or ``errors`` (anything that went wrong,
    also in sessions that got over it). ``sort`` is ``tokens`` or ``time``: those that took the most come first.
    """

    q: str = ""
    result: str = ""
    tool: str = ""
    model: str = ""
    since: str = ""
    sort: str = ""


class Listing:
    """The sessions of a store, as the page lists them."""

    def __init__(self, store: Store, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Nothing is read yet."""
        self._store = store
        self._now = now

    def page(self, wanted: Wanted, offset: int = 0, limit: int = PAGE) -> dict[str, Any]:
        """Return a page of the rows, the latest session first, with the count of all that match.

        Raises:
            BadFilter: ``since`` is no time, or ``sort`` no order.
        """
        if wanted.sort not in {"", "tokens", "time"}:
            raise BadFilter(f"{wanted.sort!r} is no order: sessions are sorted by tokens or time.")
        sessions = Sessions(
            status="active" if wanted.result == "active" else None,
            result=None if wanted.result in {"", "active", "errors"} else wanted.result,
            since=self._since(wanted.since),
            tool=wanted.tool,
            model=wanted.model,
            words=tuple(wanted.q.split()),
            wrong=wanted.result == "errors",
            sort=wanted.sort,
        )
        offset, limit = max(0, offset), max(1, min(limit, LARGEST_PAGE))
        page = self._store.index.page(sessions, limit, offset)
        return {
            "rows": [{**asdict(row), "words": row_words(row, self._now())} for row in page.rows],
            "total": page.total,
            "all": page.all,
            "offset": offset,
            "version": page.version,
            "trouble": list(self._store.skipped.values())[:5],
        }

    def names(self) -> dict[str, Any]:
        """Return the tools and models there are, the most frequent first, with the sessions of each."""
        return {f"{kind}s": self._store.index.names(kind, NAMES) for kind in ("tool", "model")}

    def _since(self, since: str) -> str:
        if not since:
            return ""
        ago = _AGO.fullmatch(since)
        try:
            past = timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else None
            moment = self._now() - past if past is not None else datetime.fromisoformat(since)
        except (ValueError, OverflowError):
            raise BadFilter(f"{since!r} is no time: use 30m, 2h, 7d, 4w or 2026-09-02T10:00.") from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
