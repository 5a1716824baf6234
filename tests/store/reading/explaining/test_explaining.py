"""Why a step is what it is: where its words come from, what the model was not told, what it no longer knew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_run, a_session, a_step
from tests.reflect.talking import BOTH, Talk
from tfstore.document.documents import ErrorInfo, Session
from tfstore.reading.evidence.evidence import evidence_of
from tfstore.reading.explaining import searching
from tfstore.reading.explaining.explain import explain_run, explain_step
from tfstore.reading.explaining.sections import sections

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.reading.explaining.explanation import Explanation

Json = dict[str, Any]


def why(session: Session, step: str, read_blob: Callable[[str], bytes] | None = None) -> Explanation:
    evidence = evidence_of(session)
    return explain_step(evidence, evidence.facts.steps[f"step_{step.replace('.', '_')}"], read_blob)


def sources(explained: Explanation) -> dict[str, list[tuple[str | None, bool]]]:
    """Each word with the steps that hold it, and whether as it is."""
    return {
        (f"{each['argument']}=" if each["argument"] else "") + each["text"]: [
            (source["step_id"], source["exact"]) for source in each["sources"]
        ]
        for said in explained.as_json()["said"]
        for each in said["from"]
    }


def shop(api: str) -> Session:
    talk = Talk(api, instructions="You work for a shop in Ghent.")
    talk.asks("What is in my order A-1002?")
    talk.calls(
        (
            "get_order",
            {"order_id": "A-1002", "count": 77},
            {"customer": "Grace", "items": ["lamp"], "total": 1290},
        ),
    )
    talk.says(
        "Order A-1002 of Grace holds a lamp, for 1,290.00 with a discount of 15%, from the shop in Ghent."
    )
    talk.asks("So how much?")
    talk.says("It is 1290 with 15% off.")
    return talk.session()


@BOTH
def test_where_the_words_of_an_answer_come_from(api: str) -> None:
    explained = why(shop(api), "1.7")

    found = sources(explained)
    assert found["A-1002"] == [("step_1_1", True), ("step_1_4", True)]
    assert found["lamp"] == [("step_1_5", True)]
    assert found["1,290.00"] == [("step_1_5", False)]
    assert found["Grace"] == [("step_1_5", True)]
    assert found["Ghent"] == [("step_1_2", True)]
    assert found["15%".rstrip("%")] == []
    assert "discount" not in found  # nobody asks where a plain word comes from that nothing holds
    assert explained.given is not None
    assert explained.given.call.step.step_id == "step_1_6"
    assert explained.given.sent == {"step_1_1", "step_1_2", "step_1_4", "step_1_5"}


@BOTH
def test_what_only_the_model_had_said_is_its_own(api: str) -> None:
    (said,) = why(shop(api), "2.4").said

    told = {each.wanted.text: each for each in said.origins}
    assert told["15"].is_own
    assert not told["1290"].is_own
    assert [source.own.step.step_id for source in told["1290"].sources if source.own] == [
        "step_1_5",
        "step_1_7",
    ]


@BOTH
def test_where_arguments_come_from_who_asked_and_who_used_the_answer(api: str) -> None:
    for step in ("1.4", "1.5"):
        explained = why(shop(api), step)

        assert sources(explained) == {"order_id=A-1002": [("step_1_1", True)], "count=77": []}
        told = explained.as_json()["tool"]
        assert told["asked_by"] == "step_1_3"
        assert told["answers"] == [{"step_id": "step_1_5", "carried_by": ["step_1_6"]}]
        used = {each["step_id"]: each["values"] for each in told["used_by"]}
        assert set(used) == {"step_1_7", "step_2_4"}
        assert {"Grace", "lamp", "1,290.00"} <= set(used["step_1_7"])
        assert "A-1002" not in used["step_1_7"]  # that was asked for, not answered


@BOTH
def test_a_call_that_was_made_before(api: str) -> None:
    talk = Talk(api)
    talk.asks("Wait for A-7.")
    for word in ("packed", "packed", "sent"):
        talk.calls(("get_order", {"order_id": "A-7"}, f"A-7 is {word}"))
    talk.says("It left.")
    session = talk.session()

    second, third = (why(session, step).tool for step in ("1.6", "1.9"))
    assert second is not None
    assert third is not None
    assert ([own.step.step_id for own in second.same_before], second.same_answer) == (["step_1_3"], True)
    assert (len(third.same_before), third.same_answer) == (2, False)


def a_call(*inputs: int, **fields: Any) -> Any:
    carried = [f"step_1_{number}" for number in inputs]
    parts = [{"type": "item", "step_id": each} for each in carried]
    started = {
        "input": carried,
        "prompt_provenance": {"parts": [{**each, "type": "user_message"} for each in parts]},
    }
    return a_step("assistant_call", after=inputs, started=started, **fields)


def a_tool(key: str, asked: int, call_id: str) -> Any:
    return a_step(
        "tool_call",
        tool_name="look_up",
        started={"name": "look_up", "arguments": {"key": key}},
        after=(asked,),
        call_id=call_id,
    )


def test_what_a_model_was_not_told_and_why() -> None:
    failed = {"status": "failed", "error": ErrorInfo("provider", "Server error.", None, 500)}
    session = a_session(
        a_run(
            a_step("user_message", "Go"),
            a_call(1),
            *(a_tool(key, 2, f"c{key}") for key in "abcd"),
            a_step("tool_output", "alpha", after=(3,), call_id="ca"),
            a_step("tool_output", "beta", after=(4,), call_id="cb"),
            a_step("tool_output", "gamma", after=(5,), call_id="cc"),
            a_call(1, 8, **failed),
            a_call(1, 7),
            a_step("assistant_message", "alpha, and beta", after=(11,)),
            a_step("tool_output", "delta", after=(6,), call_id="cd"),
        )
    )

    told = why(session, "1.12").as_json()
    assert told["not_told"] == [
        {"step_id": "step_1_8", "why": "only sent with a request that failed", "by": "step_1_10"},
        {"step_id": "step_1_9", "why": "never sent", "by": None},
        {"step_id": "step_1_13", "why": "arrived after the request", "by": None},
    ]
    assert "beta" not in sources(why(session, "1.12"))


def test_where_the_server_keeps_what_nobody_recorded_nothing_is_said_not_to_be_told() -> None:
    session = a_session(
        a_run(
            a_step("user_message", "Go"),
            a_call(1),
            a_tool("a", 2, "ca"),
            a_step("tool_output", "alpha", after=(3,), call_id="ca"),
            a_call(1, previous_response_id="resp_elsewhere"),
            a_step("assistant_message", "It is 1290.", after=(5,)),
        )
    )
    session.runs[0].steps[4].payload_started["prompt_provenance"]["parts"].insert(
        0, {"type": "response", "response_id": "resp_elsewhere"}
    )

    explained = why(session, "1.6")
    assert explained.given is not None
    assert explained.given.prompt.unknown
    assert explained.given.not_told == []
    assert sections(explained)[0].title == "From none of what is known of what it was sent"


def test_what_it_no_longer_knew() -> None:
    talk = Talk("chat")
    talk.asks("Hi! I am allergic to nuts.")
    talk.says("I keep that in mind.")
    talk.asks("What is eaten in Thailand?")
    talk.says("Rice.")
    talk.history = talk.history[2:]
    talk.asks("Which sauce goes with it?")
    talk.says("A peanut sauce.")

    session = talk.session()
    told = why(session, session.runs[-1].steps[-1].step_id.removeprefix("step_")).as_json()

    assert told["no_longer"]["step_ids"][0] == "step_1_1"
    assert told["no_longer"]["since"] == told["model_call"]
    assert why(session, "2.3").as_json()["no_longer"] is None


def test_a_run_is_told_by_the_prompts_that_led_to_it() -> None:
    evidence = evidence_of(shop("chat"))

    told = explain_run(evidence, evidence.facts.runs[1]).as_json()
    assert told["chain"] == ["step_1_1", "step_1_7", "step_2_1"]
    assert (told["end"], told["step_id"], told["model_call"]) == ("step_2_4", None, "step_2_3")
    assert [each["step_id"] for each in told["said"]] == ["step_2_4"]


def test_every_step_of_what_went_well_has_something_to_tell() -> None:
    evidence = evidence_of(shop("responses"))

    for own in evidence.facts.every:
        found = sections(explain_step(evidence, own))
        assert found, own.step.step_id
        json.dumps([each.as_json() for each in found])


def with_output(output: Any) -> Session:
    return a_session(
        a_run(
            a_step("user_message", "Go"),
            a_call(1),
            a_tool("a", 2, "ca"),
            a_step("tool_output", after=(3,), call_id="ca", completed={"output": output}),
            a_call(1, 3, 4),
            a_step("assistant_message", "It says A-1002 and A-2002.", after=(5,)),
        )
    )


def test_what_is_kept_apart_is_looked_through_where_it_can_be_read() -> None:
    reference = {"blob": "sha256:x", "bytes": 30, "media_type": "text/plain", "preview": "A-1002"}
    session = with_output(reference)

    assert sources(why(session, "1.6"))["A-2002"] == []
    assert why(session, "1.6").not_looked_at == ["1.4: 6 B of 30 B were looked through"]
    explained = why(session, "1.6", lambda _: b"A-1002, and behind it A-2002")
    assert sources(explained)["A-2002"] == [("step_1_4", True)]
    assert explained.not_looked_at == []

    def gone(_: str) -> bytes:
        raise OSError

    assert why(session, "1.6", gone).not_looked_at


def test_a_long_output_is_looked_through_as_far_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    session = with_output("A-1002 " + "x" * 5_000 + " A-2002")
    assert sources(why(session, "1.6"))["A-2002"] == [("step_1_4", True)]

    monkeypatch.setattr(searching, "OF_ONE", 1_000)
    explained = why(session, "1.6")
    assert sources(explained) == {"A-1002": [("step_1_4", True)], "A-2002": []}
    assert explained.not_looked_at == ["1.4: 1.0 kB of 5.0 kB were looked through"]
    assert [each.title for each in sections(explained)][-1] == "What was not looked through"

    monkeypatch.setattr(searching, "OF_ALL", 900)
    assert why(session, "1.6").not_looked_at == [
        "1.4: 900 B of 5.0 kB were looked through",
        "2 earlier parts of the prompt",
    ]


@pytest.mark.parametrize(
    ("output", "exact"),
    [
        ('{"place": "P\\u00e1tio Azul"}', True),
        ("the pátio azul", False),
        (json.dumps({"place": "P\u00e1tio Azul\nLisbon"}), True),
    ],
)
def test_names_in_other_spellings(output: str, exact: bool) -> None:  # noqa: FBT001
    session = with_output(output)
    session.runs[0].steps[5].payload_completed["text"] = "We go to eat at Pátio Azul today."

    assert sources(why(session, "1.6"))["Pátio Azul"] == [("step_1_4", exact)]


def test_an_hour_within_a_moment_and_no_digits_within_others() -> None:
    session = with_output('{"at": "2026-09-02T13:00:00Z", "id": "52190"}')
    session.runs[0].steps[5].payload_completed["text"] = "At 13:00, number 219."

    found = sources(why(session, "1.6"))
    assert found["13:00"] == [("step_1_4", False)]
    assert found["219"] == []


def test_a_name_in_parts_and_what_of_it_stands_nowhere() -> None:
    session = with_output('{"first": "Grace", "last": "Hopper", "town": "Ghent"}')
    session.runs[0].steps[5].payload_completed["text"] = (
        "It goes to Grace Hopper and Ghent Harbour, not to Oslo Central. **Street Name**: none was given."
    )

    assert sources(why(session, "1.6")) == {
        "Grace Hopper": [("step_1_4", False)],
        "Ghent": [("step_1_4", True)],
        "Harbour": [],
        "Oslo Central": [],
    }
