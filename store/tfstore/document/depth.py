"""JSON of any depth, read so that nothing behind has to go deeper than a hundred levels or two.

What lies deeper stands as its text: ``{"json": "…", "nested": levels}``.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any, Final

from jiter import from_json

DEPTH: Final = 100
"""Levels of a value that stand as such, where it has more than twice as many."""


def parsed(data: bytes | str) -> Any:
    """Return the value of a JSON text, what is nested deeply in it as text.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply to be read at all.

    Example:
        >>> parsed('{"a": [NaN]}')
        {'a': [nan]}
        >>> whole = parsed("[" * 250 + "]" * 250)
        >>> unfolded(whole) == json.loads("[" * 250 + "]" * 250)
        True
    """
    # It gives the same values, or refuses: half of a surrogate pair, more than 200 levels.
    with contextlib.suppress(ValueError):
        return from_json(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    return _cut(json.loads(data))


def _cut(value: Any) -> Any:
    levels = [[(holder, key) for holder, key in _containers_in(value)]]
    while levels[-1]:
        levels.append([inner for holder, key in levels[-1] for inner in _containers_in(holder[key])])
    # Deepest first: so no text is made of more than so many levels.
    for level in range((len(levels) - 1) // DEPTH * DEPTH, 0, -DEPTH):
        for holder, key in levels[level - 1]:
            nested = min(DEPTH, len(levels) - level)
            holder[key] = {"json": json.dumps(holder[key], ensure_ascii=False), "nested": nested}
    return value


def _containers_in(value: Any) -> list[tuple[Any, Any]]:
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(value, key) for key, each in rows if isinstance(each, dict | list)]


def is_folded(value: Any) -> bool:
    """Return whether this stands for what was nested too deeply."""
    return isinstance(value, dict) and value.keys() == {"json", "nested"} and isinstance(value["json"], str)


def unfolded(value: Any) -> Any:
    """Return a value with what stood as text in its place again; the value itself is changed."""
    root = [value]
    waiting: list[Any] = [root]
    while waiting:
        holder = waiting.pop()
        for _, key in _containers_in(holder):
            if is_folded(holder[key]):
                holder[key] = json.loads(holder[key]["json"])
            waiting.append(holder[key])
    return root[0]
