"""Values of sessions in a text: what would tell one user's data to another, if it were given out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from tfclient.reflect.lessons.learning import Names
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.identifiers import leaves
from tfstore.reading.evidence.sources import texts_of
from tfstore.reading.explaining.common_words import COMMON

MOST: Final = 5
"""Values that are named."""

_TELLS: Final = frozenset({"user_message", "tool_call", "tool_output", "tool_error", "assistant_message"})
_OURS: Final = frozenset({"policy.snapshot", "tool.schemas.snapshot"})
_TOKEN: Final = re.compile(r"[^\s\"'“”«»‘’`()\[\]{}<>,;!?…]+")
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_LARGEST: Final = 2_000_000
_SHORT: Final = 3
_LONG: Final = 200
_VALUES: Final = 2_000


def values_in(text: str, sessions: Iterable[Evidence]) -> list[str]:
    """Return what in a text is a value of one of these sessions.

    That is: what has a digit or an ``@`` and was said there, names, and what tools were given; but for what the
    program's own instructions and tools say.

    Example:
        >>> values_in("Ask for the card first.", [])
        []
    """
    found: dict[str, None] = {}
    for evidence in sessions:
        found |= dict.fromkeys(_values_of(text, evidence))
    return list(found)


def _values_of(text: str, evidence: Evidence) -> Iterator[str]:
    told = _text_of(evidence, _TELLS)
    ours = _text_of(evidence, _OURS)
    low_told, low_ours, low_text = told.casefold(), ours.casefold(), text.casefold()

    def is_theirs(value: str) -> bool:
        folded = value.casefold()
        return _stands(folded, low_told) and not _stands(folded, low_ours)

    for found in _TOKEN.finditer(text):
        token = found[0].strip(".:-–—")
        if len(token) >= _SHORT and re.search(r"\d|@|//", token) and is_theirs(token):
            yield token
    names = Names(evidence)
    for found in _WORD.finditer(text):
        word = found[0]
        if names.is_name(word, _leads(text, found.start())) and is_theirs(word):
            yield word
    for value in _given_to_tools(evidence):
        if _stands(value.casefold(), low_text) and is_theirs(value):
            yield value


def _given_to_tools(evidence: Evidence) -> Iterator[str]:
    """Yield the texts that tools were given, but for words that are everybody's."""
    every = (
        value.strip()
        for call in evidence.tool_calls
        for _, value in leaves(call.arguments)
        if isinstance(value, str)
    )
    for value in dict.fromkeys(islice(every, _VALUES)):
        words = _WORD.findall(value.casefold())
        if _SHORT <= len(value) <= _LONG and any(word not in COMMON for word in words):
            yield value


def _text_of(evidence: Evidence, labels: frozenset[str]) -> str:
    texts = (
        text for own in evidence.ordered if own.step.label in labels for text in texts_of(own.step) if text
    )
    return "\n".join(texts)[:_LARGEST]


def _stands(value: str, text: str) -> bool:
    """Return whether a value stands in a text, and not as part of another word."""
    at = text.find(value)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(value) : at + len(value) + 1]
        if not (before.isalnum() and value[:1].isalnum()) and not (after.isalnum() and value[-1:].isalnum()):
            return True
        at = text.find(value, at + 1)
    return False


def _leads(text: str, start: int) -> bool:
    before = text[:start].rstrip()
    return not before or before[-1] in ".:!?;–—-"
