"""The last few prompts as sent, so that what is sent again is recognised and not read again.

A program that re-sends its whole conversation sends an earlier list with something behind it. Comparing values is
much cheaper than reading them, so a long conversation costs little more than what is new in each request.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen

from tfclient.projection.api.items import Item

ReadItem = Callable[[Any, int], list[Item]]

KEPT = 16
"""Prompts kept: one per conversation that goes on, in the usual case."""


@frozen
class Alignment:
    """What a list has in common with one that an earlier call sent: ``ranges`` of places, ``shift`` further there."""

    step_id: str
    shift: int
    ranges: list[tuple[int, int]]

    @property
    def matched(self) -> int:
        """How many places are equal."""
        return sum(high - low for low, high in self.ranges)


@frozen
class _Sent:
    raws: list[Any]
    items: list[list[Item]]
    flat: list[Item]
    chain: list[bytes]


@define
class SentPrompts:
    """Reads lists of raw items or messages; ``keep`` makes one known for those that follow."""

    _kept: OrderedDict[str, _Sent] = field(factory=OrderedDict)

    def read(self, raws: list[Any], reader: ReadItem) -> tuple[list[list[Item]], Alignment | None]:
        """Return the items of each raw item, and the earlier list that this one has most in common with."""
        best: Alignment | None = None
        for step_id, sent in reversed(self._kept.items()):
            found = _align(step_id, sent.raws, raws)
            if found is not None and (best is None or found.matched > best.matched):
                best = found
                if found.matched == len(sent.raws):
                    break
        if best is None:
            return [reader(raw, n) for n, raw in enumerate(raws)], None
        known = self._kept[best.step_id]
        items: list[list[Item]] = []
        for low, high in best.ranges:
            items += [reader(raws[n], n) for n in range(len(items), low)]
            items += known.items[low + best.shift : high + best.shift]
            raws[low:high] = known.raws[low + best.shift : high + best.shift]
        items += [reader(raws[n], n) for n in range(len(items), len(raws))]
        return items, best

    def chain_of(self, items: list[Item], alignment: Alignment | None) -> list[bytes]:
        """Return the contexts after each item as far as they are known from the earlier list."""
        sent = self._kept.get(alignment.step_id) if alignment is not None and not alignment.shift else None
        if sent is None:
            return []
        same = 0
        for one, other in zip(items, sent.flat, strict=False):
            # Instructions do not count in a context: a clock in them changes nothing.
            if one is not other and not (one.kind == other.kind == "policy"):
                break
            same += 1
        return sent.chain[:same]

    def keep(
        self,
        step_id: str,
        raws: list[Any],
        items: list[list[Item]],
        alignment: Alignment | None,
        chain: list[bytes],
    ) -> None:
        """Remember what a call sent; an earlier list that it wholly repeats is let go."""
        if not raws:
            return
        if alignment is not None and alignment.shift == 0 and alignment.step_id in self._kept:
            if alignment.matched >= len(self._kept[alignment.step_id].raws) - 1:
                del self._kept[alignment.step_id]
            else:
                self._kept.move_to_end(alignment.step_id)
        self._kept[step_id] = _Sent(raws, items, [item for group in items for item in group], chain)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _align(step_id: str, old: list[Any], new: list[Any]) -> Alignment | None:
    shift = _shift(old, new)
    if shift is None:
        return None
    ranges: list[tuple[int, int]] = []
    begin: int | None = None
    end = max(0, min(len(new), len(old) - shift))
    for n in range(end):
        if new[n] == old[n + shift]:
            begin = n if begin is None else begin
        elif begin is not None:
            ranges.append((begin, n))
            begin = None
    if begin is not None:
        ranges.append((begin, end))
    return Alignment(step_id, shift, ranges) if ranges else None


def _shift(old: list[Any], new: list[Any]) -> int | None:
    """Return how much further the new list's beginning stands in the old one; a first message may differ."""
    for n in range(min(2, len(old), len(new))):
        if old[n] == new[n]:
            return 0
    for n in range(min(2, len(new))):
        if new[n] in old[n:]:
            return old.index(new[n], n) - n
    return None
