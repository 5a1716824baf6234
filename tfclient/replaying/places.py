"""Places in a request as messages print them: ``input[0].output.at``; and requests without some of them."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from tfclient.errors import SettingError
from tfclient.replaying.meaning import InText

Place = tuple[str | int, ...]
"""Names of members, and numbers of items."""

_PLAIN: Final = re.compile(r"[A-Za-z_$][\w$-]*")
_NEXT: Final = re.compile(
    r'\.?(?P<name>[^.\[\]"]+)|\[(?P<number>\d+)\]|\[(?P<every>\*)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]'
)

EVERY: Final = "*"


def shown(place: Place) -> str:
    """Return a place as people read and type it.

    Example:
        >>> shown(("input", 0, "output", "at")), shown(("metadata", "run.id"))
        ('input[0].output.at', 'metadata["run.id"]')
    """
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text or "body"


def place_in(text: str) -> Place:
    """Return the place that a text names; ``[*]`` is every item.

    Raises:
        SettingError: it names none.

    Example:
        >>> place_in("input[*].output.at")
        ('input', '*', 'output', 'at')
    """
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        found = _NEXT.match(text, at)
        if found is None:
            raise SettingError("ignore", text, "places as messages print them, such as 'input[*].output.at'")
        if found["number"] is not None:
            parts.append(int(found["number"]))
        elif found["quoted"] is not None:
            parts.append(json.loads(found["quoted"]))
        else:
            parts.append(found["name"] or EVERY)
        at = found.end()
    if not parts:
        raise SettingError("ignore", text, "places as messages print them, such as 'input[*].output.at'")
    return tuple(parts)


def without(value: Any, place: Place) -> Any:
    """Return a value without what stands at a place; the value itself stays as it is.

    Example:
        >>> without({"input": [{"at": 1}, {"at": 2, "n": 3}]}, ("input", "*", "at"))
        {'input': [{}, {'n': 3}]}
    """
    if isinstance(value, InText):
        return InText(without(value.value, place))
    part, rest = place[0], place[1:]
    if isinstance(value, dict) and part in value:
        if not rest:
            return {key: each for key, each in value.items() if key != part}
        return {**value, part: without(value[part], rest)}
    if isinstance(value, list):
        # A place that is gone stays a place: the others keep their numbers.
        return [
            each if part not in {EVERY, n} else without(each, rest) if rest else None
            for n, each in enumerate(value)
        ]
    return value
