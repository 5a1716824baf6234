"""Calls that nobody is meant to answer: the run is complete, and says by what it ended."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, call, output, said, steps, the, user
from tfstore.document.converter import from_json, to_json
from tfstore.document.documents import Session

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


def tool(name: str, api: str) -> dict[str, Any]:
    function = {"name": name, "parameters": {}}
    return {"type": "function", "function": function} if api == "chat" else {"type": "function", **function}


def named(name: str, api: str) -> dict[str, Any]:
    return (
        {"type": "function", "function": {"name": name}}
        if api == "chat"
        else {"type": "function", "name": name}
    )


def ended(story: Story) -> Session:
    story.end()
    return story.session()


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_structured_output_by_a_forced_tool(api: str, stream: bool) -> None:  # noqa: FBT001
    story = Story(api, stream=stream)
    forced: dict[str, Any] = {
        "tools": [tool("City", api), tool("other", api)],
        "tool_choice": named("City", api),
    }
    story.ask([user("Describe Bergen")], [call("c1", "City", {"name": "Bergen"})], **forced)
    story.ask([user("Something else")], [said("Here.")])
    session = ended(story)
    assert (session.result, session.summary.unresolved_tool_calls) == ("completed", 0)
    assert [run.status for run in session.runs] == ["completed", "completed"]
    assert [run.ended_by for run in session.runs] == ["tool_call", None]
    assert session.runs[1].lineage.notes == []
    assert (the(session, "tool_call").status, the(session, "tool_call").notes) == (
        "completed",
        ["output_tool"],
    )
    assert from_json(to_json(session)) == session
    assert "ended_by" not in to_json(session)["runs"][1]


@pytest.mark.parametrize(
    ("name", "fields", "by"),
    [
        ("City", {"tool_choice": "required"}, "output_tool"),
        ("City", {"tool_choice": "any"}, "output_tool"),
        ("final_result", {}, "output_tool"),
        ("final_result_City", {}, "output_tool"),
        ("transfer_to_refunds", {}, "handover"),
        ("City", {"function_call": {"name": "City"}}, "output_tool"),
        (
            "City",
            {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"name": "City"}]}},
            "output_tool",
        ),
        ("City", {"tool_choice": "auto"}, None),
        ("City", {}, None),
        ("returns", {}, None),
    ],
)
def test_what_ends_a_run(name: str, fields: dict[str, Any], by: str | None) -> None:
    story = Story("chat")
    story.ask([user("Hello")], [call("c1", name, {"a": 1})], tools=[tool(name, "chat")], **fields)
    session = ended(story)
    (run,) = session.runs
    assert (run.ended_by, run.status) == (("tool_call", "completed") if by else (None, "cancelled"))
    assert the(session, "tool_call").notes == ([by] if by else [])


def test_one_of_several_tools_has_to_be_called() -> None:
    """Which of them ends the work, the name tells; of others nobody knows."""
    for name, status in (
        ("final_answer", "completed"),
        ("return_city", "completed"),
        ("search", "cancelled"),
    ):
        story = Story("chat")
        tools = [tool(each, "chat") for each in (name, "weather")]
        story.ask([user("Hello")], [call("c1", name, {})], tools=tools, tool_choice="required")
        assert ended(story).runs[0].status == status


@BOTH
def test_an_output_that_comes_all_the_same(api: str) -> None:
    story = Story(api)
    asked = [user("Describe Bergen"), call("c1", "City", {"name": "Bergen"})]
    story.ask(asked[:1], asked[1:], tool_choice=named("City", api), tools=[tool("City", api)])
    story.ask([*asked, output("c1", "noted")], [call("c2", "weather")], tools=[tool("City", api)])
    session = ended(story)
    (run,) = session.runs
    first, second = steps(session, "tool_call")
    assert (first.status, first.payload_completed["ok"], first.timing) == ("completed", True, "inferred")
    assert first.notes == []
    assert (second.status, run.status, run.ended_by) == ("unresolved", "cancelled", None)


def test_one_of_two_calls_is_to_be_answered() -> None:
    story = Story("chat")
    asked = [call("c1", "final_result", {}), call("c2", "weather", {})]
    story.ask([user("Hello")], asked, tools=[tool("weather", "chat")])
    session = ended(story)
    assert (session.runs[0].status, session.runs[0].ended_by) == ("cancelled", None)
    assert [step.status for step in steps(session, "tool_call")] == ["completed", "unresolved"]


def test_a_hook_measures_a_call_that_nobody_need_answer() -> None:
    story = Story("chat")
    story.ask(
        [user("Hello")], [call("c1", "City", {"a": 1})], tools=[tool("City", "chat")], tool_choice="required"
    )
    story.tell(type="tool.started", tool="t1", call_id=None, name="City", arguments={"a": 1})
    story.wait(5)
    story.tell(type="tool.ended", tool="t1", call_id=None, name="City", result="ok")
    session = ended(story)
    made = the(session, "tool_call")
    assert (made.timing, made.status, session.runs[0].status) == ("measured", "completed", "completed")


def test_broken_arguments_end_nothing() -> None:
    story = Story("chat")
    sent = story.send(story.body([user("Hello")], tools=[tool("City", "chat")], tool_choice="required"))
    body = sent.response([call("c1", "City", '{"a": ')])
    body["choices"][0]["finish_reason"] = "length"
    sent.answer(body)
    session = ended(story)
    assert (session.runs[0].status, session.runs[0].ended_by) == ("incomplete", None)
    assert the(session, "tool_call").status == "incomplete"
