r"""What the errors of a tool have in common: their words, without the values that they happened on.

A signature may be given to another session, so what looks like a value goes: numbers and ids are ``N``, quoted parts,
arguments of the call, addresses and names that the conversation brought are ``S``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, Final

from tfclient.reflect.quoting import OBEYED, named
from tfstore.reading.evidence.answers import answer_text, by_exit_code, json_in, says_error
from tfstore.reading.evidence.identifiers import leaves
from tfstore.reading.evidence.tool_calls import ToolCall
from tfstore.reading.explaining.common_words import COMMON

LONGEST: Final = 160
"""Characters of a signature, the tool's name among them."""

_LOOKED_AT: Final = 2_000
_A_WORD: Final = 30
_MOST: Final = 200
"""Values of a call that are looked for in its error."""

_NAME: Final = 4
"""Words of an argument that may be a name; a longer one is a text, whose words are everybody's."""

_MESSAGES: Final = ("error", "errors", "exception", "message", "detail", "reason", "msg", "title")
_LED_BY: Final = re.compile(r"(?:<[\w-]{1,20}>|error\s*[:!\-–—]|[\s\W])+", re.IGNORECASE)
_QUOTED: Final = re.compile(
    r"\"[^\"]{1,400}\"|(?<!\w)'[^']{1,400}'(?!\w)|`[^`]{1,400}`|“[^”]{1,400}”|«[^»]{1,400}»|‘[^’]{1,400}’|\{[^{}]*\}|\[[^\[\]]*\]|<[^<>]{1,200}>"
)
_TOKEN: Final = re.compile(r"\S+")
_EDGE: Final = re.compile(r"^([(\"'\[]*)(.*?)([)\"'\],.;:!?…]*)$", re.DOTALL)
_CLASS: Final = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning)")
_ADDRESS: Final = re.compile(r"@|\w/\w|//|\\|\w\.\w|[=&%#<>|]")
_ID: Final = re.compile(r"(?=\S*\d)[\w#.:-]+")
_NAMES: Final = re.compile(r"[^\W\d_]+(?:[ '’.-]{1,2}[^\W\d_]+)*\.?")
_WORD: Final = re.compile(r"[^\W\d_]+")
_AGAIN: Final = re.compile(r"\b([NS])(?:(?:, | and | )\1\b)+")


def error_words(call: ToolCall) -> str:
    """Return what a failed answer says in one line; nothing where it says no more than the exit code of a program."""
    answer = call.answer
    if answer is None or not call.failed:
        return ""
    step = answer.step
    if step.label == "tool_error":
        text = answer_text(step) or (step.error.message if step.error else "")
    elif by_exit_code(step):
        return ""
    else:
        text = answer_text(step)
    said = _message_in(json_in(text)) or (says_error(step) if step.label == "tool_output" else "") or text
    lines = [line for line in said[:_LOOKED_AT].splitlines() if line.strip()]
    if not lines:
        return ""
    # Of a traceback, the last line says what went wrong.
    line = lines[-1] if lines[0].lower().startswith("traceback") else " ".join(lines)
    return " ".join(OBEYED.sub(" ", line).split())


def _message_in(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if depth > 3:
        return ""
    if isinstance(value, list) and value:
        return _message_in(value[0], depth + 1)
    if isinstance(value, dict):
        for key in _MESSAGES:
            said = _message_in(value.get(key), depth + 1)
            if said:
                return said
    return ""


def generalised(
    words: str, arguments: Any = None, is_value: Callable[[str, bool], bool] = lambda _word, _leads: False
) -> str:
    """Return the words of an error without the values in them.

    Args:
        words: the error, in one line.
        arguments: what the tool was given, as JSON.
        is_value: whether a word is one that the conversation brought, as a name is; it is told whether the word leads a
            sentence.

    Example:
        >>> generalised("Error: flight HAT030 not available on date 2024-05-13")
        'flight N not available on date N'
        >>> generalised('no user "ada" at Oslo, see ada@example.com', {"city": "Oslo"})
        'no user S at S, see S'
    """
    text = words[_led_by(words) :]
    values = (value for _, value in islice(leaves(arguments), _MOST) if isinstance(value, str))
    given = [value for value in values if len(value) <= _LOOKED_AT]
    for value in sorted({each.strip() for each in given}, key=lambda each: (-len(each), each)):
        if 2 < len(value) <= _LOOKED_AT:
            stands = "N" if _ID.fullmatch(value) else "S"
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", stands, text, flags=re.IGNORECASE)
    text = _QUOTED.sub("S", text)
    parts = _parts_of(given)
    text = _TOKEN.sub(lambda found: _plain(found[0], parts, partial(_leading, is_value, found)), text)
    text = _AGAIN.sub(r"\1", text)
    return text.strip(" .,:;!?-–—")


def _leading(is_value: Callable[[str, bool], bool], token: re.Match[str], word: str) -> bool:
    before = token.string[: token.start()].rstrip()
    return is_value(word, not before or before[-1] in ".:!?;–—-")


def _led_by(words: str) -> int:
    found = _LED_BY.match(words)
    # An error that says nothing but that it is one keeps that.
    return found.end() if found and found.end() < len(words) else 0


def _parts_of(given: Iterable[str]) -> frozenset[str]:
    """Return the words of arguments that may be names: those of short ones that are not everybody's."""
    short = (_WORD.findall(each.lower()) for each in given if _NAMES.fullmatch(each))
    return frozenset(
        word
        for words in short
        if len(words) <= _NAME
        for word in words
        if len(word) > 2 and word not in COMMON
    )


def _plain(token: str, parts: frozenset[str], is_value: Callable[[str], bool]) -> str:
    edges = _EDGE.match(token)
    before, core, after = edges.groups() if edges else ("", token, "")
    if core in {"", "N", "S"}:
        return token
    if any(each.isdigit() for each in core):
        core = "S" if "@" in core[1:] or "//" in core else "N"
    elif _CLASS.fullmatch(core):
        core = core.rpartition(".")[2]
    elif _ADDRESS.search(core) or len(core) > _A_WORD or _has_value(core, parts, is_value):
        core = "S"
    return before + core + after


def signature_of(tool: str, words: str) -> str:
    """Return the signature of an error whose words are general already.

    Example:
        >>> signature_of("get_order", "order N not found")
        'get_order: order N not found'
    """
    text = f"{named(tool)}: {words or 'error'}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def lesson_id(signature: str) -> str:
    """Return the id of the lesson with a signature.

    Example:
        >>> lesson_id("get_order: order N not found")
        'L-1b17d03b'
    """
    return f"L-{hashlib.sha256(signature.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _has_value(core: str, parts: frozenset[str], is_value: Callable[[str], bool]) -> bool:
    return any(word.lower() in parts or is_value(word) for word in _WORD.findall(core))
