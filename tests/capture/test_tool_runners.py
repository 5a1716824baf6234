"""The SDK's own tool loops, through our clients."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture import documents, journals
from tests.capture.driver import MODEL, Driver
from tests.server.replies import Call, answer, calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.scripted import ScriptedServer
    from tfclient import Recorder

runners: Any = pytest.importorskip(
    "openai.lib.responses_tool_runner", reason="this openai has no tool runner"
)

OSLO = Call("weather", {"city": "Oslo"}, call_id="call_1")
BERGEN = Call("weather", {"city": "Bergen"}, call_id="call_2")
TOOL = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
PARAMS = {"model": MODEL, "input": "What is the weather?"}


def weather(arguments: dict[str, Any]) -> str:
    if arguments["city"] == "Nowhere":
        raise ValueError("no such city")
    return f"fine in {arguments['city']}"


async def weather_async(arguments: dict[str, Any]) -> str:
    return weather(arguments)


def tool_of(drive: Driver) -> Callable[..., Any]:
    return weather_async if drive.is_async else weather


def run(drive: Driver, client: Any, tool: Callable[..., Any], **options: Any) -> Any:
    if drive.is_async:
        runner = runners.AsyncResponsesToolRunner(
            functions=[runners.AsyncRegisteredFunction(tool=TOOL, execute=tool)]
        )
    else:
        runner = runners.ResponsesToolRunner(functions=[runners.RegisteredFunction(tool=TOOL, execute=tool)])
    return drive.do(runner.run(client, PARAMS, max_steps=4, **options))


@pytest.mark.parametrize("options", [{}, {"stream": True}, {"stream": True, "eager": True}], ids=str)
def test_a_loop_is_one_run_and_its_tools_are_measured(
    drive: Driver, recorder: Recorder, server: ScriptedServer, options: dict[str, Any]
) -> None:
    server.script(calls(OSLO, BERGEN), answer("Fine."))
    client = drive.traced(recorder)
    response = run(drive, client, tool_of(drive), on_diagnostic=client.tool_diagnostics, **options)
    assert response.output_text == "Fine."
    (whole,) = documents.session(recorder).runs
    labels = [step.label for step in whole.steps if not step.label.endswith(".snapshot")]
    assert Counter(labels) == {
        "user_message": 1,
        "assistant_call": 2,
        "tool_call": 2,
        "tool_output": 2,
        "assistant_message": 1,
    }
    tools = documents.steps(recorder, "tool_call")
    assert [(step.call_id, step.timing, step.status) for step in tools] == [
        ("call_1", "measured", "completed"),
        ("call_2", "measured", "completed"),
    ]
    assert recorder.health.ok, recorder.health


def test_traffic_and_result_are_the_plain_clients(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    told: list[Any] = []
    for client in (drive.plain(), drive.traced(recorder)):
        server.script(calls(OSLO), answer("Fine."))
        assert run(drive, client, tool_of(drive), on_diagnostic=told.append).output_text == "Fine."
    bodies = [request.json for request in server.requests]
    for body in bodies:
        # The scripted server's own ids differ from one conversation to the next.
        body["input"] = [item for item in body["input"] if item.get("type") != "function_call"]
    assert bodies[:2] == bodies[2:]
    kinds = [(each["stage"], each["reason"], each["call_id"]) for each in told]
    assert kinds[: len(kinds) // 2] == kinds[len(kinds) // 2 :]


def test_without_our_observer_times_are_inferred(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(calls(OSLO), answer("Fine."))
    run(drive, drive.traced(recorder), tool_of(drive))
    (tool,) = documents.steps(recorder, "tool_call")
    assert (tool.timing, tool.status) == ("inferred", "completed")


@pytest.mark.parametrize("told", ["decorated", "both"])
def test_a_decorated_tool_is_measured_once(
    drive: Driver, recorder: Recorder, server: ScriptedServer, told: str
) -> None:
    """The decorator sees more than the runner tells: the result, and calls made inside."""
    server.script(calls(OSLO, BERGEN), answer("Inside."), answer("Inside."), answer("Fine."))
    client = drive.traced(recorder)

    def ask(arguments: dict[str, Any]) -> str:
        client.responses.create(model=MODEL, input="A tool's own question")
        return weather(arguments)

    async def ask_async(arguments: dict[str, Any]) -> str:
        await client.responses.create(model=MODEL, input="A tool's own question")
        return weather(arguments)

    tool = client.tool(ask_async if drive.is_async else ask, name="weather")
    options = {"on_diagnostic": client.tool_diagnostics} if told == "both" else {}
    assert run(drive, client, tool, **options).output_text == "Fine."
    session = documents.session(recorder)
    assert [run.trigger for run in session.runs] == ["user_message", "tool", "tool"]
    tools = [step for step in session.runs[0].steps if step.label == "tool_call"]
    assert [(step.timing, step.status) for step in tools] == [("measured", "completed")] * 2
    assert [run.lineage.parent_step_id for run in session.runs[1:]] == [step.step_id for step in tools]
    assert session.summary.tool_calls == 2
    assert not [step for run in session.runs for step in run.steps if step.label == "generic"]


@pytest.mark.parametrize("told", ["runner", "both"])
def test_a_tool_that_raises_is_a_tool_error(
    drive: Driver, recorder: Recorder, server: ScriptedServer, told: str
) -> None:
    server.script(calls(Call("weather", {"city": "Nowhere"}, call_id="call_1")))
    client = drive.traced(recorder)
    tool = client.tool(tool_of(drive), name="weather") if told == "both" else tool_of(drive)
    with pytest.raises(runners.ToolRunnerError):
        run(drive, client, tool, on_diagnostic=client.tool_diagnostics)
    client.end_session()
    (step,) = documents.steps(recorder, "tool_error")
    assert step.error is not None
    assert step.error.code == ("ValueError" if told == "both" else "driver_failed")
    (called,) = documents.steps(recorder, "tool_call")
    assert (called.timing, called.status) == ("measured", "failed")


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"api": "responses", "stage": "action", "reason": "completed", "call_id": None, "duration_ms": 1.0},
        {"api": "responses", "stage": "request", "reason": "completed", "call_id": None, "duration_ms": 1.0},
        {
            "api": "computer",
            "stage": "action",
            "reason": "completed",
            "call_id": "call_1",
            "duration_ms": 1.0,
        },
        {"api": "responses", "stage": "action", "reason": "completed", "call_id": "x", "duration_ms": "long"},
    ],
)
def test_what_says_nothing_of_a_tools_time_is_passed_over(
    drive: Driver, recorder: Recorder, strange: dict[str, Any]
) -> None:
    drive.traced(recorder).tool_diagnostics(strange)
    assert journals.sessions(recorder) == []
    assert recorder.health.faults == (0 if strange else 1)
