"""Checking values against JSON Schema without the network, and without what may take for ever."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tfstore.document.documents import Json

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_NOT_CHECKED: Final = ("pattern", "patternProperties", "format", "uniqueItems")
"""Keywords that can take exponential or quadratic time, or that not everybody reads alike."""


def breaks(schema: Json, value: Any) -> str:
    """Return how a value breaks a schema, the first thing in words; nothing where it keeps it or nobody can tell.

    Example:
        >>> breaks({"type": "object", "required": ["city"]}, {"town": "Oslo"})
        "'city' is a required property"
    """
    from jsonschema.exceptions import ValidationError, best_match

    try:
        validator = _validator(schema)
        error = best_match(validator.iter_errors(value))
    except Exception:  # noqa: BLE001 - a schema of any make: what it cannot mean, it does not forbid
        return ""
    if not isinstance(error, ValidationError):
        return ""
    place = "/".join(map(str, error.absolute_path))
    return f"{error.message}{f' at {place}' if place else ''}"


def _validator(schema: Json) -> Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
    from referencing import Registry

    made: Any = _without_slow_keywords(validator_for(schema, default=Draft202012Validator))
    # An empty registry: nothing is fetched for a reference.
    return made(schema, registry=Registry())  # type: ignore[no-any-return]


@cache
def _without_slow_keywords(cls: Any) -> Any:
    from jsonschema.validators import extend

    return extend(cls, dict.fromkeys(_NOT_CHECKED, _nothing))  # type: ignore[no-untyped-call]


def _nothing(*_: Any) -> tuple[()]:
    return ()
