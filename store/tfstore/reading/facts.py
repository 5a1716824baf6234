"""What one needs to know of a session to show it, found in one pass: numbers, parents, answers, retries.

Documents come from many hands: ids may be missing, repeated or dangling. Whatever cannot be resolved is left
out here, and stands in the step's tooltip as it was recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from attrs import define, field, frozen

from tfstore.document.documents import Run, Session, Step
from tfstore.reading.designed_ends import ends_of

SNAPSHOTS = frozenset({"policy.snapshot", "tool.schemas.snapshot", "context.snapshot"})

_OF_A_CALL: Final = frozenset(
    {"reasoning", "tool_call", "assistant_message", "approval_request", "context_compacted", "generic"}
)

_RUN_ID = re.compile(r"run_([1-9][0-9]{0,5})", re.ASCII)
_STEP_ID = re.compile(r"step_[0-9]{1,6}_([1-9][0-9]{0,5})", re.ASCII)


@define(eq=False)
class StepFacts:
    """A step with what is known of it from its neighbours; ``inside`` are the runs that ran in it, a tool."""

    step: Step
    run: RunFacts
    number: int
    position: int
    tool: str = ""
    call: StepFacts | None = None
    answered_by_error: bool = False
    attempt: int = 1
    retry_of: StepFacts | None = None
    inside: list[RunFacts] = field(factory=list["RunFacts"])

    @property
    def key(self) -> str:
        """What it is called among its run's steps: ``s1`` for the first."""
        return f"s{self.position + 1}"

    @property
    def name(self) -> str:
        """What people call it: ``2.8`` for the eighth of run 2."""
        return f"{self.run.number}.{self.number}"

    @property
    def failed(self) -> bool:
        """Whether it went wrong here, and not in a step of its own that follows."""
        if self.step.label == "tool_error":
            return True
        return (self.step.status == "failed" or self.raised) and not self.answered_by_error

    @property
    def raised(self) -> bool:
        """Whether its response came whole and the program got an exception all the same."""
        return self.step.error is not None and self.step.status in {"completed", "incomplete"}

    @property
    def is_snapshot(self) -> bool:
        """Whether it is instructions, tools or re-sent history."""
        return self.step.label in SNAPSHOTS


@frozen(eq=False)
class Loop:
    """The steps of a loop in order, the calls of its first time round, and how many times it goes round."""

    steps: list[StepFacts]
    calls: list[StepFacts]
    answers: list[StepFacts]
    times: int

    @property
    def fails(self) -> bool:
        """Whether all that it gets is errors."""
        return all(answer.step.label == "tool_error" for answer in self.answers)


@define(eq=False)
class RunFacts:
    """A run with its steps, its place in the lineage and its counts.

    ``is_nested`` says whether it ran inside a tool of its parent, and so continues nothing; ``continued_by`` are the
    children that are not. ``ended_by`` are the calls, or the approvals still to be given, by which it ended by design.
    ``loops`` are there when they were looked for.
    """

    run: Run
    number: int
    position: int
    steps: list[StepFacts] = field(factory=list[StepFacts])
    parent: RunFacts | None = None
    children: list[RunFacts] = field(factory=list["RunFacts"])
    continued_by: list[RunFacts] = field(factory=list["RunFacts"])
    is_nested: bool = False
    ended_by: list[StepFacts] = field(factory=list[StepFacts])
    tool_calls: int = 0
    errors: int = 0
    unresolved: int = 0
    tokens: int = 0
    loops: list[Loop] | None = None

    @property
    def key(self) -> str:
        """What it is called among the session's runs: ``run_1`` for the first."""
        return f"run_{self.number}"

    @property
    def failed(self) -> bool:
        """Whether the run as a whole failed."""
        return self.run.status == "failed"

    @property
    def waits_for(self) -> list[StepFacts]:
        """The approvals that it waits for; nothing where other runs went on from it without them."""
        return self.ended_by if self.run.ended_by == "approval" and not self.continued_by else []

    @property
    def is_fork(self) -> bool:
        """Whether an earlier run already continued the same parent."""
        return self.parent is not None and not self.is_nested and self.parent.continued_by[0] is not self


@define(eq=False)
class SessionFacts:
    """A session's runs, and its steps by step id and by response id."""

    session: Session
    runs: list[RunFacts] = field(factory=list[RunFacts])
    steps: dict[str, StepFacts] = field(factory=dict[str, StepFacts])
    responses: dict[str, StepFacts] = field(factory=dict[str, StepFacts])
    policies: dict[str, int] = field(factory=dict[str, int])

    @property
    def step_count(self) -> int:
        """Steps in all runs."""
        return sum(len(run.steps) for run in self.runs)

    @property
    def every(self) -> list[StepFacts]:
        """All steps, run by run."""
        return [own for run in self.runs for own in run.steps]

    def depends_on(self, step: StepFacts) -> list[StepFacts]:
        """Return the steps that a step depends on, each once, itself and unknown ids left out."""
        found = (self.steps.get(step_id) for step_id in dict.fromkeys(step.step.depends_on))
        return [other for other in found if other is not None and other is not step]

    def leads_to(self, step: StepFacts) -> list[StepFacts]:
        """Return the steps that depend on a step, in order."""
        return self._after.get(step.step.step_id, [])

    @cached_property
    def plain_steps(self) -> dict[str, Step]:
        """The steps by id, without what is known of them."""
        return {step_id: own.step for step_id, own in self.steps.items()}

    @cached_property
    def _after(self) -> dict[str, list[StepFacts]]:
        after: dict[str, list[StepFacts]] = {}
        for own in self.every:
            for before in self.depends_on(own):
                after.setdefault(before.step.step_id, []).append(own)
        return after


def gather(session: Session) -> SessionFacts:
    """Return what one needs to know of a session to show it."""
    facts = SessionFacts(session)
    numbers = _numbers([_number(_RUN_ID, run.run_id) for run in session.runs])
    for position, (run, number) in enumerate(zip(session.runs, numbers, strict=True)):
        facts.runs.append(_gather_run(facts, RunFacts(run, number, position)))
    _connect_runs(facts)
    ends = ends_of(session)
    for each in facts.runs if ends else ():
        found = (facts.steps.get(step.step_id) for step in ends.get(each.run.run_id, ()))
        each.ended_by = [own for own in found if own is not None]
    return facts


def alone(run: Run, step: Step) -> StepFacts:
    """Return a step without its neighbours, as while its session is still read."""
    return StepFacts(step, RunFacts(run, 0, 0), 0, 0, step.tool_name or "")


def _number(pattern: re.Pattern[str], identifier: str) -> int | None:
    match = pattern.fullmatch(identifier)
    return int(match[1]) if match else None


def _numbers(stated: list[int | None]) -> list[int]:
    """Return the numbers in the ids if they can serve as keys, else positions from 1."""
    known = [number for number in stated if number is not None]
    return known if len(set(known)) == len(stated) else list(range(1, len(stated) + 1))


def _gather_run(facts: SessionFacts, run: RunFacts) -> RunFacts:
    for position, step in enumerate(run.run.steps):
        number = _number(_STEP_ID, step.step_id) or position + 1
        own = StepFacts(step, run, number, position, step.tool_name or "")
        run.steps.append(own)
        facts.steps[step.step_id] = own
        if step.label == "assistant_call" and step.response_id:
            facts.responses[step.response_id] = own
        if step.label == "policy.snapshot":
            facts.policies.setdefault(policy_version(step), len(facts.policies) + 1)
    _connect_tools(run)
    run.tool_calls = sum(step.step.label == "tool_call" for step in run.steps)
    run.unresolved = sum(step.step.status == "unresolved" for step in run.steps)
    run.errors = sum(step.failed for step in run.steps)
    run.tokens = sum(step.step.usage.total_tokens for step in run.steps if step.step.usage)
    return run


def policy_version(step: Step) -> str:
    """Return what tells one version of the instructions from another."""
    return str(step.payload_started.get("version") or step.sha256 or step.payload_started.get("text"))


def _connect_tools(run: RunFacts) -> None:
    """Tell every answer its call, and every call that repeats a failed one which error it follows.

    A retry has the tool's name and the same arguments, and comes after the error. One error is tried again
    once: a third call is a retry of the second one's error, or no retry at all.
    """
    by_id: dict[str, StepFacts] = {}
    by_call: dict[str, StepFacts] = {}
    failures: dict[tuple[str, str], list[StepFacts]] = {}
    for own in run.steps:
        step = own.step
        if step.label == "tool_call":
            own.tool = own.tool or str(step.payload_started.get("name") or "")
            by_id[step.step_id] = own
            if step.call_id:
                by_call[step.call_id] = own
            earlier = failures.get(same_call(own)) if failures else None
            if earlier:
                own.retry_of = earlier.pop(0)
                own.attempt = (own.retry_of.call.attempt if own.retry_of.call else 1) + 1
        elif step.label in {"tool_output", "tool_error"}:
            called = (by_id[step_id] for step_id in step.depends_on if step_id in by_id)
            own.call = next(called, None) or by_call.get(step.call_id or "")
            if own.call is None:
                continue
            own.tool = own.tool or own.call.tool
            if step.label == "tool_error":
                own.call.answered_by_error = True
                failures.setdefault(same_call(own.call), []).append(own)


def _is_a_tool(step: Step) -> bool:
    # Also one that no model asked for, whose step is a generic one.
    return step.label == "tool_call" or step.type.startswith("tool.")


def same_call(call: StepFacts) -> tuple[str, str]:
    """Return what two calls of one tool with the same arguments have in common."""
    arguments = call.step.payload_started.get("arguments")
    return call.tool, json.dumps(arguments, sort_keys=True, default=str)


def _connect_runs(facts: SessionFacts) -> None:
    by_id = {run.run.run_id: run for run in facts.runs}
    for run in facts.runs:
        lineage = run.run.lineage
        parent = by_id.get(lineage.parent_run_id or "")
        if parent is None and (response := facts.responses.get(lineage.parent_response_id or "")):
            parent = response.run
        if parent is not None and parent is not run:
            run.parent = parent
            parent.children.append(run)
            around = facts.steps.get(lineage.parent_step_id or "")
            run.is_nested = run.run.trigger == "tool" or (around is not None and _is_a_tool(around.step))
            if not run.is_nested:
                parent.continued_by.append(run)
            elif around is not None:
                around.inside.append(run)


@define
class Node:
    """A step and what came of it."""

    own: StepFacts
    children: list[Node] = field(factory=list["Node"])


def nest(facts: SessionFacts, run: RunFacts) -> list[Node]:
    """Return a run's steps as a tree: what a model call gave below it, a tool's output below its call."""
    nodes = {id(own): Node(own) for own in run.steps}
    top: list[Node] = []
    seen: set[int] = set()
    for own in run.steps:
        parent = _parent(facts, own)
        # A document may claim that a step hangs on a later one; a tree cannot.
        if parent is not None and id(parent) in seen:
            nodes[id(parent)].children.append(nodes[id(own)])
        else:
            top.append(nodes[id(own)])
        seen.add(id(own))
    return top


def walked(facts: SessionFacts, run: RunFacts) -> Iterator[tuple[StepFacts, int]]:
    """Yield a run's steps as they stand in its tree, and how deep each stands."""
    ahead = [(node, 0) for node in reversed(nest(facts, run))]
    while ahead:
        node, depth = ahead.pop()
        yield node.own, depth
        ahead += ((child, depth + 1) for child in reversed(node.children))


def _parent(facts: SessionFacts, own: StepFacts) -> StepFacts | None:
    label = own.step.label
    if label in {"tool_output", "tool_error"} and own.call is not None:
        return own.call
    before = facts.depends_on(own)
    if label in {"tool_output", "tool_error", "approval_response"}:
        return next((each for each in before if each.step.label in {"tool_call", "approval_request"}), None)
    if label in _OF_A_CALL:
        kinds = {"assistant_call", "tool_call"} if label == "generic" else {"assistant_call"}
        return next((each for each in before if each.step.label in kinds), None)
    return None
