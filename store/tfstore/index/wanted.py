"""Which sessions are to be listed, in which order, and some of them with how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from tfstore.document.json_text import compact
from tfstore.index.rows import meta_name, plain

if TYPE_CHECKING:
    from tfstore.index.rows import SessionRow

_ORDERS: Final = {"": "", "tokens": "tokens DESC, ", "time": "took DESC, "}


@frozen
class Wanted:
    """Which sessions to list: all that is given must hold.

    ``since`` is the earliest moment, as in documents; ``words`` are looked for in title, id, tools, models, answer and
    metadata, in any case; ``wrong`` is anything that went wrong, also in sessions that got over it; ``metadata`` are
    keys and their values, as rows have them; ``ids`` are all that may be listed. The latest come first, or
    those of most ``tokens`` or ``time``, if ``sort`` says so.
    """

    status: str | None = None
    result: str | None = None
    since: str | None = None
    tool: str | None = None
    model: str | None = None
    error: str | None = None
    words: tuple[str, ...] = ()
    wrong: bool = False
    metadata: tuple[tuple[str, str], ...] = ()
    ids: tuple[str, ...] | None = None
    sort: str = ""

    def condition(self) -> tuple[str, list[Any]]:
        """Return what must hold, in SQL, and the values in it."""
        given = [("status = ?", self.status), ("result = ?", self.result), ("began >= ?", self.since)]
        named = "n IN (SELECT session FROM names WHERE kind = '{}' AND name = ?)"
        given += [(named.format("tool"), self.tool), (named.format("model"), self.model)]
        given += [("n IN (SELECT session FROM steps WHERE error = ?)", self.error)]
        given += [("instr(words, ?)", word.casefold()) for word in self.words]
        given += [(named.format("meta"), meta_name(key, value)) for key, value in self.metadata]
        if self.ids is not None:
            given += [("session_id IN (SELECT value FROM json_each(?))", compact(list(self.ids)).decode())]
        used = [(sql, plain(value)) for sql, value in given if value]
        parts = ["listed", *(["wrong"] if self.wrong else []), *(sql for sql, _ in used)]
        return " AND ".join(parts), [value for _, value in used]

    def order(self) -> str:
        """Return what comes first, in SQL."""
        return f"{_ORDERS[self.sort]}began DESC, session_id DESC"


@frozen
class Page:
    """Some rows, how many are so, how many there are at all, and a number that changes when any of them does."""

    rows: list[SessionRow]
    total: int
    all: int
    version: int
