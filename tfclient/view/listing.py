"""The list of sessions: rows of the catalog kept in memory, searched and filtered, a page at a time."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, frozen

from tfstore.reading.session_words import row_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tfstore.index.catalog import Catalog, CatalogRow

PAGE: Final = 100
LARGEST_PAGE: Final = 500
NAMES: Final = 200
"""Tools and models offered as filters at most, the most frequent ones."""

_AGO = re.compile(r"(\d{1,6})([mhdw])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class BadFilter(ValueError):
    """A filter that says nothing."""


@frozen
class Wanted:
    """What to list: words looked for in title, id, tools and models, and filters that must all hold.

    ``result`` is ``failed``, ``completed``, ``cancelled``, ``active``, or ``errors`` (anything that went wrong,
    also in sessions that got over it).
    """

    q: str = ""
    result: str = ""
    tool: str = ""
    model: str = ""
    since: str = ""


class Listing:
    """The catalog's rows, of which only the pieces that changed are read again.

    A piece of the catalog is replaced whole when it changes, so its file's time and size tell.
    """

    def __init__(self, catalog: Catalog, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Nothing is read yet."""
        self._catalog = catalog
        self._now = now
        self._pieces: dict[Path, tuple[tuple[int, int, int], list[CatalogRow]]] = {}
        self._rows: list[CatalogRow] = []
        self._texts: list[str] = []
        self._version = 0
        self._lock = threading.Lock()

    def page(self, wanted: Wanted, offset: int = 0, limit: int = PAGE) -> dict[str, Any]:
        """Return a page of the rows, the latest session first, with the count of all that match.

        Raises:
            BadFilter: ``since`` is no time.
        """
        start = self._since(wanted.since)
        words = wanted.q.casefold().split()
        with self._lock:
            self._update()
            found = [
                row
                for row, text in zip(self._rows, self._texts, strict=True)
                if _holds(row, wanted, start) and all(word in text for word in words)
            ]
            rows = found[max(0, offset) : max(0, offset) + max(1, min(limit, LARGEST_PAGE))]
            return {
                "rows": [{**asdict(row), "words": row_words(row, self._now())} for row in rows],
                "total": len(found),
                "all": len(self._rows),
                "offset": max(0, offset),
                "version": self._version,
                "trouble": [f"{path}: {reason}" for path, reason in self._catalog.trouble.items()][:5],
            }

    def names(self) -> dict[str, Any]:
        """Return the tools and models there are, the most frequent first, with the sessions of each."""
        with self._lock:
            self._update()
            tools = Counter(name for row in self._rows for name in row.tools)
            models = Counter(name for row in self._rows for name in row.models)
        return {"tools": tools.most_common(NAMES), "models": models.most_common(NAMES)}

    def _update(self) -> None:
        pieces: dict[Path, tuple[tuple[int, int, int], list[CatalogRow]]] = {}
        changed = False
        for _, path in self._catalog.pieces():
            try:
                status = path.stat()
            except OSError:
                continue
            stamp = status.st_mtime_ns, status.st_size, status.st_ino
            known = self._pieces.get(path)
            if known is None or known[0] != stamp:
                known = stamp, self._catalog.read(path)
                changed = True
            pieces[path] = known
        if changed or pieces.keys() != self._pieces.keys():
            # A piece that was just divided may be read in both its forms: the later reading counts.
            rows = {row.session_id: row for _, some in pieces.values() for row in some}
            self._rows = sorted(
                rows.values(), key=lambda row: (row.started_at or "", row.session_id), reverse=True
            )
            self._texts = [_text(row) for row in self._rows]
            self._version += 1
        self._pieces = pieces

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


def _holds(row: CatalogRow, wanted: Wanted, start: str) -> bool:
    return (
        _result(row, wanted.result)
        and (not wanted.tool or wanted.tool in row.tools)
        and (not wanted.model or wanted.model in row.models)
        and (not start or (row.started_at or "") >= start)
    )


def _result(row: CatalogRow, result: str) -> bool:
    if not result:
        return True
    if result == "active":
        return row.status == "active"
    if result == "errors":
        return row.result == "failed" or row.errors > 0 or row.tool_errors > 0
    return row.result == result


def _text(row: CatalogRow) -> str:
    return "\n".join((row.title, row.session_id, *row.tools, *row.models)).casefold()
