"""What the model was given around its prompt: histories that lose something, instructions and tools that change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tfclient.reflect.findings.citing import Cited
from tfclient.reflect.findings.effects import Effects
from tfclient.reflect.findings.kind import Kind, kind
from tfclient.reflect.quoting import quoted
from tfstore.reading.content_parts import media_in
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.sent_history import Lost, continued, lost_on_the_way
from tfstore.reading.facts import StepFacts, policy_version
from tfstore.reading.figures import counted
from tfstore.reading.naming import short_step
from tfstore.reading.step_text import as_text, text_of
from tfstore.reading.step_words import word_of

FELL_BY: Final = 1_000
"""Tokens by which a prompt has to be smaller, and no more than half of the one before, to have lost something."""

_DIGITS: Final = re.compile(r"\d+")


@kind("context_lost", "high", on_trial=True)
def context_lost(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A conversation went on without what it was to continue."""
    for run in evidence.facts.runs:
        lost = next((note for note in run.run.lineage.notes if note.startswith("lost_parent:")), None)
        calls = [own for own in run.steps if own.step.label == "assistant_call"]
        failed = next(
            (own for own in calls if own.step.status == "failed" and own.step.previous_response_id), None
        )
        again = next((own for own in calls if failed is not None and own.step.seq > failed.step.seq), None)
        if lost is not None and failed is not None and again is not None:
            yield Cited(
                [again, failed],
                f"{short_step(again.step.step_id)} began anew: {quoted(lost.partition(':')[2])}, which "
                f"{short_step(failed.step.step_id)} was to continue, was refused",
            )
    for call in evidence.model_calls:
        before = continued(evidence.facts, call)
        if before is None or before.step.usage is None or call.step.usage is None:
            continue
        had, has = before.step.usage.input_tokens, call.step.usage.input_tokens
        if 0 < has <= had / 2 and had - has >= FELL_BY and not _explained(evidence, before, call):
            yield Cited(
                [call, before],
                f"the input fell from {had:,} to {has:,} tokens between {short_step(before.step.step_id)} and "
                f"{short_step(call.step.step_id)}",
                severity="medium",
                certainty="heuristic",
                data={"before": had, "after": has},
            )


def _explained(evidence: Evidence, before: StepFacts, call: StepFacts) -> bool:
    """Return whether a compaction, media, or other tools and instructions account for a smaller prompt."""
    if before.step.model != call.step.model:
        return True
    steps = {own.step.step_id: own for own in evidence.facts.depends_on(before)}
    steps |= {own.step.step_id: own for own in evidence.facts.depends_on(call)}
    around = [*steps.values(), *before.run.steps, *call.run.steps]
    return any(
        own.step.label == "context_compacted"
        or _is_of_the_provider(own)
        or media_in(own.step.payload_started.get("content"))
        for own in around
    )


def _is_of_the_provider(own: StepFacts) -> bool:
    """Return whether a step is a tool that the provider ran, whose results count in one request and not in the next."""
    given = own.step.payload_started.get("type", "function_call")
    return own.step.label == "tool_call" and given not in {"function_call", "custom_tool_call"}


@kind("context_cut", "medium")
def context_cut(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """The last request of a conversation no longer holds what was said in it before."""
    for lost in _losses(evidence):
        first, rest = lost.steps[0], lost.steps[1:]
        said = first.step.label == "user_message"
        more = f" and {counted(len(rest), 'step')} more" if rest else ""
        yield Cited(
            [first, lost.since],
            f"no longer sent: {short_step(first.step.step_id)} {word_of(first.step)} "
            f"{quoted(text_of(first.step), 100)}{more}, since {short_step(lost.since.step.step_id)}",
            severity=None if said else "info",
            data={
                "lost": [own.step.step_id for own in lost.steps],
                "since": lost.since.step.step_id,
                "last": lost.last.step.step_id,
            },
        )


def _losses(evidence: Evidence) -> Iterator[Lost]:
    for chain in evidence.chains:
        lost = lost_on_the_way(evidence.facts, chain)
        if lost is not None:
            yield lost


@kind("context_trimmed", "info")
def context_trimmed(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A run continued another with a part of its history."""
    told = {lost.last.run.run.thread_id for lost in _losses(evidence)}
    for run in evidence.facts.runs:
        if run.run.lineage.source == "window" and run.steps and run.run.thread_id not in told:
            told.add(run.run.thread_id)
            calls = [own for own in run.steps if own.step.label == "assistant_call"]
            yield Cited(
                calls[:1] or run.steps[:1], f"run {run.number} sent a part of the history that it continues"
            )


@kind("instructions_changed", "info")
def instructions_changed(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A thread had more than one version of its instructions, digits aside."""
    yield from _changed(evidence, "policy.snapshot", "instructions")


@kind("tools_changed", "info")
def tools_changed(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A thread had more than one version of its tools."""
    yield from _changed(evidence, "tool.schemas.snapshot", "tools")


def _changed(evidence: Evidence, label: str, what: str) -> Iterator[Cited]:
    threads: dict[str, dict[str, StepFacts]] = {}
    for own in evidence.ordered:
        if own.step.label == label and not own.run.is_nested:
            threads.setdefault(own.run.run.thread_id, {}).setdefault(_version(own), own)
    for versions in threads.values():
        if len(versions) > 1:
            steps = list(versions.values())
            before, after = next(pairwise(steps))
            yield Cited(
                steps,
                f"the {what} changed between {short_step(before.step.step_id)} and {short_step(after.step.step_id)}: "
                f"{counted(len(steps), 'version')} in this thread",
                data={"versions": len(steps)},
            )


def _version(own: StepFacts) -> str:
    """Return what tells versions apart: of instructions not the digits, since a date or a count is no change."""
    if own.step.label == "policy.snapshot":
        return _DIGITS.sub("0", as_text(own.step.payload_started.get("text")))
    return policy_version(own.step)


KINDS: Final[tuple[Kind, ...]] = (
    context_lost,
    context_cut,
    context_trimmed,
    instructions_changed,
    tools_changed,
)
