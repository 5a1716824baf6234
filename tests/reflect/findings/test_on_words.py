"""Guesses from words, which are off unless they are named."""

from __future__ import annotations

import pytest

from tests.reflect.talking import BOTH, Talk, found, the_only
from tfclient.reflect.findings import examine
from tfclient.reflect.findings.registry import kinds

GUESSES = ("error_swallowed", "number_unsourced", "language_switch")


@BOTH
@pytest.mark.parametrize(
    ("answer", "told"),
    [("Your table is booked.", 1), ("I could not book a table.", 0), ("Sorry, that is not possible.", 0)],
)
def test_a_failure_that_the_answer_does_not_mention(api: str, answer: str, told: int) -> None:
    talk = Talk(api)
    talk.asks("A table for two, please.")
    talk.calls(("book", {"people": 2}, "Error: full"))
    talk.says(answer)

    assert [each.severity for each in found(talk.session(), "error_swallowed")] == ["info"] * told


@BOTH
def test_a_failure_that_was_mended_is_not_swallowed(api: str) -> None:
    talk = Talk(api)
    talk.asks("A table for two, please.")
    talk.calls(("book", {"at": 19}, "Error: full"))
    talk.calls(("book", {"at": 20}, "booked"))
    talk.says("Your table is booked.")

    assert found(talk.session(), "error_swallowed") == []


@BOTH
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("That is 4711 in all.", 1),
        ("That is 250.", 0),
        ("That is 1,250 in all.", 0),
        ("That is 30.", 0),
        ("Two.", 0),
    ],
)
def test_a_number_from_nowhere(api: str, answer: str, told: int) -> None:
    talk = Talk(api)
    talk.asks("How much is it?")
    talk.calls(("prices", {"of": "soup"}, {"prices": [250, 1000], "count": 5, "discount": 20, "fee": 50}))
    talk.says(answer)

    assert len(found(talk.session(), "number_unsourced")) == told


@BOTH
def test_an_answer_in_another_script(api: str) -> None:
    question = "Where can I eat well in the old town of Oslo tonight?"
    for answer, told in (
        ("Вы можете хорошо поесть в старом городе.", 1),
        ("In the old town you eat best at Ada's.", 0),
    ):
        talk = Talk(api)
        talk.asks(question)
        talk.says(answer)

        assert len(found(talk.session(), "language_switch")) == told


def test_they_are_off_unless_they_are_named() -> None:
    talk = Talk()
    talk.asks("A table for two, please.")
    talk.calls(("book", {"people": 2}, "Error: full"))
    talk.says("Your table is booked, number 4711.")
    session = talk.session()

    assert not {each.kind for each in examine(session).findings} & set(GUESSES)
    assert all(kinds()[name].off for name in GUESSES)
    assert the_only(session, "error_swallowed").certainty == "heuristic"
