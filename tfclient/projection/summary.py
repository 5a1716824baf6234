"""What a session comes to: statuses of runs, the result, the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfstore.documents import Session, Step, Summary, ToolSummary

if TYPE_CHECKING:
    from tfclient.projection.run_state import RunState

TITLE = 80


def run_status(state: RunState, *, ended: bool) -> str:
    """Return a run's status: that of its last model call, or of work that is still open."""
    run = state.run
    if run.trigger == "api" or state.last_call is None:
        last = run.steps[-1].status if run.steps else "completed"
        return (
            "cancelled"
            if ended and last in {"in_progress", "queued"}
            else last
            if run.trigger == "api"
            else ("completed" if not state.pending else "cancelled" if ended else "in_progress")
        )
    status = state.last_call.status
    if status == "completed" and state.pending:
        status = "in_progress"
    if ended and status in {"in_progress", "queued"}:
        return "cancelled"
    return status


def result_of(session: Session) -> str | None:
    """Return the session's result: failed beats cancelled beats completed; None while nothing ran."""
    statuses = {run.status for run in session.runs}
    for status in ("failed", "cancelled"):
        if status in statuses:
            return status
    return "completed" if statuses else None


def summarise(session: Session) -> Summary:
    """Return the totals of a session."""
    summary = Summary(runs=len(session.runs))
    for run in session.runs:
        if run.lineage.branch_index > 0:
            summary.forks += 1
        for step in run.steps:
            _count(summary, step)
    return summary


def _count(summary: Summary, step: Step) -> None:
    summary.steps += 1
    if step.error is not None:
        summary.errors += 1
    if step.label == "assistant_call":
        summary.model_calls += 1
        summary.retries += step.retries or 0
        model = step.model or "unknown"
        summary.models[model] = summary.models.get(model, 0) + 1
        if step.usage is not None:
            summary.usage.add(step.usage)
    if step.label == "tool_call":
        tool = summary.tools.setdefault(step.tool_name or "unknown", ToolSummary())
        summary.tool_calls += 1
        tool.calls += 1
        tool.duration_ms += step.duration_ms or 0
        summary.unresolved_tool_calls += step.status == "unresolved"
    elif step.label == "tool_error":
        summary.tool_errors += 1
        summary.tools.setdefault(step.tool_name or "unknown", ToolSummary()).errors += 1


def title_of(session: Session) -> str:
    """Return a title from the first prompt: one line, at most 80 characters."""
    text = next((run.input_text for run in session.runs if run.trigger != "api" and run.input_text), "")
    text = text or next((run.input_text for run in session.runs), "")
    line = " ".join(text.split())
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"
