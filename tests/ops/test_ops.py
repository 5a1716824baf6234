"""The rules ring when they should, and name what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cli.making import a_store, going_on, hostile, run, weather
from tests.postgres import REQUIRED
from tests.store.postgres.making import migrated, read, sync
from tfclient.export.metrics import NAMES, exposition
from tfstore.index.rows import Calls

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
    assert 'thoughtflow_sessions{result="failed"} 1' in text
    assert 'thoughtflow_tool_calls{tool="get_weather",status="error"} 1' in text
    assert 'thoughtflow_error_sessions{class="rate_limit"} 1' in text
    assert "thoughtflow_sessions_active 1" in text
    assert "\x1b]0;title\x07" in text  # a label may hold it; a line break may not end it
    assert len(text.splitlines()) == text.count("\n")


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


def test_names_beyond_the_most_called_ones_are_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [Calls(f"tool_{n}", 1, 0, calls=n) for n in range(NAMES + 7)]
    monkeypatch.setattr(store, "calls", lambda _: calls)

    text = exposition(store, NOW)

    assert text.count("thoughtflow_tool_calls{") == 2 * (NAMES + 1)
    assert f'thoughtflow_tool_calls{{tool="other",status="ok"}} {sum(range(7))}' in text


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
