"""Answers that stopped before their end, and why."""

from __future__ import annotations

from typing import Final

from tfstore.document.documents import Session, Step

_LIMITS: Final = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "max_output_tokens",
    "content_filter": "content_filter",
}
"""Reasons for which an answer stops early, as the APIs word them."""


def cut_off(step: Step) -> str:
    """Return why a model call's answer stopped early; nothing where it did not, or the connection broke.

    Example:
        >>> from tfstore.document.documents import Step
        >>> cut_off(Step("step_1_1", 1, "assistant_call", "chat.completions.request", finish_reason="length"))
        'length'
    """
    if step.label != "assistant_call":
        return ""
    reasons = [each.strip() for each in (step.finish_reason or "").split(",")]
    found = next((_LIMITS[each] for each in reasons if each in _LIMITS), "")
    if found:
        return found
    is_cut = step.status == "incomplete" and step.ending in {None, "completed", "incomplete"}
    return reasons[0] if is_cut and reasons[0] not in {"", "stop", "completed", "tool_calls"} else ""


def cut_off_in(session: Session) -> dict[str, int]:
    """Return how many answers of a session stopped early, by the reason."""
    found: dict[str, int] = {}
    for run in session.runs:
        for step in run.steps:
            if reason := cut_off(step):
                found[reason] = found.get(reason, 0) + 1
    return found
