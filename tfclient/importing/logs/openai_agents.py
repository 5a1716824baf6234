"""Sessions of openai-agents, which it keeps in SQLite: an item of the Responses API a row, and nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from attrs import define, field

from tfclient.importing.logs.chain import Chain, Known, Teller
from tfclient.importing.logs.lines import Line, moment
from tfclient.importing.logs.log import About, PassedOver, text_in
from tfstore.document.item_types import item_type
from tfstore.journal.entries import Entry

NAME: Final = "openai-agents"

_POLICY: Final = frozenset({"system", "developer"})


def about(session: str, began: Any) -> About:
    """Return what a session is of."""
    return About(NAME, session, time_of(began) or 0, None, {"session": session})


def time_of(value: Any) -> int | None:
    """Return a time as SQLite has it: text in UTC, or seconds since 1970.

    Example:
        >>> time_of("1970-01-01 00:00:02"), time_of(3)
        (2000000, 3000000)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value * 1_000_000) if 0 <= value < 32_503_680_000 else None
    return moment(str(value).replace(" ", "T")) if value else None


@define
class OpenAIAgents:
    """Takes the items of one session; neither model nor usage stands beside them."""

    teller: Teller
    passed_over: PassedOver
    known: Iterable[Known] = ()
    chain: Chain = field(init=False)
    _at: int = 0

    def __attrs_post_init__(self) -> None:
        """Begin with nothing said."""
        self.chain = Chain(self.teller, known=deque(self.known))

    def take(self, line: Line) -> Iterator[Entry]:
        """Take the next row."""
        item = line.value.get("item") if isinstance(line.value, dict) else None
        if not isinstance(item, dict):
            self.passed_over.line(line)
            return
        self._at = at = max(time_of(line.value.get("created_at")) or 0, self._at)
        role, kind = item.get("role"), str(item.get("type") or "message")
        if kind == "message" and role in _POLICY:
            self.chain.instruct(text_in(item.get("content")))
        elif kind == "message" and role != "assistant":
            self.chain.give(item, at, typed=True)
        elif item_type(kind).kind == "output":
            self.chain.give(item, at)
        elif item_type(kind).kind == "compaction":
            yield from self.chain.compacted(item, at)
        else:
            yield from self.chain.say(item, at)

    def end(self) -> Iterator[Entry]:
        """The session ends here, for now."""
        yield from self.chain.end()
