"""Identifiers in texts: what looks like one, what form it has, and whether it was there before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

_WORD: Final = re.compile(r"[#]?[A-Za-z0-9][\w@.+:#\-]{3,63}", re.ASCII)
_DATE: Final = re.compile(
    r"[12]\d{3}[-/.]?[01]\d(?:[-/.]?[0-3]\d)?(?:[T_ ]?[\d:.]+)?(?:Z|[+-]\d\d:?\d\d)?|[0-3]?\d[-/.][0-3]?\d[-/.]\d{2,4}"
)
_NUMBER: Final = re.compile(r"[+\-]?[\d.,:]+[%A-Za-z]{0,3}|[A-Z$€£]{1,3}[\d,]+\.\d{1,2}")
_TOKEN: Final = re.compile(r"[^\s\"'<>()\[\]{},;]+")
_FORMED: Final = re.compile(
    r"(?<![\w#])#?[A-Za-z]+(?:[_-][A-Za-z]+)*[_-]?\d{2,}(?:[_-]?[A-Za-z0-9]+)*(?!\w)", re.ASCII
)
_DIGITS: Final = re.compile(r"\d+")


def identifier(value: Any) -> str:
    """Return a value if it looks like an identifier: five characters and more, with three digits or an ``@``.

    Example:
        >>> identifier("order-10023"), identifier("2026-09-02"), identifier("12.50"), identifier("sofia")
        ('order-10023', '', '', '')
    """
    if not isinstance(value, str) or not 5 <= len(value) <= 64 or _WORD.fullmatch(value) is None:
        return ""
    if sum(each.isdigit() for each in value) < 3 and "@" not in value[1:]:
        return ""
    if _DATE.fullmatch(value) or _NUMBER.fullmatch(value):
        return ""
    return value


def form_of(value: str) -> str:
    """Return what identifiers of one kind have in common: their letters and signs, and how many digits.

    Example:
        >>> form_of("A-1002") == form_of("A-1001"), form_of("A-1002") == form_of("A-10")
        (True, False)
    """
    return _DIGITS.sub(lambda found: "9" * len(found[0]), value.lower())


def identifiers_in(text: str) -> Iterator[str]:
    """Yield what in a text has letters first and digits behind, as identifiers have that people read.

    Example:
        >>> list(identifiers_in("Order A-1001 of #W2378156, 3 items"))
        ['A-1001', '#W2378156']
    """
    return (found[0] for found in _FORMED.finditer(text))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values in a value that hold no others, each with its path."""
    waiting = [(path, value)]
    while waiting:
        where, each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend((f"{where}.{name}" if where else str(name), inner) for name, inner in each.items())
        elif isinstance(each, list):
            waiting.extend((f"{where}[]", inner) for inner in each)
        else:
            yield where, each


class Sources:
    """Texts in which identifiers may have stood: what was added is looked up by its words, in one pass over each."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._tokens: set[str] = set()
        self._digits: set[str] = set()

    def add(self, text: str) -> None:
        """Take up a text."""
        if text:
            lowered = text.lower()
            self._texts.append(lowered)
            for found in _TOKEN.finditer(lowered):
                token = found[0].strip(".,:!?*`")
                self._tokens.add(token)
            self._digits.update(found[0] for found in _DIGITS.finditer(text) if len(found[0]) >= 3)

    def has_word(self, value: str) -> bool:
        """Return whether a value stood there as a word of its own, or its digits did with at most two letters more."""
        if value.lower() in self._tokens:
            return True
        digits = _DIGITS.findall(value)
        letters = sum(each.isalpha() for each in value)
        return letters <= 2 and all(run in self._digits for run in digits if len(run) >= 3)

    def has(self, value: str) -> bool:
        """Return whether a value stood there anywhere, in either case: looks through all of the texts."""
        wanted = value.lower()
        return any(wanted in text for text in self._texts)
