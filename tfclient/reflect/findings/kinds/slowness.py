"""What took far longer than others of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final

from tfclient.reflect.findings.citing import Cited
from tfclient.reflect.findings.effects import Effects
from tfclient.reflect.findings.kind import Kind, kind
from tfclient.reflect.quoting import named
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.facts import StepFacts
from tfstore.reading.figures import duration
from tfstore.reading.step_words import name_of

SLOW_MS: Final = 10_000
TIMES: Final = 5
FEWEST: Final = 5


@kind("slow_outlier", "low")
def slow_outlier(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A call took more than ten seconds, and five times as long as is usual for its kind in this session."""
    kinds: dict[tuple[str, str], list[StepFacts]] = {}
    for own in evidence.ordered:
        if _is_measured(own):
            kinds.setdefault((own.step.label, name_of(own)), []).append(own)
    for (_label, name), steps in kinds.items():
        if len(steps) < FEWEST:
            continue
        usual = median(own.step.duration_ms or 0 for own in steps)
        for own in steps:
            took = own.step.duration_ms or 0
            if took > SLOW_MS and took > TIMES * usual:
                yield Cited(
                    [own],
                    f"{named(name or 'a call')} took {duration(took)}, {duration(round(usual))} is usual",
                    data={"duration_ms": took, "median_ms": usual},
                )


def _is_measured(own: StepFacts) -> bool:
    step = own.step
    if not step.duration_ms:
        return False
    return step.label == "assistant_call" or (step.label == "tool_call" and step.timing == "measured")


KINDS: Final[tuple[Kind, ...]] = (slow_outlier,)
