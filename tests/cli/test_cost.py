"""Costs, wherever they are asked for: dollars where a price is known, and of how many calls there is none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.builders import a_chat, a_session
from tests.cli.making import WEATHER, a_store, run, weather

OTHER = "sess_20260903T100000Z_00000002"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    other = a_session(a_chat(), session_id=OTHER)
    other.runs[0].steps[1].model = "nobody-s"
    other.started_at = "2026-09-03T10:00:00.000Z"
    other.summary.model_calls, other.summary.models = 1, {"nobody-s": 1}
    return a_store(tmp_path_factory.mktemp("costs") / "store", weather(), other).paths.root


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prices") / "prices.json"
    path.write_text(json.dumps({"gpt-4.1": {"input": 1000, "output": 10_000}}), encoding="utf-8")
    return path


def test_stats(store: Path, prices: Path) -> None:
    whole = run("stats", "--prices", prices, "--store", store, columns=140).out.splitlines()
    told = run("stats", "--prices", prices, "--store", store, "--json").json

    assert whole[0].endswith("$7.96 (of 7 calls, 1 without a price)")
    assert [line.split()[-2] for line in whole[3:]] == ["–", "$7.96"]
    assert told["total"]["cost"] == {"dollars": 7.957, "calls": 7, "unpriced": 1}
    assert [each["cost"]["dollars"] for each in told["groups"]] == [None, 7.957]
    by_model = run("stats", "--by", "model", "--prices", prices, "--store", store, "--json").json["groups"]
    assert {each["key"]: each["cost"]["dollars"] for each in by_model} == {"gpt-4.1": 7.957, "nobody-s": None}
    assert "COST" not in run("stats", "--store", store, columns=200).out
    assert run("stats", "--by", "tool", "--cost", "--store", store).code == 2


def test_list(store: Path, prices: Path) -> None:
    lines = run("list", "--prices", prices, "--columns", "id,cost", "--store", store).out.splitlines()
    told = run("list", "--prices", prices, "--store", store, "--json").json

    assert [line.split()[1:] for line in lines] == [["COST"], ["–"], ["$7.96"]]
    assert {each["session_id"]: each["cost"]["dollars"] for each in told} == {OTHER: None, WEATHER: 7.957}
    assert "cost" not in run("list", "--store", store, "--json").json[0]
    assert "COST" in run("list", "--cost", "--store", store).out


def test_list_by_cost(store: Path, prices: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.json"
    both.write_text(json.dumps({"nobody-s": {"input": 1, "output": 1}} | json.loads(prices.read_text())))
    asked = ("list", "--sort", "cost", "--columns", "id,cost", "--store", store)

    lines = [line.split() for line in run(*asked, "--prices", prices).out.splitlines()[1:]]
    one = run(*asked, "--prices", prices, "-n", "1")

    # Without a price it is not the cheapest: nobody knows what it cost.
    assert [each[1] for each in lines] == ["$7.96", "–"]
    assert [line.split()[1] for line in one.out.splitlines()[1:]] == ["$7.96"]
    assert "There are more: --all" in one.err
    assert [each[1] for each in map(str.split, run(*asked, "--prices", both).out.splitlines()[1:])] == [
        "$7.96",
        "$0.000025",
    ]
    told = run("list", "--sort", "cost", "--prices", prices, "--json", "--store", store).json
    assert [each["session_id"] for each in told] == [WEATHER, OTHER]
    assert "Costs: $7.96 (of 7 calls, 1 without a price)." in run(*asked, "--prices", prices).err


def test_show(store: Path, prices: Path) -> None:
    assert (
        "tokens (4,467 in, 349 out) · $7.96\n"
        in run("show", WEATHER, "--prices", prices, "--store", store, columns=200).out
    )
    assert "of 1 call, 1 without a price" in run("show", OTHER, "--prices", prices, "--store", store).out
    step = run("show", WEATHER, "1.4", "--prices", prices, "--store", store).out
    assert [line.split() for line in step.splitlines() if line.startswith("cost")] == [["cost", "$1.77"]]
    assert run("show", WEATHER, "--prices", prices, "--json", "--store", store).code == 2


def test_a_price_is_not_written_down(store: Path, prices: Path) -> None:
    before = {path: path.read_bytes() for path in store.rglob("*.json")}
    run("stats", "--prices", prices, "--store", store)
    run("show", WEATHER, "--prices", prices, "--store", store)

    assert {path: path.read_bytes() for path in store.rglob("*.json")} == before


def test_what_is_wrong(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "none.json").write_text("[]", encoding="utf-8")
    for command in ("stats", "list", "show", "view"):
        outcome = run(command, "--prices", tmp_path / "none.json", "--store", store)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert "is no table of prices" in outcome.err
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    outcome = run("stats", "--cost", "--store", store)
    assert (outcome.code, outcome.err) == (
        2,
        'Telling costs needs what is not installed: pip install "tfclient[cost]".\n',
    )
