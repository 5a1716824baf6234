"""Steps by which runs ended by design: calls that nobody need answer, approvals that are still asked for."""

from __future__ import annotations

from tfstore.document.documents import Run, Session, Step
from tfstore.document.labels import BY_DESIGN


def ends_of(session: Session) -> dict[str, list[Step]]:
    """Return the steps by which runs ended by design, by the run's id; runs that ended otherwise are left out."""
    runs = [run for run in session.runs if run.ended_by is not None]
    if not runs:
        return {}
    given = {
        before
        for run in session.runs
        for step in run.steps
        if step.label == "approval_response"
        for before in step.depends_on
    }
    return {run.run_id: ends for run in runs if (ends := _ends(run, given))}


def _ends(run: Run, given: set[str]) -> list[Step]:
    if run.ended_by == "approval":
        return [s for s in run.steps if s.label == "approval_request" and s.step_id not in given]
    calls = [s for s in run.steps if s.label == "tool_call" and BY_DESIGN.intersection(s.notes)]
    return [s for s in calls if s.response_id == calls[-1].response_id]


def waits_for(session: Session) -> dict[str, str]:
    """Return the approvals that a session waits for, each by its step's id with the tool that is to be approved.

    Those of runs that others went on from are not waited for any more.

    Example:
        >>> from tfstore.document.documents import Run, Session, Step
        >>> asked = Step("step_1_3", 3, "approval_request", "responses.mcp_approval_request", tool_name="roll")
        >>> run = Run("run_1", "user_message", ended_by="approval", steps=[asked])
        >>> waits_for(Session("sess_1", runs=[run]))
        {'step_1_3': 'roll'}
    """
    ends = ends_of(session)
    if not ends:
        return {}
    left = {run.lineage.parent_run_id for run in session.runs if run.trigger != "tool"}
    return {
        step.step_id: step.tool_name or ""
        for run in session.runs
        if run.ended_by == "approval" and run.run_id not in left
        for step in ends.get(run.run_id, ())
    }
