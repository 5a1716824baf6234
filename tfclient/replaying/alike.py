"""What differs from run to run though nobody changed anything: clocks, and ids that programs make.

It is overlooked only in what programs write, never in what a user says: "at 13:00" is not "at 19:00".
"""

from __future__ import annotations

import re
from typing import Any, Final

from tfclient.replaying.meaning import InText

_WRITTEN_BY_PROGRAMS: Final = frozenset(
    {
        "instructions",
        "additional_instructions",
        "tools",
        "metadata",
        "user",
        "safety_identifier",
        "prompt_cache_key",
    }
)
"""Members of a request."""
_ITEMS: Final = frozenset({"input", "messages", "items", "additional_messages", "tool_outputs"})
_ROLES: Final = frozenset({"system", "developer", "tool", "function"})

_WITHIN: Final = frozenset({"session", "response"})
_NAMES: Final = frozenset({"event_id", "item_id", "previous_item_id"})
"""Members of a message that name it, or an item, where programs give names."""

_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:[a-z]*day)?"
_CLOCK: Final = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?[AaPp]\.?[Mm]\b\.?)?"
_ZONE: Final = r"(?:\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})\b)?"
_DATE: Final = (
    rf"(?:{_DAY},?\s+)?(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}|\d{{4}}/\d{{2}}/\d{{2}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH},?\s+\d{{4}}|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}"
    rf"|{_MONTH}\s+\d{{1,2}}\s+{_CLOCK}\s+\d{{4}})"
)
_PATTERNS: Final = (
    ("id", re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])")),
    ("time", re.compile(rf"(?<![\w]){_DATE}(?:[T ,]+(?:at\s+)?{_CLOCK}{_ZONE})?(?![\w])|\b\d{{8}}T\d{{6}}Z?\b")),
    ("time", re.compile(rf"(?<![\w:]){_CLOCK}{_ZONE}(?![\w:])")),
    ("address", re.compile(r"\b0x[0-9A-Fa-f]{6,16}\b")),
    ("id", re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{24,}(?![0-9A-Za-z])")),
    ("time", re.compile(r"(?<![\w.-])1\d{9}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?(?![\w-])")),
    (
        "path",
        re.compile(
            r"(?<![\w./-])(?:/private)?(?:/var/folders/\w+/\w+/T|/var/tmp|/tmp)/[^\s\"'<>:;,)\]}]+"
            r"|[A-Za-z]:\\[^\s\"'<>:;,)\]}]*\\Temp\\[^\s\"'<>:;,)\]}]+"
        ),
    ),
)  # fmt: skip
_CLOCKS_OF_NUMBERS: Final = ((10**9, 21 * 10**8), (10**12, 21 * 10**11), (10**15, 21 * 10**14))
"""From 2001 to 2036, in seconds, milliseconds and microseconds."""


def blurred(body: Any) -> Any:
    """Return a request's body with what programs make anew each time replaced, where programs write.

    Example:
        >>> body = {"instructions": "It is 2026-09-02 14:05.", "input": "Wake me at 14:05."}
        >>> blurred(body)
        {'instructions': 'It is ‹time›.', 'input': 'Wake me at 14:05.'}
    """
    if not isinstance(body, dict):
        return body
    return {key: _member(key, value) for key, value in body.items()}


def blurred_message(event: Any) -> Any:
    """Return the same of a message over a socket: what it has within is written like a request.

    Example:
        >>> blurred_message({"type": "session.update", "session": {"instructions": "It is 14:05."}})
        {'type': 'session.update', 'session': {'instructions': 'It is ‹time›.'}}
    """
    if not isinstance(event, dict):
        return event
    return {key: _part(key, value) for key, value in event.items()}


def _part(key: str, value: Any) -> Any:
    if key in _WITHIN:
        return blurred(value)
    if key == "item" and isinstance(value, dict):
        return _item({name: _all_of(each) if name == "id" else each for name, each in value.items()})
    return _all_of(value) if key in _NAMES else _member(key, value)


def _member(key: str, value: Any) -> Any:
    if key in _WRITTEN_BY_PROGRAMS:
        return _all_of(value)
    if key in _ITEMS and isinstance(value, list):
        return [_item(each) for each in value]
    return value


def _item(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    written = set()
    if str(item.get("role")) in _ROLES:
        written.add("content")
    if str(item.get("type", "")).endswith("_output") or "tool_call_id" in item:
        written.add("output")
    return {key: _all_of(value) if key in written else value for key, value in item.items()}


def _all_of(value: Any) -> Any:
    if isinstance(value, str):
        return in_text(value)
    if isinstance(value, InText):
        return InText(_all_of(value.value))
    if isinstance(value, dict):
        return {key: _all_of(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_all_of(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "‹time›" if any(least <= value < most for least, most in _CLOCKS_OF_NUMBERS) else value
    return value


def in_text(text: str) -> str:
    """Return a text with what clocks and generators of ids wrote replaced by what it is.

    Example:
        >>> in_text("<Order at 0x7f3a9c01de20> of Wed, 02 Sep 2026 14:05:00 GMT in /tmp/tmpx8d2/a.txt")
        '<Order at ‹address›> of ‹time› in ‹path›'
    """
    for word, pattern in _PATTERNS:
        text = pattern.sub(f"‹{word}›", text)
    return text
