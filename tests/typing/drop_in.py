"""A program as a user writes it, read by type checkers only: what they say of ours is what they say of the SDK's.

``test_typing.py`` runs mypy --strict and pyright over this file; each ``assert_type`` is a promise.
"""

from __future__ import annotations

from typing import assert_type

import openai
from openai import AsyncStream, Stream
from openai.lib.tool_diagnostics import ToolDiagnosticObserver
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import ParsedResponse, Response, ResponseStreamEvent
from pydantic import BaseModel

from tfclient import (
    AsyncTracedAzureOpenAI,
    AsyncTracedBedrockOpenAI,
    AsyncTracedOpenAI,
    Recorder,
    SessionHandle,
    TracedAzureOpenAI,
    TracedBedrockOpenAI,
    TracedOpenAI,
)


class Weather(BaseModel):
    city: str


def sync_program() -> None:
    recorder = Recorder("./traces", redact=None, idle_minutes=5)
    client = TracedOpenAI(api_key="k", timeout=3, max_retries=1, recorder=recorder)
    plain: openai.OpenAI = client
    assert_type(plain.responses.create(model="m", input="Hi"), Response)
    assert_type(client.responses.create(model="m", input="Hi"), Response)
    assert_type(client.responses.create(model="m", input="Hi", stream=True), Stream[ResponseStreamEvent])
    assert_type(client.responses.parse(model="m", input="Hi", text_format=Weather), ParsedResponse[Weather])
    assert_type(client.chat.completions.create(model="m", messages=[]), ChatCompletion)
    assert_type(
        client.chat.completions.create(model="m", messages=[], stream=True), Stream[ChatCompletionChunk]
    )
    assert_type(client.with_options(timeout=3), TracedOpenAI)
    assert_type(client.copy(max_retries=0, recorder=recorder), TracedOpenAI)
    assert_type(client.recorder, Recorder)
    with client as entered:
        assert_type(entered, TracedOpenAI)
    with client.session(title="t", metadata={"a": 1}) as session:
        assert_type(session, SessionHandle)
        session.annotate("kind", {"any": ["thing"]})
    assert_type(client.end_session(), SessionHandle | None)
    assert_type(session.wait(1.0), bool)

    @client.tool
    def weather(city: str, *, unit: str = "c") -> int:
        return len(city + unit)

    assert_type(weather("Oslo", unit="k"), int)

    @client.tool(name="other")
    def another() -> str:
        return ""

    assert_type(another(), str)
    with client.tool_call("call_1") as tool:
        tool.result = 3
    with client.following(client.responses.create(model="m", input="Hi")):
        pass
    observer: ToolDiagnosticObserver = client.tool_diagnostics
    assert observer is not None
    azure = TracedAzureOpenAI(azure_endpoint="https://x.example", api_version="1", recorder=recorder)
    assert_type(azure.with_options(api_version="2"), TracedAzureOpenAI)
    bedrock = TracedBedrockOpenAI(api_key="k", aws_region="eu-north-1", recorder=recorder)
    assert_type(bedrock.with_options(aws_region="eu-west-1"), TracedBedrockOpenAI)


async def async_program() -> None:
    client = AsyncTracedOpenAI(api_key="k")
    plain: openai.AsyncOpenAI = client
    assert_type(await plain.responses.create(model="m", input="Hi"), Response)
    assert_type(await client.responses.create(model="m", input="Hi"), Response)
    assert_type(
        await client.responses.create(model="m", input="Hi", stream=True), AsyncStream[ResponseStreamEvent]
    )
    assert_type(client.with_options(timeout=3), AsyncTracedOpenAI)
    async with client.session() as session:
        assert_type(session, SessionHandle)
    assert_type(await session.finished(), bool)

    @client.tool
    async def weather(city: str) -> int:
        return len(city)

    assert_type(await weather("Oslo"), int)
    azure = AsyncTracedAzureOpenAI(base_url="https://x.example", api_version="1")
    assert_type(azure.copy(), AsyncTracedAzureOpenAI)
    bedrock = AsyncTracedBedrockOpenAI(api_key="k", aws_region="eu-north-1")
    assert_type(bedrock.copy(), AsyncTracedBedrockOpenAI)


class Mine(TracedOpenAI):
    """A subclass of a user's own stays what it is."""


def subclass() -> None:
    assert_type(Mine(api_key="k").with_options(timeout=1), Mine)


def mistakes() -> None:
    TracedOpenAI(api_kee="k")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    TracedOpenAI(recorder="no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TracedOpenAI().responses.create(model=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue,reportArgumentType]
