"""What a model had before it when it answered; what it was not told, and what it no longer knew."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.sent_history import (
    LOOKED_FOR,
    continued,
    kept_by_server,
    lost_on_the_way,
    squeezed,
)
from tfstore.reading.facts import RunFacts, StepFacts
from tfstore.reading.model_calls import Seen, SeenPrompt, outputs_of, seen_prompt
from tfstore.reading.step_text import as_text, text_of

_OF_THE_SERVER: Final = frozenset({"tool_output", "tool_error", "generic", "tool_call"})
_OF_THE_PROGRAM: Final = frozenset({"function_call", "custom_tool_call"})


@frozen
class NotTold:
    """A tool's answer that a model call did not have; ``why`` says how that came, ``by`` the call that carried it."""

    own: StepFacts
    why: str
    by: StepFacts | None = None


@frozen
class Given:
    """What a model call was sent, and what of its conversation it was not.

    ``no_longer`` are steps that an earlier request had carried, and ``since`` the first request without them.
    """

    call: StepFacts
    prompt: SeenPrompt
    not_told: list[NotTold] = field(factory=list[NotTold])
    no_longer: list[StepFacts] = field(factory=list[StepFacts])
    since: StepFacts | None = None

    @property
    def parts(self) -> list[Seen]:
        """All parts of the prompt, in the order in which the model saw them."""
        return [*self.prompt.fixed, *self.prompt.history, *self.prompt.new]

    @property
    def sent(self) -> set[str]:
        """The ids of the steps in it."""
        return {seen.own.step.step_id for seen in self.parts if seen.own is not None}


def given_to(evidence: Evidence, call: StepFacts) -> Given:
    """Return what a model call was given, and what of its conversation it was not."""
    prompt = seen_prompt(evidence.facts, call)
    given = Given(call, prompt)
    sent = given.sent
    no_longer, since = _no_longer(evidence, call, given)
    # Where a part of the context lies with the provider only, nobody can say that something was not in it.
    known = not prompt.unknown and not any(_is_compaction(seen) for seen in given.parts)
    not_told = _not_told(evidence, call, sent | {own.step.step_id for own in no_longer}) if known else []
    return Given(call, prompt, not_told, no_longer, since)


def _is_compaction(seen: Seen) -> bool:
    return seen.own is not None and seen.own.step.label == "context_compacted"


def line_of(run: RunFacts) -> list[RunFacts]:
    """Return the runs of one conversation up to this one, the first of them first."""
    line, seen = [run], {id(run)}
    while (parent := line[-1].parent) is not None and not line[-1].is_nested and id(parent) not in seen:
        seen.add(id(parent))
        line.append(parent)
    return line[::-1]


def _not_told(evidence: Evidence, call: StepFacts, known: set[str]) -> list[NotTold]:
    line = {id(run) for run in line_of(call.run)}
    asked = {answer.step.step_id: each.asked_by for each in evidence.tool_calls for answer in each.answers}
    found: list[NotTold] = []
    for told in evidence.told:
        answer = told.answer
        if id(answer.run) not in line or answer.step.step_id in known:
            continue
        if answer.step.seq > call.step.seq:
            asker = asked.get(answer.step.step_id)
            if answer.run is call.run and asker is not None and asker.step.seq < call.step.seq:
                found.append(NotTold(answer, "arrived after the request"))
            continue
        before = [each for each in told.carried_by if each.step.seq < call.step.seq]
        after = [each for each in told.carried_by if each.step.seq > call.step.seq]
        if any(each.step.status != "failed" for each in before):
            continue
        if before:
            found.append(NotTold(answer, "only sent with a request that failed", before[-1]))
        elif after:
            found.append(NotTold(answer, "only sent later", after[0]))
        else:
            found.append(NotTold(answer, "never sent"))
    return found


def _no_longer(evidence: Evidence, call: StepFacts, given: Given) -> tuple[list[StepFacts], StepFacts | None]:
    if kept_by_server(call):
        return [], None
    chain = [call]
    while (before := continued(evidence.facts, chain[-1])) is not None:
        chain.append(before)
    lost = lost_on_the_way(evidence.facts, chain[::-1])
    if lost is None:
        return [], None
    sent = given.sent
    missing = [own for own in lost.steps if own.step.step_id not in sent]
    words = squeezed("\n".join(_words(seen) for seen in given.parts))
    quoted = {id(own) for own in missing[:LOOKED_FOR] if squeezed(text_of(own.step)) in words}
    return [own for own in missing if id(own) not in quoted], lost.since


def _words(seen: Seen) -> str:
    return text_of(seen.own.step) if seen.own is not None else as_text(seen.item)


def brought_by_response(
    evidence: Evidence, call: StepFacts, before: StepFacts | None = None
) -> list[StepFacts]:
    """Return what the provider's own tools found while it answered: the model saw that, and no request carries it."""
    found: list[StepFacts] = []
    for own in outputs_of(evidence.facts, call):
        if own is before:
            break
        given = own.step.payload_started.get("type", "function_call")
        if own.step.label in _OF_THE_SERVER and not (
            own.step.label == "tool_call" and given in _OF_THE_PROGRAM
        ):
            found.append(own)
            found += [
                each
                for each in evidence.facts.leads_to(own)
                if each.step.label in {"tool_output", "tool_error"}
            ]
    return found
