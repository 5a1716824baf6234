"""What has happened in a session since somebody looked, in order: of what ``Recorder(on_event=…)`` is told."""

from __future__ import annotations

from attrs import define, field

from tfclient.event import Event
from tfstore.document.documents import Run, Session, Step
from tfstore.document.json_text import canonical
from tfstore.document.labels import OPEN_STATUSES
from tfstore.reading.step_text import as_text

_TOOLS = frozenset({"tool_call", "tool_output", "tool_error"})


@define
class _Told:
    """How far a run has been told of."""

    steps: int = 0
    complete: str | None = None
    """The call with which it was complete."""


@define
class Happened:
    """Gives each event of a session once, however often its document is made anew.

    Example:
        >>> from tfstore.document.documents import Run
        >>> session = Session("sess_1", runs=[Run("run_1", "user_message", "Hi")])
        >>> happened = Happened()
        >>> [event.kind for event in happened.since(session)], happened.since(session)
        (['turn_start'], [])
    """

    _runs: dict[str, _Told] = field(factory=dict[str, _Told])

    def since(self, session: Session) -> list[Event]:
        """Return what is new in a session."""
        found: list[tuple[float, Event]] = []
        for number, run in enumerate(session.runs, 1):
            if run.trigger == "api":
                continue
            told = self._runs.get(run.run_id)
            if told is None:
                told = self._runs[run.run_id] = _Told()
                first = run.steps[0].seq if run.steps else 0
                at = run.started_at
                start = Event("turn_start", session.session_id, number, at, run.input_text or None)
                found.append((first - 0.5, start))
            new, told.steps = run.steps[told.steps :], len(run.steps)
            found += [
                (step.seq, _of_tool(session.session_id, number, run, step))
                for step in new
                if step.label in _TOOLS
            ]
            last = next((step for step in reversed(run.steps) if step.label == "assistant_call"), None)
            ended = session.status != "active"
            if last is None or last.step_id == told.complete or not _is_complete(run, last, ended=ended):
                continue
            told.complete = last.step_id
            found.append((run.steps[-1].seq + 0.5, _complete(session.session_id, number, run, last)))
        return [event for _, event in sorted(found, key=lambda pair: pair[0])]


def _is_complete(run: Run, last: Step, *, ended: bool) -> bool:
    if last.payload_completed.get("function_calls") and run.ended_by is None and not ended:
        # What it asked for may have been answered; the model has not gone on yet.
        return False
    asked = any(
        step.label == "tool_call" and last.step_id in step.depends_on and step.response_id == last.response_id
        for step in run.steps
        if step.seq > last.seq and step.status != "completed"
    )
    return run.status not in OPEN_STATUSES and last.status not in OPEN_STATUSES and not asked


def _complete(session_id: str, number: int, run: Run, last: Step) -> Event:
    said = last.payload_completed.get("text")
    return Event(
        "turn_complete",
        session_id,
        number,
        last.ended_at or run.ended_at,
        None if said is None else as_text(said),
        duration_ms=run.duration_ms,
        status=run.status,
        reason="interrupted" if "interrupted" in last.notes else last.finish_reason or last.ending,
    )


def _of_tool(session_id: str, number: int, run: Run, step: Step) -> Event:
    if step.label == "tool_call":
        arguments = step.payload_started.get("arguments")
        text = arguments if isinstance(arguments, str) else canonical(arguments)
        return Event(
            "tool_call", session_id, number, step.started_at, text, step.tool_name, step.call_id,
            status=step.status,
        )  # fmt: skip
    call = next((each for each in run.steps if each.step_id in step.depends_on), None)
    output = step.payload_completed.get("output")
    return Event(
        "tool_result",
        session_id,
        number,
        step.started_at,
        None if output is None else as_text(output),
        step.tool_name,
        step.call_id,
        duration_ms=None if call is None else call.duration_ms,
        status=step.status,
        reason=None if step.error is None else step.error.message,
    )
