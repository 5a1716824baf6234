"""A step in words: what it is, what it is called, what it says, how it went, what it took."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from tfstore.document.documents import Attempt, Step
from tfstore.document.references import is_reference, truncated
from tfstore.reading.facts import StepFacts, policy_version
from tfstore.reading.figures import counted, duration, joined, size, status_word
from tfstore.reading.plain_text import brief
from tfstore.reading.step_text import CUT, as_text, text_of

NAME = 40
"""Characters of a name that are shown."""

OUTCOMES = 4
"""Outcomes of attempts that are told, equal ones in a row as one."""

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
"""What the steps of each label are called, wherever they are shown."""

_GENERIC: Final = {"api": "API", "annotation": "NOTE"}


def word_of(step: Step) -> str:
    """Return what a step is, in capitals: ``CALL``."""
    if step.label == "generic":
        return _GENERIC.get(step.type.partition(".")[0], "ITEM")
    return _WORDS.get(step.label) or brief(step.label.upper(), NAME)


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
    return brief(name, NAME)


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
        attempts_of(step),
        f"attempt {own.attempt}" if own.attempt > 1 else "",
        f"{asked} tools at once" if asked > 1 else "",
        "refusal" if is_refusal(step) else "",
        _inside(own),
        _encrypted(step),
        heard_of(step),
        *_changed(step),
        *(brief(note, NAME) for note in step.notes),
    )


def is_refusal(step: Step) -> bool:
    """Return whether a message is, or holds, the model's refusal."""
    return bool(step.payload_completed.get("refusal"))


def _inside(own: StepFacts) -> str:
    runs = [str(run.number) for run in own.inside]
    return f"run{'s' * (len(runs) > 1)} {', '.join(runs)} inside" if runs else ""


def _changed(step: Step) -> Iterator[str]:
    cut = sum(mark.action == "truncated" for mark in step.redactions)
    for count, word in ((len(step.redactions) - cut, "redacted"), (cut, "cut")):
        yield f"{count} {word}" if count else ""


def heard_of(step: Step) -> str:
    """Say how much of what was spoken was heard, where somebody stopped it."""
    heard, sound = step.payload_completed.get("heard_ms"), step.payload_completed.get("audio_ms")
    if not isinstance(heard, int):
        return ""
    return f"heard {duration(heard)}" + (f" of {duration(sound)}" if isinstance(sound, int) else "")


def _encrypted(step: Step) -> str:
    encrypted = step.payload_completed.get("encrypted")
    if step.label != "reasoning" or not isinstance(encrypted, dict):
        return ""
    return joined("encrypted", size(encrypted["bytes"]) if isinstance(encrypted.get("bytes"), int) else "")


def attempts_of(step: Step) -> str:
    """Return how often a request was sent, and what came back; nothing of what was sent once.

    Example:
        >>> from tfstore.document.documents import Attempt, Step
        >>> twice = [Attempt(1, status_code=503), Attempt(2, status_code=200)]
        >>> attempts_of(Step("step_1_1", 1, "assistant_call", "responses.request", attempts=twice))
        '2 attempts: 503, then 200'
    """
    if len(step.attempts) < 2:
        return f"{step.retries} retries" if (step.retries or 0) > 1 else "1 retry" if step.retries else ""
    rows = [(outcome, len(list(same))) for outcome, same in groupby(map(outcome_of, step.attempts))]
    shown = [outcome + (f" ×{times}" if times > 1 else "") for outcome, times in rows[:OUTCOMES]]
    more = " …" if len(rows) > OUTCOMES else ""
    return f"{counted(len(step.attempts), 'attempt')}: {', then '.join(shown)}{more}"


def outcome_of(attempt: Attempt) -> str:
    """Return what came of one attempt: its status code, or why there is none."""
    return brief(str(attempt.status_code or attempt.error or "no answer"), NAME)


def says(step: Step) -> str:
    """Return a step's text, whole; an error's with its class, HTTP status and code."""
    if step.error is not None and step.label != "tool_error":
        parts = (step.error.class_, step.error.http_status, step.error.code)
        return f"{' '.join(str(part) for part in parts if part)}: {step.error.message}"
    return text_of(step)


def said_in_line(step: Step) -> str:
    """Return a step's text for one line; what a tool was given as in a call."""
    if step.label not in {"tool_call", "approval_request"} or step.error is not None:
        return says(step)
    arguments = step.payload_started.get("arguments")
    if isinstance(arguments, dict) and not is_reference(arguments):
        return f"({', '.join(f'{name}={_value(value)}' for name, value in arguments.items())})"
    return f"({text_of(step)})"


def _value(value: Any) -> str:
    return json.dumps(as_text(value) if is_reference(value) else value, ensure_ascii=False)


def shown_before(own: StepFacts, first_seen: dict[tuple[str, str], StepFacts]) -> StepFacts | None:
    """Return the step that showed a snapshot's content before, if one did, and remember which was first."""
    if not own.is_snapshot or own.step.label == "context.snapshot":
        return None
    first = first_seen.setdefault((own.step.label, policy_version(own.step)), own)
    return None if first is own else first


def repeats(own: StepFacts, first_seen: dict[tuple[str, str], StepFacts]) -> str:
    """Return where a snapshot's content was shown before, and remember where it was first: ``as in run 1``."""
    first = shown_before(own, first_seen)
    if first is None:
        return ""
    return f"as in {first.name if first.run is own.run else f'run {first.run.number}'}"


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


def bytes_kept_apart(step: Step) -> int:
    """Return how many bytes of a step's text do not stand in the document: in a blob, or nowhere since it was cut."""
    for payload, key in _TEXTS.get(step.label, ()):
        value = getattr(step, payload).get(key)
        if is_reference(value):
            shown = as_text(value).removesuffix(CUT).encode("utf-8", "surrogatepass")
            return max(0, (truncated(value) or bytes_of(value)) - len(shown))
    return 0


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
    return ("~" if step.timing == "inferred" else "") + duration(step.duration_ms)


def tokens_of(step: Step) -> str:
    """Return a call's tokens, in and out."""
    return f"{step.usage.input_tokens:,}→{step.usage.output_tokens:,}" if step.usage else ""
