"""Which recorded request one is that is made now: exact, alike, as a function says, or the nearest that is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import define, field, frozen

from tfclient.replaying.differences import Difference, distance
from tfclient.replaying.request import Request, recorded_request

if TYPE_CHECKING:
    from tfclient.replaying.places import Place
    from tfclient.replaying.recorded import Recorded
    from tfclient.replaying.tape import Tape

How = Literal["exact", "alike", "nearest"]

Match = Literal["exact", "alike", "nearest"] | Callable[[Any, Any], bool]
"""How far requests may differ, or what decides: it is given the recorded ``Request`` and the one that is made."""

_COMPARED: Final = 200
"""Recorded requests of an endpoint among which the nearest is looked for."""


@frozen
class Found:
    """A recorded attempt that answers a request, how it was found, and where the two differ."""

    recorded: Recorded
    how: How
    differences: tuple[Difference, ...] = ()
    again: bool = False
    """Whether it was given before."""


@frozen
class Nearest:
    """The recorded request that is least different from one that has no answer."""

    recorded: Recorded
    differences: tuple[Difference, ...]


@define(eq=False)
class _Row:
    recorded: Recorded
    request: Request
    taken: bool = False


@define(eq=False)
class Matching:
    """The requests of a tape; each answers once, in the order recorded.

    Args:
        tape: what was recorded.
        match: how far requests may differ.
        ignored: places that do not count.
        repeats: give the last answer again where all were given.
        attempts: what is played of it.
    """

    tape: Tape
    match: Match = "alike"
    ignored: tuple[Place, ...] = ()
    repeats: bool = False
    attempts: Sequence[Recorded] = ()
    _rows: list[_Row] = field(init=False)
    _exact: dict[str, list[_Row]] = field(init=False)
    _alike: dict[str, list[_Row]] | None = None

    def __attrs_post_init__(self) -> None:
        """Lay out what may be played."""
        self._rows = [
            _Row(each, recorded_request(each, self.tape.redactor, self.ignored)) for each in self.attempts
        ]
        self._exact = _by_key(self._rows, lambda request: request.exact)

    def take(self, asked: Request) -> Found | None:
        """Return what answers a request, and have it answer no other; None where nothing does."""
        for how, rows in self._ways(asked):
            row = _first([each for each in rows if not each.taken], asked.retry)
            again = row is None and self.repeats
            if again:
                row = _last(rows)
            if row is not None:
                row.taken = True
                found = () if how == "exact" else tuple(row.request.differences(asked))
                return Found(row.recorded, how, found, again)
        return None

    def _ways(self, asked: Request) -> Iterator[tuple[How, list[_Row]]]:
        yield "exact", self._same(asked)
        if callable(self.match):
            same = [each for each in self._rows if each.request.endpoint == asked.endpoint]
            yield "alike", [each for each in same if self.match(each.request, asked)]
        elif self.match != "exact":
            if self._alike is None:
                self._alike = _by_key(self._rows, lambda request: request.alike)
            yield "alike", self._alike.get(asked.alike, [])
        if self.match == "nearest":
            row = self._least_different(asked)
            yield "nearest", [] if row is None else [row[0]]

    def _same(self, asked: Request) -> list[_Row]:
        if asked.is_whole:
            rows = self._exact.get(asked.exact, [])
            if rows:
                return rows
        return [
            each
            for each in self._rows
            if not (each.request.is_whole and asked.is_whole) and each.request.means(asked)
        ]

    def given(self, asked: Request) -> Recorded | None:
        """Return the recorded attempt that would have answered, had it not been given before."""
        for how, rows in self._ways(asked):
            if how != "nearest" and rows:
                return rows[-1].recorded
        return None

    def nearest(self, asked: Request) -> Nearest | None:
        """Return the recorded request of the same endpoint that is least different, of those that are left."""
        found = self._least_different(asked)
        return None if found is None else Nearest(found[0].recorded, tuple(found[1]))

    def _least_different(self, asked: Request) -> tuple[_Row, list[Difference]] | None:
        left = [each for each in self._rows if not each.taken and each.request.endpoint == asked.endpoint]
        compared = [(each, self._differences(each.request, asked)) for each in left[:_COMPARED]]
        return min(compared, key=lambda pair: distance(pair[1]), default=None)

    def _differences(self, recorded: Request, asked: Request) -> list[Difference]:
        exactly = self.match == "exact"
        return recorded.differences(asked) if exactly else recorded.telling_differences(asked)

    @property
    def left(self) -> list[Recorded]:
        """What was not asked for yet, in the order recorded."""
        return [each.recorded for each in self._rows if not each.taken]

    @property
    def count(self) -> int:
        """How many attempts may be played."""
        return len(self._rows)


def _by_key(rows: Iterable[_Row], key: Callable[[Request], str]) -> dict[str, list[_Row]]:
    found: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        found[key(row.request)].append(row)
    return dict(found)


def _first(rows: list[_Row], retry: int) -> _Row | None:
    """Return the first of these; of the attempts of a call, the one that was tried as often before."""
    return next((each for each in rows if each.recorded.retry == retry), rows[0] if rows else None)


def _last(rows: list[_Row]) -> _Row | None:
    known = [each for each in rows if each.recorded.unknown is None]
    return known[-1] if known else None
