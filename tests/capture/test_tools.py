"""True times of tools."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from tests.capture import journals
from tests.capture.driver import MODEL, Driver
from tests.server.replies import Call, answer, calls
from tests.server.scripted import ScriptedServer
from tfclient import AsyncTracedOpenAI, Recorder, TracedOpenAI


@pytest.fixture
def client(recorder: Recorder) -> TracedOpenAI:
    return TracedOpenAI(api_key="k", recorder=recorder)


def test_a_function_is_measured_and_otherwise_the_same(client: TracedOpenAI, recorder: Recorder) -> None:
    @client.tool
    def weather(city: str, *, unit: str = "celsius") -> dict[str, Any]:
        """Give the weather."""
        return {"city": city, "unit": unit, "degrees": 4}

    assert weather("Oslo", unit="kelvin") == {"city": "Oslo", "unit": "kelvin", "degrees": 4}
    assert weather.__name__ == "weather"
    assert weather.__doc__ == "Give the weather."
    assert str(inspect.signature(weather)) == "(city: 'str', *, unit: 'str' = 'celsius') -> 'dict[str, Any]'"
    started, ended = journals.entries(recorder)[1:]
    assert (started["type"], ended["type"]) == ("tool.started", "tool.ended")
    assert started["tool"] == ended["tool"]
    assert (started["name"], started["call_id"]) == ("weather", None)
    assert started["arguments"] == {"city": "Oslo", "unit": "kelvin"}
    assert ended["result"]["degrees"] == 4
    assert started["mono"] <= ended["mono"]


def test_a_coroutine_function_stays_one(recorder: Recorder) -> None:
    client = AsyncTracedOpenAI(api_key="k", recorder=recorder)

    @client.tool(name="get_weather")
    async def weather(city: str) -> str:
        await asyncio.sleep(0)
        return f"fine in {city}"

    assert inspect.iscoroutinefunction(weather)
    assert asyncio.run(weather("Oslo")) == "fine in Oslo"
    started, ended = journals.entries(recorder)[1:]
    assert started["name"] == "get_weather"
    assert ended["result"] == "fine in Oslo"


@pytest.mark.parametrize("error", [ValueError("no such city"), KeyboardInterrupt(), asyncio.CancelledError()])
def test_an_exception_is_recorded_and_passes_as_it_is(
    error: BaseException, client: TracedOpenAI, recorder: Recorder
) -> None:
    @client.tool
    def weather() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        weather()
    assert caught.value is error
    (ended,) = journals.entries(recorder, "tool.ended")
    assert ended["error"]["type"] == type(error).__name__
    assert ended["error"]["message"] == str(error)
    assert ended["error"]["traceback"][-1].endswith("in weather")
    assert "result" not in ended


def test_wrong_arguments_are_the_functions_own_error(client: TracedOpenAI, recorder: Recorder) -> None:
    def weather(city: str) -> str:
        return city

    with pytest.raises(TypeError) as expected:
        weather()  # type: ignore[call-arg]
    with pytest.raises(TypeError) as caught:
        client.tool(weather)()  # type: ignore[call-arg]
    assert caught.value.args == expected.value.args
    assert journals.entries(recorder, "tool.ended")[0]["error"]["type"] == "TypeError"


def test_methods_and_unusual_values(client: TracedOpenAI, recorder: Recorder) -> None:
    class Tools:
        @client.tool
        def count(self, items: Any) -> Any:
            return sum(1 for _ in items)

    assert Tools().count(n for n in range(3)) == 3
    (started,) = journals.entries(recorder, "tool.started")
    assert set(started["arguments"]) == {"items"}
    assert started["arguments"]["items"].startswith("<generator object")


def test_the_block_takes_every_kind_of_call(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(calls(Call("weather", {"city": "Oslo"}, call_id="call_1")))
    client = drive.traced(recorder)
    item = drive.do(client.responses.create(model=MODEL, input="Hi")).output[0]
    messages = [{"role": "user", "content": "Hi"}]
    chat = (
        drive.do(client.chat.completions.create(model=MODEL, messages=messages))
        .choices[0]
        .message.tool_calls[0]
    )
    for each in (item, item.to_dict(), chat, chat.to_dict(), "call_1"):
        with client.tool_call(each) as tool:
            tool.result = {"degrees": 4}
    started = journals.entries(recorder, "tool.started")
    assert [entry["call_id"] for entry in started] == ["call_1"] * 5
    assert [entry["name"] for entry in started] == ["weather"] * 4 + [None]
    assert {entry.get("arguments") for entry in started[:4]} == {'{"city":"Oslo"}'}
    assert all(entry["result"] == {"degrees": 4} for entry in journals.entries(recorder, "tool.ended"))
    for wrong in (None, 3, {}, object()):
        with pytest.raises(TypeError, match="function_call item"):
            client.tool_call(wrong)


def test_calls_made_inside_a_tool_name_it(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer("Hello!"))
    client = drive.traced(recorder)

    def ask() -> None:
        drive.do(client.responses.create(model=MODEL, input="Hi"))

    ask()
    with client.tool_call("call_7"):
        ask()
        with client.tool_call({"name": "inner", "arguments": "{}"}):
            ask()
    ask()
    tools = [entry["tool"] for entry in journals.entries(recorder, "call.started")]
    outer, inner = journals.entries(recorder, "tool.started")
    assert tools == [None, "call_7", inner["tool"], None]
    assert "parent_call" not in outer
    assert inner["parent_call"] == "call_7"


def test_a_decorated_function_inside_its_own_block_has_the_blocks_call_id(
    client: TracedOpenAI, recorder: Recorder
) -> None:
    @client.tool
    def weather() -> None: ...

    @client.tool
    def other() -> None: ...

    with client.tool_call({"name": "weather", "call_id": "call_1", "arguments": "{}"}):
        weather()
        other()
    assert [entry["call_id"] for entry in journals.entries(recorder, "tool.started")] == [
        "call_1",
        "call_1",
        None,
    ]


def test_tools_in_tasks_do_not_mix(recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer("Hello!"))
    client = AsyncTracedOpenAI(api_key="k", base_url=server.url, recorder=recorder)

    @client.tool
    async def think(topic: str) -> str:
        return (await client.responses.create(model=MODEL, input=topic)).output_text

    async def run() -> None:
        async with client:
            await asyncio.gather(*(think(f"topic {n}") for n in range(5)))

    asyncio.run(run())
    topics = {
        entry["tool"]: entry["arguments"]["topic"] for entry in journals.entries(recorder, "tool.started")
    }
    by_call = {entry["call"]: entry["tool"] for entry in journals.entries(recorder, "call.started")}
    for entry in journals.entries(recorder, "attempt.sent"):
        assert topics[by_call[entry["call"]]] in entry["body"]["text"]


def test_secrets_in_arguments_and_results_are_not_written(client: TracedOpenAI, recorder: Recorder) -> None:
    secret = "sk-proj-" + "Ab3" * 16

    @client.tool
    def login(password: str) -> str:
        if password == "boom":
            raise ValueError(f"cannot use {secret}")
        return f"token {secret}"

    login("hunter2-and-more")
    with pytest.raises(ValueError, match="cannot use"):
        login("boom")
    text = journals.everything(recorder)
    assert "hunter2" not in text
    assert secret not in text


def test_annotations_of_a_tool_belong_to_its_call(client: TracedOpenAI, recorder: Recorder) -> None:
    with client.tool_call("call_1") as tool:
        tool.annotate("side_effect", {"file": "notes.txt"})
    (entry,) = journals.entries(recorder, "annotation")
    assert (entry["kind"], entry["call_id"]) == ("side_effect", "call_1")
