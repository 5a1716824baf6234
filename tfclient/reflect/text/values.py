r"""A recorded value in a line of a text: JSON in one line, whole or with its middle left out.

A text that is a JSON object stands as one, without its blanks, and any other as a JSON string. What could end a line or
turn it round is escaped, and so are the brackets of this text's own marks, so that a value can forge neither a line, a
citation nor a mark.
"""

from __future__ import annotations

import json
import re
from typing import Final

from attrs import define, field

from tfclient.reflect.quoting import escaped

ERROR: Final = 4.0
PROMPT: Final = 3.0
ANSWER: Final = 2.0
GIVEN: Final = 1.5
"""Of arguments and instructions."""
OUTPUT: Final = 1.0
REASONING: Final = 0.5
"""How much more of a value is kept than of an output, by its kind."""

LEAST: Final = 16
"""Fewer characters of a value than this say nothing: only its length is told."""

_MARK: Final = 40
"""Characters that a mark itself takes: where no more would be left out, nothing is."""

_LARGEST: Final = 1_000_000
"""Characters of a text at most that is looked at for JSON."""

_JSON: Final = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')
_HALF_AN_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-f]{0,3})?$")


def quoted(text: str) -> str:
    r"""Return a text as a JSON string.

    Example:
        >>> print(quoted("one\n[1.2] two ⟨cut⟩"))
        "one\n[1.2] two \u27e8cut\u27e9"
    """
    return unmarked(escaped(json.dumps(text, ensure_ascii=False)))


def unmarked(text: str) -> str:
    """Return text without the brackets of our own marks."""
    return text.replace("⟨", "\\u27e8").replace("⟩", "\\u27e9")


def json_object(text: str) -> str | None:
    r"""Return a text that is a JSON object in one line, and None for any other.

    Numbers, the order of names and names that stand twice stay as they were written.

    Example:
        >>> json_object('{ "a": 1.10,\n "b": "c d" }'), json_object("[1]")
        ('{"a":1.10,"b":"c d"}', None)
    """
    if not text.lstrip(" \t\r\n").startswith("{") or len(text) > _LARGEST:
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return unmarked(escaped(_JSON.sub(lambda found: found[1] or "", text)))


@define(eq=False)
class Value:
    """A value with what decides how much of it is kept.

    Args:
        text: all that the document has of it.
        weight: how much more of it is kept than of others.
        ref: what ``expand`` takes to give all of it; nothing where it cannot.
        more: bytes of it that are stored apart.
    """

    text: str
    weight: float
    ref: str
    more: int = 0
    _object: str | None = field(init=False)
    _whole: str | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._object = json_object(self.text) if not self.more else None

    @property
    def length(self) -> int:
        """Characters of it that could be left out."""
        return len(self.text if self._object is None else self._object)

    def kept_of(self, cap: float) -> int:
        """Return how many characters are kept where an output may have ``cap``."""
        kept = int(min(cap * self.weight, self.length))
        if kept >= self.length - _MARK:
            return self.length
        return kept if kept >= LEAST else 0

    def words(self, cap: float) -> str:
        """Return it in one line, where an output may have ``cap`` characters.

        Example:
            >>> print(Value("a" * 100, 1, "1.4").words(30))
            "aaaaaaaaaaaaaaaaaaaa⟨…70 chars: expand 1.4⟩aaaaaaaaaa"
        """
        kept = self.kept_of(cap)
        if kept == self.length:
            if self._whole is None:
                self._whole = self._all()
            return self._whole
        left_out = f"⟨…{self.length - kept:,} chars{self._apart()}{self._expanded()}⟩"
        if not kept:
            return left_out.replace("…", "", 1)
        tail = kept // 3
        head = kept - tail
        if self._object is not None:
            begin = _HALF_AN_ESCAPE.sub("", self._object[:head])
            return f"{begin}{left_out}{self._object[-tail:]}"
        return f"{quoted(self.text[:head])[:-1]}{left_out}{quoted(self.text[-tail:])[1:]}"

    def _all(self) -> str:
        if self._object is not None:
            return self._object
        if self.more:
            return f'{quoted(self.text)[:-1]}⟨…{self.more:,} bytes stored apart{self._expanded()}⟩"'
        return quoted(self.text)

    def _apart(self) -> str:
        return f" and {self.more:,} bytes stored apart" if self.more else ""

    def _expanded(self) -> str:
        return f": expand {self.ref}" if self.ref else ""
