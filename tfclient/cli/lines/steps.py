"""A step in the words of the terminal: what it is, what it says, what it took."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from tfclient.cli.words import short_duration, size
from tfd2.steps import status_word
from tfd2.text import one_line
from tfstore.document.references import is_reference, truncated
from tfstore.reading.figures import joined
from tfstore.reading.step_text import as_text, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfstore.document.documents import Step
    from tfstore.reading.facts import StepFacts

NAME_COLUMNS = 40

_WORDS: Final = {
    "user_message": "USER",
    "assistant_call": "MODEL",
    "reasoning": "REASONING",
    "tool_call": "CALL",
    "tool_output": "OUTPUT",
    "tool_error": "ERROR",
    "approval_request": "APPROVAL ASKED",
    "approval_response": "APPROVAL",
    "assistant_message": "ASSISTANT",
    "context_compacted": "COMPACTED",
    "policy.snapshot": "INSTRUCTIONS",
    "tool.schemas.snapshot": "TOOLS",
    "context.snapshot": "HISTORY",
}

_STYLES: Final = {
    "USER": "bold cyan",
    "MODEL": "bold magenta",
    "REASONING": "italic",
    "CALL": "bold yellow",
    "OUTPUT": "green",
    "ERROR": "bold red",
    "APPROVAL ASKED": "bold yellow",
    "APPROVAL": "yellow",
    "ASSISTANT": "bold blue",
    "INSTRUCTIONS": "dim",
    "TOOLS": "dim",
    "HISTORY": "dim",
}


def word_of(step: Step) -> str:
    """Return what a step is, in capitals."""
    if step.label == "generic":
        return {"api": "API", "annotation": "NOTE"}.get(step.type.partition(".")[0], "ITEM")
    return _WORDS.get(step.label) or one_line(step.label.upper(), NAME_COLUMNS)


def style_of(step: Step) -> str:
    """Return the style of that word; what failed is red whatever it is."""
    failed = step.status == "failed" or (step.error is not None and step.status != "cancelled")
    return "bold red" if failed else _STYLES.get(word_of(step), "bold")


def name_of(own: StepFacts) -> str:
    """Return the model's, the tool's, the endpoint's name, in one line; nothing where there is none."""
    step = own.step
    if step.label == "assistant_call":
        name = step.model or as_text(step.payload_started.get("model"))
    elif step.label.startswith(("tool_", "approval_")):
        name = own.tool
    elif step.label in {"tool.schemas.snapshot", "context.snapshot"}:
        name = f"×{as_text(step.payload_started.get('count', '?'))}"
    elif step.label == "generic":
        family, _, rest = step.type.partition(".")
        name = rest if family in {"api", "annotation"} else step.type
    else:
        name = ""
    return one_line(name, NAME_COLUMNS)


def remarks_on(own: StepFacts, asked: int = 0) -> str:
    """Return what is worth knowing of how a step went.

    Args:
        own: the step.
        asked: how many tools a model call asked for at once.
    """
    step = own.step
    status = "" if step.label == "tool_error" else status_word(step.status)
    return joined(
        "never answered" if step.status == "unresolved" else status,
        _attempts(step),
        f"attempt {own.attempt}" if own.attempt > 1 else "",
        f"{asked} tools at once" if asked > 1 else "",
        "refusal" if step.payload_completed.get("refusal") else "",
        _inside(own),
        _encrypted(step),
        *_changed(step),
        *(one_line(note, NAME_COLUMNS) for note in step.notes),
    )


def _inside(own: StepFacts) -> str:
    runs = [str(run.number) for run in own.inside]
    return f"run{'s' * (len(runs) > 1)} {', '.join(runs)} inside" if runs else ""


def _changed(step: Step) -> Iterator[str]:
    cut = sum(mark.action == "truncated" for mark in step.redactions)
    for count, word in ((len(step.redactions) - cut, "redacted"), (cut, "cut")):
        yield f"{count} {word}" if count else ""


def _encrypted(step: Step) -> str:
    encrypted = step.payload_completed.get("encrypted")
    if step.label != "reasoning" or not isinstance(encrypted, dict):
        return ""
    return joined("encrypted", size(encrypted["bytes"]) if isinstance(encrypted.get("bytes"), int) else "")


def _attempts(step: Step) -> str:
    if len(step.attempts) < 2:
        return f"{step.retries} retries" if (step.retries or 0) > 1 else "1 retry" if step.retries else ""
    outcomes = (
        one_line(str(each.status_code or each.error or "no answer"), NAME_COLUMNS) for each in step.attempts
    )
    rows = [outcome + (f" ×{times}" if times > 1 else "") for outcome, times in _runs(outcomes)]
    return f"{len(step.attempts)} attempts: {', then '.join(rows)}"


def _runs(outcomes: Iterable[str]) -> list[tuple[str, int]]:
    return [(outcome, len(list(same))) for outcome, same in groupby(outcomes)]


def says(step: Step) -> str:
    """Return a step's text, whole; an error's with its class, HTTP status and code."""
    if step.label == "approval_response" and isinstance(
        approved := step.payload_completed.get("approve"), bool
    ):
        return "approved" if approved else "denied"
    if step.error is not None and step.label != "tool_error":
        parts = (step.error.class_, step.error.http_status, step.error.code)
        return f"{' '.join(str(part) for part in parts if part)}: {step.error.message}"
    return text_of(step)


def said_in_line(step: Step) -> str:
    """Return a step's text for one line; a call's arguments as in a call."""
    if step.label in {"tool_call", "approval_request"} and step.error is None:
        return _call(step.payload_started.get("arguments"))
    return says(step)


def _call(arguments: Any) -> str:
    if isinstance(arguments, dict) and not is_reference(arguments):
        return f"({', '.join(f'{name}={_value(value)}' for name, value in arguments.items())})"
    return f"({as_text(arguments)})"


def _value(value: Any) -> str:
    return json.dumps(as_text(value) if is_reference(value) else value, ensure_ascii=False)


def laid_out(step: Step) -> str:
    """Return a step's text as one reads it at length: JSON indented."""
    text = says(step)
    try:
        value = json.loads(text) if text[:1] in "{[" else None
    except (ValueError, RecursionError):
        value = None
    return json.dumps(value, ensure_ascii=False, indent=2) if value else text


def size_of(step: Step) -> int:
    """Return how many bytes a step's text has, stored apart or not, cut or not."""
    for payload, key in _TEXTS.get(step.label, ()):
        value = getattr(step, payload).get(key)
        if is_reference(value):
            return truncated(value) or bytes_of(value)
    return len(says(step).encode("utf-8", "surrogatepass"))


def bytes_of(reference: dict[str, Any]) -> int:
    """Return how long the content is that a reference stands for; 0 if it does not say."""
    stated = reference.get("bytes")
    return stated if isinstance(stated, int) else 0


_TEXTS: Final = {
    "user_message": (("payload_started", "text"),),
    "policy.snapshot": (("payload_started", "text"),),
    "tool_call": (("payload_started", "arguments"),),
    "tool_output": (("payload_completed", "output"),),
    "tool_error": (("payload_completed", "output"),),
    "assistant_message": (("payload_completed", "text"),),
    "reasoning": (("payload_completed", "text"),),
}


def took(step: Step) -> str:
    """Return how long a step took; ``~`` where nobody measured it and it was inferred from the traffic."""
    if not step.duration_ms:
        return ""
    return ("~" if step.timing == "inferred" else "") + short_duration(step.duration_ms)


def tokens_of(step: Step) -> str:
    """Return a call's tokens, in and out."""
    return f"{step.usage.input_tokens:,}→{step.usage.output_tokens:,}" if step.usage else ""


def size_mark(step: Step) -> str:
    """Return the size of a text of which not all is shown."""
    return size(size_of(step))
