"""Where two requests differ: by place, lists aligned, so that one item more at the front is one difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Final

from attrs import frozen

from tfclient.replaying.meaning import InText, as_text
from tfclient.replaying.places import Place, shown
from tfstore.reading.plain_text import clean

MOST: Final = 6
"""Differences that a message shows."""
_ROOM: Final = 100
"""Characters of a value that a message shows, around the first that differs."""
_BEFORE: Final = 30
_ALIGNED: Final = 250_000
"""Pairs of items up to which two lists are aligned; longer ones are compared item by item."""


@frozen
class Difference:
    """One place in which a request is not what was recorded; ``ABSENT`` where one of them has nothing there."""

    place: Place
    recorded: Any
    asked: Any

    @property
    def where(self) -> str:
        """The place, as it is given to ``ignore``."""
        return shown(self.place)

    def lines(self) -> list[str]:
        """Return how a message shows it."""
        before, after = _around(_as_shown(self.recorded), _as_shown(self.asked))
        return [clean(self.where), f"  - {before}", f"  + {after}"]


class _Absent:
    def __repr__(self) -> str:
        return "(nothing)"


ABSENT: Final = _Absent()


def differences(recorded: Any, asked: Any, place: Place = ()) -> Iterator[Difference]:
    """Yield where two values differ.

    Example:
        >>> old, new = {"input": ["a", "b"]}, {"input": ["x", "a", "b"], "n": 1}
        >>> [(each.where, each.asked) for each in differences(old, new)]
        [('input[0]', 'x'), ('n', 1)]
    """
    if isinstance(recorded, InText) and isinstance(asked, InText):
        recorded, asked = recorded.value, asked.value
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for key in [*recorded, *(each for each in asked if each not in recorded)]:
            yield from differences(recorded.get(key, ABSENT), asked.get(key, ABSENT), (*place, key))
    elif isinstance(recorded, list) and isinstance(asked, list):
        yield from _of_lists(recorded, asked, place)
    elif recorded is not asked and (
        recorded is ABSENT or asked is ABSENT or as_text(recorded) != as_text(asked)
    ):
        yield Difference(place, recorded, asked)


def _of_lists(recorded: list[Any], asked: list[Any], place: Place) -> Iterator[Difference]:
    olds, news = [as_text(each) for each in recorded], [as_text(each) for each in asked]
    for old_from, old_to, new_from, new_to in _changes(olds, news):
        old_there, new_there = range(old_from, old_to), range(new_from, new_to)
        for old, new in zip_longest(old_there, new_there):
            here = new if old is None or new is not None else old
            if here is not None:
                yield from differences(
                    ABSENT if old is None else recorded[old],
                    ABSENT if new is None else asked[new],
                    (*place, here),
                )


def _changes(olds: list[str], news: list[str]) -> Iterator[tuple[int, int, int, int]]:
    start = 0
    while start < min(len(olds), len(news)) and olds[start] == news[start]:
        start += 1
    behind = 0
    while behind < min(len(olds), len(news)) - start and olds[-1 - behind] == news[-1 - behind]:
        behind += 1
    old, new = olds[start : len(olds) - behind], news[start : len(news) - behind]
    if len(old) * len(new) > _ALIGNED:
        yield start, start + len(old), start, start + len(new)
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield start + a, start + b, start + c, start + d


def _as_shown(value: Any) -> str:
    if value is ABSENT:
        return "(nothing)"
    if isinstance(value, InText):
        value = value.value
    return clean(json.dumps(value, ensure_ascii=False, default=lambda each: each.value))


def _around(before: str, after: str) -> tuple[str, str]:
    """Return two texts, long ones around the first character in which they differ."""
    if max(len(before), len(after)) <= _ROOM:
        return before, after
    same = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    start = max(0, same - _BEFORE)
    return _piece(before, start), _piece(after, start)


def _piece(text: str, start: int) -> str:
    shown_part = text[start : start + _ROOM]
    return ("…" if start else "") + shown_part + ("…" if start + _ROOM < len(text) else "")


def distance(found: list[Difference]) -> tuple[int, float]:
    """Return how far two requests are from each other: their differences, then how much of the texts differs."""
    return len(found), sum(_share(_as_shown(each.recorded), _as_shown(each.asked)) for each in found)


def _share(before: str, after: str) -> float:
    longest = max(len(before), len(after))
    same = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    rest = min(len(before), len(after)) - same
    pairs = zip(reversed(before[len(before) - rest :]), reversed(after[len(after) - rest :]), strict=False)
    behind = next((n for n, (a, b) in enumerate(pairs) if a != b), rest)
    return 1 - (same + behind) / longest if longest else 0.0
