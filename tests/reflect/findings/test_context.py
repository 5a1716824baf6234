"""Findings on what the model was given around its prompt."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, said, system, user
from tests.projection.wire import chat_usage, response_usage
from tests.reflect.talking import BOTH, Talk, found, labels_of, the_only

ALLERGY = "Hi! I am allergic to nuts. Please remember that."


def trimmed(api: str, turns: int, kept: int, first: str = ALLERGY) -> Talk:
    """A chat of so many turns that sends only the latest messages."""
    talk = Talk(api, instructions="Be brief.")
    talk.asks(first)
    for n in range(turns):
        talk.history = talk.history[-kept:]
        talk.says(f"Answer {n}, long enough to be recognised.")
        talk.asks(f"Question {n + 2}, and what of that?")
    talk.says("Peanut soup.")
    return talk


@BOTH
def test_what_is_no_longer_sent_is_named_with_the_first_of_it(api: str) -> None:
    session = trimmed(api, 5, 4).session()

    finding = the_only(session, "context_cut")
    assert (finding.severity, finding.certainty) == ("medium", "observed")
    assert finding.steps[0] == "step_1_1"
    assert labels_of(session, finding) == ["user_message", "assistant_call"]
    assert finding.says.startswith('no longer sent: 1.1 USER "Hi! I am allergic to nuts.')
    # The last request held four messages and its own: everything before is gone.
    assert finding.data["lost"][:3] == ["step_1_1", "step_1_4", "step_2_1"]
    calls = [step for run in session.runs for step in run.steps if step.label == "assistant_call"]
    without = [
        call for call in calls if call.seq >= next(c.seq for c in calls if c.step_id == finding.steps[1])
    ]
    assert len(calls) - len(without) == 2  # the first two requests still had it
    assert found(session, "context_trimmed") == []


@BOTH
def test_a_history_that_is_sent_whole_is_not_cut(api: str) -> None:
    assert found(trimmed(api, 5, 100).session(), "context_cut") == []


@BOTH
def test_what_is_quoted_in_a_summary_is_still_sent(api: str) -> None:
    talk = Talk(api)
    talk.asks(ALLERGY)
    talk.says("Noted, and well remembered.")
    talk.asks("What can I eat?")
    talk.says("Rice, as far as I know.")
    talk.history = [user(f"So far the user said: {ALLERGY}\nand: What can I eat?"), *talk.history[-1:]]
    talk.asks("And drink?")
    talk.says()

    assert found(talk.session(), "context_cut") == []


def test_what_the_server_keeps_is_not_cut() -> None:
    story = Story()
    first = story.ask([user(ALLERGY)], [said("Noted.")])
    second = story.ask([user("What can I eat?")], [said("Rice.")], previous_response_id=first)
    story.ask([user("And drink?")], [said("Tea.")], previous_response_id=second)

    assert found(story.session(), "context_cut") == []


@BOTH
def test_a_tool_output_that_is_no_longer_sent_is_no_more_than_said(api: str) -> None:
    talk = Talk(api)
    talk.asks("What can I eat?")
    talk.calls(("menu", {"day": 1}, "rice, soup, a very long menu"))
    talk.says("Rice, or perhaps the soup.")
    talk.history = [talk.history[0], talk.history[-1]]
    talk.asks("And drink?")
    talk.says()

    assert [each.severity for each in found(talk.session(), "context_cut")] == ["info"]


def used(api: str, tokens: int) -> dict[str, Any]:
    return {"usage": chat_usage(tokens) if api == "chat" else response_usage(tokens)}


@BOTH
@pytest.mark.parametrize(
    ("before", "after", "told"), [(3000, 1200, 1), (3000, 2000, 0), (1500, 700, 0), (9000, 0, 0)]
)
def test_an_input_that_falls_by_half(api: str, before: int, after: int, told: int) -> None:
    talk = Talk(api)
    talk.asks("Go")
    talk.says("First answer, to be recognised.", **used(api, before))
    talk.asks("On")
    talk.says("Second answer.", **used(api, after))

    findings = found(talk.session(), "context_lost")
    assert [(each.severity, each.certainty) for each in findings] == [
        ("info", "heuristic")
    ] * told  # on trial


def test_a_chain_that_was_refused_and_begun_anew() -> None:
    story = Story()
    story.send(story.body([user("Hello")], previous_response_id="resp_gone")).fails(
        400, "previous_response_not_found"
    )
    story.ask([user("Hello")], [said("Hi.")])
    session = story.session()

    finding = the_only(session, "context_lost")
    assert (finding.certainty, labels_of(session, finding)) == ("observed", ["assistant_call"] * 2)
    assert "resp_gone" in finding.says


@BOTH
def test_instructions_that_change_digits_aside(api: str) -> None:
    for second, told in (
        ("Be long. Today is 3.", 1),
        ("Be brief. Today is 4.", 0),
        ("Be brief. Today is 3.", 0),
    ):
        talk = Talk(api, instructions="Be brief. Today is 3.")
        talk.asks("Go")
        talk.says("An answer to be recognised.")
        talk.instructions = second
        talk.asks("On")
        talk.says()
        session = talk.session()

        findings = found(session, "instructions_changed")
        assert [each.severity for each in findings] == ["info"] * told
        assert [labels_of(session, each) for each in findings] == [["policy.snapshot"] * 2] * told


@BOTH
def test_tools_that_change(api: str) -> None:
    def offered(name: str) -> list[Any]:
        about = {"name": name, "parameters": {"type": "object", "properties": {}}}
        return [{"type": "function", "function": about} if api == "chat" else {"type": "function", **about}]

    for second, told in (("get_tide", 1), ("get_time", 0)):
        talk = Talk(api, fields={"tools": offered("get_time")})
        talk.asks("Go")
        talk.says("An answer to be recognised.")
        talk.fields = {"tools": offered(second)}
        talk.asks("On")
        talk.says()

        assert len(found(talk.session(), "tools_changed")) == told


@BOTH
def test_a_part_of_the_history_of_which_nothing_was_said_by_a_person(api: str) -> None:
    story = Story(api)
    story.ask(
        [system("Be brief."), user("Tell me of Oslo, please.")], [said("Oslo is the capital of Norway.")]
    )
    story.ask([said("Oslo is the capital of Norway."), user("Tell me of Oslo, please.")], [said("More.")])
    session = story.session()

    assert found(session, "context_cut") == []
    assert len(found(session, "context_trimmed")) == sum(
        run.lineage.source == "window" for run in session.runs
    )
