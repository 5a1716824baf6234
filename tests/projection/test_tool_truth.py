"""What traffic and hooks say of tools: which outputs are failures, and when tools ran."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, call, labels, output, project, said, steps, the, user
from tests.projection.events import chat_chunks, sse
from tfclient.projection.projector import Projector
from tfstore.document.converter import to_json

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


def answered(value: Any, api: str = "responses", **item: Any) -> Any:
    """A session in which one tool gave this output."""
    story = Story(api)
    asked = [user("Weather?"), call("call_1", "weather")]
    story.ask(asked[:1], asked[1:])
    story.ask([*asked, output("call_1", value, **item)], [said("So.")])
    return story.session()


@BOTH
@pytest.mark.parametrize(
    ("value", "evidence"),
    [
        ('{"error": "no such city"}', "output.error"),
        ('{"is_error": true, "detail": "x"}', "output.is_error"),
        ('{"isError": 1}', "output.isError"),
        ('  {"error": {"message": "no such city"}} ', "output.error"),
    ],
)
def test_json_that_says_error_is_a_tool_error(api: str, value: str, evidence: str) -> None:
    session = answered(value, api)
    failed = the(session, "tool_error")
    assert failed.payload_completed["evidence"] == evidence
    assert failed.payload_completed["output"] == value
    assert (failed.status, failed.error is not None and failed.error.class_) == ("failed", "tool")
    assert the(session, "tool_call").status == "failed"
    assert session.summary.tool_errors == session.summary.tools["weather"].errors == 1
    assert session.runs[0].status == "completed"


@BOTH
@pytest.mark.parametrize(
    "value",
    [
        "Error: no such city",
        "",
        '{"error": null, "temp": 7}',
        '{"error": false}',
        '[{"error": "in a list"}]',
        '{"error": "cut off',
        "null",
    ],
)
def test_text_that_only_looks_like_an_error_is_an_output(api: str, value: str) -> None:
    """A plain text that merely begins with "Error" is no evidence, nor is a falsy `error`."""
    session = answered(value, api)
    assert the(session, "tool_output").payload_completed["output"] == value
    assert the(session, "tool_call").status == "completed"
    assert session.summary.tool_errors == 0


@pytest.mark.parametrize("status", ["failed", "incomplete"])
def test_status_is_evidence(status: str) -> None:
    failed = the(answered("partial", status=status), "tool_error")
    assert failed.payload_completed["evidence"] == f"status:{status}"


def test_shell_exit_code_is_evidence() -> None:
    story = Story()
    shell = {
        "type": "shell_call",
        "call_id": "call_1",
        "action": {"commands": ["ls /nope"]},
        "status": "completed",
    }
    first = story.ask([user("List it")], [shell])
    ran = [{"stdout": "", "stderr": "ls: no such file", "outcome": {"type": "exit", "exit_code": 2}}]
    story.ask(
        [{"type": "shell_call_output", "call_id": "call_1", "output": ran}],
        [said("No.")],
        previous_response_id=first,
    )
    failed = the(story.session(), "tool_error")
    assert failed.payload_completed["evidence"] == "exit_code:2"
    assert failed.error is not None
    assert failed.error.message == "ls: no such file"


def test_shell_success_is_no_evidence() -> None:
    story = Story()
    first = story.ask(
        [user("List it")], [{"type": "shell_call", "call_id": "call_1", "action": {"commands": ["ls"]}}]
    )
    ran = [{"stdout": "a", "stderr": "warn", "outcome": {"type": "exit", "exit_code": 0}}]
    story.ask([{"type": "shell_call_output", "call_id": "call_1", "output": ran}], previous_response_id=first)
    assert the(story.session(), "tool_output").payload_completed["output"] == ran


def test_mcp_error_is_evidence() -> None:
    story = Story()
    mcp = {"type": "mcp_call", "name": "search", "server_label": "docs", "arguments": "{}", "output": None}
    story.ask([user("Search")], [{**mcp, "error": {"type": "http_error", "code": 500, "message": "down"}}])
    session = story.session()
    failed = the(session, "tool_error")
    assert (failed.payload_completed["evidence"], failed.error and failed.error.message) == ("error", "down")
    assert the(session, "tool_call").status == "failed"


def test_provider_run_tools_have_their_result_as_a_step() -> None:
    story = Story()
    mcp = {
        "type": "mcp_call",
        "name": "search",
        "server_label": "docs",
        "arguments": '{"q":"x"}',
        "output": "found",
    }
    web = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}}
    story.ask([user("Search")], [mcp, web, said("Found.")])
    session = story.session()
    called = steps(session, "tool_call")
    assert [(s.tool_name, s.status) for s in called] == [("search", "completed"), ("web_search", "completed")]
    result = the(session, "tool_output")
    assert result.depends_on == [called[0].step_id]
    assert result.payload_completed["output"] == "found"
    assert session.summary.unresolved_tool_calls == 0


@BOTH
def test_traffic_gives_an_upper_bound(api: str) -> None:
    """Without the hook: from when it was asked for to when the request with its output began, `inferred`."""
    story = Story(api)
    asked = [user("Weather?"), call("call_1", "weather")]
    story.ask(asked[:1], asked[1:])
    story.wait(250)
    story.ask([*asked, output("call_1", "7")], [said("7.")])
    tool = the(story.session(), "tool_call")
    assert tool.timing == "inferred"
    assert tool.duration_ms == 251


@BOTH
def test_hook_measures(api: str) -> None:
    """With the hook the times are the tool's own, `measured`, and the output that follows does not change them."""
    story = Story(api)
    asked = [user("Weather?"), call("call_1", "weather")]
    story.ask(asked[:1], asked[1:])
    story.wait(100)
    story.tell(type="tool.started", tool="t1", call_id="call_1", name="weather")
    story.wait(40)
    story.tell(type="tool.ended", tool="t1", call_id="call_1", name="weather", result="7")
    assert the(story.session(), "tool_call").payload_completed == {"ok": True, "result": "7"}
    story.wait(500)
    story.ask([*asked, output("call_1", "7")], [said("7.")])
    session = story.session()
    tool = the(session, "tool_call")
    assert (tool.timing, tool.duration_ms, tool.status) == ("measured", 41, "completed")
    assert tool.payload_completed == {"ok": True}
    assert the(session, "tool_output").payload_completed["output"] == "7"
    assert session.summary.tools["weather"].duration_ms == 41


@BOTH
def test_exception_in_the_hook(api: str) -> None:
    """An exception is evidence; the output that reports it to the model is the same `tool_error` step."""
    story = Story(api)
    asked = [user("Weather?"), call("call_1", "weather")]
    story.ask(asked[:1], asked[1:])
    story.tell(type="tool.started", tool="t1", call_id="call_1", name="weather")
    error = {"type": "ValueError", "message": "no such city"}
    story.tell(type="tool.ended", tool="t1", call_id="call_1", name="weather", error=error)
    story.ask([*asked, output("call_1", "Sorry: no such city")], [said("Sorry.")])
    session = story.session()
    failed = the(session, "tool_error")
    assert failed.error is not None
    assert (failed.error.class_, failed.error.code, failed.error.message) == (
        "tool", "ValueError", "ValueError: no such city",
    )  # fmt: skip
    assert failed.payload_completed["evidence"] == "exception"
    assert failed.payload_completed["output"] == "Sorry: no such city"
    assert the(session, "tool_call").status == "failed"
    assert session.summary.tool_errors == 1


def test_hook_without_a_call_id_finds_its_call_by_name_and_arguments() -> None:
    story = Story()
    calls = [call("call_1", "weather", {"city": "Oslo"}), call("call_2", "weather", {"city": "Bergen"})]
    first = story.ask([user("Weather?")], calls)
    story.tell(type="tool.started", tool="t1", name="weather", arguments={"city": "Bergen"})
    story.tell(type="tool.ended", tool="t1", name="weather", result="9")
    story.ask([output("call_1", "7"), output("call_2", "9")], [said("So.")], previous_response_id=first)
    oslo, bergen = steps(story.session(), "tool_call")
    assert (oslo.timing, bergen.timing) == ("inferred", "measured")


def test_hook_of_a_tool_that_no_model_asked_for() -> None:
    """A tool that ran on its own is kept as what it is."""
    story = Story()
    story.tell(type="tool.started", tool="t1", name="cleanup", arguments={"all": True})
    story.tell(type="tool.ended", tool="t1", name="cleanup", error={"type": "OSError", "message": "busy"})
    ran = the(story.session(), "generic")
    assert (ran.type, ran.tool_name, ran.status, ran.timing) == (
        "tool.cleanup",
        "cleanup",
        "failed",
        "measured",
    )
    assert ran.payload_started == {"name": "cleanup", "arguments": {"all": True}}


@BOTH
def test_calls_inside_a_tool_that_no_model_asked_for_are_nested(api: str) -> None:
    story = Story(api)
    story.ask([user("First")], [said("One.")])
    for n in (1, 2):
        story.tell(type="tool.started", tool=f"t{n}", name="cleanup")
        story.ask([user(f"Inside {n}")], [said("In.")], started={"tool": f"t{n}"})
        story.tell(type="tool.started", tool=f"t{n}b", name="sweep", parent_call=f"t{n}")
        story.ask([user(f"Deeper {n}")], [said("In.")], started={"tool": f"t{n}b"})
        story.tell(type="tool.ended", tool=f"t{n}b", name="sweep", result=n)
        story.tell(type="tool.ended", tool=f"t{n}", name="cleanup", result=n)
    session = story.session()
    outer, *inner = session.runs
    ran = [step for step in outer.steps if step.label == "generic"]
    assert [(s.type, s.status, s.payload_completed) for s in ran] == [
        ("tool.cleanup", "completed", {"result": 1}),
        ("tool.sweep", "completed", {"result": 1}),
        ("tool.cleanup", "completed", {"result": 2}),
        ("tool.sweep", "completed", {"result": 2}),
    ]
    assert [run.trigger for run in inner] == ["tool"] * 4
    assert [run.lineage.parent_step_id for run in inner] == [step.step_id for step in ran]


def test_a_tool_that_nobody_asked_for_and_that_never_ends() -> None:
    story = Story()
    story.tell(type="tool.started", tool="t1", name="cleanup")
    assert the(story.session(), "generic").status == "in_progress"
    story.end()
    ran = the(story.session(), "generic")
    assert (ran.status, ran.ended_at) == ("unresolved", None)


@BOTH
def test_a_tool_that_runs_for_a_call_of_elsewhere(api: str) -> None:
    """The hook names the call of a response that was not recorded here: its output closes it."""
    story = Story(api)
    story.tell(type="tool.started", tool="t1", name="weather", call_id="call_9", arguments='{"city":"Oslo"}')
    story.tell(type="tool.ended", tool="t1", name="weather", call_id="call_9", result="7")
    assert the(story.session(), "tool_call").payload_completed == {"ok": True, "result": "7"}
    story.ask([output("call_9", "7")], [said("Seven.")], previous_response_id="resp_of_old")
    session = story.session()
    ran = the(session, "tool_call")
    assert ran.payload_started == {"name": "weather", "arguments": {"city": "Oslo"}}
    assert (ran.timing, ran.status, ran.call_id) == ("measured", "completed", "call_9")
    assert the(session, "tool_output").depends_on == [ran.step_id]
    assert steps(session, "generic") == []


@BOTH
def test_parallel_calls_of_one_tool_are_told_apart(api: str) -> None:
    story = Story(api)
    asked = user("Weather?")
    calls = [call("call_1", "weather", {"city": "Oslo"}), call("call_2", "weather", {"city": "Bergen"})]
    story.ask([asked], calls)
    outputs = [output("call_2", "9"), output("call_1", '{"error": "x"}')]
    story.ask([asked, *calls, *outputs], [said("So.")])
    session = story.session()
    oslo, bergen = steps(session, "tool_call")
    assert (oslo.status, bergen.status) == ("failed", "completed")
    assert the(session, "tool_output").depends_on == [bergen.step_id]
    assert the(session, "tool_error").depends_on == [oslo.step_id]


@BOTH
def test_output_sent_again_is_one_step(api: str) -> None:
    """A tool output's identity is its `call_id` and content: the same again updates, another adds."""
    story = Story(api)
    asked = [user("Weather?"), call("call_1", "weather")]
    story.ask(asked[:1], asked[1:])
    story.send(story.body([*asked, output("call_1", "7")])).fails(500)
    story.ask([*asked, output("call_1", "7")], [said("7.")])
    assert len(steps(story.session(), "tool_output")) == 1
    story.ask([*asked, output("call_1", "8")], [said("8.")])
    session = story.session()
    assert [s.payload_completed["output"] for s in steps(session, "tool_output")] == ["7", "8"]
    assert len(steps(session, "tool_call")) == 1


@BOTH
def test_arguments_that_are_no_json(api: str) -> None:
    story = Story(api)
    story.ask([user("Weather?")], [call("call_1", "weather", '{"city": "Os')])
    tool = the(story.session(), "tool_call")
    assert tool.payload_started == {"name": "weather", "arguments": '{"city": "Os', "arguments_invalid": True}


def test_legacy_functions_are_tied_by_name() -> None:
    story = Story("chat")
    sent = story.send(
        {"messages": [{"role": "user", "content": "Weather?"}], "functions": [{"name": "weather"}]}
    )
    made = sent.response([said("x")])
    asked = {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}}
    made["choices"][0].update(message=asked, finish_reason="function_call")
    sent.answer(made)
    messages = [
        {"role": "user", "content": "Weather?"}, asked, {"role": "function", "name": "weather", "content": "7"},
    ]  # fmt: skip
    story.send({"messages": messages}).answer_items([said("7.")])
    (run,) = story.session().runs
    assert labels(run) == [
        "user_message", "tool.schemas.snapshot", "assistant_call", "tool_call", "tool_output", "assistant_call",
        "assistant_message",
    ]  # fmt: skip


def test_approvals() -> None:
    """An MCP approval: the request, the response that answers it, and the call that follows."""
    story = Story()
    wanted = {
        "type": "mcp_approval_request",
        "id": "mcpr_1",
        "name": "delete",
        "arguments": "{}",
        "server_label": "s",
    }
    first = story.ask([user("Delete it")], [wanted])
    answer = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    done = {
        "type": "mcp_call", "name": "delete", "arguments": "{}", "server_label": "s", "output": "gone",
        "approval_request_id": "mcpr_1",
    }  # fmt: skip
    story.ask([answer], [done, said("Gone.")], previous_response_id=first)
    session = story.session()
    (run,) = session.runs
    request, response = the(session, "approval_request"), the(session, "approval_response")
    assert request.tool_name == "delete"
    assert response.depends_on == [request.step_id]
    assert response.payload_completed["approve"] is True
    assert response.step_id in steps(session, "assistant_call")[1].depends_on
    assert request.step_id in the(session, "tool_call").depends_on
    assert run.status == "completed"


@BOTH
def test_a_tool_that_runs_while_its_call_is_streamed(api: str) -> None:
    """At every moment of the stream: the same steps as when the tool runs after it, whoever looks in between."""
    whole = Story(api, stream=True)
    asked = [said("Let me see."), call("call_1", "weather", {"city": "Oslo"}), call("call_2", "wait")]
    whole.ask([user("Weather?")], asked)
    for kind in ("tool.started", "tool.ended"):
        whole.tell(type=kind, tool="t1", call_id=None, name="weather", arguments={"city": "Oslo"})
    wanted = [(s.label, s.call_id, s.status, s.output_index, s.timing) for s in steps(whole.session())]
    *told, started, ended = whole.entries
    for place in range(5, len(told)):
        at = told[place]["at"]
        early = [*told[:place], {**started, "at": at}, {**ended, "at": at}, *told[place:]]
        session = project(early)
        assert [(s.label, s.call_id, s.status, s.output_index, s.timing) for s in steps(session)] == wanted
        watched = Projector("sess_20260101T000000Z_00000000")
        for entry in early:
            watched.feed(entry)
            watched.session()
        assert to_json(watched.session()) == to_json(session)


def test_a_chat_that_says_something_after_its_calls() -> None:
    story = Story("chat", stream=True)
    sent = story.send(story.body([user("Weather?")]))
    made = sent.response([said("I am on it."), call("call_1", "weather", {"city": "Oslo"})])
    first, *rest = chat_chunks(made)
    calls = [c for c in rest if c["choices"] and "tool_calls" in c["choices"][0]["delta"]]
    sent.stream([first, *calls], None)
    story.tell(type="tool.started", tool="t1", call_id="call_1", name="weather")
    story.tell(type="tool.ended", tool="t1", call_id="call_1", name="weather", result="7")
    for chunk in [c for c in rest if c not in calls]:
        sent.chunk(sse(chunk))
    sent.over("completed")
    session = story.session()
    assert [(s.label, s.output_index) for s in steps(session)] == [
        ("user_message", None),
        ("assistant_call", None),
        ("tool_call", 1),
        ("assistant_message", 0),
    ]
    assert the(session, "tool_call").payload_completed == {"ok": True, "result": "7"}


@pytest.mark.parametrize(
    ("item", "arguments"),
    [
        ({"type": "custom_tool_call", "call_id": "c", "name": "run", "input": "x = {1"}, "x = {1"),
        (
            {"type": "code_interpreter_call", "id": "ci", "code": "print(1)", "status": "completed"},
            "print(1)",
        ),
    ],
)
def test_input_that_is_no_json_by_nature(item: dict[str, Any], arguments: str) -> None:
    story = Story("responses")
    story.ask([user("Run it")], [item])
    tool = the(story.session(), "tool_call")
    assert tool.payload_started["arguments"] == arguments
    assert "arguments_invalid" not in tool.payload_started
