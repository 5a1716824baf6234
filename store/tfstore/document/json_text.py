"""JSON as bytes: compact for the journal, indented for people in documents; read with one kind of error.

Both writers keep text as it is, é as é, except for half of a surrogate pair, which UTF-8 cannot hold: that is
written as its escape, so that any JSON reader gives back the same string.
"""

from __future__ import annotations

import contextlib
import json
import re
from math import inf, isfinite, isnan, nan
from typing import TYPE_CHECKING, Any

import orjson
from jiter import from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_encode_indented = json.JSONEncoder(ensure_ascii=False, indent=1, allow_nan=False).encode
_encode_fragments = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=lambda value: orjson.loads(_fragment(value))
).encode
_SURROGATE = re.compile("[\ud800-\udfff]")
_SCALARS = frozenset({str, int, bool, type(None)})
_BOM = b"\xef\xbb\xbf"


def compact(value: Any) -> bytes:
    r"""Return the value as JSON on one line, without spaces.

    Raises:
        TypeError: something in it has no JSON form.
        ValueError: it contains itself.
        RecursionError: it is nested too deeply.

    Example:
        >>> compact({"text": "lone \ud800"}).decode()
        '{"text":"lone \\ud800"}'
    """
    return _to_bytes(_strictly(_encode, value))


def marked(value: Any) -> Any:
    """Return a value with the numbers that JSON does not have as ``{"number": "NaN"}`` and its like.

    Example:
        >>> marked([1.5, float("-inf")])
        [1.5, {'number': '-Infinity'}]
    """
    if isinstance(value, float) and not isfinite(value):
        return {"number": "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, dict):
        return {key: marked(each) for key, each in value.items()}
    return [marked(each) for each in value] if isinstance(value, list | tuple) else value


NUMBERS = {"NaN": nan, "Infinity": inf, "-Infinity": -inf}
"""What a marked number is."""


def _strictly(encode: Callable[[Any], str], value: Any) -> str:
    try:
        return encode(value)
    except ValueError as error:
        if "JSON compliant" not in str(error):
            raise
        return encode(marked(value))


def line(value: Any) -> bytes:
    r"""Return the value as JSON on one line, as ``compact`` does, in a tenth of the time.

    ``orjson.Fragment`` in it stands for what is JSON already.

    Digits of floats may differ from those of ``compact``; the numbers do not.

    Raises:
        TypeError: something in it has no JSON form.
        ValueError: it contains itself.
        RecursionError: it is nested too deeply.

    Example:
        >>> line({"text": "é"}).decode(), line("lone \ud800").decode()
        ('{"text":"é"}', '"lone \\ud800"')
        >>> line(["\ud800", orjson.Fragment(b'{"a":1}')]).decode()
        '["\\ud800",{"a":1}]'
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        # Lone surrogates, great numbers and great depth are beyond it.
        return _to_bytes(_encode_fragments(value))


def canonical(value: Any) -> str:
    """Return JSON text that does not depend on key order or white space; what has no JSON form, as its ``str``.

    Example:
        >>> canonical({"b": 1, "a": [2]})
        '{"a":[2],"b":1}'
    """
    return canonical_bytes(value).decode("utf-8", "surrogatepass")


def canonical_bytes(value: Any) -> bytes:
    """Return what ``canonical`` does, as UTF-8 in which half of a surrogate pair may stand."""
    # Half of a surrogate pair, keys that are no text, great numbers and great depth are beyond it.
    with contextlib.suppress(TypeError, RecursionError):
        if _is_plain([value]):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return text.encode("utf-8", "surrogatepass")


def _is_plain(values: Iterable[Any]) -> bool:
    """Return whether orjson writes these as the standard library does; not so very large and very small numbers."""
    for value in values:
        kind = type(value)
        if kind is dict:
            if not _is_plain(value.values()):
                return False
        elif kind is list:
            if not _is_plain(value):
                return False
        elif kind is float:
            if value and not 1e-4 <= abs(value) < 1e15:
                return False
        elif kind not in _SCALARS:
            return False
    return True


def readable(value: Any) -> bytes:
    """Return the value as JSON laid out for people, with a newline at the end.

    Raises:
        TypeError: something in it has no JSON form.
        ValueError: it contains itself.
        RecursionError: it is nested too deeply.

    Example:
        >>> print(readable({"id": "s", "runs": []}).decode(), end="")
        {
         "id": "s",
         "runs": []
        }
    """
    try:
        text = _indented(value)
    except RecursionError:
        # The indenting encoder is Python and gives up earlier; better on one line than not at all.
        text = compact(value)
    return text + b"\n"


def readable_items(values: list[Any], depth: int) -> bytes:
    """Return the items of a list as ``readable`` lays them out at this depth, without the list's brackets.

    Raises:
        TypeError: something in them has no JSON form.
        ValueError: one contains itself.
        RecursionError: they are nested too deeply to be laid out.

    Example:
        >>> print(readable_items(["one", {"n": 2}], 1).decode())
         "one",
         {
          "n": 2
         }
    """
    nested = values
    for _ in range(depth - 1):
        nested = [nested]
    text = _indented(nested)
    around = sum(2 + level for level in range(1, depth))
    return text[around + 2 : -around - 2]


def _indented(value: Any) -> bytes:
    # Refuses lone surrogates, great depth and what has no JSON form; and is not there with pydantic 1.
    with contextlib.suppress(Exception):
        # The standard library indents in Python: minutes for what this does in seconds.
        from pydantic_core import to_json

        text: bytes = to_json(value, indent=1)
        # The words may also stand in a text.
        return to_json(marked(value), indent=1) if _holds_nan(text) or b"Infinity" in text else text
    return _to_bytes(_strictly(_encode_indented, value))


def _holds_nan(text: bytes) -> bool:
    """Return whether there is a ``NaN``; of letter to letter it is four times as quick as looking for the word."""
    at = text.find(b"N")
    while at >= 0 and not text.startswith(b"NaN", at):
        at = text.find(b"N", at + 1)
    return at >= 0


def parse(data: bytes) -> Any:
    """Return the value that JSON bytes hold.

    Raises:
        ValueError: the bytes are not UTF-8 or not JSON, or are nested too deeply to be read.
    """
    data = data.removeprefix(_BOM)
    # Takes half the memory, and gives the same values (``tests/store/test_json_text.py``) or refuses: half of a
    # surrogate pair, great depth.
    with contextlib.suppress(ValueError):
        return from_json(data)
    try:
        return json.loads(data.decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _to_bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _fragment(value: Any) -> bytes:
    if not isinstance(value, orjson.Fragment):
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    return orjson.dumps(value)
