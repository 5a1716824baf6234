"""Model calls that failed: a run that ended so, a request that was sent over and over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tfclient.reflect.findings.citing import Cited
from tfclient.reflect.findings.effects import Effects
from tfclient.reflect.findings.kind import Kind, kind
from tfclient.reflect.quoting import named, quoted
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.facts import StepFacts
from tfstore.reading.step_words import name_of, outcome_of, says

STORM: Final = 3
"""Attempts of one call, or failed calls in a row, from which on it is a storm."""


@kind("run_failed", "high")
def run_failed(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A run failed: its last call has the error."""
    for run in evidence.facts.runs:
        if not run.failed:
            continue
        asked = [own for own in run.steps if own.step.label in {"assistant_call", "generic"}]
        if asked and asked[-1].step.error is not None:
            last = asked[-1]
            yield Cited(
                [last],
                f"run {run.number} failed at {_named(last)}: {quoted(says(last.step), 200)}",
                data={"error": asked[-1].step.error.class_},
            )


@kind("retry_storm", "medium")
def retry_storm(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """One request was sent three times and more, or three and more calls of a thread failed in a row."""
    for call in evidence.model_calls:
        attempts = call.step.attempts
        if len(attempts) >= STORM:
            bad = call.step.status == "failed"
            ending = "and failed" if bad else f"until it got {outcome_of(attempts[-1])}"
            yield Cited(
                [call],
                f"{_named(call)} was sent {len(attempts)} times {ending}; first: {quoted(outcome_of(attempts[0]))}",
                severity="high" if bad else None,
                data={"attempts": len(attempts)},
            )
    for calls in evidence.model_calls_by_thread.values():
        for failed, ended in _in_a_row(calls):
            yield Cited(
                failed,
                f"{len(failed)} model calls in a row failed{', and none worked after' if ended else ''}; "
                f"the last: {quoted(says(failed[-1].step), 120)}",
                severity="high" if ended else None,
                data={"calls": len(failed)},
            )


def _in_a_row(calls: list[StepFacts]) -> Iterator[tuple[list[StepFacts], bool]]:
    """Yield failed calls in a row, and whether none of the thread came after that did not fail."""
    row: list[StepFacts] = []
    for call in calls:
        if call.step.status == "failed":
            row.append(call)
            continue
        if len(row) >= STORM:
            yield row, False
        row = []
    if len(row) >= STORM:
        yield row, True


def _named(call: StepFacts) -> str:
    if call.step.label == "assistant_call":
        return f"model {named(name_of(call) or 'call')}"
    return named(name_of(call) or "call")


KINDS: Final[tuple[Kind, ...]] = (run_failed, retry_storm)
