"""Where the words of a conversation come from: the texts that each step brings, and which threads begin unseen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from tfstore.document.documents import Step
from tfstore.document.references import is_reference
from tfstore.reading.content_parts import media_in

if TYPE_CHECKING:
    from tfstore.reading.evidence.evidence import Evidence

_BRINGS: Final = {
    "user_message": ("payload_started",),
    "policy.snapshot": ("payload_started",),
    "tool.schemas.snapshot": ("payload_started",),
    "context.snapshot": ("payload_started",),
    "tool_call": ("payload_started",),
    "tool_output": ("payload_completed",),
    "tool_error": ("payload_completed",),
    "assistant_message": ("payload_completed",),
    "reasoning": ("payload_completed",),
    "context_compacted": ("payload_completed",),
    "approval_request": ("payload_started",),
    "generic": ("payload_started", "payload_completed"),
}


def texts_of(step: Step) -> Iterator[str]:
    """Yield the texts that a step brings into a conversation: as they are, and what is JSON in its own spelling."""
    for value in payloads_of(step):
        yield from _texts(value)


def payloads_of(step: Step) -> Iterator[Any]:
    """Yield the values that a step brings into a conversation."""
    for name in _BRINGS.get(step.label, ()):
        yield getattr(step, name)
    if step.error is not None:
        yield step.error.message


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting.extend(each.values())
            yield " ".join(map(str, each))
        elif isinstance(each, list):
            waiting.extend(each)
        elif isinstance(each, int | float) and not isinstance(each, bool):
            yield json.dumps(each)


def beginnings_unknown(evidence: Evidence) -> set[str]:
    """Return the threads of which the model was told things that the record does not hold as text."""
    unknown: set[str] = set()
    for run in evidence.facts.runs:
        lineage = run.run.lineage
        elsewhere = lineage.parent_response_id and run.parent is None
        if run.run.trigger in {"resumed", "prompt_template"} or elsewhere or run.run.conversation_id:
            unknown.add(run.run.thread_id)
    for own in evidence.ordered:
        if (own.step.label == "assistant_call" and _asks_elsewhere(own.step)) or _is_no_text(own.step):
            unknown.add(own.run.run.thread_id)
    return unknown


def _asks_elsewhere(call: Step) -> bool:
    given = call.payload_started.get("arguments")
    return isinstance(given, dict) and bool(given.get("prompt") or given.get("conversation"))


def _is_no_text(step: Step) -> bool:
    """Return whether a step brought pictures, files, what is kept apart, or what only the provider has seen."""
    if step.label == "tool_call":
        # Of a search that the provider ran, the model saw more than is given back.
        return str(step.payload_started.get("type", "function_call")) not in {
            "function_call",
            "custom_tool_call",
        }
    if step.label in {"user_message", "context.snapshot", "tool_output", "tool_error", "policy.snapshot"}:
        holders = (step.payload_started, step.payload_completed)
        values = [each.get(name) for each in holders for name in ("text", "content", "output", "items")]
        return any(is_reference(each) or bool(media_in(each)) or _holds_no_text(each) for each in values)
    return step.label == "context_compacted"


def _holds_no_text(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return any(
        isinstance(each, dict)
        and (is_reference(each) or media_in(each) or _holds_no_text(each.get("content")))
        for each in value
    )
