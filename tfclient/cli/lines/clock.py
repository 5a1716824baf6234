"""When the steps of a run happened: bars against the run's time."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from tfstore.document.documents import Run, Step
from tfstore.reading.spans import span_of

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
