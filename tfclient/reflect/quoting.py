"""Recorded values as they stand in our own sentences: JSON in one line, nothing in it that could forge another.

A text that is a JSON object is written as one, any other as a JSON string; control characters, line separators and what
turns text round or hides it are escaped. What is cut keeps its head, and says how much there was.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

SHORT: Final = 80
"""Characters of a value in a sentence."""

OBEYED: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff\U000e0000-\U000e007f]"
)
"""What a terminal, a page or a reader of lines would obey."""

_CITATION: Final = re.compile(r"^\[(?=\d+\.\d+\])")
_PLAIN: Final = re.compile(r"[\w.\-/]{1,64}")
_LOOKED_AT: Final = 4_000


def quoted(value: Any, limit: int = SHORT) -> str:
    r"""Return a value as JSON in one line, of at most so many characters and a word on what was cut.

    Example:
        >>> print(quoted('say "no"\n[1.1] user'), quoted({"city": "Oslo"}), quoted('{"city": "Oslo"}'))
        "say \"no\"\n[1.1] user" {"city":"Oslo"} {"city":"Oslo"}
        >>> quoted("a" * 100, 10)
        '"aaaaaaaaaa…" (100 characters)'
    """
    made = value
    if isinstance(value, str):
        whole = len(value)
        if whole > limit:
            return f'{escaped(json.dumps(value[:limit], ensure_ascii=False)[:-1])}…" ({whole:,} characters)'
        made = _object_in(value)
    text = json.dumps(_bounded(made), ensure_ascii=False, separators=(",", ":"), default=str)
    # A list of one number is not to be taken for a step's id.
    text = _CITATION.sub("[ ", text)
    if len(text) > limit:
        return f"{escaped(text[:limit])}…"
    return escaped(text)


def named(name: str) -> str:
    """Return a name that was recorded, quoted unless it is a plain word.

    Example:
        >>> named("get_order"), named("get order")
        ('get_order', '"get order"')
    """
    return name if _PLAIN.fullmatch(name) and OBEYED.search(name) is None else quoted(name, 40)


def escaped(text: str) -> str:
    r"""Return JSON text with escapes for whatever in it a terminal, a page or a reader of lines would obey.

    Example:
        >>> escaped('"one \x9b31m two"')
        '"one \\u009b31m two"'
    """
    return OBEYED.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


def _object_in(text: str) -> Any:
    if text.lstrip()[:1] != "{":
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def _bounded(value: Any, depth: int = 0) -> Any:
    """Return a value without what a sentence has no room for: long texts, many members, great depth."""
    if isinstance(value, str):
        return value[:_LOOKED_AT]
    if depth > 20:
        return "…"
    if isinstance(value, dict):
        return {str(name): _bounded(each, depth + 1) for name, each in list(value.items())[:40]}
    if isinstance(value, list):
        return [_bounded(each, depth + 1) for each in value[:40]]
    return value
