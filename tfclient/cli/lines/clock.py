"""When the steps of a run happened: bars against the run's time, and where that time went."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfclient.cli.words import short_duration

if TYPE_CHECKING:
    from tfstore.document.documents import Run, Step

Span = tuple[float, float]

_BARRED: Final = frozenset({"assistant_call", "tool_call", "generic"})


@frozen
class Clock:
    """A run's time, laid out over some columns."""

    began: float
    lasted: float
    columns: int
    fill: str = "━"

    @classmethod
    def of(cls, run: Run, columns: int, *, ascii_only: bool = False) -> Clock | None:
        """Return the clock of a run, or None when nothing in it took time."""
        spans = [span for step in run.steps if (span := span_of(step)) is not None]
        if not spans:
            return None
        began = min(start for start, _ in spans)
        lasted = max(end for _, end in spans) - began
        return cls(began, lasted, columns, "=" if ascii_only else "━") if lasted > 0 else None

    def bar(self, step: Step) -> str:
        """Return a step's bar, as many columns as the clock has."""
        span = span_of(step)
        if span is None or step.label not in _BARRED or span[1] <= span[0]:
            return " " * self.columns
        first = min(int((span[0] - self.began) / self.lasted * self.columns), self.columns - 1)
        last = max(first + 1, round((span[1] - self.began) / self.lasted * self.columns))
        return (" " * first + self.fill * (last - first)).ljust(self.columns)


def span_of(step: Step) -> Span | None:
    """Return when a step began and ended, in seconds since the epoch."""
    if step.started_at is None or not step.duration_ms:
        return None
    try:
        began = datetime.fromisoformat(step.started_at).timestamp()
    except ValueError:
        return None
    return began, began + step.duration_ms / 1000


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
        f"{name} {about}{short_duration(round(ms))} ({ms / run.duration_ms:.0%})"
        for name, ms, about in telling
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
