from __future__ import annotations

from tests.d2.sessions import many_runs
from tfd2.cards import card, page_cards
from tfstore.reading.facts import gather


def test_a_card_says_what_was_asked_what_it_took_and_what_went_wrong() -> None:
    runs = gather(many_runs(36)).runs
    plain, rough, fork, failed = (card(runs[n - 1]) for n in (1, 6, 9, 11))
    assert plain.looks == ("card",)
    assert plain.head == ("Run 1",)
    assert plain.text == "Question 1: what is the weather in Reykjavík and is it windy?"
    assert plain.foot == ("3 steps", "937 ms · 25 tok")
    assert plain.link == "run_1"
    assert rough.looks == ("card_warn",)
    assert rough.foot[0] == "6 steps · 1 tool call · 1 error"
    assert fork.head == ("Run 9", "branches from run 6")
    assert failed.looks == ("card_failed",)
    assert failed.head == ("Run 11 · FAILED",)


def test_a_run_that_was_left_or_stopped_is_not_plain() -> None:
    session = many_runs(2)
    session.runs[0].status = "cancelled"
    node = card(gather(session).runs[0])
    assert node.looks == ("card_warn",)
    assert node.head == ("Run 1 · CANCELLED",)


def test_the_tooltip_has_the_errors_before_the_prompt() -> None:
    tooltip = card(gather(many_runs(11)).runs[10]).tooltip
    assert tooltip is not None
    assert tooltip.text.startswith("ERRORS\n11.3 MODEL · Request timed out.\n\nPROMPT\nQuestion 11")


def test_a_page_of_runs_is_as_bad_as_its_worst_run() -> None:
    session = many_runs(130)
    for run in session.runs[60:120]:
        run.status = "completed"
    cards = page_cards(gather(session).runs)
    assert [node.head for node in cards] == [("Runs 1 to 60",), ("Runs 61 to 120",), ("Runs 121 to 130",)]
    assert [node.looks for node in cards] == [("card_failed",), ("card_warn",), ("card_failed",)]
    assert cards[0].foot == ("5 failed · 15 errors", "210 steps", "from 2026-09-02 09:01 UTC")
