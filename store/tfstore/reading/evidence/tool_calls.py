"""The tool calls of a session in the order in which they were made, each with who asked and what came back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

from attrs import define, field

from tfstore.reading.evidence.answers import answer_text, says_error
from tfstore.reading.facts import SessionFacts, StepFacts, same_call

_ANSWERS: Final = frozenset({"tool_output", "tool_error"})


@define(eq=False, slots=False)
class ToolCall:
    """A tool call; ``asked_by`` is the model call whose response asked for it, where that was recorded."""

    own: StepFacts
    asked_by: StepFacts | None = None
    answers: list[StepFacts] = field(factory=list[StepFacts])

    @property
    def step_id(self) -> str:
        """The id of its step."""
        return self.own.step.step_id

    @property
    def tool(self) -> str:
        """The tool's name."""
        return self.own.tool

    @property
    def thread(self) -> str:
        """The thread it was made in."""
        return self.own.run.run.thread_id

    @property
    def arguments(self) -> Any:
        """What the tool was given, as JSON; a text where it was none."""
        return self.own.step.payload_started.get("arguments")

    @property
    def is_function(self) -> bool:
        """Whether it is a call of a function that the program offered, as against those of the provider's own kinds."""
        return bool(self.own.step.payload_started.get("type", "function_call") == "function_call")

    @property
    def is_placeholder(self) -> bool:
        """Whether nobody saw the call, only what answers it."""
        return "inferred" in self.own.step.notes

    @cached_property
    def key(self) -> tuple[str, str]:
        """What calls of one tool with the same arguments have in common."""
        return same_call(self.own)

    @property
    def answer(self) -> StepFacts | None:
        """What came back last; None where nothing did."""
        return self.answers[-1] if self.answers else None

    @cached_property
    def answer_text(self) -> str:
        """The text of that."""
        return answer_text(self.answers[-1].step) if self.answers else ""

    @cached_property
    def failed(self) -> bool:
        """Whether the answer is an error, or a text that says that it is one."""
        answer = self.answer
        if answer is None:
            return False
        return answer.step.label == "tool_error" or bool(says_error(answer.step))

    @property
    def succeeded(self) -> bool:
        """Whether there is an answer that is no error."""
        return bool(self.answers) and not self.failed

    @property
    def steps(self) -> list[StepFacts]:
        """The call and its last answer."""
        return [self.own, *self.answers[-1:]]


def tool_calls(facts: SessionFacts) -> list[ToolCall]:
    """Return the tool calls of a session in order of arrival, also those answered in another run."""
    ordered = sorted(facts.every, key=lambda own: own.step.seq)
    calls = {
        id(own): ToolCall(own, _asked_by(facts, own)) for own in ordered if own.step.label == "tool_call"
    }
    by_call_id: dict[str, ToolCall] = {}
    for own in ordered:
        if own.step.label == "tool_call" and own.step.call_id:
            by_call_id[own.step.call_id] = calls[id(own)]
        elif own.step.label in _ANSWERS:
            before = own.call or next(_calls_before(facts, own), None)
            called = calls.get(id(before)) if before is not None else by_call_id.get(own.step.call_id or "")
            if called is not None:
                called.answers.append(own)
    return list(calls.values())


def _asked_by(facts: SessionFacts, call: StepFacts) -> StepFacts | None:
    return next((own for own in facts.depends_on(call) if own.step.label == "assistant_call"), None)


def _calls_before(facts: SessionFacts, answer: StepFacts) -> Iterator[StepFacts]:
    return (own for own in facts.depends_on(answer) if own.step.label == "tool_call")
