"""Looking through a session takes work in proportion to it: counted, not timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import a_run, a_session, a_step
from tests.reflect.calls_made import calls_made
from tests.reflect.talking import Talk
from tfclient.reflect.findings import examine, kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.document.documents import Session

SMALL = 60
TIMES = 4
SLACK = 1.25
"""Sorting, and what is done once, are not in proportion."""


def work(session: Session) -> int:
    count, examined = calls_made(lambda: examine(session, only=kinds()))
    assert examined.troubles == []
    return count


def orders(api: str, turns: int) -> Session:
    """A conversation in which every turn calls a tool."""
    talk = Talk(api, instructions="Be brief.")
    for n in range(turns):
        talk.asks(f"Where is order A-{10_000 + n}?")
        talk.calls(
            ("get_order", {"order_id": f"A-{10_000 + n}"}, {"order_id": f"A-{10_000 + n}", "stage": n % 7})
        )
        talk.says(f"Order number {n} is on its way.")
    return talk.session()


def windows(api: str, turns: int) -> Session:
    """One that sends its latest messages only, and so loses all others."""
    talk = Talk(api)
    for n in range(turns):
        talk.asks(f"Question {n} of a long conversation.")
        talk.history = talk.history[-7:]
        talk.says(f"Answer {n}, which is long enough to be known again.")
    return talk.session()


def equal(api: str, turns: int) -> Session:
    """The same call over and over."""
    talk = Talk(api)
    talk.asks("Go")
    for _ in range(turns):
        talk.calls(("get_order", {"order_id": "A-7"}, "A-7 is in the shop"))
    return talk.session()


def invented(api: str, turns: int) -> Session:
    """Identifiers from nowhere, and outputs that nobody read."""
    talk = Talk(api)
    talk.asks("Go")
    for n in range(turns):
        talk.calls(("get_order", {"order_id": f"order-9{n:05}"}, f"Error: no order of number {n}"))
    talk.fails()
    return talk.session()


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize("made", [orders, windows, equal, invented])
def test_four_times_as_long_is_four_times_the_work(api: str, made: Callable[[str, int], Session]) -> None:
    small, large = work(made(api, SMALL)), work(made(api, SMALL * TIMES))

    assert large < small * TIMES * SLACK


def test_one_step_of_megabytes_is_one_step() -> None:
    def huge(length: int) -> Session:
        log = "Error: order-100234 was not found, HTTP 404\n" * (length // 44)
        call = a_step(
            "tool_call", tool_name="get_order", call_id="c1", started={"arguments": {"id": "order-99999"}}
        )
        steps = [
            a_step("user_message", log),
            a_step("assistant_call"),
            call,
            a_step("tool_output", log, call_id="c1"),
        ]
        return a_session(a_run(*steps, a_step("assistant_message", "Done")))

    # A word is a word: a tenth of the text takes a tenth of the work, not a hundredth.
    assert work(huge(1_000_000)) < work(huge(100_000)) * 10 * SLACK
    assert all(len(each.says) < 1_000 for each in examine(huge(1_000_000)).findings)
