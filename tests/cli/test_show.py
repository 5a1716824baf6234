"""``tfclient show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_chat, a_run, a_session, a_step
from tests.cli.making import GOING_ON, HOSTILE, WEATHER, a_store, run

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


def shown(store: Store, *arguments: object, columns: int = 80) -> str:
    outcome = run("show", *arguments, "--store", store.paths.root, columns=columns)
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out


def test_the_latest_is_shown_where_none_is_named_and_a_step_of_it_behind_its_name(store: Store) -> None:
    root = store.paths.root

    for command in ("show", "why", "path"):
        assert run(command, "--store", root).out == run(command, GOING_ON, "--store", root).out != ""
    assert (
        run("show", WEATHER, "1.4", "--store", root).out
        == run("show", WEATHER, "--step", "1.4", "--store", root).out
    )
    assert (
        run("show", "last", "1.1", "--store", root).out
        == run("show", GOING_ON, "--step", "1.1", "--store", root).out
    )
    twice = run("show", WEATHER, "1.4", "--step", "1.5", "--store", root)
    assert (twice.code, twice.out) == (2, "")
    assert "Both '1.4' and --step '1.5' name a step" in twice.err
    assert run("delete", "--store", root).code == 2
    assert len(store.ids()) == 3


def test_json_is_the_document(store: Store) -> None:
    outcome = run("show", WEATHER, "--store", store.paths.root, "--json")

    assert outcome.json == json.loads(store.paths.document(WEATHER).read_text(encoding="utf-8"))


def test_json_of_a_run_and_of_a_step(store: Store) -> None:
    document = json.loads(store.paths.document(WEATHER).read_text(encoding="utf-8"))

    run_2 = run("show", WEATHER, "--run", "2", "--store", store.paths.root, "--json").json
    step = run("show", WEATHER, "--step", "1.9", "--store", store.paths.root, "--json").json

    assert run_2 == document["runs"][1]
    assert step == document["runs"][0]["steps"][8]


def test_json_of_the_transcript(store: Store) -> None:
    said = run("show", WEATHER, "--run", "2", "--transcript", "--store", store.paths.root, "--json").json

    assert [(each["step_id"], each["run_id"], each["role"], each["text"]) for each in said] == [
        ("step_2_1", "run_2", "user", "And tomorrow?"),
        ("step_2_3", "run_2", "assistant", "Oslo 5 °C, Bergen 8 °C."),
    ]
    assert all(each["at"].startswith("2026-09-02T09:14:") for each in said)


@pytest.mark.parametrize("typed", ["last", GOING_ON, "11fe0000", "11fe", "sess_20260902T11"])
def test_a_session_may_be_named_in_short(store: Store, typed: str) -> None:
    assert shown(store, typed).startswith("Still talking")


def test_every_step_is_in_the_tree_once(store: Store) -> None:
    tree = shown(store, WEATHER, "--full", columns=300)

    numbers = [line.lstrip("├└│─ ").split(" ")[0] for line in tree.splitlines() if "─ " in line]
    expected = [(run, n) for run, steps in enumerate((14, 3, 3, 5), start=1) for n in range(1, steps + 1)]
    assert sorted(numbers) == sorted(f"{run}.{n}" for run, n in expected)


def test_a_long_output_is_folded_with_its_size_and_whole_with_full(store: Store) -> None:
    whole = json.dumps({"hours": list(range(60))})

    folded = next(line for line in shown(store, WEATHER).splitlines() if "hours" in line)
    full = shown(store, WEATHER, "--full")

    assert folded.endswith(f"… {len(whole)} B")
    assert '"hours": [' in full
    assert all(f" {hour},\n" in full for hour in range(59))


def test_a_value_stored_apart_shows_its_size_and_where_it_is(tmp_path: Path) -> None:
    reference, path = _with_blob(tmp_path, "A" * 100_000)
    store = a_store(tmp_path / "store", a_session(a_run(a_step("user_message"), _output(reference))))

    assert "100.0 kB" in shown(store, "last")
    details = shown(store, "last", "--step", "1.2", columns=300)
    assert f"stored apart text/plain · 100.0 kB: {path}" in details


def _with_blob(tmp_path: Path, text: str) -> tuple[dict[str, Any], Path]:
    blobs = a_store(tmp_path / "store").blobs
    reference = blobs.put(text.encode(), "text/plain")
    return {**reference, "preview": text[:200]}, blobs.path(reference)


def _output(reference: dict[str, Any]) -> Any:
    return a_step("tool_output", completed={"output": reference})


def test_parallel_tools_and_retries_are_said(store: Store) -> None:
    tree = shown(store, WEATHER)

    assert "2 attempts: 503, then 200 · 2 tools at once" in tree
    assert "attempt 2" in next(line for line in tree.splitlines() if " 1.11 CALL" in line)


def test_forks_are_said_on_both_sides(store: Store) -> None:
    tree = shown(store, WEATHER)

    assert "Run 1 · 1 error · forks into runs 2, 3" in tree
    assert "Run 2 · branch 1 of 2 from run 1" in tree
    assert "Run 3 · branch 2 of 2 from run 1" in tree
    assert "continues run 2" in next(line for line in tree.splitlines() if line.startswith("Run 4"))


def test_runs_inside_tools_are_no_forks(tmp_path: Path) -> None:
    outer = a_run(a_step(), a_step("assistant_call"), a_step("tool_call", tool_name="research"))
    runs = [outer]
    for _ in range(2):
        inner = a_chat(after=1, trigger="tool")
        inner.lineage.parent_step_id = "step_1_3"
        runs.append(inner)
    tree = shown(a_store(tmp_path, a_session(*runs)), "last")

    assert "CALL research() · runs 2, 3 inside" in tree
    assert "Run 2 · inside a tool of run 1" in tree
    assert "Run 3 · inside a tool of run 1" in tree
    assert "forks" not in tree


def test_an_error_is_shown_with_its_cause(store: Store) -> None:
    tree = shown(store, WEATHER, "--run", "4")

    assert "5 MODEL gpt-4.1 · FAILED" in tree
    assert "rate_limit 429 insufficient_quota: You exceeded your current quota." in tree


def test_run_shows_only_that_run(store: Store) -> None:
    tree = shown(store, WEATHER, "--run", "2")

    assert "Run 2 ·" in tree
    assert "Run 1 ·" not in tree
    assert "Run 3 ·" not in tree


def test_no_control_character_reaches_the_terminal(store: Store) -> None:
    for arguments in (["--full"], ["--transcript"], ["--step", "1.3"], ["--step", "1.6"], []):
        out = shown(store, HOSTILE, *arguments)
        assert not [character for character in out if character < " " and character != "\n"]
        assert "\u202e" not in out


def test_markup_and_emoji_codes_of_models_are_text(store: Store) -> None:
    assert "[bold red]not red[/] :smile:" in shown(store, HOSTILE)


def test_a_step_that_claims_to_hang_on_a_later_one_is_shown_all_the_same(tmp_path: Path) -> None:
    session = a_session(
        a_run(
            a_step("tool_output", "early", after=(2,)),
            a_step("tool_call", "{}", tool_name="a_tool", after=(3,)),
            a_step("assistant_call", after=(2,)),
        )
    )
    tree = shown(a_store(tmp_path / "store", session), "last")

    assert [word in tree for word in ("early", "a_tool", "MODEL")] == [True, True, True]


def test_single_api_calls_take_a_line_each(tmp_path: Path) -> None:
    calls = [
        a_run(a_step("generic", "done", type=f"api.files.{name}"), trigger="api")
        for name in ("create", "delete")
    ]
    tree = shown(a_store(tmp_path / "store", a_session(*calls)), "last")

    assert tree.endswith("\nRun 1 API files.create done\nRun 2 API files.delete done\n")


def test_a_session_without_runs(tmp_path: Path) -> None:
    assert "It has no runs." in shown(a_store(tmp_path / "store", a_session()), "last")
    assert "Nobody said anything." in shown(a_store(tmp_path / "store", a_session()), "last", "--transcript")


def test_a_session_of_two_thousand_steps_and_a_megabyte(tmp_path: Path) -> None:
    steps = [a_step("tool_output", "x" * 1_000_000, after=())]
    steps += [a_step("user_message", f"prompt {number}", after=()) for number in range(2_000)]
    store = a_store(tmp_path / "store", a_session(a_run(*steps)))

    assert "prompt 1999" in shown(store, "last")
    assert shown(store, "last", "--full").count("x") >= 1_000_000


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--run", "9"], f"Session {WEATHER} has no run 9. It has 4 runs."),
        (["--step", "9.9"], f"Session {WEATHER} has no step '9.9'."),
        (["--step", "1.1", "--run", "1"], "--step shows one step in full: leave out --run"),
        (["--full", "--transcript"], "--transcript shows texts whole: leave out --full."),
    ],
)
def test_what_is_not_there_or_makes_no_sense(store: Store, arguments: list[str], reason: str) -> None:
    outcome = run("show", WEATHER, *arguments, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert reason in outcome.err


def test_helper_calls_in_a_row_are_one_line(tmp_path: Path) -> None:
    calls = (
        a_run(a_step("generic", type="api.embeddings.create", after=()), trigger="api", duration_ms=100)
        for _ in range(5)
    )
    made = a_store(tmp_path / "store", a_session(a_chat(), *calls, a_chat("And now?")))
    tree = shown(made, "last")
    assert [line for line in tree.splitlines() if "API call" in line] == [
        "Runs 2 to 6 5 API calls embeddings.create ×5" + "500 ms".rjust(80 - 44)
    ]
    assert shown(made, "last", "--full").count("embeddings.create") == 5
    assert shown(made, "last", "--run", "3").count("embeddings.create") == 1


def test_a_mode_shows_what_it_is_for(store: Store) -> None:
    def shown(mode: str) -> list[str]:
        told = run("show", WEATHER, "--mode", mode, "--json", "--store", store.paths.root).json
        return [each["label"] for each in told]

    transcript, display, full = map(shown, ("transcript", "display", "full"))
    assert set(transcript) == {"user_message", "assistant_message"}
    # The failed model call is shown: it is an error.
    assert set(display) - set(transcript) == {
        "reasoning",
        "tool_call",
        "tool_output",
        "tool_error",
        "assistant_call",
    }
    assert display.count("assistant_call") == 1
    assert {"policy.snapshot", "tool.schemas.snapshot"} <= set(full) - set(display)

    lines = run("show", WEATHER, "--mode", "full", "--store", store.paths.root).out
    assert "2.1 USER" in lines
    assert '"city": "Oslo"' in lines
    hostile = run("show", HOSTILE, "--mode", "display", "--store", store.paths.root).out
    assert "\x1b" not in hostile


def test_a_mode_that_is_none_or_is_not_alone_is_refused(store: Store) -> None:
    for arguments, said in ((["--mode", "most"], "is unknown"), (["--mode", "full", "--full"], "leave out")):
        outcome = run("show", WEATHER, *arguments, "--store", store.paths.root)
        assert (outcome.code, said in outcome.err) == (2, True)


def test_what_was_heard_of_an_answer_stands_with_its_words(tmp_path: Path) -> None:
    chat = a_chat("A story", "Once upon a time")
    chat.steps[-1].payload_completed |= {"heard_ms": 1500, "audio_ms": 5000}
    store = a_store(tmp_path / "store", a_session(chat))
    for arguments in (("--transcript",), ("--mode", "transcript"), ("--mode", "display")):
        head, words = shown(store, "last", *arguments).splitlines()[-2:]
        assert (head.endswith("heard 1.5 s of 5.0 s"), words.strip()) == (True, "Once upon a time")
