"""``tfclient dataset``, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.making import a_cassette, an_exchange, run
from tfstore.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("dataset")
    a_cassette(folder / "in" / "one.yaml", an_exchange(), an_exchange("And now?", "Still hi", "resp_2"))
    a_cassette(folder / "in" / "two.yaml", an_exchange("Bye", "See you", "resp_3"))
    embeddings = "https://api.openai.com/v1/embeddings"
    a_cassette(folder / "in" / "vectors.yaml", (embeddings, {"model": "e", "input": "x"}, {"data": []}))
    assert run("import", folder / "in", "--store", folder / "store").code == 0
    return Store(folder / "store")


def rows_in(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_row_a_run(store: Store) -> None:
    outcome = run("dataset", "--store", store.paths.root)

    rows = rows_in(outcome.out)
    assert outcome.code == 0
    assert sorted((row["input"][-1]["content"], row["target"]) for row in rows) == [
        ("And now?", "Still hi"),
        ("Bye", "See you"),
        ("Hello", "Hi"),
    ]
    assert all(row["id"].startswith("sess_") and ":run_" in row["id"] for row in rows)
    assert rows[0]["metadata"]["model"] == "gpt-4.1"
    assert outcome.err.splitlines()[-1] == "3 rows"
    assert [line for line in outcome.err.splitlines() if line.startswith("No row: sess_")]


def test_chosen_as_list_does(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "d.jsonl"
    outcome = run("dataset", "--grep", "bye", "--format", "evals", "-o", target, "--store", store.paths.root)

    (row,) = rows_in(target.read_text(encoding="utf-8"))
    assert (outcome.code, outcome.out) == (0, f"{target}\n")
    assert row["item"]["input"] == [{"role": "user", "content": "Bye"}]
    named = row["item"]["id"].partition(":")[0]
    assert rows_in(run("dataset", named, named, "--format", "evals", "--store", store.paths.root).out) == [
        row
    ]


def test_what_is_wrong(store: Store, tmp_path: Path) -> None:
    (tmp_path / "d").write_text("mine", encoding="utf-8")
    wrong: list[tuple[list[object], int, str]] = [
        (["another"], 2, "No session 'another' in this store."),
        (["last", "--failed"], 2, "Name sessions, or say what they are to be like, not both."),
        (["--failed"], 1, "No session is like that."),
        (["--since", "soon"], 2, "--since 'soon' is no moment"),
        (["--model", "e", "--tool", "x"], 1, "No session is like that."),
        (["-o", tmp_path / "d"], 2, "is there already: name another file"),
        (["-o", tmp_path / "none" / "d"], 1, "there is no folder"),
    ]
    for arguments, code, words in wrong:
        outcome = run("dataset", *arguments, "--store", store.paths.root)
        assert (outcome.code, outcome.out) == (code, ""), arguments
        assert words in outcome.err
    assert (tmp_path / "d").read_text(encoding="utf-8") == "mine"
    assert run("dataset", "--store", tmp_path / "nowhere").code == 1


def test_runs_without_a_prompt_are_told(store: Store) -> None:
    vectors = next(row.session_id for row in store.list() if not row.model_calls)

    outcome = run("dataset", vectors, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "No run of these sessions has a prompt.\n"
