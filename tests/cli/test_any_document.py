"""Whatever a document's payloads hold, it is shown: documents come from many hands."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.builders import a_run, a_session
from tfclient.cli.commands.search import lines_of
from tfclient.cli.commands.tail import lines_about
from tfclient.cli.failures import Refused
from tfclient.cli.lines.details import details
from tfclient.cli.lines.differences import differences
from tfclient.cli.lines.explaining import explaining
from tfclient.cli.lines.found import found
from tfclient.cli.lines.heading import heading
from tfclient.cli.lines.prompt import prompt_for, prompt_lines
from tfclient.cli.lines.telling import telling
from tfclient.cli.lines.transcript import transcript_of
from tfclient.cli.lines.tree import Look, tree
from tfclient.reflect.findings import examine, kinds
from tfstore.document.documents import ErrorInfo, Step, Usage
from tfstore.document.json_text import compact
from tfstore.document.labels import Label
from tfstore.index.rows import calls_of
from tfstore.reading.changes import Follower
from tfstore.reading.comparison import aligned_runs
from tfstore.reading.evidence.evidence import evidence_of
from tfstore.reading.explaining.explain import explain_run, explain_step
from tfstore.reading.facts import gather
from tfstore.reading.failures import story_of
from tfstore.reading.search import Pattern, matches_in
from tfstore.reading.shown.details import details_of
from tfstore.reading.shown.session import shown
from tfstore.reading.totals import by_model, by_tool
from tfstore.store import Store

TEXTS = st.text(st.characters(), max_size=120) | st.sampled_from(
    ["[/]", "\x1b[2J", "\ud800", "日本\n\n語" * 30, "{}", "[1"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
KNOWN = ["text", "arguments", "output", "names", "count", "name", "model", "encrypted", "refusal", "approve"]
LISTS = ["tools", "input", "prompt_provenance", "parts", "step_id", "type"]
KEYS = st.sampled_from([*KNOWN, *LISTS, "blob", "bytes", "preview", "role", "version", "items"])
BLOBS = st.fixed_dictionaries(
    {"blob": TEXTS}, optional={"bytes": VALUES, "media_type": VALUES, "preview": VALUES}
)
PAYLOADS = st.dictionaries(KEYS | TEXTS, VALUES | BLOBS, max_size=5)
STATUSES = st.sampled_from(["completed", "failed", "unresolved", "in_progress", "news"])
STEPS = st.builds(
    Step,
    step_id=st.just(""),
    seq=st.integers(),
    label=st.sampled_from(get_args(Label)) | TEXTS,
    type=TEXTS,
    status=STATUSES,
    depends_on=st.lists(st.integers(1, 4).map(str), max_size=2),
    started_at=st.none() | TEXTS | st.just("2026-09-02T09:14:00.000Z"),
    duration_ms=st.none() | st.integers(-1, 10**12),
    timing=st.none() | st.just("inferred"),
    tool_name=st.none() | TEXTS,
    model=st.none() | TEXTS,
    usage=st.none() | st.builds(Usage),
    error=st.none() | st.builds(ErrorInfo, TEXTS, TEXTS, st.none() | TEXTS),
    notes=st.lists(TEXTS, max_size=1),
    payload_started=PAYLOADS,
    payload_completed=PAYLOADS,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(Path(tmp_path_factory.mktemp("any")) / "store", create=True)


@given(
    steps=st.lists(STEPS, min_size=1, max_size=4),
    width=st.integers(20, 200),
    trigger=st.sampled_from(["api", "x"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_it_is_shown(store: Store, steps: list[Step], width: int, trigger: str) -> None:
    session = a_session(a_run(*steps, trigger=trigger, prompt="", duration_ms=5_000), title="any")
    facts = gather(session)
    lines: list[Any] = [*heading(session, width), *transcript_of(session.runs, width)]
    for full in (False, True):
        lines += tree(facts, facts.runs, Look(width, full))
    for step in steps:
        lines += details(store, session, step, width)
    reading = shown(facts)
    compact([reading, [details_of(facts, own) for run in facts.runs for own in run.steps]])
    assert [len(run["steps"]) for run in reading["runs"]] == [len(steps)]

    assert not [line.plain for line in lines if any(c < " " or c == "\u202e" for c in line.plain)]
    if width >= 60:
        assert not [
            line.plain for line in tree(facts, facts.runs, Look(width)) if cell_len(line.plain) > width
        ]


@given(steps=st.lists(STEPS, min_size=1, max_size=4), width=st.integers(40, 120))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_it_is_told_searched_compared_counted_and_followed(
    store: Store, steps: list[Step], width: int
) -> None:
    session = a_session(a_run(*steps, prompt="", status="failed"), title="any", result="failed")
    reversed_ = a_session(a_run(*map(copy.copy, steps[::-1]), prompt=""), title="any")
    calls = [each for _, each in calls_of(session)]
    story = story_of(session)
    examined = examine(session, only=kinds())
    assert examined.troubles == []
    lines = [*telling(story, width, examined.findings), *found(examined.findings, width)]
    lines += differences(session, reversed_, pairs := aligned_runs(session.runs, reversed_.runs), width)
    matches = list(matches_in(store, session, Pattern.of("e")))
    lines += lines_of(session, matches, width)
    for news in Follower().news(session):
        lines += lines_about(news, width)
    for step in steps:
        with contextlib.suppress(Refused):
            lines += prompt_lines(session, step, prompt_for(store, session, step), width)
    evidence = evidence_of(session)
    explained = [explain_step(evidence, own) for own in evidence.facts.every]
    explained += [explain_run(evidence, run) for run in evidence.facts.runs]
    for each in explained:
        lines += (why := list(explaining(session, each, examined.findings, width)))
        assert not [line.plain for line in why if line.cell_len > width]

    assert json.dumps(
        [
            story.as_json(),
            [each.as_json() for each in explained],
            [each.as_json() for each in examined.findings],
            [pair.as_json() for pair in pairs],
        ],
        default=repr,
    )
    assert all(group.errors <= len(steps) for group in by_model(calls) + by_tool(calls))
    assert all(match.text[match.start : match.end].casefold() == "e" for match in matches)
    assert not [line.plain for line in lines if any(c < " " or c == "\u202e" for c in line.plain)]
    assert not [line.plain for line in telling(story, width) if line.cell_len > width]
