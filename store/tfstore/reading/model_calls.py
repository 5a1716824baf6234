"""Which model call a step belongs to: the one that sent it, or the one that it came of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.document.documents import Session, Step


def model_call_of(session: Session, step: Step) -> Step | None:
    """Return the model call that a step is, that sent it, or that gave it; None where there is no such call."""
    if step.label == "assistant_call":
        return step
    steps = {each.step_id: each for run in session.runs for each in run.steps}
    for each in steps.values():
        if each.label == "assistant_call" and step.step_id in set(_carried(each)):
            return each
    seen: set[str] = set()
    before = list(step.depends_on)
    while before:
        found = steps.get(before.pop(0))
        if found is None or found.step_id in seen:
            continue
        if found.label == "assistant_call":
            return found
        seen.add(found.step_id)
        before += found.depends_on
    return None


def inputs_of(call: Step) -> list[str]:
    """Return the ids of the steps that were new in a model call's request."""
    given = call.payload_started.get("input")
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def parts_of(call: Step) -> list[dict[str, Any]]:
    """Return the parts of a model call's prompt in the order sent."""
    provenance = call.payload_started.get("prompt_provenance")
    parts = provenance.get("parts") if isinstance(provenance, dict) else None
    return [each for each in parts if isinstance(each, dict)] if isinstance(parts, list) else []


def _carried(call: Step) -> Iterator[str]:
    yield from inputs_of(call)
    for part in parts_of(call):
        if part.get("type") not in {"response", "resent"}:
            several = part.get("step_ids")
            ids = several if isinstance(several, list) else [part.get("step_id")]
            yield from (each for each in ids if isinstance(each, str))
