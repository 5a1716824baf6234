"""Tools that run while the response which asks for them is still being streamed."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture import documents
from tests.capture.driver import MODEL, Driver
from tests.server.replies import Call, Think, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.scripted import ScriptedServer, Seen
    from tfclient import Recorder
    from tfstore.document.documents import Session

OSLO = Call("weather", {"city": "Oslo"}, call_id="call_1")
BERGEN = Call("weather", {"city": "Bergen"}, call_id="call_2")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}


class Turns:
    """A model that asks for tools in a response that does not end before both tools have run."""

    def __init__(self, *output: Any) -> None:
        self.gate = threading.Event()
        self.ran: list[str] = []
        self.asks = answer(*output, hold_after=-1, gate=self.gate)

    def __call__(self, seen: Seen) -> Any:
        text = seen.body.decode()
        if "What of" in text:
            return answer("Inside.")
        return answer("Fine.") if "fine in" in text else self.asks

    def has_run(self, city: str) -> str:
        self.ran.append(city)
        if len(self.ran) == 2:
            self.gate.set()
        return f"fine in {city}"


def asking(drive: Driver, client: Any, turns: Turns) -> Callable[..., Any]:
    """A tool that asks a model itself."""

    def weather(city: str) -> str:
        client.responses.create(model=MODEL, input=f"What of {city}?")
        return turns.has_run(city)

    async def weather_async(city: str) -> str:
        await client.responses.create(model=MODEL, input=f"What of {city}?")
        return turns.has_run(city)

    return client.tool(weather_async if drive.is_async else weather, name="weather")  # type: ignore[no-any-return]


def is_nested(session: Session, **cities: str) -> None:
    """What was asked about each city was asked inside the tool call for that city."""
    outer = session.runs[0]
    tools = {step.call_id: step for step in outer.steps if step.label == "tool_call"}
    inner = session.runs[1:]
    assert {run.trigger for run in inner} == {"tool"}
    asked = {run.input_text: run.lineage.parent_step_id for run in inner}
    assert asked == {f"What of {city}?": tools[call_id].step_id for call_id, city in cities.items()}
    for run in inner:
        assert (run.lineage.parent_run_id, run.lineage.source) == (outer.run_id, "explicit")
        assert (run.thread_id, run.lineage.depth, run.lineage.notes) == (outer.thread_id, 1, [])
    assert {step.timing for step in tools.values()} == {"measured"}
    assert not [step for run in session.runs for step in run.steps if step.label == "generic"]


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("told", ["decorated", "both", "runner"])
def test_calls_in_an_eager_tool_of_the_runner_are_nested(
    drive: Driver, recorder: Recorder, server: ScriptedServer, told: str, *, independent: bool
) -> None:
    runners: Any = pytest.importorskip("openai.lib.responses_tool_runner")
    turns = Turns(Think(("Two cities.",)), OSLO, BERGEN)
    server.always(turns)
    client = drive.traced(recorder)
    tool = asking(drive, client, turns)
    tool = tool.__wrapped__ if told == "runner" else tool  # type: ignore[attr-defined]

    def run(arguments: dict[str, Any]) -> Any:
        return tool(**arguments)

    async def run_async(arguments: dict[str, Any]) -> Any:
        return await tool(**arguments)

    if drive.is_async:
        functions = [runners.AsyncRegisteredFunction(TOOL, run_async, independent=independent)]
        runner = runners.AsyncResponsesToolRunner(functions=functions)
    else:
        functions = [runners.RegisteredFunction(TOOL, run, independent=independent)]
        runner = runners.ResponsesToolRunner(functions=functions)
    options = {} if told == "decorated" else {"on_diagnostic": client.tool_diagnostics}
    params = {"model": MODEL, "input": "What is the weather?"}
    done = drive.do(runner.run(client, params, max_steps=4, stream=True, eager=True, **options))
    assert done.output_text == "Fine."
    session = documents.session(recorder)
    if told == "runner":
        # Nothing says that they are inside; but they may be.
        assert [(r.trigger, r.lineage.notes) for r in session.runs[1:]] == [
            ("user_message", ["possible_nested"])
        ] * 2
    else:
        is_nested(session, call_1="Oslo", call_2="Bergen")
    assert [s.label for s in session.runs[0].steps if not s.label.endswith(".snapshot")] == [
        "user_message",
        "assistant_call",
        "reasoning",
        "tool_call",
        "tool_call",
        "tool_output",
        "tool_output",
        "assistant_call",
        "assistant_message",
    ]
    assert recorder.health.ok, recorder.health


def serve_responses(drive: Driver, client: Any, tool: Callable[..., Any], *, block: bool) -> None:
    """Runs each tool as soon as its arguments are there."""
    ask: dict[str, Any] = {"model": MODEL, "input": "What is the weather?"}
    items: dict[int, Any] = {}
    outputs: list[Any] = []
    stream = drive.do(client.responses.create(**ask, stream=True))
    while event := next(iter(drive.events(stream, 1)), None):
        if event.type == "response.output_item.added":
            items[event.output_index] = event.item
        elif event.type == "response.function_call_arguments.done":
            item = items[event.output_index]
            result = run_tool(drive, client, tool, item.call_id, event.arguments, block=block)
            outputs.append({"type": "function_call_output", "call_id": item.call_id, "output": result})
        elif event.type == "response.completed":
            ask = {"model": MODEL, "input": outputs, "previous_response_id": event.response.id}
    drive.do(client.responses.create(**ask))


def serve_chat(drive: Driver, client: Any, tool: Callable[..., Any], *, block: bool) -> None:
    """Runs the tools when the choice has finished, before the stream has."""
    messages: list[Any] = [{"role": "user", "content": "What is the weather?"}]
    calls: dict[int, Any] = {}
    results: list[Any] = []
    options = {"stream": True, "stream_options": {"include_usage": True}}
    stream = drive.do(client.chat.completions.create(model=MODEL, messages=messages, **options))
    while chunk := next(iter(drive.events(stream, 1)), None):
        if not chunk.choices:
            continue
        for delta in chunk.choices[0].delta.tool_calls or ():
            held = calls.setdefault(delta.index, delta)
            if held is not delta:
                held.function.arguments += delta.function.arguments
        if chunk.choices[0].finish_reason == "tool_calls":
            for call in calls.values():
                result = run_tool(drive, client, tool, call.id, call.function.arguments, block=block)
                results.append({"role": "tool", "tool_call_id": call.id, "content": result})
    asked = [call.model_dump(exclude={"index"}) for call in calls.values()]
    again = [*messages, {"role": "assistant", "tool_calls": asked}, *results]
    drive.do(client.chat.completions.create(model=MODEL, messages=again))


def run_tool(
    drive: Driver, client: Any, tool: Callable[..., Any], call_id: str, arguments: str, *, block: bool
) -> Any:
    if not block:
        return drive.do(tool(**json.loads(arguments)))

    async def inside() -> Any:
        with client.tool_call(call_id) as measured:
            measured.result = await tool.__wrapped__(**json.loads(arguments))  # type: ignore[attr-defined]
        return measured.result

    if drive.is_async:
        return drive.do(inside())
    with client.tool_call(call_id) as measured:
        measured.result = tool.__wrapped__(**json.loads(arguments))  # type: ignore[attr-defined]
    return measured.result


@pytest.mark.parametrize("block", [False, True])
@pytest.mark.parametrize("serve", [serve_responses, serve_chat])
def test_calls_in_a_tool_are_nested_while_the_stream_is_open(
    drive: Driver, recorder: Recorder, server: ScriptedServer, serve: Callable[..., None], *, block: bool
) -> None:
    turns = Turns("Let me see.", OSLO, BERGEN)
    server.always(turns)
    client = drive.traced(recorder)
    serve(drive, client, asking(drive, client, turns), block=block)
    session = documents.session(recorder)
    is_nested(session, call_1="Oslo", call_2="Bergen")
    assert [s.label for s in session.runs[0].steps] == [
        "user_message",
        "assistant_call",
        "assistant_message",
        "tool_call",
        "tool_call",
        "tool_output",
        "tool_output",
        "assistant_call",
        "assistant_message",
    ]
    assert recorder.health.ok, recorder.health
