"""A session's evidence, gathered once for whoever looks for something in it."""

from __future__ import annotations

from functools import cached_property

from attrs import define

from tfstore.document.documents import Session
from tfstore.reading.evidence.offered import Offered, offered_in, snapshot_of, wanted_of
from tfstore.reading.evidence.sent_history import latest_chains
from tfstore.reading.evidence.tool_calls import ToolCall, tool_calls
from tfstore.reading.facts import SessionFacts, StepFacts, gather
from tfstore.reading.failures import Told, answers_told


@define(eq=False, slots=False)
class Evidence:
    """What a session gives to rest a finding on; each part is gathered when it is first asked for.

    Example:
        >>> from tfstore.document.documents import Session
        >>> evidence_of(Session("sess_1")).tool_calls
        []
    """

    facts: SessionFacts

    @property
    def session(self) -> Session:
        """The session."""
        return self.facts.session

    @cached_property
    def ordered(self) -> list[StepFacts]:
        """All steps in order of arrival."""
        return sorted(self.facts.every, key=lambda own: own.step.seq)

    @cached_property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls in order of arrival, each with its answers."""
        return tool_calls(self.facts)

    @cached_property
    def calls_by_thread(self) -> dict[str, list[ToolCall]]:
        """The tool calls of each thread, in order."""
        threads: dict[str, list[ToolCall]] = {}
        for call in self.tool_calls:
            threads.setdefault(call.thread, []).append(call)
        return threads

    @cached_property
    def call_of(self) -> dict[str, StepFacts]:
        """The tool call that an answer belongs to, by the id of the answer's step."""
        return {answer.step.step_id: call.own for call in self.tool_calls for answer in call.answers}

    @cached_property
    def model_calls(self) -> list[StepFacts]:
        """The model calls in order of arrival."""
        return [own for own in self.ordered if own.step.label == "assistant_call"]

    @cached_property
    def model_calls_by_thread(self) -> dict[str, list[StepFacts]]:
        """The model calls of each thread, in order."""
        threads: dict[str, list[StepFacts]] = {}
        for own in self.model_calls:
            threads.setdefault(own.run.run.thread_id, []).append(own)
        return threads

    @cached_property
    def told(self) -> list[Told]:
        """What the program's own tools gave back, with the model calls whose requests carried it."""
        return answers_told(self.facts)

    @cached_property
    def chains(self) -> list[list[StepFacts]]:
        """The model calls that led to the last one of each conversation."""
        return list(latest_chains(self.facts))

    @cached_property
    def _offered(self) -> dict[str, Offered | None]:
        return {
            own.step.step_id: offered_in(own)
            for own in self.facts.every
            if own.step.label == "tool.schemas.snapshot"
        }

    @property
    def has_schemas(self) -> bool:
        """Whether there is a schema that arguments or answers are to keep."""
        return bool(self._offered) or any(wanted_of(own.step) is not None for own in self.model_calls)

    def offered_to(self, call: StepFacts) -> Offered | None:
        """Return the tools that a model call was given; None where it was given none, or not all can be read."""
        snapshot = snapshot_of(self.facts, call)
        return self._offered.get(snapshot.step.step_id) if snapshot is not None else None

    @cached_property
    def user_messages_by_thread(self) -> dict[str, list[int]]:
        """When in each thread a user message arrived: its ``seq``."""
        threads: dict[str, list[int]] = {}
        for own in self.ordered:
            if own.step.label == "user_message":
                threads.setdefault(own.run.run.thread_id, []).append(own.step.seq)
        return threads


def evidence_of(session: Session) -> Evidence:
    """Return what a session gives to rest a finding on."""
    return Evidence(gather(session))
