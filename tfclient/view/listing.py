"""The list of sessions: searched and filtered, a page at a time."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, fields, frozen

from tfstore.document import times
from tfstore.errors import InvalidNote, StoreError, StoreUnusable
from tfstore.index.wanted import Wanted as Sessions
from tfstore.reading.calls.costs import cost_of_session
from tfstore.reading.figures import joined
from tfstore.reading.noted import Marks
from tfstore.reading.session_words import row_words

if TYPE_CHECKING:
    from collections.abc import Collection

    from tfstore.document.notes import Note
    from tfstore.index.rows import SessionRow
    from tfstore.index.wanted import Page
    from tfstore.protocols import Reading
    from tfstore.reading.calls.costs import Price

PAGE: Final = 100
LARGEST_PAGE: Final = 500
NAMES: Final = 200
"""Tools and models offered as filters at most, the most frequent ones."""


COSTS_KEPT: Final = 2_000
"""Sessions whose costs are not reckoned again, while their documents stay as they are."""


class BadFilter(ValueError):
    """A filter or an order that says nothing."""


@frozen
class Wanted:
    """What to list: words looked for, and filters that must all hold.

    ``q`` is looked for in title, id, tools, models, answer and metadata.
    ``result`` is ``failed``, ``completed``, ``cancelled``, ``active``, or ``errors`` (anything that went wrong,
    also in sessions that got over it). ``sort`` is ``tokens`` or ``time``: those that took the most come first.
    ``noted`` is ``yes`` for sessions that something was noted on, ``tag`` and ``score`` what such a note has: a tag, a
    score within a bound such as ``<0.5``.
    """

    q: str = ""
    result: str = ""
    tool: str = ""
    model: str = ""
    since: str = ""
    sort: str = ""
    noted: str = ""
    tag: str = ""
    score: str = ""


FILTERS: Final = tuple(each.name for each in fields(Wanted))


class Listing:
    """The sessions of a store, as the page lists them."""

    def __init__(
        self,
        store: Reading,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        price: Price | None = None,
    ) -> None:
        """Nothing is read yet; ``price`` tells what calls cost, if that is to be shown."""
        self._store = store
        self._now = now
        self._price = price
        self._costs: OrderedDict[str, tuple[str, dict[str, str]]] = OrderedDict()

    def page(self, wanted: Wanted, offset: int = 0, limit: int = PAGE) -> dict[str, Any]:
        """Return a page of the rows, the latest session first, with the count of all that match.

        Raises:
            BadFilter: ``since`` is no time, ``sort`` no order, or ``score`` no bound.
        """
        page, offset = self._page(wanted, offset, limit)
        return {
            "rows": self._rows(page.rows),
            "total": page.total,
            "all": page.all,
            "offset": offset,
            "version": page.version,
            "trouble": list(self._store.skipped.values())[:5],
        }

    def costs(self, wanted: Wanted, offset: int = 0, limit: int = PAGE) -> dict[str, dict[str, str]]:
        """Return what the sessions of a page cost, by their ids, in ``words``; and ``told`` of how many calls.

        It takes longer than the page: prices go by the call, so that documents are read for it. Those that cannot be
        read are left out.

        Raises:
            BadFilter: as from ``page``.
        """
        price, found = self._price, dict[str, dict[str, str]]()
        if price is None:
            return found
        for row in self._page(wanted, offset, limit)[0].rows:
            with suppress(StoreError):
                found[row.session_id] = self._cost(row.session_id, price)
        return found

    def _cost(self, session_id: str, price: Price) -> dict[str, str]:
        # Before reading: a document replaced in between is read again.
        stamp = self._store.changed_at(session_id)
        kept = self._costs.get(session_id)
        if kept is None or kept[0] != stamp:
            cost = cost_of_session(self._store.get(session_id), price)
            kept = stamp, {"words": cost.short, "told": cost.told}
        self._costs[session_id] = kept
        self._costs.move_to_end(session_id)
        while len(self._costs) > COSTS_KEPT:
            self._costs.popitem(last=False)
        return kept[1]

    def _page(self, wanted: Wanted, offset: int, limit: int) -> tuple[Page, int]:
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
            ids=self._noted(wanted),
            sort=wanted.sort,
        )
        offset, limit = max(0, offset), max(1, min(limit, LARGEST_PAGE))
        return self._store.page(sessions, limit, offset), offset

    def names(self) -> dict[str, Any]:
        """Return the tools, models and tags there are, the most frequent first, with the sessions of each.

        ``noted`` are the sessions that something was noted on.
        """
        names: dict[str, Any] = {f"{kind}s": self._store.names(kind, NAMES) for kind in ("tool", "model")}
        noted = self._store.noted()
        tags = Counter(
            tag for notes in noted.values() for tag in {tag for each in notes for tag in each.tags}
        )
        most = sorted(tags.items(), key=lambda each: (-each[1], each[0]))[:NAMES]
        return names | {"tags": most, "noted": len(noted)}

    def _rows(self, rows: list[SessionRow]) -> list[dict[str, Any]]:
        there = set(self._store.noting.ids())
        pins: Collection[str] = ()
        with suppress(StoreUnusable):
            pins = self._store.pins()
        told: list[dict[str, Any]] = []
        for row in rows:
            notes: list[Note] = []
            if row.session_id in there:
                # What cannot be read is told where the session is shown.
                with suppress(StoreUnusable):
                    notes = self._store.noting.read(row.session_id).notes
            words = {
                **row_words(row, self._now()),
                "notes": joined("pinned" if row.session_id in pins else "", Marks.of(notes).words),
            }
            told.append({**asdict(row), "words": words})
        return told

    def _noted(self, wanted: Wanted) -> tuple[str, ...] | None:
        """Return the sessions that were noted on so; None where any may be."""
        if not (wanted.noted or wanted.tag or wanted.score.strip()):
            return None
        tags = [wanted.tag] if wanted.tag else []
        try:
            return tuple(self._store.noted(tags=tags, score=wanted.score.strip() or None))
        except InvalidNote as error:
            raise BadFilter(str(error)) from None

    def _since(self, since: str) -> str:
        if not since:
            return ""
        try:
            moment = times.since(since, self._now())
        except ValueError:
            raise BadFilter(f"{since!r} is no time: use 30m, 2h, 7d, 4w or 2026-09-02T10:00.") from None
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
