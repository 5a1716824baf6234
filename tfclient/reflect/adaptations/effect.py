"""What went together with an adaptation: sessions that were given it against those that were not, from the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any, Final

from attrs import asdict, frozen

from tfclient.errors import TfclientError
from tfclient.reflect.adaptations.adaptation import base_version
from tfclient.reflect.adaptations.fisher import fisher
from tfclient.reflect.findings import examine
from tfclient.reflect.lessons.given import adaptations_given, lessons_given
from tfclient.reflect.lessons.learning import is_learnt_from
from tfstore.document.documents import Session
from tfstore.reading.evidence.evidence import Evidence, evidence_of
from tfstore.reading.facts import policy_version
from tfstore.reading.step_words import says

FEW: Final = 10
"""Sessions of a side, at least, of which a difference is told with its probability."""


class AcrossModels(TfclientError):
    """The sessions with an adaptation and those without were answered by different models."""

    def __init__(self, with_it: Sequence[str], without: Sequence[str]) -> None:
        super().__init__(
            f"The sessions with it were answered by {', '.join(with_it) or 'no known model'}, those without by "
            f"{', '.join(without) or 'no known model'}: what differs may be theirs. --model NAME compares those of "
            "one model; --anyway compares all the same."
        )


@frozen
class Observed:
    """What is compared of a session: what it was given, what it could call, who answered, and what came of it."""

    session_id: str
    began: str
    given: frozenset[str]
    instructions: frozenset[str]
    tools: frozenset[str]
    models: frozenset[str]
    has_error: bool
    tool_errors: int
    model_calls: int
    tokens: int
    duration_ms: int | None
    kinds: frozenset[str]

    @property
    def setting(self) -> tuple[frozenset[str], frozenset[str]]:
        """What must be the same on both sides."""
        return self.instructions, self.tools


@frozen
class Side:
    """The sessions of one side in numbers: ``tool_errors``, ``model_calls`` and ``tokens`` are means, time a median."""

    sessions: int
    with_error: int
    tool_errors: float
    model_calls: float
    tokens: float
    duration_ms: float | None
    kinds: dict[str, int]
    models: dict[str, int]
    first: str
    last: str


@frozen
class Effect:
    """What went together with an adaptation.

    ``p`` is of sessions with an error, ``p_of`` of each kind of finding; None where there are too few sessions.
    ``left_out`` are sentences on sessions that are not compared, ``changed`` on what else is different.
    """

    adaptation_id: str
    without: Side
    with_it: Side
    p: float | None
    p_of: dict[str, float | None]
    left_out: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def too_few(self) -> bool:
        """Whether one of the sides has too few sessions to tell anything."""
        return min(self.without.sessions, self.with_it.sessions) < FEW

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in JSON."""
        return {**asdict(self), "too_few": self.too_few}


def observed(session: Session) -> Observed | None:
    """Return what is compared of a session; None of one that goes on, was played again, or is not to be learnt from."""
    if session.status == "active" or not is_learnt_from(session):
        return None
    evidence = evidence_of(session)
    summary = session.summary
    failed = [call for call in evidence.tool_calls if call.failed]
    found = examine(evidence).findings
    return Observed(
        session.session_id,
        session.started_at or "",
        frozenset([*adaptations_given(session), *lessons_given(session)]),
        frozenset(instructions_of(session)),
        frozenset(_tools(evidence)),
        frozenset(summary.models),
        bool(session.result == "failed" or failed or summary.errors),
        len(failed),
        summary.model_calls,
        summary.usage.total_tokens,
        session.duration_ms,
        frozenset(each.kind for each in found if each.severity != "info"),
    )


def effect_of(
    adaptation_id: str, sessions: Iterable[Observed], model: str | None = None, *, anyway: bool = False
) -> Effect:
    """Return what went together with an adaptation: sessions with it and without, of the same tools and instructions.

    Args:
        adaptation_id: the adaptation.
        sessions: all that may be compared.
        model: compare only those that this model answered.
        anyway: compare although other models answered on one side.

    Raises:
        AcrossModels: other models answered on one side.
    """
    every = [each for each in sessions if model is None or each.models == {model}]
    with_it = [each for each in every if adaptation_id in each.given]
    without = [each for each in every if adaptation_id not in each.given]
    common = {each.setting for each in with_it} & {each.setting for each in without}
    left = tuple(_left_out(with_it, without, common))
    sides = [[each for each in side if each.setting in common] for side in (without, with_it)]
    models = [sorted({name for each in side for name in each.models}) for side in sides]
    if models[0] != models[1] and all(sides) and not anyway:
        raise AcrossModels(models[1], models[0])
    before, after = map(_side, sides)
    kinds = sorted({*before.kinds, *after.kinds})
    enough = min(before.sessions, after.sessions) >= FEW
    return Effect(
        adaptation_id,
        before,
        after,
        _p(after.with_error, after.sessions, before.with_error, before.sessions) if enough else None,
        {
            kind: _p(after.kinds.get(kind, 0), after.sessions, before.kinds.get(kind, 0), before.sessions)
            if enough
            else None
            for kind in kinds
        },
        left,
        tuple(_changed(adaptation_id, *sides)),
    )


def _p(did: int, of: int, did_before: int, of_before: int) -> float:
    return fisher(did, of - did, did_before, of_before - did_before)


def _side(sessions: Sequence[Observed]) -> Side:
    times = [each.duration_ms for each in sessions if each.duration_ms is not None]
    began = sorted(each.began for each in sessions if each.began)

    def mean(of: Callable[[Observed], int]) -> float:
        return sum(map(of, sessions)) / len(sessions) if sessions else 0.0

    return Side(
        len(sessions),
        sum(each.has_error for each in sessions),
        mean(lambda each: each.tool_errors),
        mean(lambda each: each.model_calls),
        mean(lambda each: each.tokens),
        median(times) if times else None,
        dict(sorted(Counter(kind for each in sessions for kind in each.kinds).items())),
        dict(sorted(Counter(name for each in sessions for name in each.models).items())),
        began[0] if began else "",
        began[-1] if began else "",
    )


def _left_out(
    with_it: Sequence[Observed],
    without: Sequence[Observed],
    common: set[tuple[frozenset[str], frozenset[str]]],
) -> Iterable[str]:
    for name, side, other in (("with", with_it, without), ("without", without, with_it)):
        out = [each for each in side if each.setting not in common]
        if not out:
            continue
        tools = {each.tools for each in other}
        instructions = {each.instructions for each in other}
        parts = [
            f"{number:,} with other {what}"
            for what, number in (
                ("tools", sum(each.tools not in tools for each in out)),
                ("instructions", sum(each.instructions not in instructions for each in out)),
            )
            if number
        ]
        why = f" ({', '.join(parts)})" if parts else ""
        yield f"{len(out):,} {name} it are not compared: on the other side none has their tools and instructions{why}"


def _changed(adaptation_id: str, without: Sequence[Observed], with_it: Sequence[Observed]) -> Iterable[str]:
    """Yield what else is different between two sides, of which there may be others that nobody recorded."""
    if not without or not with_it:
        return
    shares = [Counter(name for each in side for name in each.models) for side in (without, with_it)]
    if {name: count / len(without) for name, count in shares[0].items()} != {
        name: count / len(with_it) for name, count in shares[1].items()
    }:
        told = [
            ", ".join(f"{name} in {count:,}" for name, count in sorted(each.items())) or "none"
            for each in shares
        ]
        yield f"models: {told[0]} without it, {told[1]} with it"
    others = sorted({name for side in (without, with_it) for each in side for name in each.given})
    for name in others:
        counts = [sum(name in each.given for each in side) for side in (without, with_it)]
        if name != adaptation_id and counts[0] * len(with_it) != counts[1] * len(without):
            yield f"{name}: given to {counts[0]:,} without it, to {counts[1]:,} with it"
    settings = [Counter(each.setting for each in side) for side in (without, with_it)]
    if len(settings[0]) > 1 and any(
        settings[0][each] * len(with_it) != settings[1][each] * len(without) for each in settings[0]
    ):
        yield "tools and instructions: the same, but not equally often on both sides"
    before, after = max(each.began for each in without), min(each.began for each in with_it)
    if before and after and before < after:
        yield f"time: all without it began before {before[:10]}, all with it after {after[:10]}"


def instructions_of(session: Session) -> Iterable[str]:
    """Yield the version of each of a session's instructions, without what was given with them."""
    for run in session.runs:
        for step in run.steps:
            if step.label == "policy.snapshot":
                text = says(step)
                yield base_version(text) if text else policy_version(step)


def _tools(evidence: Evidence) -> Iterable[str]:
    for call in evidence.model_calls:
        offered = evidence.offered_to(call)
        yield from offered.names if offered is not None else ()
