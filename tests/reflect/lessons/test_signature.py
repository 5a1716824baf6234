"""What errors have in common, without the values that they happened on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reflect.talking import BOTH, Talk
from tfclient.reflect.lessons.signature import LONGEST, error_words, generalised, lesson_id, signature_of
from tfstore.reading.evidence.evidence import evidence_of

PLAIN = st.text("abcdefghijklmnopqrstuvwxyz", min_size=5, max_size=12)


def words_of(answer: Any, api: str = "responses") -> str:
    talk = Talk(api)
    talk.asks("Go.")
    talk.calls(("pay", {"amount": 3}, answer))
    talk.says()
    (call,) = evidence_of(talk.session()).tool_calls
    return error_words(call)


@BOTH
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("Error: no such card", "Error: no such card"),
        ({"error": "no such card"}, "no such card"),
        ({"error": {"code": 4, "message": "no such card"}}, "no such card"),
        ({"success": False, "detail": "no such card"}, "no such card"),
        ({"errors": [{"message": "no such card"}, {"message": "no shop"}]}, "no such card"),
        ({"status": "failed"}, "status: failed"),
        (
            'Traceback (most recent call last):\n  File "a.py", line 3\nValueError: no such card',
            "ValueError: no such card",
        ),
        ("Error: one\nand\x1b[31m\u202etwo", "Error: one and [31m two"),
        ("The program exited with code 2", ""),
        ("all is well", ""),
    ],
)
def test_the_words_of_an_error(api: str, answer: Any, words: str) -> None:
    assert words_of(answer, api) == words


@pytest.mark.parametrize(
    "words",
    [
        "Error: payment amount does not add up, total price is 305, but paid $255.10",
        "payment amount does not add up, total price is 7, but paid 1.",
    ],
)
def test_equal_errors_with_other_numbers_are_one(words: str) -> None:
    assert generalised(words) == "payment amount does not add up, total price is N, but paid N"


@pytest.mark.parametrize(
    ("words", "arguments", "general"),
    [
        ("Error: flight HAT030 is full on 2024-05-13", {"flight": "HAT030"}, "flight N is full on N"),
        ("Pátio Azul takes no bookings online", {"restaurant": "Pátio Azul"}, "S takes no bookings online"),
        ("no user called lovelace", {"name": "ada lovelace"}, "no user called S"),
        ("cannot say 'good day' to \"you\"", {}, "cannot say S to S"),
        ("it isn't there, it's gone", {}, "it isn't there, it's gone"),
        ("mail to ada@example.com failed: https://example.com/x", {}, "mail to S failed: S"),
        ("openai.BadRequestError: nothing at /home/ada/x", {}, "BadRequestError: nothing at S"),
        ("ids 4, 5 and 6 are taken", {}, "ids N are taken"),
        ("bad input {'user': 'ada', 'card': 4}", {}, "bad input S"),
        ("user <sha256:0a1b2c 12 chars> has no card", {}, "user S has no card"),
        ("Error: ", {}, "Error"),
        ("Error", {}, "Error"),
        (
            "the payment failed",
            {"note": "please let the payment be made today, it is urgent"},
            "the payment failed",
        ),
    ],
)
def test_what_looks_like_a_value_goes(words: str, arguments: Any, general: str) -> None:
    assert generalised(words, arguments) == general


def test_names_that_a_conversation_brought_go() -> None:
    def is_name(word: str, leads: bool) -> bool:  # noqa: FBT001 - as it is called
        return word[0].isupper() and not leads

    assert generalised("The order of Lovelace is closed. Ask Ada", {}, is_name) == (
        "The order of S is closed. Ask S"
    )


@given(
    PLAIN, st.integers(10, 10**9), st.sampled_from(["{} and {}", "no {}, got {}", "({}) [{}]", "'{}': {}"])
)
def test_no_argument_is_left_of_an_error(text: str, number: int, form: str) -> None:
    said = generalised(form.format(text, number), {"name": text, "more": [{"count": number}]})

    assert text not in said
    assert str(number) not in said


@given(st.text(max_size=400), st.text(max_size=60))
def test_a_signature_is_one_short_line_and_saying_it_again_changes_nothing(words: str, tool: str) -> None:
    line = signature_of(tool, generalised(" ".join(words.split())))

    assert len(line) <= LONGEST
    assert lesson_id(line) == lesson_id(line)
    assert len(lesson_id(line)) == 10


def test_a_great_call_is_no_trouble() -> None:
    arguments = {"rows": [{"text": f"row {n} " * 50} for n in range(2_000)]}

    assert (
        generalised("Error: 2000 rows are too many", json.loads(json.dumps(arguments)))
        == "N rows are too many"
    )
