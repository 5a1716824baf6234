"""A loop as it stands in a run's tree, as the page and the command tell it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.builders import a_run, a_session, a_step
from tests.view.making import a_model_call, timed
from tfclient.cli.lines.tree import Look, tree
from tfstore.document.documents import Session, Step
from tfstore.document.notes import Note
from tfstore.reading.facts import gather
from tfstore.reading.shown.session import shown


def rounds(times: int, *, tool: str = "get_order", said: str = "pending", error: bool = False) -> list[Step]:
    """Return so many rounds of a model call, what it thought, a tool call and its answer."""
    made: list[Step] = []
    for n in range(times):
        label = "tool_error" if error else "tool_output"
        made += [
            a_model_call(f"{tool}_{n}"),
            a_step("reasoning", f"Thought {n}"),
            a_step("tool_call", tool_name=tool, call_id=f"{tool}_{n}", started={"arguments": {"id": "A-1"}}),
            a_step(label, said, tool_name=tool, call_id=f"{tool}_{n}"),
        ]
    return made


def looping(*steps: Step) -> Session:
    """Return a session of one run, in which what a model gave hangs on its call."""
    end = a_model_call("end"), a_step("assistant_message", "I give up.")
    run = a_run(a_step("user_message", "Where is it?"), *steps, *end)
    session = a_session(run)
    call = ""
    for step in run.steps:
        if step.label == "assistant_call":
            call = step.step_id
        elif step.label in {"reasoning", "tool_call"}:
            step.depends_on = [call]
    return timed(session)


def loops(session: Session) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown(gather(session))["runs"][0].get("loops", [])
    return found


def test_a_loop_is_told_as_one_beside_its_steps() -> None:
    (loop,) = loops(looping(*rounds(24)))

    assert loop == {
        "at": 1,
        "steps": 96,
        "first": 4,
        "lead": "step_1_4",
        "number": "1.2 … 1.97",
        "name": "×24 get_order, the same answer",
        "line": '(id="A-1")',
        "took": "49.5 s",
        "tokens": "19,488→2,304",
    }


def test_the_command_tells_it_with_its_first_round_unless_each_is_to_be_shown() -> None:
    facts = gather(looping(*rounds(24)))
    folded = [line.plain for line in tree(facts, facts.runs, Look(200))]
    whole = [line.plain for line in tree(facts, facts.runs, Look(200, folded=False))]

    assert [re.split(r"(?<=[a-z0-9]) {2,}", line)[0] for line in folded[3:8]] == [
        "├─ 1.2 … 1.97 ×24 get_order, the same answer",
        "│  └─ 1.2 MODEL gpt-4.1",
        "│     ├─ 1.3 REASONING Thought 0",
        '│     └─ 1.4 CALL get_order(id="A-1")',
        "│        └─ 1.5 OUTPUT pending",
    ]
    assert len(folded) == 10
    assert sum("CALL" in line for line in whole) == 24


def test_a_loop_in_which_something_was_noted_is_told_round_by_round() -> None:
    facts = gather(looping(*rounds(4)))
    noted = [Note("note_1", step_id="step_1_9", text="here it should have stopped")]
    lines = [line.plain for line in tree(facts, facts.runs, Look(200), noted)]

    assert sum("CALL" in line for line in lines) == 4
    assert any("here it should have stopped" in line for line in lines)


def test_a_loop_of_two_and_one_of_errors() -> None:
    both = [step for _ in range(3) for tool in ("a", "b") for step in rounds(1, tool=tool)]
    (two,) = loops(looping(*both))
    (failing,) = loops(looping(*rounds(3, said="No such order", error=True)))

    assert (two["name"], two["steps"], two["first"]) == ("×3 a, b, the same answers", 24, 8)
    assert "line" not in two
    assert (failing["name"], failing["failed"]) == ("×3 get_order, the same error", True)


def test_calls_that_one_response_asks_for_are_a_loop_with_what_is_thought_between() -> None:
    steps = [a_model_call("once")]
    for n in range(4):
        steps.append(a_step("reasoning", f"Again {n}"))
        steps.append(a_step("tool_call", tool_name="ping", call_id=f"p{n}", started={"arguments": {}}))
    steps += [a_step("tool_output", "pong", tool_name="ping", call_id=f"p{n}", after=()) for n in range(4)]
    session = looping(*steps)
    (loop,) = loops(session)

    assert (loop["at"], loop["steps"], loop["first"], loop["depth"]) == (3, 11, 2, 1)
    told = shown(gather(session))["runs"][0]["steps"]
    assert [step["number"] for step in told[:6]] == ["1.1", "1.2", "1.3", "1.4", "1.11", "1.5"]


@pytest.mark.parametrize("other", ["shipped", None])
def test_what_differs_ends_a_loop(other: str | None) -> None:
    between = rounds(1, said=other) if other else [a_step("user_message", "Well?")]
    assert loops(looping(*rounds(2), *between, *rounds(2))) == []
