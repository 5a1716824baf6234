"""A step as a line of a text: its id, what it is, how it went, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field

from tfclient.reflect.quoting import named
from tfclient.reflect.text import values
from tfclient.reflect.text.lines import Line, Part, Telling
from tfclient.reflect.text.values import Value, quoted, unmarked
from tfstore.document.documents import Step
from tfstore.document.references import is_reference
from tfstore.reading.content_parts import media_in
from tfstore.reading.evidence.tool_signatures import signatures
from tfstore.reading.facts import StepFacts, policy_version
from tfstore.reading.naming import short_step
from tfstore.reading.plain_text import brief
from tfstore.reading.step_text import as_text
from tfstore.reading.step_words import bytes_kept_apart, name_of, remarks_on, says, tokens_of, took, word_of

_WEIGHTS: Final = {
    "user_message": values.PROMPT,
    "assistant_message": values.ANSWER,
    "tool_call": values.GIVEN,
    "approval_request": values.GIVEN,
    "policy.snapshot": values.GIVEN,
    "tool.schemas.snapshot": values.GIVEN,
    "tool_error": values.ERROR,
    "reasoning": values.REASONING,
}
_TELLING: Final = {
    "user_message": Telling.PROMPT,
    "assistant_message": Telling.ANSWER,
    "tool_call": Telling.CALL,
    "tool_error": Telling.CALL,
    "approval_request": Telling.CALL,
}
_DEEPEST: Final = 6
"""Steps within steps are moved to the right so far at most."""


def cited(step_id: str) -> str:
    """Return a step's id as a text cites it: ``4.7``, or the id itself, quoted, where it is not of that form."""
    short = short_step(step_id)
    return short if short != step_id and short.replace(".", "", 1).isdecimal() else quoted(step_id[:200])


@define
class Seen:
    """What a text has shown already, and need not show again."""

    versions: dict[tuple[str, str], StepFacts] = field(factory=dict[tuple[str, str], StepFacts])
    parameters: dict[str, Any] = field(factory=dict[str, Any])


def line_of(own: StepFacts, seen: Seen, depth: int) -> Line:
    """Return the line of a step.

    Args:
        own: the step.
        seen: what was shown before it, to which this is added.
        depth: how far below a run it stands.
    """
    step = own.step
    word = word_of(step)
    head: list[Part] = [
        f"[{cited(step.step_id)}]",
        word if step.label == "tool_error" else word.lower(),
        _named(own),
        unmarked(remarks_on(own)),
        tokens_of(step),
        took(step),
    ]
    telling = _TELLING.get(step.label, Telling.REST)
    indent = 1 + min(depth, _DEEPEST)
    return Line([*head, *_said(own, seen)], telling, cited(step.step_id), indent)


def _named(own: StepFacts) -> str:
    name = name_of(own)
    if own.step.label in {"tool.schemas.snapshot", "policy.snapshot"}:
        version = own.step.payload_started.get("version")
        return f"v{version[:9]}" if isinstance(version, str) and version.isalnum() else ""
    if own.step.label == "context.snapshot":
        return unmarked(name)
    return unmarked(named(name)) if name else ""


def _said(own: StepFacts, seen: Seen) -> Iterator[Part]:
    """Yield what a step says, which of its media, and with which parameters a model was asked."""
    step = own.step
    if own.is_snapshot and step.label != "context.snapshot":
        first = seen.versions.setdefault((step.label, policy_version(step)), own)
        if first is not own:
            yield f"as in {cited(first.step.step_id)}"
            return
    if step.label == "assistant_call":
        yield from _parameters(step, seen)
    text = _text(step)
    if text:
        weight = values.ERROR if step.error is not None else _WEIGHTS.get(step.label, values.OUTPUT)
        yield Value(text, weight, cited(step.step_id), bytes_kept_apart(step))
    yield from map(_medium, media_in(_content(step)))


def _text(step: Step) -> str:
    if step.label == "tool.schemas.snapshot":
        tools = step.payload_started.get("tools")
        return " ".join(signatures(tools)) if isinstance(tools, list) else says(step)
    if step.label == "reasoning" and not as_text(step.payload_completed.get("text")):
        # How much of it was encrypted stands among the remarks.
        return ""
    if step.error is None and media_in(content := _content(step)):
        parts = content if isinstance(content, list) else []
        texts = (part.get("text") or part.get("refusal") for part in parts if isinstance(part, dict))
        return "\n".join(as_text(each) for each in texts if each)
    return says(step)


def _content(step: Step) -> Any:
    if step.label in {"user_message", "policy.snapshot"}:
        return step.payload_started.get("content")
    return step.payload_completed.get("output") if step.label in {"tool_output", "tool_error"} else None


def _medium(words: str) -> str:
    inside = brief(words.strip("[]"), 120).replace("<", "‹").replace(">", "›")
    return f"<{unmarked(inside)}>"


def _parameters(step: Step, seen: Seen) -> Iterator[Part]:
    """Yield the parameters that a call has other than the call before it."""
    given = step.payload_started.get("arguments")
    if not isinstance(given, dict) or is_reference(given):
        return
    changed = {name: value for name, value in given.items() if seen.parameters.get(name, _NONE) != value}
    gone = [name for name in seen.parameters if name not in given]
    seen.parameters = given
    if changed:
        text = json.dumps(changed, ensure_ascii=False, separators=(",", ":"), default=str)
        yield Value(text, values.GIVEN, cited(step.step_id))
    if gone:
        yield f"without {', '.join(unmarked(named(str(name))) for name in gone)}"


_NONE: Final = object()
