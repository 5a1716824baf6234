"""Python values as JSON ones: what a tool took and gave, annotations, metadata."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tfclient.redaction.marks import JSON

_DEPTH: Final = 64


def as_json(value: object, above: tuple[int, ...] = ()) -> JSON:
    """Give a value as JSON has it; what JSON has no word for, as its ``repr``.

    No code of the value's own runs but ``__repr__``, and an exception from that becomes text.

    Args:
        value: Anything.
        above: The ids of the containers that ``value`` is in, to see cycles.

    Example:
        >>> as_json({"n": (1, 2.5), 3: {None}, "b": b"hi"})
        {'n': [1, 2.5], '3': [None], 'b': {'base64': 'aGk=', 'bytes': 2}}
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        number = float.__float__(value)
        return number if math.isfinite(number) else float.__repr__(number)
    if isinstance(value, (bytes, bytearray)):
        return {"base64": base64.b64encode(value).decode(), "bytes": len(value)}
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return _container(value, above)
    return _repr(value)


def _container(
    value: dict[object, object] | list[object] | tuple[object, ...] | set[object] | frozenset[object],
    above: tuple[int, ...],
) -> JSON:
    if id(value) in above:
        return "<cycle>"
    if len(above) >= _DEPTH:
        return f"<{type(value).__name__} nested too deep>"
    inside = (*above, id(value))
    if isinstance(value, dict):
        return {_key(key): as_json(member, inside) for key, member in dict.items(value)}
    return [as_json(member, inside) for member in _members(value)]


def _members(value: list[object] | tuple[object, ...] | set[object] | frozenset[object]) -> list[object]:
    """Read past a subclass's own ``__iter__``."""
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return list(kind.__iter__(value))  # type: ignore[arg-type]
    return []


def _key(key: object) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return int.__repr__(key) if isinstance(key, int) else _repr(key)


def _repr(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - it is the user's code, and the recorder may not fail for it
        return f"<{type(value).__name__}: its repr raised {type(error).__name__}>"
    return str.__str__(text)
