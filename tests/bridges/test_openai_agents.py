"""What openai-agents tells of its runs, in the order and the shapes in which it does."""

from __future__ import annotations

import contextvars
from types import SimpleNamespace
from typing import Any

import pytest

import tfclient
from tests.capture import documents, journals
from tests.capture.driver import MODEL, Driver
from tests.server.replies import Call, answer, calls
from tests.server.scripted import ScriptedServer
from tfclient import Recorder
from tfclient.bridges import openai_agents

TOOLS = [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}]


def trace(name: str = "Agent workflow", **more: Any) -> Any:
    return SimpleNamespace(
        **{"trace_id": "trace_1", "name": name, "group_id": None, "metadata": None, **more}
    )


def span(kind: str, span_id: str = "span_1", error: Any = None, **data: Any) -> Any:
    return SimpleNamespace(span_id=span_id, error=error, span_data=SimpleNamespace(type=kind, **data))


def ask(drive: Driver, client: Any, text: str = "Hi", **more: Any) -> Any:
    return drive.do(client.responses.create(model=MODEL, input=text, **more))


def run(function: Any) -> Any:
    """Run something in a context of its own, as each task has one."""
    return contextvars.copy_context().run(function)


def test_a_tool_its_times_what_is_nested_in_it_and_who_asked(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(calls(Call("weather", {"city": "Bergen"}, "call_1")), answer("inner"), answer("12 degrees"))
    client, told = drive.traced(recorder), openai_agents.processor(recorder)
    agent, tool = (
        span("agent", "a", name="Weather"),
        span("function", "t", name="weather", input=None, output=None),
    )
    told.on_trace_start(trace("Weather for Ann"))
    told.on_span_start(agent)
    first = ask(drive, client, "Weather?", tools=TOOLS)
    told.on_span_start(tool)
    ask(drive, client, "inside the tool")
    tool.span_data.output = "12"
    told.on_span_end(tool)
    output = {"type": "function_call_output", "call_id": "call_1", "output": "12"}
    ask(drive, client, [output], previous_response_id=first.id)  # type: ignore[arg-type]
    told.on_span_end(agent)
    told.on_trace_end(trace())
    session = documents.session(recorder)
    assert session.title == "Weather for Ann"
    outer, inner = session.runs
    (call,) = [step for step in outer.steps if step.label == "tool_call"]
    assert (call.timing, call.call_id) == ("measured", "call_1")
    assert inner.lineage.parent_step_id == call.step_id
    agents = [
        step.agent_name for each in session.runs for step in each.steps if step.label == "assistant_call"
    ]
    assert agents == ["Weather"] * 3
    assert recorder.health.ok


def test_an_error_is_recorded_in_the_frameworks_words(recorder: Recorder) -> None:
    told = openai_agents.processor(recorder)
    failed = span("function", name="weather", input="{}", output=None)
    told.on_span_start(failed)
    failed.error = {
        "message": "Error running tool",
        "data": {"tool_name": "weather", "error": "no such city"},
    }
    told.on_span_end(failed)
    (ended,) = journals.entries(recorder, "tool.ended")
    assert ended["error"]["message"] == "Error running tool: no such city"
    assert "result" not in ended


def test_a_group_is_a_session(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer("Hello!"))
    client, told = drive.traced(recorder), openai_agents.processor(recorder)

    def one(n: int, group: str, **metadata: Any) -> None:
        of = trace("Chat", trace_id=f"trace_{n}", group_id=group, metadata=metadata)
        told.on_trace_start(of)
        ask(drive, client, f"{group} {n}")
        told.on_trace_end(of)
        ask(drive, client, f"after {n}")

    groups = ["chat-1", "chat/2", "chat-1"]
    for n, group in enumerate(groups):
        one(n, group, user=group)
    found = {each: str(journals.requests(recorder, each)) for each in journals.sessions(recorder)}
    assert len(found) == 3
    assert "chat-1 0" in found["chat-1"]
    assert "chat-1 2" in found["chat-1"]
    assert "after" not in found["chat-1"]
    assert sum("chat/2 1" in text for text in found.values()) == 1
    document = documents.session(recorder, "chat-1")
    assert (document.title, document.metadata) == ("Chat", {"user": "chat-1", "trace_id": "trace_0"})
    (note,) = journals.entries(recorder, "annotation", "chat-1")
    assert (note["kind"], note["data"]["metadata"]) == ("trace", {"user": "chat-1"})


def test_a_session_of_the_programs_own_comes_first(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("Hello!"))
    client, told = drive.traced(recorder), openai_agents.processor(recorder)
    of = trace("Chat", group_id="chat-1")
    with recorder.session(id="own"):
        told.on_trace_start(of)
        ask(drive, client)
        told.on_trace_end(of)
    assert journals.sessions(recorder) == ["own"]


def test_spans_that_end_elsewhere_or_never_began(recorder: Recorder) -> None:
    told = openai_agents.processor(recorder)
    agent, of = span("agent", name="Weather"), trace("Chat", group_id="chat-1")
    told.on_trace_start(of)
    run(lambda: told.on_span_start(agent))
    told.on_span_end(agent)
    run(lambda: told.on_trace_end(of))
    told.on_trace_end(of)
    told.on_span_end(span("function", "never", name="weather", input=None, output="12"))
    told.shutdown()
    told.force_flush()
    assert recorder.health.ok


def test_handoffs_and_guardrails_are_notes(recorder: Recorder) -> None:
    told = openai_agents.processor(recorder)
    told.on_span_end(span("handoff", from_agent="Triage", to_agent="Weather"))
    told.on_span_end(span("guardrail", name="polite", triggered=False))
    notes = [(each["kind"], each["data"]) for each in journals.entries(recorder, "annotation")]
    assert notes == [
        ("handoff", {"from": "Triage", "to": "Weather"}),
        ("guardrail", {"name": "polite", "triggered": False}),
    ]


def test_what_it_does_not_know_is_a_fault_of_ours_alone(recorder: Recorder) -> None:
    told = openai_agents.processor(recorder)
    told.on_trace_start(object())
    told.on_span_start(object())
    told.on_span_start(span("speech"))
    told.on_span_end(span("function", name="weather"))
    assert recorder.health.by_kind == {"bridge": 3}


def test_nothing_is_recorded_where_recording_is_off() -> None:
    recorder = Recorder(enabled=False)
    told = openai_agents.processor(recorder)
    tool, of = span("function", name="weather", input=None, output="12"), trace("Chat", group_id="g")
    told.on_trace_start(of)
    told.on_span_start(tool)
    told.on_span_end(tool)
    told.on_trace_end(of)
    assert (recorder.health.faults, journals.sessions(recorder)) == (0, [])


def test_it_installs_where_nobody_has() -> None:
    told = openai_agents.processor()
    try:
        assert told._spans.recorder is tfclient.install()
    finally:
        tfclient.uninstall()


@pytest.mark.parametrize("name", ["on_trace_start", "on_trace_end", "on_span_start", "on_span_end"])
def test_a_fault_never_reaches_the_program(
    name: str, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = openai_agents.processor(recorder)

    def broken(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError("broken")

    for method in ("tool", "agent", "conversation", "end", "note", "name_session"):
        monkeypatch.setattr(told._spans, method, broken)
    of = trace("Chat", group_id="g") if "trace" in name else span("agent", name="x")
    getattr(told, name)(of)
    assert recorder.health.by_kind == {"bridge": 1}
