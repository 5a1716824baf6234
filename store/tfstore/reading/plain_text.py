"""Recorded text as it can be shown anywhere: nothing in it that a terminal, a page or D2 would obey."""

from __future__ import annotations

import re
from typing import Final

LOOKED_AT = 4_000
"""Characters of a text that are looked at for a label: far more than any label shows."""

_SPECIAL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_nothing_special = re.compile(
    "[\t\n -~\x85\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*"
).fullmatch
"""All others. That a text has only these is seen three times faster than that it has none of those."""


def clean(text: str) -> str:
    r"""Return the text without what D2 or XML refuse or a viewer would obey: each becomes a visible sign.

    Example:
        >>> clean("one\r\ntwo\x1b[31m")
        'one\ntwo␛[31m'
    """
    if _nothing_special(text):
        return text
    return _SPECIAL.sub(_picture, text.replace("\r\n", "\n"))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:  # C0
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"  # DEL


_MARKED_UP: Final = re.compile(
    r"""^\ {0,3}(?:\#{1,6}\ +\S | ```|~~~ | >\ ?\S | \|.*\|[ \t]*$)
      | ^[ \t]*(?:[-*+]|\d{1,3}[.)])\ +\S
      | \*\*[^\s*][^*\n]*\*\*
      | `[^`\n]+`
      | \[[^\]\n]+\]\(\S+\)
    """,
    re.MULTILINE | re.VERBOSE,
)


def is_marked_up(text: str) -> bool:
    """Return whether a text looks like Markdown, by its beginning; what looks like JSON does not.

    Example:
        >>> is_marked_up("It is **pending**."), is_marked_up("2 * 3 is 6"), is_marked_up('{"a": "`b`"}')
        (True, False, False)
    """
    begun = text[:LOOKED_AT]
    return not begun.lstrip().startswith(("{", "[{", "[[")) and _MARKED_UP.search(begun) is not None


def brief(text: str, characters: int) -> str:
    r"""Return text cleaned, on one line, of at most so many characters; an ellipsis marks that there was more.

    Example:
        >>> brief("get_weather\n(again)", 40), brief("get_weather", 8)
        ('get_weather (again)', 'get_wea…')
    """
    line = " ".join(clean(text[:LOOKED_AT]).split())
    return line if len(line) <= characters else line[: characters - 1].rstrip() + "…"
