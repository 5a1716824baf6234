"""The loop, from failed tools to notes to sessions that do not fail so: its core, of three tools."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.reflect.proof.__main__ import table
from tests.reflect.proof.experiment import (
    NO_NOTES,
    NOTES,
    ONE_DROPPED,
    OTHER_TOOLS,
    UNRELATED,
    Proof,
    prove,
)
from tests.reflect.proof.model import Advice, advice
from tests.reflect.proof.tasks import TEST, TRAIN
from tests.reflect.proof.tasks import UNRELATED as OTHERS


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Proof:
    first_of_each = {each.tool: each for each in reversed(TEST)}
    tools = ("book_table", "send_parcel", "read_gauge")
    return prove(tmp_path_factory.mktemp("proof"), [first_of_each[tool] for tool in tools])


def test_the_loop_holds(proof: Proof) -> None:
    assert proof.problems() == []
    failed = {name: arm.failed(avoidable=True) for name, arm in proof.arms.items()}
    assert failed == {
        NO_NOTES: ["book_table", "send_parcel"],
        NOTES: [],
        UNRELATED: ["book_table", "send_parcel"],
        OTHER_TOOLS: ["book_table", "send_parcel"],
        ONE_DROPPED: ["book_table"],
    }
    assert [each.failed(avoidable=False) for each in proof.arms.values()] == [["read_gauge"]] * 5
    assert [each.model_calls for each in proof.arms.values()] == [9, 7, 9, 9, 8]
    assert "notes                          3           0 of 2    1 of 1       7" in table(proof)[3]


@pytest.mark.parametrize("control", [NO_NOTES, UNRELATED, OTHER_TOOLS, ONE_DROPPED])
def test_it_is_told_when_it_does_not_hold(proof: Proof, control: str) -> None:
    without = evolve(proof, arms={**proof.arms, NOTES: proof.arms[NO_NOTES]})
    always = evolve(proof, arms={**proof.arms, control: evolve(proof.arms[NOTES], name=control)})

    assert "notes: a tool failed in 2 of 2 sessions, not in 0" in without.problems()
    wrong = "the budget dropped 0" if control == ONE_DROPPED else f"{control}: a tool failed in 0 of 2"
    assert any(each.startswith(wrong) for each in always.problems())


def test_a_note_that_holds_an_answer_is_told(proof: Proof) -> None:
    notes = proof.arms[NOTES].notes
    arm = evolve(proof.arms[NOTES], notes=evolve(notes, text=f"{notes.text} Septime"))
    told = evolve(proof, arms={**proof.arms, NOTES: arm}).problems()
    assert told == ["the notes hold values of the sessions that they are from: Septime"]


def test_a_model_that_remembers_is_told(proof: Proof) -> None:
    (body, _), (_, other) = proof.exchanges[0], proof.exchanges[-1]
    told = evolve(proof, exchanges=[(body, other)]).problems()
    assert told == ["the model answered the same request otherwise"]


@pytest.mark.parametrize(
    ("answered", "noted"),
    [
        (
            'pay_invoice answered {"error": "amount must be given in cents, not 12.50 EUR"}',
            '- pay_invoice answered "amount must be given in cents, not S" (3×); it worked with amount changed',
        ),
        (
            'pay_invoice answered {"error": "call check_bikes first"}',
            '- pay_invoice answered "call check_bikes first" (3×); it worked when it was called again (3 of 3)',
        ),
        (
            'pay_invoice answered {"error": "a party of 6 needs phone"}',
            '- pay_invoice answered "a party of N needs phone" (2×); it worked with phone added (2 of 2)',
        ),
    ],
)
def test_answers_and_notes_are_read_alike(answered: str, noted: str) -> None:
    read = [Advice(), Advice(), Advice()]
    advice(answered, "pay_invoice", read[0])
    advice(noted, "pay_invoice", read[1])
    advice(noted, "pay_fine", read[2])
    assert read[0] == read[1] != Advice()
    assert read[2] == Advice()


def test_no_task_is_both_learnt_from_and_tried() -> None:
    values = [{value for task in tasks for value in task.values} for tasks in (TRAIN, OTHERS, TEST)]
    assert not values[0] & values[2]
    assert not values[1] & values[2]
