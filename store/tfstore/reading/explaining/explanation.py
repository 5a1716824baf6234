"""The explanation of a step or a run: what it consists of, and how it stands in JSON."""

from __future__ import annotations

from typing import Any, Final

from attrs import field, frozen

from tfstore.document.documents import Json
from tfstore.reading.explaining.given import Given
from tfstore.reading.explaining.searching import Source
from tfstore.reading.explaining.values import Wanted
from tfstore.reading.facts import RunFacts, StepFacts
from tfstore.reading.failures import Told
from tfstore.reading.step_words import word_of

SOURCES: Final = 5
"""Sources of one word that are named in JSON; of more it is said how many."""


@frozen
class Origin:
    """A part of an answer, or of a call's arguments, and what of the prompt holds it."""

    wanted: Wanted
    sources: list[Source]

    @property
    def is_exact(self) -> bool:
        """Whether it stands there as it stands here."""
        return bool(self.sources) and self.sources[0].exact

    @property
    def is_own(self) -> bool:
        """Whether nothing but the model itself had said it."""
        return bool(self.sources) and all(each.is_own for each in self.sources)


@frozen
class Said:
    """Something that a model gave, a message or a call, and where what it holds comes from."""

    own: StepFacts
    origins: list[Origin] = field(factory=list[Origin])
    whole: bool = True

    @property
    def from_nothing(self) -> list[Origin]:
        """The values that stand in none of what the model was sent."""
        return [each for each in self.origins if not each.sources]


@frozen
class Use:
    """A later step that holds values of an answer."""

    own: StepFacts
    values: list[str]


@frozen
class ToolTold:
    """A tool call: who asked, what came back, which requests carried that, and which steps used it."""

    call: StepFacts
    asked_by: StepFacts | None
    answers: list[Told]
    used_by: list[Use]
    same_before: list[StepFacts]
    same_answer: bool


@frozen
class Explanation:
    """Why a step, or a run, is what it is.

    ``chain`` is what led there, the first prompt first; ``given`` what the model had; ``said`` what it gave, with where
    that comes from; ``tool`` what there is to say of a tool call; ``end`` the step that a run comes to, where it broke
    or its last answer. ``not_looked_at`` says what was not looked through.
    """

    own: StepFacts | None
    run: RunFacts
    chain: list[StepFacts] = field(factory=list[StepFacts])
    given: Given | None = None
    said: list[Said] = field(factory=list[Said])
    tool: ToolTold | None = None
    carried_by: list[StepFacts] = field(factory=list[StepFacts])
    not_looked_at: list[str] = field(factory=list[str])
    end: StepFacts | None = None

    @property
    def rests_on(self) -> set[str]:
        """The ids of the steps that this tells of at some length: what is wrong with them is worth telling here."""
        steps = [self.own, self.end, *(each.own for each in self.said)]
        if self.own is None:
            steps += self.run.steps
        for said in self.said:
            sources = (each for origin in said.origins for each in origin.sources[:1] if not each.is_own)
            steps += [each.own for each in sources if each.own is None or not each.own.is_snapshot]
        if self.given is not None:
            steps += [self.given.call, *(each.own for each in self.given.not_told), *self.given.no_longer[:1]]
        if self.tool is not None:
            steps += [self.tool.call, *(each.answer for each in self.tool.answers)]
        return {own.step.step_id for own in steps if own is not None}

    def as_json(self) -> Json:
        """Return the explanation as it stands in JSON, steps by their ids."""
        own = self.own
        return {
            "run_id": self.run.run.run_id,
            "step_id": own.step.step_id if own is not None else None,
            "is": word_of(own.step) if own is not None else "RUN",
            "end": _id(self.end),
            "chain": _ids(self.chain),
            "model_call": self.given.call.step.step_id if self.given is not None else None,
            "had": _had(self.given) if self.given is not None else None,
            "not_told": [
                {"step_id": each.own.step.step_id, "why": each.why, "by": _id(each.by)}
                for each in self.given.not_told
            ]
            if self.given is not None
            else [],
            "no_longer": {
                "step_ids": _ids(self.given.no_longer),
                "since": _id(self.given.since),
            }
            if self.given is not None and self.given.no_longer
            else None,
            "said": [
                {
                    "step_id": each.own.step.step_id,
                    "from": [_origin(origin) for origin in each.origins],
                    "whole": each.whole,
                }
                for each in self.said
            ],
            "tool": _tool(self.tool) if self.tool is not None else None,
            "carried_by": _ids(self.carried_by),
            "not_looked_at": self.not_looked_at,
        }


def _ids(steps: list[StepFacts]) -> list[str]:
    return [own.step.step_id for own in steps]


def _id(own: StepFacts | None) -> str | None:
    return own.step.step_id if own is not None else None


def _had(given: Given) -> Json:
    return {
        name: [_id(seen.own) for seen in parts]
        for name, parts in (
            ("fixed", given.prompt.fixed),
            ("history", given.prompt.history),
            ("new", given.prompt.new),
        )
    } | {"unknown": given.prompt.unknown}


def _origin(origin: Origin) -> Json:
    told: dict[str, Any] = {
        "text": origin.wanted.text,
        "kind": origin.wanted.kind,
        "argument": origin.wanted.place or None,
        "sources": [{"step_id": _id(each.own), "exact": each.exact} for each in origin.sources[:SOURCES]],
        "more": max(len(origin.sources) - SOURCES, 0),
    }
    return told


def _tool(tool: ToolTold) -> Json:
    return {
        "step_id": tool.call.step.step_id,
        "asked_by": _id(tool.asked_by),
        "answers": [
            {"step_id": each.answer.step.step_id, "carried_by": _ids(list(each.carried_by))}
            for each in tool.answers
        ],
        "used_by": [{"step_id": each.own.step.step_id, "values": each.values} for each in tool.used_by],
        "same_before": _ids(tool.same_before),
        "same_answer": tool.same_answer,
    }
