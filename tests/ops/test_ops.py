"""The rules ring when they should, and name what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from attrs import asdict

from tests.cli.making import a_store, going_on, hostile, run, weather
from tests.ops import dashboard
from tests.postgres import REQUIRED
from tests.store.postgres.making import migrated, read, sync
from tfclient.export.metrics.numbers import exposition
from tfclient.export.metrics.of_sessions import NAMES
from tfstore.disk.export_ledger import ExportLedger
from tfstore.disk.operations import Operations, add_operations
from tfstore.index.counters import of_calls
from tfstore.index.rows import Calls, row_from
from tfstore.keeping.deleting import delete
from tfstore.postgres.seen import Seen

if TYPE_CHECKING:
    from tfstore.store import Store

OPS = Path(__file__).parents[2] / "ops"
PROMTOOL = shutil.which("promtool")
NOW = datetime(2026, 9, 2, 12, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not OPS.is_dir(), reason="ops is not in the wheel")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return a_store(tmp_path / "store", weather(), hostile(), going_on())


def _promtool(*arguments: str, given: str = "") -> None:
    if PROMTOOL is None:
        reason = "promtool is not installed: apt-get install prometheus"
        if REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    ran = subprocess.run(  # noqa: S603 - our own words
        [PROMTOOL, *arguments], cwd=OPS, input=given, capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_rules_ring_when_they_should() -> None:
    _promtool("check", "rules", "rules.yml")
    _promtool("test", "rules", "rules_test.yml")


def test_each_rule_is_tried_and_has_its_page() -> None:
    rules = yaml.safe_load((OPS / "rules.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    tests = (OPS / "rules_test.yml").read_text(encoding="utf-8")
    runbook = (OPS / "runbook.md").read_text(encoding="utf-8")
    pages = {
        re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-")
        for each in re.findall(r"^## (.+)$", runbook, re.MULTILINE)
    }
    for rule in rules:
        assert f"alertname: {rule['alert']}" in tests
        assert rule["annotations"]["runbook"].partition("#")[2] in pages


def test_what_is_written_is_what_prometheus_reads(store: Store) -> None:
    text = exposition(store, NOW)

    _promtool("check", "metrics", given=text)
    assert 'thoughtflow_sessions_total{result="failed"} 1' in text
    assert 'thoughtflow_tool_calls_total{tool="get_weather",status="error"} 1' in text
    assert 'thoughtflow_error_sessions{class="rate_limit"} 1' in text
    assert "thoughtflow_sessions_active 1" in text
    assert "\x1b]0;title\x07" in text  # a label may hold it; a line break may not end it
    assert len(text.splitlines()) == text.count("\n")


def test_what_rows_count(store: Store) -> None:
    weather = store.get(store.list(result="failed")[0].session_id)
    weather.integrity.drift = 2
    store.put(weather)

    lines = exposition(store, NOW).splitlines()

    assert "thoughtflow_retries_total 1" in lines
    assert 'thoughtflow_errors_total{class="rate_limit"} 1' in lines
    steps = sorted(len(run.steps) for row in store.list() for run in store.get(row.session_id).runs)
    few = sum(each <= 5 for each in steps)
    assert f'thoughtflow_run_events_bucket{{le="5"}} {few}' in lines
    assert f"thoughtflow_run_events_sum {sum(steps)}" in lines
    assert f"thoughtflow_run_events_count {len(steps)}" in lines
    assert "thoughtflow_drift_responses 2" in lines
    # That of the other closed session was written by nobody.
    assert 'thoughtflow_uncounted_sessions{of="drift_responses"} 1' in lines


def test_counters_do_not_fall_when_sessions_go(store: Store) -> None:
    def counted() -> dict[str, str]:
        text = exposition(store, NOW)
        kinds = dict(re.findall(r"^# TYPE (\S+) (counter|histogram)$", text, re.MULTILINE))
        values = re.findall(
            r"^(thoughtflow_\w+?)(_bucket|_sum|_count)?((?:{.*})?) (\S+)$", text, re.MULTILINE
        )
        return {name + end + labels: value for name, end, labels, value in values if name in kinds}

    before = counted()
    assert float(before['thoughtflow_run_events_bucket{le="+Inf"}']) > 0
    delete(store, [row.session_id for row in store.list(status="closed")])

    assert counted() == before


def test_what_recorders_met_with(store: Store) -> None:
    store.paths.make_dir(store.paths.locks)
    met = Operations(Counter(journal=3, odd=1))
    met.ingestion.add(0.3)
    met.rebuild.add(200)
    add_operations(store.paths, met)

    lines = exposition(store, NOW).splitlines()

    assert "# TYPE thoughtflow_write_failures_total counter" in lines
    for kind, count in (("journal", 3), ("odd", 1), ("capture", 0)):
        assert f'thoughtflow_write_failures_total{{kind="{kind}"}} {count}' in lines
    assert 'thoughtflow_ingestion_seconds_bucket{le="0.25"} 0' in lines
    assert 'thoughtflow_ingestion_seconds_bucket{le="0.5"} 1' in lines
    assert 'thoughtflow_rebuild_seconds_bucket{le="120.0"} 0' in lines
    assert 'thoughtflow_rebuild_seconds_bucket{le="+Inf"} 1' in lines


def test_what_waits_to_be_sent(store: Store, database: str) -> None:
    sessions = {row.session_id: store.get(row.session_id) for row in store.list(status="closed")}
    for number, session in enumerate(sessions.values()):
        session.ended_at = f"2026-09-02T11:5{number}:00.000Z"
        store.put(session)
    first, second = sessions.values()
    ledger = ExportLedger(store.paths, "h-1", "http://h")
    ledger.refuse(second.session_id, second.integrity.head, "too large")
    ledger.path.write_text(ledger.path.read_text().replace('"since": "', '"since": "2026-01-01", "was": "'))
    migrated(database)
    sync(store, database, live=False)
    first.title = "Told otherwise"
    store.put(first)
    synced = Seen.every(store.paths)[0].path.stem

    lines = exposition(store, NOW).splitlines()

    for target, age in (("export/h-1", 600.0), (f"sync/{synced}", 600.0)):
        assert f'thoughtflow_pending_sessions{{target="{target}"}} 1' in lines
        assert f'thoughtflow_pending_oldest_seconds{{target="{target}"}} {age}' in lines
    assert 'thoughtflow_refused_sessions{target="export/h-1"} 1' in lines
    ledger.confirm(first.session_id, first.integrity.head)
    sync(store, database, live=False)
    now = exposition(store, NOW)
    assert 'thoughtflow_pending_sessions{target="export/h-1"} 0' in now
    assert 'thoughtflow_pending_oldest_seconds{target="export/h-1"} 0' in now
    assert f'thoughtflow_pending_sessions{{target="sync/{synced}"}} 0' in now


def test_rows_of_before_are_told_apart(store: Store) -> None:
    row = store.list()[0]
    line = asdict(row)
    for name in ("retries", "run_steps", "drift"):
        del line[name]

    before = row_from(json.dumps(line | {"of_a_later_version": 1}))

    assert (before.retries, before.run_steps, before.drift) == (None, None, None)
    assert before.title == row.title


def test_rules_and_dashboard_name_what_there_is(store: Store, database: str) -> None:
    migrated(database)
    sync(store, database, name='ci "1"')
    with read(database) as team:
        of_database = exposition(team, NOW)
    assert 'source="ci \\"1\\""' in of_database
    there = set(re.findall(r"^# TYPE (\S+)", exposition(store, NOW) + of_database, re.MULTILINE))
    board = json.loads((OPS / "dashboard.json").read_text(encoding="utf-8"))
    said = (OPS / "rules.yml").read_text(encoding="utf-8")
    said += " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    named = {each.removesuffix("_bucket") for each in re.findall(r"\bthoughtflow_\w+", said)}
    assert named - {"thoughtflow"} <= there
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.filterwarnings("ignore:Prefer using dashboardv2")
def test_the_dashboard_is_what_its_model_makes() -> None:
    """After a change to it: ``python -m tests.ops.dashboard``."""
    assert (OPS / "dashboard.json").read_text(encoding="utf-8") == dashboard.text()


def test_names_beyond_the_most_called_ones_are_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = of_calls("tool_call", [Calls(f"tool_{n}", calls=n) for n in range(NAMES + 7)])
    monkeypatch.setattr(store, "counters", lambda: counters)

    text = exposition(store, NOW)

    assert text.count("thoughtflow_tool_calls_total{") == 2 * (NAMES + 1)
    assert f'thoughtflow_tool_calls_total{{tool="other",status="ok"}} {sum(range(7))}' in text


def test_the_command_writes_a_file_whole_that_another_user_reads(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "thoughtflow.prom"

    told = run("metrics", "-o", target, "--store", store.paths.root)
    printed = run("metrics", "--store", store.paths.root)

    assert (told.code, told.out, printed.code) == (0, "", 0)
    assert printed.out.splitlines()[:5] == target.read_text(encoding="utf-8").splitlines()[:5]
    assert target.stat().st_mode & 0o044 == 0o044
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["thoughtflow.prom"]
    missing = run("metrics", "-o", tmp_path / "no" / "x.prom", "--store", store.paths.root)
    assert (missing.code, "cannot be written" in missing.err) == (1, True)
