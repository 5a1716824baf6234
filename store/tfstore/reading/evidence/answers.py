"""What a tool answered: its text, whether that says that it failed, and whether it says anything at all."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from tfstore.document.documents import Step
from tfstore.reading.step_text import as_text, text_of

LONGEST: Final = 2_000
"""Characters of an answer that can be an error message; a longer one is a document in which errors occur."""

_SAYS_ERROR: Final = re.compile(
    r"""[\s\W]{0,4}(?:
        (?:[a-z]+\s){0,2}(?:error|exception)(?:\s*[:!(\[\-–—]|\s+(?:calling|executing|running|invoking|while|when|
            occurred|fetching|reading|parsing|processing|in\stool|from\stool|code\b|\d)|[\s.]*\Z)
      | (?-i:(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)(?::|\())
      | traceback\s\(most\srecent
      | https?(?:/\d(?:\.\d)?)?[\s:]+(?:status|error|code|[\s:])*[45]\d\d\b
      | (?:tool_?(?:use_?)?)?error>
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_EXITED: Final = re.compile(
    r"\bexit(?:ed)?(?:[ _]with)?[ _]?(?:exit[ _])?(?:code|status)[:= ]+[1-9]\d{0,4}\b", re.IGNORECASE
)
_FAILED: Final = frozenset({"error", "failed", "failure"})
_STILL: Final = re.compile(
    r"\b(?:pending|queued|running|processing|in[ _-]?progress|not (?:yet )?(?:ready|done|finished)|waiting)\b",
    re.IGNORECASE,
)


def answer_text(answer: Step) -> str:
    """Return an answer's text: the output as it was sent, of an error without output its message."""
    output = answer.payload_completed.get("output")
    if answer.label == "tool_error" and isinstance(output, str):
        return output
    return text_of(answer)


def says_error(answer: Step) -> str:
    """Return what in an output says that the tool failed, nothing where nothing does.

    Example:
        >>> from tfstore.document.documents import Step
        >>> output = Step("step_1_1", 1, "tool_output", "tool.pay", payload_completed={"output": "Error: no such card"})
        >>> says_error(output)
        'Error: no such card'
    """
    if answer.label != "tool_output":
        return ""
    output = answer.payload_completed.get("output")
    text = output if isinstance(output, str) else answer_text(answer)
    if not text or len(text) > LONGEST:
        return ""
    value = json_in(output)
    if isinstance(value, dict):
        return _says_so(value)
    if _SAYS_ERROR.match(text):
        return text
    found = _EXITED.search(text)
    return found[0] if found else ""


def _says_so(value: dict[str, Any]) -> str:
    for key in ("error", "errors", "exception"):
        if value.get(key) and not isinstance(value[key], bool | int | float):
            return f"{key}: {as_text(value[key])}"
    for key in ("success", "ok"):
        if value.get(key) is False:
            return f"{key}: false"
    status = value.get("status")
    if isinstance(status, str) and status.lower() in _FAILED:
        return f"status: {status}"
    code = value.get("status_code", value.get("statusCode"))
    if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600:
        return f"status_code: {code}"
    return ""


def by_exit_code(answer: Step) -> bool:
    """Return whether all that says that a tool failed is the exit code of a program."""
    text = answer_text(answer)
    return not isinstance(json_in(text), dict) and not _SAYS_ERROR.match(text) and bool(_EXITED.search(text))


def json_in(output: Any) -> Any:
    """Return the JSON value that an output is, or is the text of; None where it is none."""
    if isinstance(output, str):
        if output.lstrip()[:1] not in ("{", "["):
            return None
        try:
            return json.loads(output)
        except (ValueError, RecursionError):
            return None
    return output if isinstance(output, dict | list) else None


def says_wait(text: str) -> bool:
    """Return whether an answer says that something is still going on, so that one asks again.

    Example:
        >>> says_wait('{"status": "in_progress"}'), says_wait("done")
        (True, False)
    """
    return len(text) <= LONGEST and _STILL.search(text) is not None
