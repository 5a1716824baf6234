"""Secrets in running text: every rule applied, one after the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tfclient.redaction.configured import HINT as CONFIGURED_HINT
from tfclient.redaction.marks import placeholder
from tfclient.redaction.named import OPENING, find_named
from tfclient.redaction.names import NAME_HINT, VARIABLE_HINT
from tfclient.redaction.shapes import HINT, RULES, bytes_test, fast_test, rules_for, suspicious

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OPENINGS: Final = "(?s:" + "|".join([*(rule.opening for rule in RULES), OPENING]) + ")"
_OPENING: Final = re.compile(_OPENINGS + r"\Z")
_LONGEST_BEGINNING: Final = 128
"""Characters that may pass before it shows that a secret began with them: a name, or a run of digits."""

_has_opening = fast_test(_OPENINGS + r"\z")

_has_name = fast_test(rf"(?i:{NAME_HINT})|{VARIABLE_HINT}|{CONFIGURED_HINT}")

utf8_may_matter = bytes_test(rf"{HINT}|{_OPENINGS}\z")


def find_secrets(text: str) -> list[tuple[int, int, str]]:
    """Find the secrets in a text.

    Args:
        text: Any text; what it says about JSON escapes does not matter.

    Returns:
        ``(start, end, rule)`` for each, in order, not overlapping.

    Example:
        >>> find_secrets("use AKIAIOSFODNN7EXAMPLE now")
        [(4, 24, 'aws_key_id')]
    """
    if not suspicious(text):
        return []
    spans: list[tuple[int, int, str]] = []
    for rule in rules_for(text):
        for match in rule.finditer(text):
            group = "secret" if "secret" in match.re.groupindex else 0
            if rule.accept is None or rule.accept(match[group]):
                spans.append((*match.span(group), rule.name))
    spans += [span for _, span in find_named(text) if span[0] < span[1]]
    return _without_overlaps(spans)


def _without_overlaps(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Let the longest of overlapping spans stand for all of them."""
    kept: list[tuple[int, int, str]] = []
    for start, end, rule in sorted(spans, key=lambda span: (span[0], -span[1])):
        if kept and start < kept[-1][1]:
            first, last, name = kept[-1]
            if end > last:
                longer = rule if end - start > last - first else name
                kept[-1] = (first, end, longer)
            continue
        kept.append((start, end, rule))
    return kept


def scrub(text: str, found: Callable[[str, str], None]) -> str:
    """Replace the secrets in a text.

    Args:
        text: Any text.
        found: Told the rule and the secret of each replacement, in order.

    Returns:
        The text with ``<redacted:RULE>`` for every secret; the very same string when there is none.
    """
    spans = find_secrets(text)
    if not spans:
        return text
    parts: list[str] = []
    at = 0
    for start, end, rule in spans:
        parts += (text[at:start], placeholder(rule))
        found(rule, text[start:end])
        at = end
    return "".join([*parts, text[at:]])


def may_open(text: str, seen: int = 0, opened: int | None = None) -> int | None:
    """Say where, at the end of a text that goes on, a secret may have begun.

    Args:
        text: The text so far.
        seen: How much of it this was asked of before.
        opened: What the answer was.

    Example:
        >>> may_open("the key is sk-pro"), may_open("the key is")
        (10, None)
    """
    if opened is not None:
        since = text[opened:]
        if _OPENING.match(since) or any(at == 0 for at in _named_openings(since)):
            return opened
    begin = max(0, seen - _LONGEST_BEGINNING)
    begin = begin if opened is None else min(begin, opened)
    end = text[begin:]
    match = _OPENING.search(end) if _has_opening(end) else None
    found = [*_named_openings(end)]
    if match is not None:
        found.append(match.start())
    return begin + min(found) if found else None


def _named_openings(text: str) -> Iterator[int]:
    if _has_name(text):
        yield from (name for name, span in find_named(text) if span[1] == len(text))


def may_matter(text: str) -> bool:
    """Say whether a secret could be in a text, or begin at its end: ``suspicious`` and ``may_open`` in one go.

    Example:
        >>> may_matter("the key is sk-pro"), may_matter("the key is")
        (True, False)
    """
    return utf8_may_matter(text.encode("utf-8", "replace"))
