"""Lines within a budget: how much of each value is kept, and which lines are folded.

Two decisions, both the same for the same lines. One cap holds for all values, each kind with its weight, and is found
by halving. Where the lines alone, with hardly anything of their values, would take most of the budget, some are
folded, the least telling first, and of equally telling ones the latest stay. How many tokens a line has is counted
once for each length of its values, and summed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from attrs import define, field

from tfclient.reflect.text.lines import Counter, Line, Telling

_ALONE: Final = 0.7
"""The share of the budget that lines without their values may take."""

_FIRST: Final = 4.0
_STEP: Final = 1.25
"""Caps are 0 and from 4 characters on a quarter more each."""

_MOST_PER_TOKEN: Final = 16
"""Characters of a token, at most: a value that has more for each token of the budget has no room whole."""

WHOLE: Final = float("inf")


@define
class Fitting:
    """Lines that are to be fitted into a budget.

    Args:
        lines: all of them.
        budget: tokens that they may have.
        tokens: counts them.
    """

    lines: Sequence[Line]
    budget: int
    tokens: Counter
    _kept: list[bool] = field(init=False, factory=list[bool])
    _caps: list[float] = field(init=False, factory=list[float])

    def text(self) -> str | None:
        """Return the text; None if not even its head has room."""
        self._caps = [0.0, _FIRST]
        while self._caps[-1] < self.budget * _MOST_PER_TOKEN:
            self._caps.append(self._caps[-1] * _STEP)
        self._caps.append(WHOLE)
        self._kept = [True] * len(self.lines)
        if self._sum(0) > self.budget * _ALONE:
            self._fold(int(self.budget * _ALONE))
        level = self._level()
        while True:
            text = "\n".join(self._shown(self._caps[level]))
            over = self.tokens(text) - self.budget
            if over <= 0:
                return text
            # What was counted line by line was less than the whole: a line break that joins two, a counter of its own.
            if level > 0:
                level -= 1
            elif not self._fold_more(over):
                return None

    def _sum(self, level: int) -> int:
        cap = self._caps[level]
        own = sum(
            line.counted(cap, self.tokens) for line, kept in zip(self.lines, self._kept, strict=True) if kept
        )
        return own + self._gaps() * self._mark()

    def _gaps(self) -> int:
        kept = [True, *self._kept]
        return sum(before and not now for before, now in pairwise(kept))

    def _mark(self) -> int:
        return self.tokens("    ⟨1234 lines folded: expand 1234.10..1234.10⟩\n")

    def _level(self) -> int:
        """Return the largest cap with which all kept lines have room."""
        low, high = 0, len(self._caps) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._sum(middle) <= self.budget:
                low = middle
            else:
                high = middle - 1
        return low

    def _fold(self, room: int) -> None:
        """Keep the most telling lines that have room, and fold the others."""
        kept = self._kept = [False] * len(self.lines)
        mark = self._mark()
        left = room - mark
        by_place = range(len(self.lines))
        order = sorted(by_place, key=lambda at: (self.lines[at].telling, _turned(self.lines[at], at)))
        for at in order:
            before = at > 0 and not kept[at - 1]
            after = at + 1 < len(kept) and not kept[at + 1]
            # A line between two folded ones makes two marks of one; the last of a gap takes its mark away.
            more = (before + after - 1) * mark
            cost = self.lines[at].counted(0, self.tokens) + more
            if cost <= left:
                kept[at] = True
                left -= cost

    def _fold_more(self, over: int) -> bool:
        """Fold some more of what is least telling; False where only the first line is left."""
        order = sorted(
            (at for at, kept in enumerate(self._kept) if kept and at > 0),
            key=lambda at: (self.lines[at].telling, _turned(self.lines[at], at)),
        )
        freed = 0
        while order and freed <= over:
            at = order.pop()
            self._kept[at] = False
            freed += self.lines[at].counted(0, self.tokens)
        return freed > 0

    def _shown(self, cap: float) -> Iterator[str]:
        folded: list[Line] = []
        for line, kept in zip(self.lines, self._kept, strict=True):
            if not kept:
                folded.append(line)
                continue
            if folded:
                yield _mark_of(folded)
                folded = []
            yield line.words(cap)
        if folded:
            yield _mark_of(folded)


def _turned(line: Line, at: int) -> int:
    """Of equally telling lines the latest stay; of the head, and of what was found, the first."""
    return at if line.telling is Telling.HEAD else -at


def _mark_of(folded: Sequence[Line]) -> str:
    refs = [line.ref for line in folded if line.ref]
    said = f"{len(folded):,} {'line' if len(folded) == 1 else 'lines'} folded"
    if not refs:
        return f"⟨{said}⟩"
    first, last = refs[0].partition("..")[0], refs[-1].rpartition("..")[2]
    return f"{' ' * 2 * folded[0].indent}⟨{said}: expand {first if first == last else f'{first}..{last}'}⟩"
