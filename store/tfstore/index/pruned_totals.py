"""``pruned_totals.jsonl``: what sessions came to that were pruned or deleted, in numbers; it names none.

==================================================== =================================================================
``{"identity": "9f86…", "counters": […]}``           of one session, which counts while there is no such session
``{"identity": "folded", "counters": [[…], …]}``     of many together, which always counts: of the sessions in it, those
                                                     that are there again do not count for themselves
==================================================== =================================================================

A line is written before its session goes: whoever dies in between has counted it once, and deleting it again writes the
same line again. When there are many, the earliest become one, with eight bytes left of each: the file is written
anew, whole or not at all.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import define, field

from tfstore.disk.files import replace_file
from tfstore.disk.lines import add_lines, alone, lines_of
from tfstore.errors import StoreUnusable
from tfstore.index.counters import FOLDED, Counters, as_json, folded, folded_among, from_json, short

if TYPE_CHECKING:
    from tfstore.disk.paths import StorePaths

T = TypeVar("T")

MOST: Final = 2_000
"""Lines of sessions; when there are more, they are folded but for half of it."""


@define
class Went:
    """What sessions came to that went, in so many lines: each by its identity, as told last, and others together."""

    each: dict[str, Counters] = field(factory=dict[str, Counters])
    together: list[Any] = field(factory=list[Any])
    lines: int = 0

    def again(self, there: Mapping[bytes, T]) -> set[T]:
        """Return which of those that are there, by ``short`` of their identities, are counted together with others."""
        return folded_among(self.together, there)

    def added(self, there: set[str]) -> Counters:
        """Return what is to be added to those that are there, which have these identities."""
        found = from_json(self.together)
        for identity, each in self.each.items():
            if identity not in there:
                found.update(each)
        return found


def keep(paths: StorePaths, going: Mapping[str, Counters]) -> None:
    """Write down what sessions came to that are about to go, by their identity.

    Raises:
        StoreUnusable: it cannot be written.
    """
    if not going:
        return
    with alone(paths, paths.pruned_totals_lock):
        # What is counted together with others is so for good.
        again = read(paths).again(_by_short(going))
        lines = [_line(identity, as_json(each)) for identity, each in going.items() if identity not in again]
        if lines:
            add_lines(paths, paths.pruned_totals, b"".join(lines))


def read(paths: StorePaths) -> Went:
    """Return what sessions came to that went.

    Raises:
        StoreUnusable: the file is there and cannot be read.

    Example:
        >>> import tempfile
        >>> from collections import Counter
        >>> from pathlib import Path
        >>> from tfstore.disk.paths import StorePaths
        >>> paths = StorePaths(Path(tempfile.mkdtemp()) / "store")
        >>> paths.create()
        >>> keep(paths, {"9f86": Counter({("runs",): 2})})
        >>> read(paths).each
        {'9f86': Counter({('runs',): 2})}
    """
    found = Went()
    for line in lines_of(paths, paths.pruned_totals):
        found.lines += 1
        with contextlib.suppress(ValueError, TypeError, KeyError):
            told: dict[str, Any] = json.loads(line)
            if told["identity"] == FOLDED:
                found.together = list(told["counters"])
            else:
                found.each[str(told["identity"])] = from_json(told["counters"])
    return found


def fold(paths: StorePaths, there: Callable[[], set[str]]) -> None:
    """Add the numbers of those that went first together, where there are many.

    Args:
        paths: the store.
        there: gives the identities of the sessions that are there, which keep their lines.

    Raises:
        StoreUnusable: it cannot be read, or written; it is as it was.
    """
    with alone(paths, paths.pruned_totals_lock):
        went = read(paths)
        if went.lines <= MOST:
            return
        still = there()
        going = (each for each in went.each if each not in still and short(each) is not None)
        many = max(0, len(went.each) - MOST // 2)
        first = {each: went.each.pop(each) for each in list(islice(going, many))}
        if not first and went.lines <= 2 * len(went.each):
            return
        more = folded(first) if first else []
        lines = [_line(FOLDED, _joined(went.together, more))] if more or went.together else []
        lines += [_line(identity, as_json(each)) for identity, each in went.each.items()]
        try:
            replace_file(paths.pruned_totals, lines, fsync=True)
        except OSError as error:
            raise StoreUnusable(paths.root, f"{paths.pruned_totals} cannot be written ({error})") from error


def _joined(before: list[Any], more: list[Any]) -> list[Any]:
    """Return two sets of numbers as one; which sessions they are of stands in a row for each."""
    rows = [each for each in (*before, *more) if isinstance(each, list) and each[:1] == [FOLDED]]
    return [*rows, *as_json(from_json(before) + from_json(more))]


def _by_short(identities: Mapping[str, Any]) -> dict[bytes, str]:
    return {key: identity for identity in identities if (key := short(identity)) is not None}


def _line(identity: str, counters: list[Any]) -> bytes:
    return json.dumps({"identity": identity, "counters": counters}, separators=(",", ":")).encode() + b"\n"
