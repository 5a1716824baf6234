"""Fingerprints: whether two items are the same thing to the model, whoever sent them.

Ids, status, annotations, phase and key order do not count, nor does white space in texts.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

from tfclient.projection.api.content import text_of_content
from tfstore.document.depth import parsed
from tfstore.document.json_text import canonical

IGNORED_IN_PARTS = frozenset({"id", "status", "annotations", "phase", "logprobs", "detail"})


_BLANKS = "\n\t\r\v\f\x1c\x1d\x1e\x1f"
"""White space of ASCII, but for the blank."""

_SHORT = 64 * 1024


def digest(*parts: str | bytes) -> bytes:
    """Return a short digest of the parts, each kept apart from its neighbour."""
    data = [part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part for part in parts]
    lengths = ",".join([str(len(each)) for each in data])
    return blake2b(b"%b/%b" % (b"".join(data), lengths.encode()), digest_size=16).digest()


def evened(text: str) -> str:
    r"""Return a text in which words are apart by one blank each.

    Example:
        >>> evened(" Book  a\ntable ")
        'Book a table'
    """
    if text.isascii() and "  " not in text and not any(map(text.__contains__, _BLANKS)):
        # Most are so already: a text is looked through ten times faster than taken apart.
        return text.strip(" ")
    return " ".join(text.split())


def words_of(text: str) -> bytes:
    """Return a short digest of the words of a text."""
    # Of those that a call is about it is asked again at once; long ones are not to be held for that.
    return _lately(text) if len(text) <= _SHORT else digest(evened(text))


@lru_cache(maxsize=4)
def _lately(text: str) -> bytes:
    return digest(evened(text))


def parse_arguments(arguments: Any) -> tuple[Any, bool]:
    """Return a call's arguments as JSON value where they parse, and whether they did."""
    if not isinstance(arguments, str):
        return arguments, True
    try:
        return parsed(arguments), True
    except (ValueError, RecursionError):
        return arguments, arguments == ""


def message_fingerprint(role: str, content: Any, refusal: Any = None) -> bytes:
    """Return the fingerprint of a message: role, white-space-normalised text, and whatever is not text."""
    text = text_of_content(content)
    if not text and isinstance(refusal, str):
        text = refusal
    others: list[Any] = []
    if isinstance(content, list):
        others = [
            {k: v for k, v in part.items() if k not in IGNORED_IN_PARTS}
            for part in content
            if isinstance(part, dict)
            and not text_of_content(part)
            and str(part.get("type")) not in {"output_text", "text"}
        ]
    return digest("message", role, words_of(text), canonical(others) if others else "")


def call_fingerprint(call_id: str | None, name: str | None, arguments: Any) -> bytes:
    """Return the fingerprint of a call: call id, name, parsed arguments."""
    return digest("call", call_id or "", name or "", canonical(parse_arguments(arguments)[0]))


def output_fingerprint(call_id: str | None, output: Any) -> bytes:
    """Return the fingerprint of a tool output: call id and content."""
    content = output if isinstance(output, str) else canonical(output)
    return digest("output", call_id or "", content)
