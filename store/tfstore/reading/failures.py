"""What a session's document tells of its failures: pure, from the document alone; nothing here prints.

A failure is a run that failed or was not finished, told by the step it broke at. Its chain leads there from the
first prompt of the thread, along what each step depends on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from attrs import asdict, field, frozen

from tfstore.document.documents import Session
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts, gather, same_call
from tfstore.reading.model_calls import inputs_of
from tfstore.reading.step_text import CONNECTION

SLOWEST: Final = 3
_ANSWERS: Final = frozenset({"tool_output", "tool_error"})
_SAID: Final = frozenset({"user_message", "assistant_message"})
_TIMED: Final = frozenset({"assistant_call", "tool_call", "generic"})


@frozen
class Told:
    """A tool's output or error, and the model calls whose requests carried it."""

    answer: StepFacts
    carried_by: tuple[StepFacts, ...] = ()

    @property
    def read(self) -> bool:
        """Whether a model answered to a request that carried it."""
        return any(call.step.status != "failed" for call in self.carried_by)


@frozen
class Failure:
    """A run that failed or was not finished, and how it came to that.

    ``told`` holds the tools' answers that the model had read in this run, ``not_told`` those that it never read.
    """

    run: RunFacts
    step: StepFacts
    chain: list[StepFacts] = field(factory=list["StepFacts"])
    told: list[Told] = field(factory=list[Told])
    not_told: list[Told] = field(factory=list[Told])
    unanswered: list[StepFacts] = field(factory=list["StepFacts"])


@frozen
class Retry:
    """Something tried again: a request by the SDK or by the program, a tool call by the model."""

    first: StepFacts
    again: StepFacts
    worked: bool


@frozen
class Repeated:
    """The same call of the same tool, made several times in one thread."""

    calls: list[StepFacts]
    same_answer: bool


@frozen
class Story:
    """What is remarkable about a session, failures first."""

    facts: SessionFacts
    failures: list[Failure]
    tool_errors: list[StepFacts]
    retries: list[Retry]
    unanswered: list[StepFacts]
    unused: list[Told]
    repeated: list[Repeated]
    slowest: list[StepFacts]
    context: list[StepFacts]

    def as_json(self) -> dict[str, Any]:
        """Return the story as it stands in JSON, steps by their ids."""
        return {
            "session_id": self.facts.session.session_id,
            "result": self.facts.session.result,
            "program": None if self.facts.session.failure is None else asdict(self.facts.session.failure),
            "failures": [_failure(each) for each in self.failures],
            "tool_errors": _ids(self.tool_errors),
            "retries": [
                {"step_id": each.first.step.step_id, "again": each.again.step.step_id, "worked": each.worked}
                for each in self.retries
            ],
            "unanswered": _ids(self.unanswered),
            "unused": [_told(each) for each in self.unused],
            "repeated": [
                {"step_ids": _ids(each.calls), "tool": each.calls[0].tool, "same_answer": each.same_answer}
                for each in self.repeated
            ],
            "slowest": [
                {"step_id": each.step.step_id, "duration_ms": each.step.duration_ms} for each in self.slowest
            ],
            "context": [
                {"step_id": each.step.step_id, "input_tokens": _input_tokens(each)} for each in self.context
            ],
        }


def story_of(session: Session) -> Story:
    """Return what a session's document tells of its failures, and of what is remarkable besides.

    Example:
        >>> from tfstore.document.documents import Session
        >>> story_of(Session("sess_1")).failures
        []
    """
    facts = gather(session)
    told = answers_told(facts)
    failures = [failure for run in facts.runs if (failure := _failure_of(facts, run, told)) is not None]
    # What came last is what the user saw; of what failed more is to be learnt than of what just stopped.
    failures.sort(key=lambda each: (each.run.failed, each.run.position), reverse=True)
    timed = [
        own
        for own in facts.every
        if own.step.label in _TIMED and own.step.duration_ms and own.step.type != CONNECTION
    ]
    return Story(
        facts,
        failures,
        [own for own in facts.every if own.step.label == "tool_error"],
        list(_retries(facts)),
        [own for own in facts.every if own.step.status == "unresolved"],
        [each for each in told if is_unused(each, facts)],
        list(_repeated(facts)),
        sorted(timed, key=lambda own: own.step.duration_ms or 0, reverse=True)[:SLOWEST],
        _context(facts, failures),
    )


def answers_told(facts: SessionFacts) -> list[Told]:
    """Return what the program's own tools gave back; what the provider's gave, the model has seen anyway."""
    carriers: dict[str, list[StepFacts]] = {}
    for own in facts.every:
        if own.step.label == "assistant_call":
            for step_id in dict.fromkeys((*inputs_of(own.step), *own.step.depends_on)):
                carriers.setdefault(step_id, []).append(own)
    return [
        Told(own, tuple(carriers.get(own.step.step_id, ())))
        for own in facts.every
        if own.step.label in _ANSWERS and _is_of_the_program(own)
    ]


def _is_of_the_program(own: StepFacts) -> bool:
    # Tools that the provider runs give their output in the response itself, with its id and without a call_id.
    return own.step.call_id is not None and own.step.response_id is None


def is_unused(told: Told, facts: SessionFacts) -> bool:
    """Return whether no model ever read an answer, and none will."""
    if told.read:
        return False
    # While the session goes on, the request that carries it may be on its way.
    return facts.session.status != "active" or bool(told.carried_by)


def _failure_of(facts: SessionFacts, run: RunFacts, told: list[Told]) -> Failure | None:
    if run.run.status not in {"failed", "cancelled", "incomplete"}:
        return None
    broken = breaking_step(run)
    if broken is None:
        return None
    last = run.steps[-1] if broken.step.label == "tool_call" else broken
    own = [each for each in told if each.answer.run is run and each.answer.step.seq <= last.step.seq]
    return Failure(
        run,
        broken,
        chain_to(facts, broken),
        [each for each in own if each.read],
        [each for each in told if each.answer.run is run and not each.read],
        [each for each in run.steps if each.step.status == "unresolved"],
    )


def breaking_step(run: RunFacts) -> StepFacts | None:
    """Return the step at which a run broke: its last model call if that went wrong, else what it waited for."""
    calls = [own for own in run.steps if own.step.label == "assistant_call"]
    if calls and (calls[-1].failed or calls[-1].step.status not in {"completed", "in_progress", "queued"}):
        return calls[-1]
    wrong = [own for own in run.steps if own.step.status == "unresolved"] or [
        own for own in run.steps if own.failed or own.step.status in {"cancelled", "incomplete"}
    ]
    return wrong[-1] if wrong else None


def chain_to(facts: SessionFacts, broken: StepFacts) -> list[StepFacts]:
    """Return the steps that led to one, the first prompt first: of what each depends on, the most telling."""
    chain = [broken]
    seen = {id(broken)}
    while True:
        own = chain[-1]
        carried = set(inputs_of(own.step))
        before = [each for each in facts.depends_on(own) if id(each) not in seen and not each.is_snapshot]
        if not before:
            break
        # What was new in a request led to it; of several outputs an error says most.
        following = max(
            before,
            key=lambda each: (
                each.step.step_id in carried,
                each.step.label == "tool_error",
                each.run is own.run,
                each.step.seq,
            ),
        )
        seen.add(id(following))
        chain.append(following)
    # Of the runs before, what was asked and answered says enough.
    return [own for own in chain[::-1] if own.run is broken.run or own.step.label in _SAID]


def _retries(facts: SessionFacts) -> Iterator[Retry]:
    for run in facts.runs:
        failed: StepFacts | None = None
        for own in run.steps:
            step = own.step
            if step.label == "assistant_call":
                if len(step.attempts) > 1 or step.retries:
                    yield Retry(own, own, not own.failed)
                if "retry" in step.notes and failed is not None:
                    yield Retry(failed, own, not own.failed)
                failed = own if own.failed else None
            elif own.retry_of is not None and own.retry_of.call is not None:
                worked = not own.answered_by_error and step.status == "completed"
                yield Retry(own.retry_of.call, own, worked)


def _repeated(facts: SessionFacts) -> Iterator[Repeated]:
    """Yield the calls that were made again without the one before having failed."""
    answers = {
        id(own.call): own.step.payload_completed.get("output")
        for own in facts.every
        if own.step.label == "tool_output" and own.call is not None
    }
    groups: dict[tuple[str, str, str], list[StepFacts]] = {}
    for own in facts.every:
        if own.step.label == "tool_call" and not own.answered_by_error and own.step.status == "completed":
            groups.setdefault((own.run.run.thread_id, *same_call(own)), []).append(own)
    for calls in groups.values():
        if len(calls) > 1:
            given = [answers.get(id(each)) for each in calls]
            yield Repeated(calls, given[0] is not None and all(each == given[0] for each in given))


def _context(facts: SessionFacts, failures: list[Failure]) -> list[StepFacts]:
    """Return the model calls of one thread, whose requests grow: that of the first failure, or the longest."""
    threads: dict[str, list[StepFacts]] = {}
    for run in facts.runs:
        calls = [own for own in run.steps if own.step.label == "assistant_call" and _input_tokens(own)]
        threads.setdefault(run.run.thread_id, []).extend(calls)
    if failures:
        return threads[failures[0].run.run.thread_id]
    return max(threads.values(), key=len, default=[])


def _input_tokens(own: StepFacts) -> int:
    return own.step.usage.input_tokens if own.step.usage is not None else 0


def _ids(steps: list[StepFacts]) -> list[str]:
    return [each.step.step_id for each in steps]


def _told(told: Told) -> dict[str, Any]:
    return {"step_id": told.answer.step.step_id, "carried_by": _ids(list(told.carried_by))}


def _failure(failure: Failure) -> dict[str, Any]:
    step, error = failure.step.step, failure.step.step.error
    return {
        "run_id": failure.run.run.run_id,
        "status": failure.run.run.status,
        "step_id": step.step_id,
        "error": {
            "class": error.class_,
            "message": error.message,
            "code": error.code,
            "http_status": error.http_status,
        }
        if error is not None
        else None,
        "chain": _ids(failure.chain),
        "told": [_told(each) for each in failure.told],
        "not_told": [_told(each) for each in failure.not_told],
        "unanswered": _ids(failure.unanswered),
    }
