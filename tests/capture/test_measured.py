"""Tools that yield: what they are, what reads them, and what is recorded."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

from tests.capture import documents, journals
from tests.capture.driver import MODEL
from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tfclient import AsyncTracedOpenAI, Recorder, TracedOpenAI


@pytest.fixture
def client(recorder: Recorder, server: ScriptedServer) -> TracedOpenAI:
    server.always(answer("Hello!"))
    return TracedOpenAI(api_key="k", base_url=server.url, recorder=recorder)


def everything(steps: Generator[Any, Any, Any]) -> list[Any]:
    """Do all that can be done with a generator; give what came of it."""
    seen: list[Any] = []
    ways: tuple[Callable[[], Any], ...] = (
        lambda: next(steps),
        lambda: steps.send("sent"),
        lambda: steps.throw(ValueError("thrown")),
        lambda: steps.throw(KeyError("not handled")),
        lambda: next(steps),
    )
    for how in ways:
        try:
            seen.append(how())
        except BaseException as error:  # noqa: BLE001 - that is what is asked
            seen.append((type(error), str(error), getattr(error, "value", None)))
    return seen


def talking() -> Generator[Any, Any, str]:
    """Answer whatever is sent."""
    got = yield "first"
    try:
        got = yield ("got", got)
    except ValueError as error:
        yield str(error)
    return "never"


def ending() -> Generator[Any, Any, str]:
    yield "one"
    return "the end"


def raising() -> Generator[Any, Any, None]:
    yield 1
    raise LookupError("lost")


def stopping() -> Generator[Any, Any, None]:
    yield 1
    raise StopIteration(2)  # noqa: PLR1708 - what becomes of it is the question


def stubborn() -> Generator[Any, Any, None]:
    while True:
        try:
            yield 1
        except (GeneratorExit, ValueError, KeyError):
            yield 2


@pytest.mark.parametrize("function", [talking, ending, raising, stopping, stubborn])
def test_a_generator_does_what_it_did(
    function: Callable[[], Generator[Any, Any, Any]], client: TracedOpenAI, recorder: Recorder
) -> None:
    measured = client.tool(function)
    assert inspect.isgeneratorfunction(measured)
    assert (measured.__name__, measured.__doc__) == (function.__name__, function.__doc__)
    assert inspect.signature(measured) == inspect.signature(function)
    plain, ours = function(), measured()
    assert inspect.isgenerator(ours)
    assert everything(ours) == everything(plain)
    said: list[str] = []
    for each in (plain, ours):
        try:
            each.close()
            said.append("closed")
        except RuntimeError as error:
            said.append(str(error))
    assert said[0] == said[1]
    assert recorder.health.ok


def test_what_it_yields_and_returns_is_recorded(client: TracedOpenAI, recorder: Recorder) -> None:
    @client.tool(name="counting")
    def count(upto: int) -> Generator[int, None, str]:
        yield from range(upto)
        return "done"

    assert list(count(3)) == [0, 1, 2]
    started, ended = journals.entries(recorder)[1:]
    assert (started["name"], started["arguments"]) == ("counting", {"upto": 3})
    assert ended["result"] == {"yielded": [0, 1, 2], "returned": "done"}
    assert "error" not in ended


def test_a_call_that_nobody_steps_has_not_run(client: TracedOpenAI, recorder: Recorder) -> None:
    client.tool(ending)()
    assert journals.sessions(recorder) == []


def test_one_that_is_left_has_run_so_far(client: TracedOpenAI, recorder: Recorder) -> None:
    for item in client.tool(talking)():
        assert item == "first"
        break
    (ended,) = journals.entries(recorder, "tool.ended")
    assert ended["result"] == ["first"]
    assert "error" not in ended


def test_an_exception_of_its_own_is_recorded(client: TracedOpenAI, recorder: Recorder) -> None:
    with pytest.raises(LookupError, match="lost"):
        list(client.tool(raising)())
    (ended,) = journals.entries(recorder, "tool.ended")
    assert (ended["error"]["type"], ended["result"]) == ("LookupError", [1])


def test_many_items_are_counted(client: TracedOpenAI, recorder: Recorder) -> None:
    @client.tool
    def count() -> Generator[int, None, None]:
        yield from range(1200)

    assert len(list(count())) == 1200
    (ended,) = journals.entries(recorder, "tool.ended")
    assert ended["result"][998:] == [998, 999, "<200 more>"]


def test_items_are_recorded_as_they_were_yielded(client: TracedOpenAI, recorder: Recorder) -> None:
    @client.tool
    def give() -> Generator[dict[str, Any], None, None]:
        yield {"api_key": "abc", "n": float("nan")}

    for item in give():
        item.clear()
    (ended,) = journals.entries(recorder, "tool.ended")
    assert ended["result"] == [{"api_key": "<redacted:key:api_key>", "n": {"number": "NaN"}}]


def test_only_calls_made_inside_are_nested(client: TracedOpenAI, recorder: Recorder) -> None:
    @client.tool
    def asking() -> Generator[str, None, None]:
        for text in ("inside 1", "inside 2"):
            yield client.responses.create(model=MODEL, input=text).output_text

    for n, _ in enumerate(asking(), 1):
        client.responses.create(model=MODEL, input=f"outside {n}")
    inside = {
        run.input_text: run.lineage.parent_step_id is not None for run in documents.session(recorder).runs
    }
    del inside[""]  # the tool, which no model asked for
    assert inside == {"inside 1": True, "outside 1": False, "inside 2": True, "outside 2": False}


def test_it_may_be_stepped_anywhere(client: TracedOpenAI, recorder: Recorder) -> None:
    steps = client.tool(ending)()
    seen: list[Any] = []
    first = threading.Thread(target=lambda: seen.append(next(steps)))
    first.start()
    first.join()
    contextvars.copy_context().run(lambda: seen.extend(steps))
    assert seen == ["one"]
    assert recorder.health.ok
    assert journals.entries(recorder, "tool.ended")[0]["result"] == {
        "yielded": ["one"],
        "returned": "the end",
    }


async def talking_async() -> AsyncGenerator[Any, Any]:
    got = yield "first"
    await asyncio.sleep(0)
    try:
        got = yield ("got", got)
    except ValueError as error:
        yield str(error)
    finally:
        await asyncio.sleep(0)


async def raising_async() -> AsyncGenerator[Any, Any]:
    yield 1
    raise LookupError("lost")


async def everything_async(steps: AsyncGenerator[Any, Any]) -> list[Any]:
    seen: list[Any] = []
    for how in (
        lambda: anext(steps),
        lambda: steps.asend("sent"),
        lambda: steps.athrow(ValueError("thrown")),
        lambda: steps.athrow(KeyError("not handled")),
        lambda: anext(steps),
    ):
        try:
            seen.append(await how())  # type: ignore[no-untyped-call]
        except BaseException as error:  # noqa: BLE001 - that is what is asked
            seen.append((type(error), str(error)))
    return seen


@pytest.mark.parametrize("function", [talking_async, raising_async])
def test_an_asynchronous_one_does_what_it_did(
    function: Callable[[], AsyncGenerator[Any, Any]], recorder: Recorder
) -> None:
    measured = AsyncTracedOpenAI(api_key="k", recorder=recorder).tool(function)
    assert inspect.isasyncgenfunction(measured)

    async def both() -> None:
        assert await everything_async(measured()) == await everything_async(function())

    asyncio.run(both())
    assert recorder.health.ok


def test_an_asynchronous_one_that_is_left(recorder: Recorder) -> None:
    client = AsyncTracedOpenAI(api_key="k", recorder=recorder)
    closed: list[str] = []

    @client.tool
    async def give() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            closed.append("closed")

    async def leave() -> None:
        steps = give()
        async for _ in steps:
            break
        await steps.aclose()

    asyncio.run(leave())
    assert closed == ["closed"]
    (ended,) = journals.entries(recorder, "tool.ended")
    assert ended["result"] == [1]
    assert "error" not in ended


def test_a_cancelled_one_is_cancelled(recorder: Recorder) -> None:
    client = AsyncTracedOpenAI(api_key="k", recorder=recorder)

    @client.tool
    async def wait() -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.sleep(60)

    async def cancelled() -> None:
        async def read() -> None:
            async for _ in wait():
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    (ended,) = journals.entries(recorder, "tool.ended")
    assert ended["error"]["type"] == "CancelledError"


def test_nothing_is_recorded_where_recording_is_off() -> None:
    recorder = Recorder(enabled=False)
    assert list(TracedOpenAI(api_key="k", recorder=recorder).tool(ending)()) == ["one"]
    assert recorder.health.faults == 0
