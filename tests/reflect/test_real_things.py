"""Every firing on real sessions was looked at once: ``judged.json`` holds whether it was right.

A row is ``[session, kind, steps, right]``: the session by a digest of its name or content, the first two steps cited.
Where a detector changes what it finds, the new firings are to be looked at and judged:
``python -m tests.reflect.judge`` lists them.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.projection.recorded import needs_recordings, recordings
from tests.reflect.trajectories import digest, needs_trajectories, trajectories
from tfclient.reflect.findings import examine, kinds

if TYPE_CHECKING:
    from tfclient.reflect.findings import Finding
    from tfstore.document.documents import Session

JUDGED = Path(__file__).with_name("judged.json")

COUNTS = {
    "recordings": {
        "run_failed": 73,
        "answer_truncated": 26,
        "refusal": 12,
        "call_unanswered": 9,
        "answer_breaks_schema": 2,
        "retry_storm": 2,
        "call_repeated": 1,
        "output_unused": 1,
    },
    "trajectories": {
        "error_as_text": 86,
        "same_call_same_error": 12,
        "call_repeated": 10,
        "loop_without_progress": 1,
    },
}
"""Firings of each default kind, those of severity ``info`` left out."""

ON_TRIAL = {"recordings": {"arguments_break_schema": 1}, "trajectories": {"argument_unsourced": 2}}
"""Firings of the kinds on trial."""

PRECISION = 0.95


@cache
def judged() -> dict[tuple[str, ...], bool]:
    rows: list[Any] = json.loads(JUDGED.read_text(encoding="utf-8"))
    return {(name, kind, *steps): right for name, kind, steps, right in rows}


def firings(source: str) -> list[tuple[str, Finding]]:
    """What is found in all sessions of a source: no fault of severity ``info``, but the kinds on trial."""
    named: list[tuple[str, Session]]
    if source == "recordings":
        named = [(digest(each.name), each.session) for each in recordings()]
    else:
        named = [(each.name, each.session) for each in trajectories()]
    found: list[tuple[str, Finding]] = []
    for name, session in named:
        examined = examine(session)
        assert examined.troubles == []
        found += [
            (name, each)
            for each in examined.findings
            if each.severity != "info" or kinds()[each.kind].on_trial
        ]
    return found


def key_of(name: str, finding: Finding) -> tuple[str, ...]:
    return (name, finding.kind, *finding.steps[:2])


SOURCES = [
    pytest.param("recordings", marks=needs_recordings),
    pytest.param("trajectories", marks=needs_trajectories),
]


@pytest.mark.parametrize("source", SOURCES)
def test_each_firing_was_judged_and_nineteen_of_twenty_are_right(source: str) -> None:
    found = firings(source)
    unjudged = [each.as_json() for name, each in found if key_of(name, each) not in judged()]
    assert unjudged == []

    trial = {name for name, kind in kinds().items() if kind.on_trial}
    by_default = [(name, each) for name, each in found if each.kind not in trial]
    assert Counter(each.kind for _, each in by_default) == COUNTS[source]
    assert Counter(each.kind for _, each in found if each.kind in trial) == ON_TRIAL[source]
    right = sum(judged()[key_of(name, each)] for name, each in by_default)
    assert right >= PRECISION * len(by_default)


@needs_trajectories
def test_every_error_that_reached_a_model_as_plain_text_is_found() -> None:
    expected = {each.name: each.errors for each in trajectories() if each.errors}
    found = Counter(name for name, each in firings("trajectories") if each.kind == "error_as_text")

    assert found == expected
    assert sum(each.errors for each in trajectories() if each.source == "tau-bench") == 67
    # To whoever counts tool errors, there are none.
    assert sum(each.session.summary.tool_errors for each in trajectories()) == 0


@needs_recordings
@needs_trajectories
def test_of_each_firing_one_judgement_is_kept() -> None:
    fired = {key_of(name, each) for source in COUNTS for name, each in firings(source)}

    assert set(judged()) == fired
