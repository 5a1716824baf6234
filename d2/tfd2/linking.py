"""Links between boards in D2 text, as ``emit`` writes them, and how a text is without some of them."""

from __future__ import annotations

import re
from collections.abc import Collection

# No recorded text matches: its quotes have backslashes before them, and its line ends are written as such.
_WORDS = r'"(?:[^"\\]|\\.)*"'
_WAY = re.compile(rf"^ *w\d+: {_WORDS} \{{class: nav; link: (?:_\.)?(_|layers\.\w+)\}}\n", re.MULTILINE)
_NO_WAYS = re.compile(r'^( *)ways: "" \{.*\n\1\}\n', re.MULTILINE)
_LINK = re.compile(rf"({_WORDS})|(?:; |^ +)link: (?:_\.)?(_|layers\.\w+)(?=[;}}\n])", re.MULTILINE)


def without_links(text: str, beside: Collection[str] = ()) -> str:
    """Return a D2 text without the links to boards whose pictures are not beside it.

    Buttons that would lead nowhere go too.

    Args:
        text: what ``draw`` returned.
        beside: the boards that may be linked to; the root is ``index``.
    """
    text = _WAY.sub(lambda found: found[0] if _board(found[1]) in beside else "", text)
    text = _NO_WAYS.sub("", text)
    return _LINK.sub(lambda found: found[0] if found[1] or _board(found[2]) in beside else "", text)


def _board(link: str) -> str:
    return "index" if link == "_" else link.removeprefix("layers.")
