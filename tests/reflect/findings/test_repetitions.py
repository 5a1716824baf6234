"""Findings on calls that were made again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reflect.talking import BOTH, Talk, found, kinds_in, labels_of, the_only

OSLO = {"city": "Oslo"}


def made(api: str, *calls: tuple[str, Any, Any]) -> Talk:
    """These calls, one response each."""
    talk = Talk(api)
    talk.asks("Go")
    for each in calls:
        talk.calls(each)
    talk.says()
    return talk


@BOTH
@pytest.mark.parametrize("error", ["Error: no such card", '{"error": "no such card"}'])
@pytest.mark.parametrize(("times", "severity"), [(2, "medium"), (3, "high"), (5, "high")])
def test_the_same_call_and_the_same_error(api: str, error: str, times: int, severity: str) -> None:
    session = made(api, *[("pay", {"card": 7}, error)] * times).session()

    finding = the_only(session, "same_call_same_error")
    assert (finding.severity, finding.data) == (severity, {"tool": "pay", "times": times})
    assert len(finding.steps) == 2 * times
    assert found(session, "same_call_fails_again") == []


@BOTH
def test_the_same_call_and_another_error(api: str) -> None:
    session = made(
        api, ("pay", {"card": 7}, "Error: busy"), ("pay", {"card": 7}, "Error: no such card")
    ).session()

    assert the_only(session, "same_call_fails_again").severity == "medium"
    assert found(session, "same_call_same_error") == []


@BOTH
@pytest.mark.parametrize(
    "calls",
    [
        # Other arguments; it worked in between; it never failed twice.
        [("pay", {"card": 7}, "Error: no"), ("pay", {"card": 8}, "Error: no")],
        [("pay", {"card": 7}, "Error: no"), ("pay", {"card": 7}, "paid"), ("pay", {"card": 7}, "Error: no")],
        [("pay", {"card": 7}, "Error: no"), ("pay", {"card": 7}, "paid")],
    ],
)
def test_errors_that_are_no_repetition(api: str, calls: Any) -> None:
    session = made(api, *calls).session()

    assert found(session, "same_call_same_error") == found(session, "same_call_fails_again") == []


@BOTH
def test_parallel_calls_that_fail_alike_were_not_tried_again(api: str) -> None:
    talk = Talk(api)
    talk.asks("Go")
    talk.calls(*[("pay", {"card": 7}, "Error: no such card")] * 2)
    talk.says()

    assert found(talk.session(), "same_call_same_error") == []


@BOTH
def test_the_same_answer_again(api: str) -> None:
    weather = ("get_weather", OSLO, "cloudy, 14 °C")
    session = made(api, weather, ("get_time", OSLO, "14:05"), weather).session()

    finding = the_only(session, "call_repeated")
    assert (finding.severity, labels_of(session, finding)) == ("low", ["tool_call", "tool_output"] * 2)


@BOTH
@pytest.mark.parametrize(
    "between",
    [
        ("book_table", OSLO, "booked"),  # it may have changed what is asked for
        ("python", {"code": "x = 1"}, "ok"),  # nobody knows
    ],
)
def test_asking_again_after_a_change_is_no_repetition(api: str, between: Any) -> None:
    weather = ("get_weather", OSLO, "cloudy, 14 °C")

    assert found(made(api, weather, between, weather).session(), "call_repeated") == []


@BOTH
def test_another_answer_or_an_answer_that_says_wait_is_no_repetition(api: str) -> None:
    one = made(api, ("get_weather", OSLO, "cloudy"), ("get_weather", OSLO, "sunny"))
    other = made(api, *[("get_job", {"id": 4}, '{"status": "running"}')] * 3)

    assert found(one.session(), "call_repeated") == []
    session = other.session()
    assert (found(session, "call_repeated"), found(session, "loop_without_progress")) == ([], [])


@BOTH
def test_what_the_user_says_of_a_tool_counts(api: str) -> None:
    weather = ("get_weather", OSLO, "cloudy, 14 °C")
    session = made(api, weather, ("python", {"code": "x = 1"}, "ok"), weather).session()

    assert found(session, "call_repeated") == []
    assert len(found(session, "call_repeated", reads=["python"])) == 1
    assert found(session, "call_repeated", reads=["python"], writes=["get_weather"]) == []


@BOTH
def test_twice_in_one_response(api: str) -> None:
    for again, count in ((OSLO, 1), ({"city": "Rome"}, 0)):
        talk = Talk(api)
        talk.asks("Go")
        talk.calls(("get_weather", OSLO, "cloudy"), ("get_weather", again, "cloudy"))
        talk.says()

        findings = found(talk.session(), "duplicate_parallel_call")
        assert [each.severity for each in findings] == ["info"] * count  # on trial


@BOTH
def test_without_arguments_or_answered_differently_twice_in_one_response_is_none(api: str) -> None:
    for arguments, answers in (({}, ("cloudy", "cloudy")), (OSLO, ("cloudy", "sunny"))):
        talk = Talk(api)
        talk.asks("Go")
        talk.calls(*[("get_weather", arguments, answer) for answer in answers])
        talk.says()

        assert found(talk.session(), "duplicate_parallel_call") == []


@BOTH
def test_something_was_done_twice(api: str) -> None:
    book = ("book_table", {"at": "19:00"}, "booked")
    session = made(api, book, ("get_time", OSLO, "14:05"), book).session()

    finding = the_only(session, "duplicate_side_effect")
    assert (finding.severity, finding.certainty) == ("info", "heuristic")  # on trial
    assert found(session, "duplicate_side_effect", reads=["book_table"]) == []


@BOTH
def test_something_was_done_once(api: str) -> None:
    book = ("book_table", {"at": "19:00"}, "booked")
    failed = ("book_table", {"at": "19:00"}, "Error: full")
    for calls in ([failed, book], [book, ("cancel_table", {"at": "19:00"}, "cancelled"), book]):
        assert found(made(api, *calls).session(), "duplicate_side_effect") == []


@BOTH
def test_a_loop_of_one_call(api: str) -> None:
    session = made(api, *[("get_order", {"order_id": "A-7"}, "not found yet")] * 24).session()

    finding = the_only(session, "loop_without_progress")
    assert (finding.severity, finding.data["times"], len(finding.steps)) == ("high", 24, 48)
    assert "24 times" in finding.says
    # Nothing says the same again.
    assert kinds_in(session) == ["loop_without_progress"]


@BOTH
def test_a_loop_of_two_calls(api: str) -> None:
    turn = [("get_weather", OSLO, "cloudy"), ("get_time", OSLO, "14:05")]
    session = made(api, *turn * 3).session()

    finding = the_only(session, "loop_without_progress")
    assert finding.data == {"tools": ["get_weather", "get_time"], "times": 3, "calls": 6}


@BOTH
@pytest.mark.parametrize(
    "answers",
    [["a", "a"], ["a", "b", "c"], ["a", "a", "b", "b"]],
    ids=["twice only", "progress", "progress in twos"],
)
def test_what_makes_progress_is_no_loop(api: str, answers: list[str]) -> None:
    calls = [("get_weather", OSLO, f"answer {each}") for each in answers]

    assert found(made(api, *calls).session(), "loop_without_progress") == []


@BOTH
def test_the_same_in_several_runs_is_no_loop(api: str) -> None:
    talk = Talk(api)
    for _ in range(4):
        talk.asks("And now?")
        talk.calls(("get_weather", OSLO, "cloudy"))
        talk.says()

    assert found(talk.session(), "loop_without_progress") == []


@BOTH
def test_an_error_again_and_again_is_told_once(api: str) -> None:
    session = made(api, *[("pay", {"card": 7}, "Error: no such card")] * 4).session()

    assert kinds_in(session, above=["high"]) == ["same_call_same_error"]
