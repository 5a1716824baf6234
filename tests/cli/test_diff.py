"""``tfclient diff``: what changed between sessions, and between runs."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import SESSION_ID, a_chat, a_run, a_session, a_step, tokens
from tests.cli.making import WEATHER, a_store, run
from tfstore.document.documents import Attempt
from tfstore.reading.comparison import aligned_runs, aligned_steps

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.document.documents import Session, Step
    from tfstore.store import Store


def runs(before: Session, after: Session) -> list[dict[str, Any]]:
    return [pair.as_json() for pair in aligned_runs(before.runs, after.runs) if pair.differs]


def names(*prompts: str) -> Session:
    return a_session(*(a_chat(prompt) for prompt in prompts))


def ids(before: Session, after: Session) -> list[tuple[str | None, str | None]]:
    return [
        (pair.before.run_id if pair.before else None, pair.after.run_id if pair.after else None)
        for pair in aligned_runs(before.runs, after.runs)
    ]


def a_call(key: str, tool: str = "look_up", **fields: Any) -> Step:
    return a_step("tool_call", tool_name=tool, started={"name": tool, "arguments": {"key": key}}, **fields)


def test_a_session_does_not_differ_from_itself(store: Store) -> None:
    outcome = run("diff", WEATHER, WEATHER, "--store", store.paths.root)

    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == "No differences."
    assert run("diff", WEATHER, WEATHER, "--store", store.paths.root, "--json").json["runs"] == []


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        (("a", "b"), ("a", "b"), [("run_1", "run_1"), ("run_2", "run_2")]),
        (("a", "b"), ("a", "x", "b"), [("run_1", "run_1"), (None, "run_2"), ("run_2", "run_3")]),
        (("a", "b", "c"), ("a", "c"), [("run_1", "run_1"), ("run_2", None), ("run_3", "run_2")]),
        (("Hello  there",), ("hello there",), [("run_1", "run_1")]),
        (("a", "old", "c"), ("a", "new", "c"), [("run_1", "run_1"), ("run_2", "run_2"), ("run_3", "run_3")]),
        ((), ("a",), [(None, "run_1")]),
    ],
)
def test_runs_are_paired_by_their_prompts(
    before: tuple[str, ...], after: tuple[str, ...], pairs: list[tuple[str | None, str | None]]
) -> None:
    assert ids(names(*before), names(*after)) == pairs


def test_steps_are_paired_by_what_they_say_and_then_by_what_they_are() -> None:
    before = a_session(a_run(a_call("a"), a_call("b"), a_step("assistant_message", "old"))).runs[0].steps
    after = a_session(a_run(a_call("new"), a_call("b"), a_step("assistant_message", "new"))).runs[0].steps

    pairs = aligned_steps(before, after)

    assert [
        (pair.before and pair.before.step_id, pair.after and pair.after.step_id, len(pair.changes))
        for pair in pairs
    ] == [("step_1_1", "step_1_1", 1), ("step_1_2", "step_1_2", 0), ("step_1_3", "step_1_3", 1)]


def test_another_tool_is_not_the_same_step() -> None:
    before, after = a_session(a_run(a_call("a"))), a_session(a_run(a_call("a", "write")))

    pairs = aligned_steps(before.runs[0].steps, after.runs[0].steps)

    assert [(pair.before is None, pair.after is None) for pair in pairs] == [(False, True), (True, False)]


@pytest.mark.parametrize(
    ("label", "change", "expected"),
    [
        ("user_message", {"payload_started": {"text": "other"}}, ("text", "x", "other")),
        ("policy.snapshot", {"payload_started": {"text": "other"}}, ("text", "x", "other")),
        ("tool_call", {"payload_started": {"arguments": "other"}}, ("arguments", "x", "other")),
        ("tool_output", {"payload_completed": {"output": "other"}}, ("output", "x", "other")),
        ("assistant_message", {"payload_completed": {"text": "other"}}, ("text", "x", "other")),
        ("tool_call", {"status": "unresolved"}, ("status", "completed", "unresolved")),
        ("assistant_call", {"model": "gpt-5"}, ("model", None, "gpt-5")),
        ("assistant_call", {"attempts": [Attempt(1, 500)]}, ("attempts", [], ["500"])),
        (
            "assistant_call",
            {"payload_started": {"arguments": {"seed": 1}}},
            ("parameters", None, {"seed": 1}),
        ),
        ("tool.schemas.snapshot", {"payload_started": {"tools": [1]}}, ("tools", None, [1])),
        ("tool_call", {"duration_ms": 1_000}, ("duration_ms", 400, 1_000)),
    ],
)
def test_what_changed(label: str, change: dict[str, Any], expected: tuple[str, Any, Any]) -> None:
    before = a_session(a_run(a_step(label, "x", duration_ms=400), prompt="p"))
    after = copy.deepcopy(before)
    for name, value in change.items():
        setattr(after.runs[0].steps[0], name, value)

    (pair,) = runs(before, after)

    (step,) = pair["steps"]
    assert [(each["field"], each["before"], each["after"]) for each in step["changes"]] == [expected]


def test_tokens_of_a_call_and_of_its_run() -> None:
    before, after = names("a"), names("a")
    after.runs[0].steps[1].usage = tokens(30, 5)

    (pair,) = runs(before, after)

    assert pair["changes"] == [{"field": "total_tokens", "before": 25, "after": 35}]
    assert pair["steps"][0]["changes"] == [{"field": "input_tokens", "before": 20, "after": 30}]


@pytest.mark.parametrize("duration", [400, 500, 599, 649])
def test_durations_are_never_the_same_and_small_changes_are_no_news(duration: int) -> None:
    before = a_session(a_run(a_step("tool_call", duration_ms=400), prompt="p"))
    after = a_session(a_run(a_step("tool_call", duration_ms=duration), prompt="p"))

    assert runs(before, after) == []


def test_runs_of_one_session_may_be_compared(store: Store) -> None:
    for one, other in ((f"{WEATHER}:2", f"{WEATHER}:run_3"), ("7f3a:2", "7f3a:3")):
        found = run("diff", one, other, "--store", store.paths.root, "--json").json

        assert [(each["before"], each["after"]) for each in found["runs"]] == [("run_2", "run_3")]
        assert [step["label"] for step in found["runs"][0]["steps"]] == ["user_message", "assistant_message"]


@pytest.mark.parametrize(
    ("side", "says"),
    [
        (f"{WEATHER}:two", "names no run and no step: write"),
        (f"{WEATHER}:9", "has no run 9. It has 4 runs"),
        ("x", "No session"),
    ],
)
def test_a_run_that_is_not_there(store: Store, side: str, says: str) -> None:
    outcome = run("diff", WEATHER, side, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err


def test_changed_lines_of_a_long_text_are_shown_with_their_neighbours_only(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(50)]
    before = a_session(a_run(a_step("tool_output", "\n".join(lines)), prompt="p"), session_id=SESSION_ID)
    lines[25] = "line twenty-five"
    after = a_session(a_run(a_step("tool_output", "\n".join(lines)), prompt="p"), session_id="sess_2")
    root = a_store(tmp_path / "store", before, after).paths.root

    shown = run("diff", SESSION_ID, "sess_2", "--store", root).out.splitlines()

    assert [line.strip() for line in shown if "line " in line] == [
        "line 24",
        "- line 25",
        "+ line twenty-five",
        "line 26",
    ]
