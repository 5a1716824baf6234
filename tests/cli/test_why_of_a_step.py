"""``tfclient why`` of a run or a step, also of one that went well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from tests.cli.making import HOSTILE, WEATHER, run
from tests.store.reading.explaining.test_explaining import shop
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def a_shop(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    Store(root, create=True).put(shop("responses"))
    return root


def test_where_an_answer_comes_from(a_shop: Path) -> None:
    out = run("why", "last", "1.7", "--store", a_shop, columns=100).out

    lines = out.splitlines()
    assert lines[0].startswith("1.7 ASSISTANT Order A-1002 of Grace holds a lamp")
    assert lines[1].startswith("run 1 · given by 1.6 MODEL gpt-5")
    assert "From none of what the model was sent\n  15\n" in out
    assert "  1,290.00 ← 1.5 get_order  in another form\n" in out
    assert "  Order, A-1002 ← 1.1 USER  exactly\n" in out
    assert "What the model had before it at 1.6 MODEL" in out


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        (["last", "1.7"], "1.7 ASSISTANT Order"),
        (["last:1.7"], "1.7 ASSISTANT Order"),
        (["last", "step_1_7"], "1.7 ASSISTANT Order"),
        (["last:step_1_7"], "1.7 ASSISTANT Order"),
        (["last", "2"], "Run 2 So how much?"),
        (["last:2"], "Run 2 So how much?"),
        (["last:run_2"], "Run 2 So how much?"),
    ],
)
def test_how_a_place_is_typed(a_shop: Path, typed: list[str], first: str) -> None:
    outcome = run("why", *typed, "--store", a_shop)

    assert outcome.code == 0
    assert outcome.out.startswith(first)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["last", "9"], "no run 9"),
        (["last:9.9"], "has no step '9.9'"),
        (["last", "answer"], "write last:2 or last:run_2 for a run, last:2.8 for a step"),
        (["last:2", "2.4"], "give one of them"),
        (["nothing:2"], "nothing"),
    ],
)
def test_what_is_not_there_is_told(a_shop: Path, typed: list[str], told: str) -> None:
    outcome = run("why", *typed, "--store", a_shop, columns=300)

    assert (outcome.code, outcome.out) == (2, "")
    assert told in " ".join(outcome.err.split())


def test_the_same_as_json(a_shop: Path) -> None:
    told = run("why", "last", "1.4", "--store", a_shop, "--json").json

    assert (told["step_id"], told["is"], told["model_call"]) == ("step_1_4", "CALL", "step_1_3")
    assert told["tool"]["asked_by"] == "step_1_3"
    assert told["findings"] == []
    assert run("why", "last", "2", "--store", a_shop, "--json").json["end"] == "step_2_4"


def test_a_run_that_failed_says_where_it_broke(store: Store) -> None:
    out = run("why", f"{WEATHER}:4", "--store", store.paths.root).out

    assert "Where it broke" in out
    assert "How it came to that" in out


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_nothing_hostile_gets_to_the_terminal(store: Store, columns: int) -> None:
    session = store.get(HOSTILE)
    for each in [step.step_id for own in session.runs for step in own.steps] + ["1"]:
        outcome = run("why", HOSTILE, each, "--store", store.paths.root, columns=columns)

        assert outcome.code == 0
        assert not [c for c in outcome.out if (c < " " and c != "\n") or c == "\u202e"]
        assert [line for line in outcome.out.splitlines() if cell_len(line) > columns] == []
