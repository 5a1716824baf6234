"""JSON as bytes: compact for the journal, laid out for people in documents; read with one kind of error.

Both writers keep text as it is, é as é, except for half of a surrogate pair, which UTF-8 cannot hold: that is
written as its escape, so that any JSON reader gives back the same string.
"""

from __future__ import annotations

import json
import re
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_spaced = json.JSONEncoder(ensure_ascii=False).encode
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"
_LINE = 100
_SCALARS = (str, int, float, bool, type(None))


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
    return _to_bytes(_encode(value))


def readable(value: Any) -> bytes:
    """Return the value as JSON laid out for people: indented by one, short things on one line.

    Raises:
        TypeError: something in it has no JSON form.
        ValueError: it contains itself.
        RecursionError: it is nested too deeply.

    Example:
        >>> print(readable({"id": "s", "usage": {"input_tokens": 3}, "runs": []}).decode(), end="")
        {
         "id": "s",
         "usage": {"input_tokens": 3},
         "runs": []
        }
    """
    lines: list[str] = []
    _lay_out(value, "", "", "", lines, top=True)
    lines.append("")
    return _to_bytes("\n".join(lines))


def parse(data: bytes) -> Any:
    """Return the value that JSON bytes hold.

    Raises:
        ValueError: the bytes are not UTF-8 or not JSON, or are nested too deeply to be read.
    """
    try:
        return json.loads(data.removeprefix(_BOM).decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _to_bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _lay_out(
    value: Any, indent: str, before: str, after: str, lines: list[str], *, top: bool = False
) -> None:
    if not value or not isinstance(value, dict | list | tuple) or (not top and _is_short(value)):
        lines.append(f"{indent}{before}{_encode_spaced(value)}{after}")
        return
    deeper = indent + " "
    last = len(value) - 1
    if isinstance(value, dict):
        lines.append(f"{indent}{before}{{")
        for position, (key, part) in enumerate(value.items()):
            name = _encode_spaced(key if isinstance(key, str) else str(key))
            _lay_out(part, deeper, f"{name}: ", "," if position < last else "", lines)
        lines.append(f"{indent}}}{after}")
    else:
        lines.append(f"{indent}{before}[")
        for position, part in enumerate(value):
            _lay_out(part, deeper, "", "," if position < last else "", lines)
        lines.append(f"{indent}]{after}")


def _is_short(value: Any) -> bool:
    """Whether it fits on a line, found without encoding it: containers hold only a few short scalars."""
    length = 0
    for part in value.values() if isinstance(value, dict) else value:
        if not isinstance(part, _SCALARS):
            return False
        length += 12 if not isinstance(part, str) else len(part) + 4
        if length > _LINE:
            return False
    if isinstance(value, dict):
        length += sum(map(len, map(str, value))) + 2 * len(value)
    return length <= _LINE
