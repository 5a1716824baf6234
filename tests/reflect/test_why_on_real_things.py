"""Why, of every answer and call of real conversations: it is always told, and values from nothing are rare."""

from __future__ import annotations

from collections import Counter

from tests.reflect.trajectories import needs_trajectories, trajectories
from tfclient.cli.lines.explaining import explaining
from tfstore.reading.evidence.evidence import evidence_of
from tfstore.reading.explaining.explain import explain_run, explain_step
from tfstore.reading.explaining.sections import sections

EVERY = 16


@needs_trajectories
def test_most_values_come_from_somewhere() -> None:
    every: Counter[str] = Counter()
    nowhere: Counter[str] = Counter()
    for each in trajectories()[::EVERY]:
        evidence = evidence_of(each.session)
        for run in evidence.facts.runs:
            assert list(explaining(each.session, explain_run(evidence, run), [], 100))
        for own in evidence.facts.every:
            if own.step.label not in {"assistant_message", "tool_call"}:
                continue
            explained = explain_step(evidence, own)
            assert sections(explained)
            assert explained.not_looked_at == []
            for said in explained.said:
                every[own.step.label] += sum(origin.wanted.is_value for origin in said.origins)
                nowhere[own.step.label] += len(said.from_nothing)

    # What nothing holds that was sent: times and sums worked out, towns of airports, arguments that the model chose.
    assert every["tool_call"] > 100
    assert nowhere["tool_call"] < every["tool_call"] / 20
    assert every["assistant_message"] > 200
    assert nowhere["assistant_message"] < every["assistant_message"] / 8
