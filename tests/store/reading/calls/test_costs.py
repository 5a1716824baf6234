"""What calls cost: of which there is a price, and of how many there is none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import a_chat, a_run, a_session, a_step, tokens
from tests.cli.making import weather
from tfstore.document.documents import Attempt, Played, Step
from tfstore.reading.calls.costs import Cost, cost_of, cost_of_session, costs_by_model, is_paid


def a_dollar(step: Step) -> float | None:
    return None if step.model == "unknown" else 1.0


def test_what_has_no_price_is_not_free() -> None:
    session = a_session(
        a_chat(),
        a_run(a_step("assistant_call", model="unknown", usage=tokens(1, 1))),
        a_run(a_step("user_message")),
    )
    cost = cost_of_session(session, a_dollar)

    assert cost == Cost(1.0, calls=2, unpriced=1)
    assert cost.told == "$1.00 (of 2 calls, 1 without a price)"
    assert costs_by_model(session, a_dollar) == {"gpt-4.1": Cost(1.0, 1), "unknown": Cost(0.0, 1, 1)}
    nothing = cost_of(session.runs[1].steps, a_dollar)
    assert (nothing.words, nothing.told) == ("", "of 1 call, 1 without a price")
    assert nothing.as_json() == {"dollars": None, "calls": 1, "unpriced": 1}
    assert cost_of([], a_dollar).told == ""


@pytest.mark.parametrize(
    ("fields", "paid"),
    [
        ({"usage": tokens(1, 1)}, True),
        ({"ending": "cut"}, True),
        ({"ending": "http_error"}, False),
        ({"ending": "no_response"}, False),
        ({}, False),
        ({"usage": tokens(1, 1), "attempts": [Attempt(1, played=Played("c.1"))]}, False),
    ],
)
def test_which_calls_are_paid_for(fields: dict[str, Any], paid: bool) -> None:  # noqa: FBT001
    assert is_paid(a_step("assistant_call", **fields)) is paid


def test_a_session_of_many_calls() -> None:
    assert cost_of_session(weather(), a_dollar).dollars == 6.0
