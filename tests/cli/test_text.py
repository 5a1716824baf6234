"""``tfclient text`` and ``tfclient expand``, as a person and a script use them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.builders import a_run, a_session, a_step
from tests.cli.making import WEATHER, a_store, hostile, run, weather

if TYPE_CHECKING:
    from pathlib import Path

ESCAPES = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def test_the_text_of_the_last_session_and_of_one(tmp_path: Path) -> None:
    a_store(tmp_path, weather())
    last, named = run("text", "--store", tmp_path), run("text", WEATHER, "--store", tmp_path)
    assert last.code == named.code == 0
    assert last.out == named.out
    assert last.out.startswith(f"SESSION {WEATHER} ")
    assert re.search(r"^F1 ", last.out, re.MULTILINE)
    assert not re.search(r"^F1 ", run("text", "--no-findings", "--store", tmp_path).out, re.MULTILINE)


def test_as_json_it_says_its_tokens(tmp_path: Path) -> None:
    a_store(tmp_path, weather())
    told = json.loads(run("text", "--budget", 300, "--json", "--store", tmp_path).out)
    assert told["session_id"] == WEATHER
    assert told["budget"] == 300
    assert 150 < told["tokens"] <= 300
    assert "folded" in told["text"]


def test_what_was_cut_comes_page_by_page(tmp_path: Path) -> None:
    text = "word " * 3000
    a_store(tmp_path, a_session(a_run(a_step(text=text))))
    said = run("text", "--budget", 300, "--store", tmp_path).out
    assert "chars: expand 1.1⟩" in said
    first = run("expand", "last", "1.1", "--limit", 9000, "--store", tmp_path)
    found = re.search(r"--offset (\d+)", first.err)
    assert found is not None
    second = run("expand", "last", "1.1", "--limit", 9000, "--offset", found[1], "--store", tmp_path)
    assert second.err == ""
    whole = json.loads(first.out.removesuffix("\n") + second.out)
    assert whole["payload_started"]["text"] == text
    assert run("expand", "1.1", "--limit", 9000, "--store", tmp_path).out == first.out
    page = json.loads(run("expand", "last", "1.1", "--limit", 10, "--json", "--store", tmp_path).out)
    assert (page["offset"], page["next_offset"], len(page["text"])) == (0, 10, 10)


def test_two_sessions_as_text(tmp_path: Path) -> None:
    one, two = weather(), a_session(a_run(a_step(text="Something else")))
    a_store(tmp_path, one, two)
    said = run("text", WEATHER, "--diff", two.session_id, "--store", tmp_path)
    assert said.code == 0
    assert said.out.startswith(f"DIFF {WEATHER} → {two.session_id} ")
    assert (
        run("text", WEATHER, "--diff", WEATHER, "--store", tmp_path).out.splitlines()[-1] == "nothing differs"
    )


def test_nothing_of_a_hostile_session_reaches_a_terminal(tmp_path: Path) -> None:
    a_store(tmp_path, hostile())
    for arguments in (
        ("text",),
        ("text", "--budget", 250),
        ("expand", "last", "1.1"),
        ("expand", "last", "run_1"),
    ):
        said = run(*arguments, "--store", tmp_path)
        assert said.code == 0
        assert not ESCAPES.search(said.out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("text", "--budget", 12), "--budget 12 cannot be used: give at least 200 tokens"),
        (("text", "--run", 99), "has no run 99"),
        (("text", "--run", 1, "--diff", "last"), "--diff compares whole sessions"),
        (("text", "nobody"), "nobody"),
        (("expand", "last", "77.1"), "77.1"),
        (("expand", "last", "1.1", "--offset", 10**9), "--offset 1000000000 cannot be used"),
    ],
)
def test_wrong_input_is_told(arguments: tuple[object, ...], message: str, tmp_path: Path) -> None:
    a_store(tmp_path, weather())
    said = run(*arguments, "--store", tmp_path)
    assert said.code == 2
    assert message in " ".join(said.err.split())
    assert said.out == ""
