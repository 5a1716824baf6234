"""What frameworks tell by OpenTelemetry's GenAI conventions, in the shapes of the SDK's spans."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.capture import documents, journals
from tests.capture.driver import MODEL, Driver
from tests.server.replies import Call, answer, calls
from tests.server.scripted import ScriptedServer
from tfclient import Recorder
from tfclient.bridges import opentelemetry

TOOLS = [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}]


def span(span_id: int, status: str = "UNSET", events: tuple[Any, ...] = (), **attributes: Any) -> Any:
    return SimpleNamespace(
        context=SimpleNamespace(span_id=span_id),
        attributes={f"gen_ai.{key.replace('__', '.')}": value for key, value in attributes.items()},
        events=events,
        status=SimpleNamespace(status_code=SimpleNamespace(name=status), description=None),
    )


def tool(span_id: int = 2, **more: Any) -> Any:
    return span(
        span_id, operation__name="execute_tool", tool__name="weather", tool__call__id="call_1", **more
    )


def test_a_run_of_an_agent_and_of_its_tool(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(calls(Call("weather", {"city": "Bergen"}, "call_1")), answer("inner"), answer("outside"))
    client, told = drive.traced(recorder), opentelemetry.processor(recorder)
    agent = span(1, operation__name="invoke_agent", agent__name="Weather", conversation__id="conv-1")
    told.on_start(agent, parent_context=None)
    drive.do(client.responses.create(model=MODEL, input="Weather?", tools=TOOLS))
    running = tool()
    told.on_start(running)
    drive.do(client.responses.create(model=MODEL, input="inside the tool"))
    running.attributes["gen_ai.tool.call.result"] = "12"
    told._on_ending(running)
    told.on_end(running)
    told.on_end(agent)
    drive.do(client.responses.create(model=MODEL, input="outside"))
    session = documents.session(recorder, "conv-1")
    outer, inner = session.runs
    (call,) = [step for step in outer.steps if step.label == "tool_call"]
    assert (call.timing, call.ended_at is not None) == ("measured", True)
    assert inner.lineage.parent_step_id == call.step_id
    assert {step.agent_name for each in session.runs for step in each.steps if step.model} == {"Weather"}
    assert len(journals.sessions(recorder)) == 2
    assert recorder.health.ok


def test_errors(recorder: Recorder) -> None:
    told = opentelemetry.processor(recorder)
    raised = SimpleNamespace(
        name="exception", attributes={"exception.type": "KeyError", "exception.message": "'Bergen'"}
    )
    for failed in (tool(1, status="ERROR", events=(raised,)), tool(2, status="ERROR")):
        told.on_start(failed)
        told.on_end(failed)
    messages = [each["error"]["message"] for each in journals.entries(recorder, "tool.ended")]
    assert messages == ["KeyError: 'Bergen'", "it failed"]


def test_other_spans_are_left_alone(recorder: Recorder) -> None:
    told = opentelemetry.processor(recorder)
    for other in (
        span(1),
        span(2, operation__name="chat"),
        SimpleNamespace(**vars(span(3)) | {"attributes": None}),
    ):
        told.on_start(other)
        told.on_end(other)
    assert told.force_flush(timeout_millis=1)
    told.shutdown()
    assert (journals.sessions(recorder), recorder.health.ok) == ([], True)


def test_a_conversation_inside_another_stays_where_it_is(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("Hello!"))
    client, told = drive.traced(recorder), opentelemetry.processor(recorder)
    outer = span(1, operation__name="invoke_agent", conversation__id="outer")
    inner = span(2, operation__name="invoke_agent", conversation__id="inner")
    told.on_start(outer)
    told.on_start(inner)
    drive.do(client.responses.create(model=MODEL, input="Hi"))
    told.on_end(inner)
    told.on_end(outer)
    assert journals.sessions(recorder) == ["outer"]
