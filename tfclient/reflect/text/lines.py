"""Lines of a text: what stands in them, what of it may be cut, and which of them give way first."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, field

from tfclient.reflect.text.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable

Part: TypeAlias = "str | Value"

Counter: TypeAlias = "Callable[[str], int]"
"""Says how many tokens a text has."""


class Telling(enum.IntEnum):
    """How telling a line is: the first stay longest where there is no room for all."""

    HEAD = 0
    CITED = 1
    RUN = 2
    SAID_THERE = 3
    PROMPT = 4
    OTHER_RUN = 5
    ANSWER = 6
    CALL = 7
    REST = 8


@define(eq=False)
class Line:
    """A line: parts, of which the values may be cut; ``ref`` is what ``expand`` gives it back for.

    ``counts`` keeps how many tokens it has, by what was kept of its values.
    """

    parts: list[Part]
    telling: Telling
    ref: str = ""
    indent: int = 0
    _counts: dict[tuple[int, ...], int] = field(init=False, factory=dict[tuple[int, ...], int])

    def words(self, cap: float) -> str:
        """Return it, where an output may have ``cap`` characters."""
        said = (part if isinstance(part, str) else part.words(cap) for part in self.parts)
        return "  " * self.indent + " ".join(each for each in said if each)

    def counted(self, cap: float, tokens: Counter) -> int:
        """Return how many tokens it has with its line break."""
        kept = tuple(part.kept_of(cap) for part in self.parts if not isinstance(part, str))
        count = self._counts.get(kept)
        if count is None:
            count = self._counts[kept] = tokens(f"{self.words(cap)}\n")
        return count
