"""What is new in a session since it was last looked at: pure, snapshots in, news out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field, frozen

from tfstore.document.documents import Run, Session, Step
from tfstore.document.labels import OPEN_STATUSES
from tfstore.reading.step_text import as_text, text_of
from tfstore.reading.step_words import says


@frozen
class News:
    """One thing that happened.

    ``event`` is ``step`` (a step is there), ``text`` (more of what a model is writing), ``answered`` (a model call
    has ended) or ``unanswered`` (a tool call that nobody will answer any more).
    """

    event: str
    run: Run
    step: Step
    text: str = ""

    def as_json(self, session_id: str) -> dict[str, Any]:
        """Return the news as it stands in JSON."""
        step = self.step
        return {
            "event": self.event,
            "session_id": session_id,
            "run_id": self.run.run_id,
            "step_id": step.step_id,
            "label": step.label,
            "name": step.tool_name or step.model,
            "at": step.ended_at if self.event == "answered" else step.started_at,
            "status": step.status,
            "duration_ms": step.duration_ms,
            "text": self.text,
        }


@define
class Follower:
    """Remembers what was told of a session, and tells the rest."""

    _told: dict[str, str] = field(factory=dict[str, str])
    _written: dict[str, str] = field(factory=dict[str, str])
    """What was told of the texts of model calls while they were being written, by step id."""

    def skip(self, session: Session) -> None:
        """Take everything before the last run as told."""
        for run in session.runs[:-1]:
            for step in run.steps:
                self._told[step.step_id] = step.status

    def news(self, session: Session) -> Iterator[News]:
        """Yield what a snapshot has that was not told yet, in the order of its steps."""
        for run in session.runs:
            for step in run.steps:
                before = self._told.get(step.step_id)
                if before == step.status and step.status not in OPEN_STATUSES:
                    continue
                if step.label == "assistant_call":
                    yield from self._of_a_call(run, step, before)
                elif before is None and not self._was_written(step):
                    yield News("step", run, step, says(step))
                elif before is not None and step.status == "unresolved" != before:
                    yield News("unanswered", run, step)
                self._told[step.step_id] = step.status

    def _of_a_call(self, run: Run, step: Step, before: str | None) -> Iterator[News]:
        if before is None:
            yield News("step", run, step)
        ended = step.status not in OPEN_STATUSES
        written = self._written.get(step.step_id, "")
        text = (
            self._said_in_all(run, step) if ended and written else as_text(step.payload_completed.get("text"))
        )
        if (written or not ended) and len(text) > len(written):
            self._written[step.step_id] = text
            yield News("text", run, step, text[len(written) :])
        if ended and before != step.status:
            yield News("answered", run, step, says(step))

    def _said_in_all(self, run: Run, call: Step) -> str:
        texts = [
            text_of(step)
            for step in run.steps
            if step.label == "assistant_message" and call.step_id in step.depends_on
        ]
        return "\n\n".join(texts) or as_text(call.payload_completed.get("text"))

    def _was_written(self, step: Step) -> bool:
        """Return whether a message was told while the model wrote it."""
        return step.label == "assistant_message" and any(
            text_of(step) in self._written.get(before, "") for before in step.depends_on
        )
