"""How a failed call was put right: the next call of its tool that worked, and what was different."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from attrs import frozen

from tfstore.document.documents import Json
from tfstore.reading.evidence.tool_calls import ToolCall

MOST: Final = 4
"""Paths of one kind that a way names; of more only the arguments that they are in."""

_AFTER: Final = 3
_DEEPEST: Final = 12
_LOOKED_BACK: Final = 50
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


@frozen
class Way:
    """What was different when it worked: paths of arguments, and which other tools were called in between.

    An entry of a list is ``[]`` whichever it is, as in ``payments[].amount``. Where nothing is named, the same call
    worked later.
    """

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths that it names."""
        return (*self.changed, *self.added, *self.left_out)


class Solutions:
    """The calls of a thread, to find for each that failed the one that put it right."""

    def __init__(self, calls: Sequence[ToolCall]) -> None:
        self.calls: Final = calls
        self._worked: Final[dict[str, list[int]]] = {}
        for place, call in enumerate(calls):
            if call.succeeded:
                self._worked.setdefault(call.tool, []).append(place)

    def of(self, place: int) -> int | None:
        """Return where the next call of the tool stands that worked and was asked for when the failure was known."""
        failed = self.calls[place]
        places = self._worked.get(failed.tool, [])
        later = islice(places, bisect(places, place), None)
        return next((each for each in later if not _at_once(failed, self.calls[each])), None)

    def between(self, place: int, worked: int) -> Sequence[ToolCall]:
        """Return the calls before the one that worked, back to the one that failed, or as far as is looked."""
        return self.calls[max(place + 1, worked - _LOOKED_BACK) : worked]


def way_of(failed: ToolCall, worked: ToolCall, between: Sequence[ToolCall], schema: Json | None) -> Way:
    """Return what was different about the call that worked.

    Args:
        failed: the call that failed.
        worked: the one that worked.
        between: the calls in between, in order.
        schema: of the tool's arguments, if it is known: names that no schema has may be values, and are not told.
    """
    told: dict[str, dict[str, None]] = {"changed": {}, "added": {}, "left_out": {}}
    for how, path in _differences(failed.arguments, worked.arguments):
        told[how].setdefault(_said(path, schema))
    added, left_out = told["added"], told["left_out"]
    # What stands on both sides was moved.
    moved = {path: None for path in added if path in left_out}
    changed = {**told["changed"], **moved}
    others = dict.fromkeys(
        call.tool for call in between if call.succeeded and call.tool and call.tool != failed.tool
    )
    return Way(
        _few(changed),
        _few({path: None for path in added if path not in changed}),
        _few({path: None for path in left_out if path not in changed}),
        tuple(others)[-_AFTER:],
    )


def paths_known(way: Way, schema: Json) -> bool:
    """Return whether the schema of a tool's arguments has all that a way names.

    Example:
        >>> paths_known(Way(("city",)), {"properties": {"city": {}}}), paths_known(Way(("town",)), {"properties": {}})
        (True, False)
    """
    return all(_said(_parts(path), schema) == path for path in way.paths)


def _at_once(one: ToolCall, other: ToolCall) -> bool:
    return one.asked_by is not None and one.asked_by is other.asked_by


def _differences(before: Any, after: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what differs between two arguments, and how, by the path to it."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return
    waiting: list[tuple[tuple[str, ...], Any, Any]] = [((), before, after)]
    while waiting:
        path, old, new = waiting.pop(0)
        if isinstance(old, dict) and isinstance(new, dict) and len(path) < _DEEPEST:
            for name in old.keys() | new.keys():
                here = (*path, str(name))
                if name not in new:
                    yield "left_out", here
                elif name not in old:
                    yield "added", here
                else:
                    waiting.append((here, old[name], new[name]))
        elif isinstance(old, list) and isinstance(new, list) and len(path) < _DEEPEST:
            waiting += (((*path, "[]"), *pair) for pair in zip(old, new, strict=False))
            if len(old) != len(new):
                yield "added" if len(new) > len(old) else "left_out", (*path, "[]")
        elif old != new:
            yield "changed", path


def _said(path: Sequence[str], schema: Json | None) -> str:
    """Return a path as text, as far as its names are the tool's own."""
    text = ""
    inner: Any = schema
    for part in path:
        inner = _inside(inner, part)
        if (part != "[]" and inner is None) or (part != "[]" and not _PLAIN.fullmatch(part)):
            return text or "arguments"
        text += part if part == "[]" else f".{part}" if text else part
    return text


def _inside(schema: Any, part: str) -> Any:
    if not isinstance(schema, dict):
        return None
    for choice in ("anyOf", "oneOf", "allOf"):
        options = schema.get(choice)
        if isinstance(options, list):
            found = next((inner for each in options if (inner := _inside(each, part)) is not None), None)
            if found is not None:
                return found
    if part == "[]":
        items = schema.get("items")
        return items if isinstance(items, dict) else {}
    properties = schema.get("properties")
    return properties.get(part) if isinstance(properties, dict) else None


def _parts(path: str) -> list[str]:
    return re.findall(r"\[\]|[^.\[\]]+", path)


def _few(paths: Mapping[str, None]) -> tuple[str, ...]:
    if len(paths) <= MOST:
        return tuple(sorted(paths))
    return tuple(sorted({re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths}))[:MOST]
