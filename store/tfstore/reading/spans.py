"""When steps began and ended, and where a run's time went."""

from __future__ import annotations

from datetime import datetime

from tfstore.document.documents import Run, Step
from tfstore.reading.figures import duration

Span = tuple[float, float]
"""Seconds since the epoch."""


def span_of(step: Step) -> Span | None:
    """Return when a step began and ended, in seconds since the epoch."""
    began = moment(step.started_at)
    return (began, began + step.duration_ms / 1000) if began is not None and step.duration_ms else None


def moment(written: str | None) -> float | None:
    """Return an ISO-8601 moment in seconds since the epoch."""
    try:
        return datetime.fromisoformat(written or "").timestamp()
    except ValueError:
        return None


def where_time_went(run: Run) -> str:
    """Return the shares of a run's time that models and tools took; nothing where there is nothing to share.

    Tools that ran while a model did are counted with the model, and nothing is counted twice.
    """
    if not run.duration_ms:
        return ""
    models = [span for step in run.steps if step.label == "assistant_call" and (span := span_of(step))]
    tools = [span for step in run.steps if step.label == "tool_call" and (span := span_of(step))]
    if not models or not tools:
        return ""
    in_models, in_either = covered(models) * 1000, covered(models + tools) * 1000
    inferred = any(step.timing == "inferred" for step in run.steps if step.label == "tool_call")
    shares = (
        ("models", in_models, ""),
        ("tools", in_either - in_models, "~" if inferred else ""),
        ("neither", run.duration_ms - in_either, ""),
    )
    telling = [(name, ms, about) for name, ms, about in shares if ms * 100 >= run.duration_ms]
    if len(telling) < 2:
        return ""
    return ", ".join(
        f"{name} {about}{duration(round(ms))} ({ms / run.duration_ms:.0%})" for name, ms, about in telling
    )


def covered(spans: list[Span]) -> float:
    """Return how much time the spans cover together.

    Example:
        >>> covered([(0, 2), (1, 3), (5, 6)])
        4.0
    """
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
