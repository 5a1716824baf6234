"""Python values as JSON ones: what a tool took and gave, annotations, metadata."""

from __future__ import annotations

import base64
import functools
import math
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from tfclient.redaction.marks import JSON
from tfclient.signals import let_pass

_DEPTH: Final = 64

_HIDDEN: Final = "<not shown: repr=False>"

_WORDS: Final[dict[type, Any]] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    Decimal: Decimal.__str__,
    UUID: UUID.__str__,
}


def as_json(value: object, above: tuple[int, ...] = ()) -> JSON:
    """Give a value as JSON has it; what JSON has no word for, as its ``repr``.

    Dates, decimals, UUIDs and paths are their usual texts, pydantic models and dataclasses the fields that were
    set, numbers that JSON does not have are marked. What goes deeper than 64, or in a circle, ends in a mark.
    No code of the value's own runs but ``__repr__``, and an exception from that becomes text.

    Args:
        value: Anything.
        above: The ids of the containers that ``value`` is in, to see cycles.

    Example:
        >>> as_json({"n": (1, float("nan")), 3: {None}, "b": b"hi", "day": date(2026, 1, 2)})
        {'n': [1, {'number': 'NaN'}], '3': [None], 'b': {'base64': 'aGk=', 'bytes': 2}, 'day': '2026-01-02'}
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        number = float.__float__(value)
        return number if math.isfinite(number) else {"number": _no_number(number)}
    if isinstance(value, (bytes, bytearray)):
        return {"base64": base64.b64encode(value).decode(), "bytes": len(value)}
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return _container(value, above)
    word = _WORDS.get(type(value))
    if word is not None:
        text: str = word(value)
        return text
    if isinstance(value, PurePath):
        return PurePath.__str__(value)
    fields = _fields(value)
    return _repr(value) if fields is None else _container(fields, above, value)


def _no_number(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _fields(value: object) -> dict[object, object] | None:
    """The fields of a dataclass or a pydantic model that were set; None if it is neither, or hides them."""
    # The second and the third are older pydantic's.
    for name in ("__dataclass_fields__", "__pydantic_fields__", "model_fields", "__fields__"):
        known = next((each.__dict__[name] for each in type(value).__mro__ if name in each.__dict__), None)
        if isinstance(known, dict):
            break
    else:
        return None
    look = functools.partial(object.__getattribute__, value)
    try:
        if name == "__dataclass_fields__":
            given = {each: look(each) for each in known}
        else:
            there = look("__fields_set__" if name == "__fields__" else "__pydantic_fields_set__")
            given = {each: held for each, held in look("__dict__").items() if each in there}
            given |= {} if name == "__fields__" else look("__pydantic_extra__") or {}
    except Exception:  # noqa: BLE001 - a field that was never set, a class that only looks like one: its `repr`
        return None
    return {each: held if getattr(known.get(each), "repr", True) else _HIDDEN for each, held in given.items()}


def _container(
    value: dict[object, object] | list[object] | tuple[object, ...] | set[object] | frozenset[object],
    above: tuple[int, ...],
    of: object = None,
) -> JSON:
    """Give a container as JSON has it; ``of`` is the object that it holds the fields of."""
    owner = value if of is None else of
    if id(owner) in above:
        return "<cycle>"
    if len(above) >= _DEPTH:
        return f"<{type(owner).__name__} nested too deep>"
    inside = (*above, id(owner))
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
        let_pass(error)
        return f"<{type(value).__name__}: its repr raised {type(error).__name__}>"
    return str.__str__(text)
