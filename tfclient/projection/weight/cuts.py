"""What the cap on payloads cut of each step, and how many values that makes in the session."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field

from tfclient.projection.weight.lightener import Lightener
from tfstore.document.documents import RedactionMark, Step
from tfstore.document.references import truncated

RULE = "max_payload"


@define
class Cuts:
    """Marks steps whose payloads were made light; a step that changed is marked anew."""

    lightener: Lightener
    count: int = 0
    _counts: dict[str, int] = field(factory=dict[str, int])
    _errors: dict[str, tuple[str, RedactionMark]] = field(factory=dict[str, tuple[str, RedactionMark]])

    def marks_of(self, step: Step) -> list[RedactionMark]:
        """Return the marks of a step. The message of its error is cut here: it has to stay text."""
        if self.lightener.cap is None:
            return []
        marks = [
            *_in(step.payload_started, "payload_started"),
            *_in(step.payload_completed, "payload_completed"),
        ]
        mark = self._of_error(step)
        if mark is not None:
            marks.append(mark)
        self.count += len(marks) - self._counts.pop(step.step_id, 0)
        if marks:
            self._counts[step.step_id] = len(marks)
        return marks

    def _of_error(self, step: Step) -> RedactionMark | None:
        if step.error is None:
            return None
        message, length = self.lightener.shortened(step.error.message)
        if length is not None:
            step.error = evolve(step.error, message=message)
            self._errors[step.step_id] = message, RedactionMark("error.message", RULE, "truncated", length)
        kept, mark = self._errors.get(step.step_id, (None, None))
        return mark if kept == message else None


def _in(value: Any, path: str) -> list[RedactionMark]:
    if isinstance(value, dict):
        length = truncated(value)
        if length is not None:
            return [RedactionMark(path, RULE, "truncated", length)]
        return [mark for k, v in value.items() for mark in _in(v, f"{path}.{k}")]
    if isinstance(value, list):
        return [mark for n, v in enumerate(value) for mark in _in(v, f"{path}[{n}]")]
    return []
