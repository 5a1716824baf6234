"""A run while it is being put together, and the one place where steps are added."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfstore.document.documents import Lineage, Origin, Run, Session, Step
from tfstore.document.labels import OPEN_STATUSES, Label, Status, Timing, Trigger
from tfstore.document.times import iso, later, milliseconds

ANSWERED = frozenset({"completed", "incomplete"})
"""Statuses of a call whose response came whole; an error beside them is the exception that the program got."""


@define(eq=False)
class RunState:
    """A run, the step ids that its later steps refer to, and when it was last active (microseconds)."""

    run: Run
    number: int
    opened: int
    prompt_step_id: str | None = None
    root_prompt_step_id: str | None = None
    snapshots: dict[tuple[str, str], Step] = field(factory=dict[tuple[str, str], "Step"])
    last_call: Step | None = None
    last_key: bytes = b""
    active: int = 0
    pending: int = 0
    """Tool calls that the caller has not answered."""
    interrupted: bool = False
    """Whether somebody spoke before its answer was over."""

    def status(self, *, session_ended: bool) -> Status:
        """Return the run's status: that of its last model call, or of work that is still open.

        A last call whose response came whole but ended in an exception all the same has failed the run.
        """
        run, last = self.run, self.last_call
        if run.trigger == "api":
            last = next(
                (s for s in run.steps if s.type.startswith("api.")), run.steps[-1] if run.steps else None
            )
        status = last.status if last is not None else "completed"
        if last is not None and last.error is not None and status in ANSWERED:
            status = "failed"
        elif run.trigger != "api" and status == "completed" and self.pending:
            status = "in_progress"
        if self.interrupted and status == "cancelled":
            # People talk over machines all day.
            return "incomplete"
        return "cancelled" if session_ended and status in OPEN_STATUSES else status


@define
class Book:
    """The session under construction: numbers runs and steps, and knows which steps changed."""

    session: Session
    states: list[RunState] = field(factory=list[RunState])
    by_run: dict[str, RunState] = field(factory=dict[str, RunState])
    steps: dict[str, Step] = field(factory=dict[str, Step])
    changed: dict[str, Step] = field(factory=dict[str, Step])
    active: dict[str, RunState] = field(factory=dict[str, RunState])
    """Runs in which something happened since somebody looked."""
    threads: int = 0
    forks: int = 0
    interruptions: int = 0
    seq: int = 0

    def open_run(self, at: int, trigger: Trigger, lineage: Lineage, parent: RunState | None) -> RunState:
        """Open the next run; without a parent it starts a thread of its own."""
        number = len(self.states) + 1
        run = Run(f"run_{number}", trigger, channel=self.session.channel, started_at=iso(at), lineage=lineage)
        if parent is None:
            self.threads += 1
            run.thread_id = f"thread_{self.threads}"
            lineage.root_run_id = run.run_id
        else:
            run.thread_id = parent.run.thread_id
            lineage.parent_run_id = parent.run.run_id
            lineage.root_run_id = parent.run.lineage.root_run_id
            lineage.depth = parent.run.lineage.depth + 1
        state = RunState(run, number, at, active=at)
        if parent is not None:
            state.root_prompt_step_id = parent.root_prompt_step_id
        self.states.append(state)
        self.forks += lineage.branch_index > 0
        self.by_run[run.run_id] = state
        self.session.runs.append(run)
        return state

    def add(
        self,
        state: RunState,
        label: Label,
        kind: str,
        at: int,
        *,
        status: Status = "completed",
        timing: Timing | None = None,
        **fields: Any,
    ) -> Step:
        """Add a step that began at ``at``; it counts as ended there too unless its status says otherwise."""
        self.seq += 1
        step_id = f"step_{state.number}_{len(state.run.steps) + 1}"
        step = Step(step_id, self.seq, label, kind, status, timing=timing, **fields)
        step.started_at = iso(at)
        if status not in OPEN_STATUSES:
            step.ended_at, step.duration_ms = step.started_at, 0
        step.session_id, step.run_id = self.session.session_id, state.run.run_id
        step.origin = Origin(state.prompt_step_id, state.root_prompt_step_id, state.run.lineage.depth)
        state.run.steps.append(step)
        self.steps[step.step_id] = step
        self.touch(step)
        self.activity(state, at)
        return step

    def prompt(self, state: RunState, step: Step) -> None:
        """Make this step the prompt that everything else in the run comes of."""
        state.prompt_step_id = step.step_id
        state.root_prompt_step_id = state.root_prompt_step_id or step.step_id
        for each in state.run.steps:
            each.origin = Origin(step.step_id, state.root_prompt_step_id, state.run.lineage.depth)

    def touch(self, step: Step) -> None:
        """Note that a step changed, so that its digest is made again."""
        self.changed[step.step_id] = step
        state = self.by_run.get(str(step.run_id))
        if state is not None:
            self.active[state.run.run_id] = state

    def activity(self, state: RunState, at: int) -> None:
        """Note that something happened in a run."""
        self.active[state.run.run_id] = state
        state.active = later(state.active, at)
        state.run.ended_at = iso(state.active)
        state.run.duration_ms = milliseconds(state.opened, state.active)
