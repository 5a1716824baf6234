"""One step in full, and the prompt as the model saw it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import a_run, a_session, a_step
from tests.projection.builders import Story, call, output, said, user
from tests.view.making import a_model_call
from tfstore.document.documents import ErrorInfo, Session
from tfstore.reading.facts import gather
from tfstore.reading.shown.details import details_of
from tfstore.reading.shown.session import shown


def full(session: Session, step_id: str) -> Any:
    facts = gather(session)
    return details_of(facts, facts.steps[step_id])


def parts(session: Session, step_id: str) -> list[tuple[str, str]]:
    """The parts of a step: their titles, with what is told or where it stands."""
    found = full(session, step_id).get("parts", [])
    return [
        (each.get("title", ""), each.get("told") or "/".join(map(str, each.get("at", [])))) for each in found
    ]


def prompt(session: Session, step_id: str) -> dict[str, list[str]]:
    """The ids of a prompt's parts."""
    found = full(session, step_id)["prompt"]
    ids = {name: [part.get("step", "item") for part in found[name]] for name in ("fixed", "history", "new")}
    return {**ids, "unknown": found["unknown"]}


def test_a_call_stands_with_its_answer() -> None:
    story = Story()
    first = story.ask([user("Go")], [call("c1", "get", {"a": 1}), call("c2", "get", "no JSON")])
    story.ask([output("c1", "7")], [said("Seven.")], previous_response_id=first)
    session = story.session()
    arguments = "payload_started/arguments"
    assert parts(session, "step_1_3") == [("Arguments", arguments), ("Output", "payload_completed/output")]
    invalid = "The model sent arguments that are not JSON."
    assert parts(session, "step_1_4") == [("Arguments", invalid), ("Output", "No output was recorded.")]
    assert parts(session, "step_1_5") == [("Output", "payload_completed/output"), ("Arguments", arguments)]
    assert [part["step"] for part in full(session, "step_1_2")["parts"]] == ["step_1_3", "step_1_4"]


def test_an_error_is_told_once() -> None:
    step = a_step(
        "tool_error", "It broke", tool_name="x", error=ErrorInfo("tool", "It broke", http_status=500)
    )
    step.payload_completed = {"output": "It broke", "traceback": "line 1", "evidence": "an exception"}
    session = a_session(a_run(step))
    found = full(session, "step_1_1")
    assert found["error"] == {
        "title": "error · tool · HTTP 500",
        "at": ["error", "message"],
        "told": "known by: an exception",
    }
    assert parts(session, "step_1_1") == [("Traceback", "payload_completed/traceback")]
    assert "error" not in dict(found["facts"])


def test_what_the_server_kept_comes_before_what_is_new() -> None:
    story = Story()
    first = story.ask([user("One")], [call("c1", "get")], instructions="Be brief.")
    second = story.ask([output("c1", "7")], [said("Seven.")], previous_response_id=first)
    story.ask([user("Two")], [said("Yes.")], previous_response_id=second, instructions="Be brief.")
    session = story.session()
    assert prompt(session, "step_2_3") == {
        "fixed": ["step_2_2"],
        "history": ["step_1_1", "step_1_4", "step_1_5", "step_1_7"],
        "new": ["step_2_1"],
        "unknown": [],
    }


def test_a_conversation_that_is_sent_again_is_spelled_out() -> None:
    """However long: each turn once, in the order sent."""
    story, items = Story(), list[Any]()
    for n in range(500):
        items.append(user(f"question {n}"))
        story.ask(items, [said(f"answer {n}")])
        items.append(said(f"answer {n}"))
    session = story.session()
    steps = [step for run in session.runs for step in run.steps]
    last = [step for step in steps if step.label == "assistant_call"][-1]
    told = [step.step_id for step in steps if step.label in {"user_message", "assistant_message"}]
    found = prompt(session, last.step_id)
    assert found["history"] + found["new"] == told[:-1]
    assert (found["fixed"], found["unknown"]) == ([], [])


@pytest.mark.parametrize(
    ("part", "unknown"),
    [
        ({"type": "user_message", "step_id": "step_9_9"}, "step_9_9, which is not in this session"),
        ({"type": "resent", "step_id": "step_9_9", "items": 2}, "step_9_9, which is not in this session"),
        (
            {"type": "response", "step_id": "step_9_9", "response_id": "resp_9"},
            "the context of resp_9, which was not recorded here",
        ),
        (
            {"type": "resent", "step_id": "step_1_2", "items": 2},
            "what a part says that cannot be read (step_1_2 sends itself again)",
        ),
        ({"type": "resent", "step_id": "step_1_1"}, "what a part says that cannot be read ('items')"),
    ],
)
def test_what_is_missing_is_named(part: dict[str, Any], unknown: str) -> None:
    started = {"prompt_provenance": {"parts": [part, {"type": "user_message", "step_id": "step_1_1"}]}}
    session = a_session(a_run(a_step("user_message", "Hello"), a_model_call(1, started=started)))
    assert prompt(session, "step_1_2")["unknown"] == [unknown]


def test_an_open_call_reaches_to_the_last_thing_that_happened() -> None:
    asked, waiting, late = (
        a_step("user_message", "Go", started_at="2026-09-02T09:14:00.000Z"),
        a_step("assistant_call", status="in_progress", started_at="2026-09-02T09:14:01.000Z"),
        a_step("tool_call", started_at="2026-09-02T09:14:03.000Z", duration_ms=2_000),
    )
    late.ended_at = "2026-09-02T09:14:05.000Z"
    (run,) = shown(gather(a_session(a_run(asked, waiting, late))))["runs"]
    bars = [step.get("bar") for step in run["steps"]]
    assert bars[0] is None
    assert bars[1]["to"] - bars[1]["from"] == 4_000
    assert bars[1]["open"]
    assert bars[2]["to"] - bars[2]["from"] == 2_000
