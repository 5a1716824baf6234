"""Calls that repeat themselves: which steps a loop holds, and what ends one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import a_run, a_session, a_step
from tfstore.document.documents import Step
from tfstore.reading.evidence.loops import loops_of, name, span
from tfstore.reading.facts import Loop, RunFacts, gather


def _turn(tool: str, output: str = "pending", argument: Any = 1, label: str = "tool_output") -> list[Step]:
    return [
        a_step("assistant_call", model="m"),
        a_step("tool_call", tool_name=tool, started={"arguments": {"n": argument}}),
        a_step(label, output),
    ]


def _run(*turns: list[Step]) -> RunFacts:
    return gather(a_session(a_run(*(step for turn in turns for step in turn)))).runs[0]


def _told(run: RunFacts) -> list[tuple[str, str]]:
    return [(span(loop), name(loop)) for loop in loops_of(run)]


def test_equal_calls_with_equal_answers_are_a_loop() -> None:
    run = _run([a_step()], *(_turn("get_order") for _ in range(24)), [a_step("assistant_call")])
    assert _told(run) == [("1.2 … 1.73", "×24 get_order, the same answer")]


@pytest.mark.parametrize(("times", "there"), [(2, False), (3, True)])
def test_three_times_is_a_loop(times: int, *, there: bool) -> None:
    assert bool(loops_of(_run(*(_turn("a") for _ in range(times))))) is there


@pytest.mark.parametrize(("tools", "there"), [("abcd", True), ("abcde", False)])
def test_a_circle_has_up_to_four_calls(tools: str, *, there: bool) -> None:
    run = _run(*(_turn(tool) for _ in range(3) for tool in tools))
    assert _told(run) == ([("1.1 … 1.36", "×3 a, b, c, d, the same answers")] if there else [])


def test_another_answer_or_argument_is_no_repetition() -> None:
    assert _told(_run(*(_turn("a", output=str(n)) for n in range(9)))) == []
    assert _told(_run(*(_turn("a", argument=n) for n in range(9)))) == []


def test_errors_are_told_as_such() -> None:
    run = _run(*(_turn("a", "no such order", label="tool_error") for _ in range(3)))
    assert _told(run) == [("1.1 … 1.9", "×3 a, the same error")]
    assert loops_of(run)[0].fails


def test_what_a_model_says_in_between_does_not_matter() -> None:
    turns = [[*_turn("a")[:1], a_step("reasoning", str(n)), *_turn("a")[1:]] for n in range(3)]
    for turn in turns:
        turn[2].depends_on = ["1"]
    assert _told(_run(*turns)) == [("1.1 … 1.12", "×3 a, the same answer")]


@pytest.mark.parametrize(
    "between", [a_step("user_message", "Go on"), a_step("generic", type="api.files.create")]
)
def test_anything_else_in_between_ends_a_loop(between: Step) -> None:
    run = _run(*(_turn("a") for _ in range(3)), [*_turn("a"), between], *(_turn("a") for _ in range(3)))
    assert [each for each, _ in _told(run)] == ["1.1 … 1.9", "1.14 … 1.22"]


def test_calls_without_an_answer_are_no_loop() -> None:
    run = _run(
        *(
            [a_step("assistant_call"), a_step("tool_call", tool_name="a", status="unresolved")]
            for _ in range(5)
        )
    )
    assert _told(run) == []


def test_a_failed_model_call_is_no_part_of_one() -> None:
    failed = _turn("a")
    failed[0].status = "failed"
    run = _run(*(_turn("a") for _ in range(3)), failed, *(_turn("a") for _ in range(3)))
    assert [each for each, _ in _told(run)] == ["1.1 … 1.9", "1.13 … 1.21"]


def test_parallel_calls_of_one_answer_are_a_loop_without_the_model_call() -> None:
    calls = [a_step("tool_call", tool_name="a", call_id=f"c{n}", after=(1,)) for n in range(4)]
    outputs = [a_step("tool_output", "pending", call_id=f"c{n}", after=(2 + n,)) for n in range(4)]
    other = a_step("tool_call", tool_name="b", call_id="c9", after=(1,))
    answer = a_step("tool_output", "pending", call_id="c9", after=(6,))
    run = _run([a_step("assistant_call"), *calls, other, *outputs, answer])
    assert _told(run) == [("1.2 … 1.5, 1.7 … 1.10", "×4 a, the same answer")]


@given(st.lists(st.sampled_from("abc"), max_size=40))
@settings(max_examples=25)
def test_every_step_is_in_one_loop_or_none_and_all_turns_of_a_loop_are_equal(tools: list[str]) -> None:
    run = _run([a_step()], *(_turn(tool) for tool in tools))
    held = [own for loop in loops_of(run) for own in loop.steps]
    assert len(held) == len(set(held))
    for loop in loops_of(run):
        called = [own.tool for own in loop.steps if own.step.label == "tool_call"]
        assert called == [call.tool for call in loop.calls] * loop.times
        assert loop.times >= 3
    left = _left_over(run, loops_of(run))
    assert not any(
        one == two == three for one, two, three in zip(left, left[1:], left[2:], strict=False) if one
    )


def _left_over(run: RunFacts, found: list[Loop]) -> list[str]:
    """Return the tools of the calls outside of loops; a blank for each loop."""
    held = {own: number for number, loop in enumerate(found) for own in loop.steps}
    return [("" if own in held else own.tool) for own in run.steps if own.step.label == "tool_call"]
