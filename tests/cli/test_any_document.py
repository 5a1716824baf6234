"""Whatever a document's payloads hold, it is shown: documents come from many hands."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.builders import a_run, a_session
from tfclient.cli.details import details
from tfclient.cli.heading import heading
from tfclient.cli.transcript import transcript_of
from tfclient.cli.tree import Look, tree
from tfd2.facts import gather
from tfstore.documents import ErrorInfo, Step, Usage
from tfstore.labels import Label
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
KEYS = st.sampled_from([*KNOWN, "blob", "bytes", "preview", "role", "version", "items"])
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

    assert not [line.plain for line in lines if any(c < " " or c == "\u202e" for c in line.plain)]
    if width >= 60:
        assert not [
            line.plain for line in tree(facts, facts.runs, Look(width)) if cell_len(line.plain) > width
        ]
