"""Findings on what tools answered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import call, output, said, user
from tests.reflect.talking import BOTH, Talk, found, labels_of, the_only


def answered(api: str, *answers: Any, tool: str = "pay", **arguments: Any) -> Talk:
    """A tool that answers so, one call after the other, and what the model makes of it."""
    talk = Talk(api)
    talk.asks("Go")
    for n, answer in enumerate(answers):
        talk.calls((tool, {"n": n, **arguments}, answer))
    talk.says()
    return talk


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "Error: payment method not found",
        "Traceback (most recent call last):\n  File …\nKeyError: 'x'",
        "ValueError: no such card",
        "requests.exceptions.HTTPError: 404 Client Error",
        "HTTP 503 Service Unavailable",
        "API error: the card was declined",
        "Error executing tool pay: no card",
        '{"success": false, "reason": "no card"}',
        '{"status": "failed"}',
        '{"status_code": 404, "body": "not found"}',
        '{"errors": ["no card"]}',
    ],
)
def test_an_error_in_plain_text(api: str, text: str) -> None:
    session = answered(api, text).session()

    finding = the_only(session, "error_as_text")
    assert (finding.severity, finding.certainty) == ("medium", "heuristic")
    assert labels_of(session, finding) == ["tool_output"]
    assert session.summary.tool_errors == 0


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "Errors in the invoice were corrected.",
        "Error handling is described in chapter 3.",
        "The log has 3 lines with ERROR.",
        "HTTP 200 OK",
        "HTTP 404 errors are described below" + " and so on" * 200,
        "the program exited with code 0",
        '{"success": true, "error": null, "errors": []}',
        '{"errors": 3, "warnings": 1}',
        '{"status": "completed", "failed": 0}',
        '{"status_code": 200}',
        "[1, 2, 3]",
        "",
    ],
)
def test_no_error_in_plain_text(api: str, text: str) -> None:
    assert found(answered(api, text).session(), "error_as_text") == []


@BOTH
@pytest.mark.parametrize(
    ("tool", "text"), [("run_tests", "2 failed\nexited with code 1"), ("read_log", "Error: disk full")]
)
def test_what_a_shell_or_a_log_reader_gives_back_is_low(api: str, tool: str, text: str) -> None:
    assert the_only(answered(api, text, tool=tool).session(), "error_as_text").severity == "low"


@BOTH
def test_an_output_that_was_only_sent_with_a_request_that_failed(api: str) -> None:
    for answer, severity in (("12 rooms", "medium"), ('{"error": "no rooms"}', "high")):
        talk = Talk(api)
        talk.asks("Go")
        talk.calls(("rooms", {"city": "Oslo"}, answer))
        talk.fails()
        session = talk.session()

        finding = the_only(session, "output_unused")
        assert finding.severity == severity
        assert labels_of(session, finding)[1:] == ["assistant_call"]


@BOTH
def test_an_output_that_a_later_request_carried_was_used(api: str) -> None:
    talk = Talk(api)
    talk.asks("Go")
    talk.calls(("rooms", {"city": "Oslo"}, "12 rooms"))
    talk.fails()
    talk.says()

    assert found(talk.session(), "output_unused") == []


@BOTH
def test_while_a_session_goes_on_the_request_may_be_on_its_way(api: str) -> None:
    talk = Talk(api)
    talk.asks("Go")
    talk.calls(("rooms", {"city": "Oslo"}, "12 rooms"))
    talk.fails()

    assert found(talk.session(ended=False), "output_unused") == []


def _dropped(api: str, *, then: bool) -> Talk:
    talk = Talk(api)
    talk.asks("Go")
    talk.calls(("rooms", {"city": "Oslo"}, ""), ("rooms", {"city": "Rome"}, ""), answered=False)
    del talk.history[-1]
    talk.history.append(output("call_0", "12 rooms"))
    talk.says()
    if then:
        talk.asks("And?")
        talk.says()
    return talk


@BOTH
def test_a_call_that_nobody_answered_while_the_conversation_went_on(api: str) -> None:
    session = _dropped(api, then=True).session()

    finding = the_only(session, "call_unanswered")
    assert (finding.severity, labels_of(session, finding)) == ("high", ["tool_call"])
    assert found(session, "ended_with_open_call") == []


@BOTH
def test_a_thread_that_ends_with_a_call_is_no_fault(api: str) -> None:
    session = _dropped(api, then=False).session()

    assert found(session, "call_unanswered") == []
    assert the_only(session, "ended_with_open_call").severity == "info"


@BOTH
def test_an_output_without_its_call(api: str) -> None:
    talk = answered(api, "12 rooms")
    talk.history = [output("call_0", "12 rooms"), said("Done."), user("Sure?")]
    talk.says("Yes.")
    session = talk.session()

    finding = the_only(session, "output_without_call")
    assert finding.severity == "high"
    assert labels_of(session, finding) == ["tool_output", "assistant_call"]


@BOTH
def test_an_output_of_a_call_that_was_never_recorded(api: str) -> None:
    talk = Talk(api)
    talk.history = [user("Go"), output("call_9", "12 rooms"), user("And now?")]
    talk.says()

    assert "without its call" in the_only(talk.session(), "output_without_call").says


@BOTH
def test_outputs_with_their_calls_in_a_history_that_begins_late(api: str) -> None:
    talk = Talk(api)
    talk.history = [
        user("Go"),
        call("call_9", "rooms", {"city": "Oslo"}),
        output("call_9", "12 rooms"),
        user("Now?"),
    ]
    talk.says()
    talk.calls(("pay", {"n": 1}, "paid"))
    talk.says()
    talk.history = talk.history[-3:]
    talk.asks("Sure?")
    talk.says()

    assert found(talk.session(), "output_without_call") == []


def test_the_server_keeps_the_calls() -> None:
    talk = Talk()
    first = talk.story.ask([user("Go")], [call("call_1", "rooms", {"city": "Oslo"})])
    talk.story.ask([output("call_1", "12 rooms")], [said("12.")], previous_response_id=first)
    talk.story.ask([output("call_8", "who knows")], [said("12.")], previous_response_id="resp_elsewhere")

    assert found(talk.session(), "output_without_call") == []


ORDER = {"order_id": "A-1001", "customer": "Ada", "items": 3, "status": "shipped"}


@BOTH
def test_different_questions_and_the_same_answer(api: str) -> None:
    talk = Talk(api)
    talk.asks("Go")
    talk.calls(("get_order", {"order_id": "A-1001"}, ORDER))
    talk.calls(("get_order", {"order_id": "A-1002"}, ORDER))
    talk.says()
    session = talk.session()

    finding = the_only(session, "same_answer")
    assert (finding.severity, finding.certainty) == ("medium", "heuristic")
    assert labels_of(session, finding) == ["tool_call", "tool_output"] * 2
    assert "A-1001" in finding.says
    assert "A-1002" in finding.says


@BOTH
@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        # Nothing is said.
        ({"order_id": "A-1001"}, {"order_id": "A-1002"}, "ok"),
        ({"order_id": "A-1001"}, {"order_id": "A-1002"}, {"found": False, "count": 0, "orders": []}),
        ({"order_id": "A-1001"}, {"order_id": "A-1002"}, "There is no order of this number, look again."),
        # One thing in two spellings.
        ({"city": "Oslo"}, {"city": "OSLO, Norway"}, {"temp": 14, "wind": 3, "sky": "overcast"}),
        # Both are in the answer.
        ({"order_id": "A-1001"}, {"order_id": "A-1002"}, {"orders": ["A-1001", "A-1002", "A-1003"]}),
        # Not the same tool's question with another value.
        ({"order_id": "A-1001"}, {"customer": "Ada"}, ORDER),
        ({"q": "order of Ada " * 6}, {"q": "what did Ada order? " * 6}, ORDER),
    ],
)
def test_the_same_answer_with_reason(api: str, one: Any, other: Any, answer: Any) -> None:
    talk = Talk(api)
    talk.asks("Go")
    talk.calls(("get_order", one, answer))
    talk.calls(("get_order", other, answer))
    talk.says()

    assert found(talk.session(), "same_answer") == []


@BOTH
def test_what_changes_things_may_answer_alike(api: str) -> None:
    talk = Talk(api)
    talk.asks("Go")
    talk.calls(("cancel_order", {"order_id": "A-1"}, {"done": "yes", "queue": 12}))
    talk.calls(("cancel_order", {"order_id": "A-2"}, {"done": "yes", "queue": 12}))
    talk.says()
    session = talk.session()

    assert found(session, "same_answer") == []
    assert len(found(session, "same_answer", reads=["cancel_order"])) == 1


@BOTH
@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"order_id": "A-1002"}, ORDER),
        ({"order_id": "A-1002"}, {"order": {"id": "A-1001", "items": 3}}),
        ({"order_id": 1002}, {"order_id": 1001, "items": 3}),
        ({"order": "A-1002"}, "Order A-1001: 3 items, shipped on 2026-09-02."),
    ],
)
def test_an_id_asked_for_and_another_answered(api: str, asked: Any, answer: Any) -> None:
    session = answered(api, answer, tool="get_order", **asked).session()

    finding = the_only(session, "id_not_in_answer")
    assert (finding.severity, finding.certainty) == ("high", "heuristic")
    assert labels_of(session, finding) == ["tool_call", "tool_output"]
    assert "1001" in finding.says
    assert "1002" in finding.says


@BOTH
@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"order_id": "A-1001"}, ORDER),
        ({"order_id": "A-1002"}, {**ORDER, "replaces": "A-1002"}),
        ({"customer_id": "C-77"}, {"id": "A-1001", "items": 3}),
        ({"customer_id": "C-7701"}, {"orders": [{"id": "C-7702"}]}),
        ({"order_id": "A-1002"}, "Orders A-1001 and A-1003 were found."),
        ({"order_id": "A-1002"}, {"items": 3, "zip": "10115"}),
        ({"limit": 20}, {"limit": 10, "rows": []}),
        ({"order_id": "A-1002"}, "Error: A-1001 is locked"),
    ],
)
def test_answers_that_hold_what_they_should(api: str, asked: Any, answer: Any) -> None:
    assert found(answered(api, answer, tool="get_order", **asked).session(), "id_not_in_answer") == []
