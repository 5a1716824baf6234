"""The promise: with ours in place of the SDK's class, nothing that a program or a server can see is different."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

import tfclient
from tests.capture import documents, journals
from tests.capture.driver import HTTP, MODEL, Driver
from tests.server.replies import PROXY_PAGE, Call, Raw, Refused, answer, calls, incomplete, rate_limited
from tests.server.scripted import ScriptedServer
from tfclient import Recorder

PAIRS = [
    (tfclient.TracedOpenAI, openai.OpenAI),
    (tfclient.AsyncTracedOpenAI, openai.AsyncOpenAI),
    (tfclient.TracedAzureOpenAI, openai.AzureOpenAI),
    (tfclient.AsyncTracedAzureOpenAI, openai.AsyncAzureOpenAI),
]
if hasattr(openai, "BedrockOpenAI"):
    PAIRS += [
        (tfclient.TracedBedrockOpenAI, openai.BedrockOpenAI),
        (tfclient.AsyncTracedBedrockOpenAI, openai.AsyncBedrockOpenAI),
    ]

OURS = ("recorder", "session", "end_session", "tool", "tool_call", "tool_diagnostics", "following")


class Weather(BaseModel):
    city: str
    degrees: int


def create(drive: Driver, client: Any) -> Any:
    return drive.do(client.responses.create(model=MODEL, input="Hi", metadata={"a": "b"})).to_dict()


def chat(drive: Driver, client: Any) -> Any:
    messages = [{"role": "user", "content": "Hi"}]
    return drive.do(client.chat.completions.create(model=MODEL, messages=messages)).to_dict()


def streamed(drive: Driver, client: Any) -> Any:
    stream = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
    assert isinstance(stream, openai.AsyncStream if drive.is_async else openai.Stream)
    return [event.to_dict() for event in drive.events(stream)]


def streamed_chat(drive: Driver, client: Any) -> Any:
    messages = [{"role": "user", "content": "Hi"}]
    stream = drive.do(client.chat.completions.create(model=MODEL, messages=messages, stream=True))
    return [event.to_dict() for event in drive.events(stream)]


def helper_stream(drive: Driver, client: Any) -> Any:
    with drive.entered(client.responses.stream(model=MODEL, input="Hi")) as stream:
        events = [event.type for event in drive.events(stream)]
        return events, drive.do(stream.get_final_response()).output_text


def parsed(drive: Driver, client: Any) -> Any:
    return drive.do(client.responses.parse(model=MODEL, input="Hi", text_format=Weather)).output_parsed


def raw(drive: Driver, client: Any) -> Any:
    response = drive.do(client.responses.with_raw_response.create(model=MODEL, input="Hi"))
    assert response.http_response.is_closed
    first, second = response.parse(), response.parse()
    assert first is second
    return response.status_code, dict(response.headers), response.text, drive.do(first).to_dict()


def raw_streamed(drive: Driver, client: Any) -> Any:
    asked = client.responses.with_streaming_response.create(model=MODEL, input="Hi")
    with drive.entered(asked) as response:
        lines = drive.events(response.iter_lines())
        return response.status_code, lines


def raw_post(drive: Driver, client: Any) -> Any:
    asked = client.post("/responses", cast_to=HTTP.Response, body={"model": MODEL, "input": "Hi"})
    return drive.do(asked).json()


def other_options(drive: Driver, client: Any) -> Any:
    other = client.with_options(timeout=17, max_retries=1, default_headers={"x-mine": "1"})
    return create(drive, other)


def models(drive: Driver, client: Any) -> Any:
    page = drive.do(client.models.list())
    return [model.to_dict() for model in page.data]


PROGRAMS = [
    *(
        create,
        chat,
        streamed,
        streamed_chat,
        helper_stream,
        raw,
        raw_streamed,
        raw_post,
        other_options,
        models,
    )
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_same_bytes_and_headers_on_the_wire_and_the_same_result(
    program: Callable[[Driver, Any], Any], drive: Driver, recorder: Recorder
) -> None:
    seen = []
    results = []
    for traced in (False, True):
        with ScriptedServer() as server:
            client = drive.traced(recorder) if traced else drive.plain()
            client.base_url = server.url
            server.script(answer("Hello!"))
            results.append(program(drive, client))
            seen.append([(r.method, r.path, _steady(r.headers), r.body) for r in server.requests])
    assert results[0] == results[1]
    assert seen[0] == seen[1]
    assert journals.entries(recorder, "attempt.answered")


def _steady(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Headers in their order, without the port that differs between two servers."""
    return [(name, "" if name.lower() == "host" else value) for name, value in headers]


def test_parse_gives_the_same_object(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer('{"city": "Oslo", "degrees": 4}'))
    assert (
        parsed(drive, drive.traced(recorder))
        == parsed(drive, drive.plain())
        == Weather(city="Oslo", degrees=4)
    )


@pytest.mark.parametrize(
    "reply",
    [
        Refused(400, "bad", "No."),
        Refused(401, "invalid_api_key", "No."),
        Refused(404, "gone", "No."),
        Refused(500),
        rate_limited(),
        PROXY_PAGE,
        Raw(b""),
        Raw(b"{", content_type="application/json"),
        Raw(b"null"),
    ],
    ids=repr,
)
def test_the_same_exception_or_result_for_every_bad_answer(
    reply: Any, drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(reply)

    def outcome(client: Any) -> Any:
        try:
            return drive.do(client.responses.create(model=MODEL, input="Hi"))
        except Exception as error:  # noqa: BLE001 - any of them
            return type(error), str(error), getattr(error, "body", None), type(error.__cause__)

    assert outcome(drive.traced(recorder, max_retries=0)) == outcome(drive.plain(max_retries=0))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"model": MODEL, "input": object()},
        {"model": MODEL, "nonsense": 1},
        {"model": MODEL, "input": float("nan")},
    ],
    ids=["nothing", "no JSON", "unknown", "nan"],
)
def test_a_users_mistake_looks_as_it_does_without_us(
    arguments: Any, drive: Driver, recorder: Recorder
) -> None:
    def mistake(client: Any) -> tuple[Any, ...]:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it is the same
            drive.do(client.chat.completions.create(**arguments))
        return type(caught.value), caught.value.args

    assert mistake(drive.traced(recorder)) == mistake(drive.plain())


def test_a_missing_key_is_the_same_error() -> None:
    for ours, theirs in PAIRS[:2]:
        with pytest.raises(openai.OpenAIError) as expected:
            theirs()
        with pytest.raises(openai.OpenAIError) as caught:
            ours()
        assert caught.value.args == expected.value.args


@pytest.mark.parametrize("surface", ["responses", "chat", "embeddings"])
def test_generators_are_drained_exactly_as_without_us(
    surface: str, drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("Hello!"))

    def outcome(client: Any) -> Any:
        given = []

        def items() -> Any:
            for text in ("one", "two"):
                given.append(text)
                yield text if surface == "embeddings" else {"role": "user", "content": text}

        asks: dict[str, Callable[[], Any]] = {
            "responses": lambda: client.responses.create(model=MODEL, input=items()),
            "chat": lambda: client.chat.completions.create(model=MODEL, messages=items()),
            "embeddings": lambda: client.embeddings.create(model=MODEL, input=items()),
        }
        try:
            drive.do(asks[surface]())
        except Exception as error:  # noqa: BLE001 - some surfaces take none
            return type(error), str(error), given
        return given

    expected = outcome(drive.plain(max_retries=0))
    assert outcome(drive.traced(recorder, max_retries=0)) == expected
    assert len({request.body for request in server.requests}) <= 1


def test_the_callers_dicts_are_not_changed(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer("Hello!"))
    given: Any = [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]
    before = copy.deepcopy(given)
    drive.do(drive.traced(recorder).responses.create(model=MODEL, input=given, metadata=(tags := {"a": "b"})))
    assert given == before
    assert tags == {"a": "b"}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: cls.__name__)
class TestClasses:
    def test_is_a_subclass(self, ours: type[Any], theirs: type[Any]) -> None:
        assert issubclass(ours, theirs)

    def test_signatures_are_the_parents_and_our_keyword(self, ours: type[Any], theirs: type[Any]) -> None:
        for name in ("__init__", "copy", "with_options"):
            expected = inspect.signature(getattr(theirs, name))
            actual = inspect.signature(getattr(ours, name))
            assert list(actual.parameters) == [*expected.parameters, "recorder", "replay"]
            for parameter in expected.parameters.values():
                assert actual.parameters[parameter.name] == parameter
        for name in ("request", "_send_request", "close"):
            assert inspect.signature(getattr(ours, name)) == inspect.signature(getattr(theirs, name))

    def test_every_parameter_of_init_is_one_of_copy(self, ours: type[Any], theirs: type[Any]) -> None:
        copied = inspect.signature(ours.copy).parameters
        assert set(inspect.signature(ours.__init__).parameters) - set(copied) <= (
            {"_strict_response_validation"}
            | (set(inspect.signature(theirs.__init__).parameters) - set(copied))
        )
        assert {"recorder", "replay"} <= set(copied)

    def test_no_name_of_ours_hides_one_of_theirs(self, ours: type[Any], theirs: type[Any]) -> None:
        for name in OURS:
            assert not hasattr(theirs, name)
            assert hasattr(ours, name)


def test_a_users_subclass_keeps_its_name_on_the_wire(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("Hello!"))
    mine = type("Mine", (drive.traced_class,), {})
    for client in (
        drive.made(mine, recorder=recorder),
        drive.made(mine, recorder=recorder).with_options(timeout=3),
    ):
        drive.do(client.responses.create(model=MODEL, input="Hi"))
    plain = type("Mine", (drive.plain_class,), {})
    drive.do(drive.made(plain).responses.create(model=MODEL, input="Hi"))
    agents = [request.header("user-agent") for request in server.requests]
    assert len(set(agents)) == 1
    assert agents[0] is not None
    assert agents[0].startswith("Mine/")


def test_a_subclass_with_another_init_is_copied_with_its_recorder(recorder: Recorder) -> None:
    class Mine(tfclient.TracedOpenAI):
        def __init__(self, **options: Any) -> None:
            super().__init__(recorder=recorder, **options)

    copied = Mine(api_key="k").with_options(timeout=3)
    assert type(copied) is Mine
    assert copied.recorder is recorder


def test_copies_share_the_recorder_whether_given_or_made() -> None:
    client = tfclient.TracedOpenAI(api_key="k")
    assert client.copy().recorder is client.recorder
    assert client.with_options(max_retries=1).with_options(timeout=1).recorder is client.recorder
    other = Recorder()
    assert client.copy(recorder=other).recorder is other


def test_a_wrong_recorder_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="recorder must be a"):
        tfclient.TracedOpenAI(api_key="k", recorder="./traces")  # type: ignore[arg-type]


def test_results_can_be_pickled_and_copied(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.always(calls(Call("weather", {"city": "Oslo"})))
    response = drive.do(drive.traced(recorder).responses.create(model=MODEL, input="Hi"))
    assert pickle.loads(pickle.dumps(response)) == response  # noqa: S301 - our own
    assert copy.deepcopy(response) == response
    assert (
        response._request_id == journals.entries(recorder, "attempt.answered")[0]["headers"]["x-request-id"]
    )


def test_azure_routes_and_headers_are_the_same(recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer("Hello!"))
    options: Any = {"api_key": "azure-key", "api_version": "2026-01-01", "azure_endpoint": server.origin}
    for client in (openai.AzureOpenAI(**options), tfclient.TracedAzureOpenAI(**options, recorder=recorder)):
        with client:
            client.chat.completions.create(
                model="my-deployment", messages=[{"role": "user", "content": "Hi"}]
            )
            client.with_options(timeout=3).responses.create(model=MODEL, input="Hi")
    seen = [(r.path, r.headers, r.body) for r in server.requests]
    assert seen[:2] == seen[2:]
    assert "azure-key" not in journals.everything(recorder)
    urls = [entry["url"] for entry in journals.entries(recorder, "attempt.sent")]
    assert urls[0].endswith("/openai/deployments/my-deployment/chat/completions?api-version=2026-01-01")


@pytest.mark.skipif(not hasattr(openai, "BedrockOpenAI"), reason="this openai has no client for Bedrock")
def test_bedrock_routes_and_headers_are_the_same(recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer("Hello!"))
    options: Any = {"api_key": "bedrock-key", "aws_region": "eu-north-1", "base_url": server.url}
    for client in (
        openai.BedrockOpenAI(**options),
        tfclient.TracedBedrockOpenAI(**options, recorder=recorder),
    ):
        with client:
            client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
            client.with_options(timeout=3).responses.create(model=MODEL, input="Hi")
    seen = [(r.path, r.headers, r.body) for r in server.requests]
    assert seen[:2] == seen[2:]
    assert "bedrock-key" not in journals.everything(recorder)
    assert len(journals.entries(recorder, "attempt.answered")) == 2


def test_strict_validation_is_the_same(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.always(Raw(b'{"id": 3}'))
    for client in (
        drive.plain(_strict_response_validation=True),
        drive.traced(recorder, _strict_response_validation=True),
    ):
        with pytest.raises(openai.APIResponseValidationError):
            drive.do(client.responses.create(model=MODEL, input="Hi"))


def test_clients_on_one_http_client_are_recorded_apart(
    drive: Driver, server: ScriptedServer, tmp_path: Any
) -> None:
    server.always(answer("Hello!"))
    shared = HTTP.AsyncClient() if drive.is_async else HTTP.Client()
    recorders = [Recorder(tmp_path / name) for name in "ab"]
    for recorder in recorders:
        drive.do(drive.traced(recorder, http_client=shared).responses.create(model=MODEL, input="Hi"))
    drive.do(drive.plain(http_client=shared).responses.create(model=MODEL, input="Hi"))
    for recorder in recorders:
        assert len(journals.entries(recorder, "call.started")) == 1


def test_a_client_used_inside_another_ones_key_callable(server: ScriptedServer, tmp_path: Any) -> None:
    server.script(answer("a key"), answer("Hello!"))
    inner_recorder, outer_recorder = Recorder(tmp_path / "inner"), Recorder(tmp_path / "outer")
    inner = tfclient.TracedOpenAI(base_url=server.url, api_key="k", recorder=inner_recorder)

    def key() -> str:
        return inner.responses.create(model=MODEL, input="A key, please").output_text

    outer = tfclient.TracedOpenAI(base_url=server.url, api_key=key, recorder=outer_recorder)
    assert outer.responses.create(model=MODEL, input="Hi").output_text == "Hello!"
    assert "A key, please" in str(journals.requests(inner_recorder))
    (sent,) = journals.requests(outer_recorder)
    assert json.loads(str(sent)) == {"input": "Hi", "model": MODEL}
    inner.close()
    outer.close()


def test_module_level_use(
    recorder: Recorder, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always(answer("Hello!"))
    client = tfclient.TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder)
    monkeypatch.setattr(openai, "_client", client)
    assert openai.responses.create(model=MODEL, input="Hi").output_text == "Hello!"
    assert journals.entries(recorder, "attempt.answered")
    client.close()


def test_an_incomplete_answer_is_given_on_as_it_is(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(incomplete("Hel"))
    response = drive.do(drive.traced(recorder).responses.create(model=MODEL, input="Hi"))
    assert response.status == "incomplete"


def test_disabled_is_the_plain_client(drive: Driver, server: ScriptedServer, own_environment: Any) -> None:
    server.always(answer("Hello!"))
    recorder = Recorder(enabled=False)
    client = drive.traced(recorder)
    with client.session() as session:
        assert drive.do(client.responses.create(model=MODEL, input="Hi")).output_text == "Hello!"
        session.annotate("note", 1)
        with client.tool_call("call_1") as tool:
            tool.result = 3
    assert session.wait(60)
    ended = client.end_session()
    assert ended is not None
    assert ended.ended
    assert ended.wait(60)
    assert not ended.path.exists()
    assert recorder.health.degraded
    assert not own_environment.exists()


def test_all_of_ours_is_there_when_recording_is_off(
    drive: Driver, server: ScriptedServer, own_environment: Path
) -> None:
    server.always(answer("Hello!"))
    recorder = Recorder(enabled=False)
    client = drive.traced(recorder)

    def weather(city: str) -> str:
        return f"rain in {city}"

    assert client.tool(weather)("Oslo") == "rain in Oslo"
    client.tool_diagnostics({"type": "function_call", "call_id": "call_1", "duration_ms": 3})
    assert client.recorder.stats().calls == 0
    with client.following("resp_1"), client.tool_call("call_1") as call:
        call.annotate("note", 1)
        call.result = "rain"
        assert drive.do(client.responses.create(model=MODEL, input="Hi")).output_text == "Hello!"
    for session in (
        client.session(id="mine", title="Mine", metadata={"user": "ada"}),
        recorder.session(),
    ):
        with session:
            asked = session.bound(client).responses.create(model=MODEL, input="Hi")
            assert drive.do(asked).output_text == "Hello!"
            session.annotate("note", 1)
        session.end()
        assert asyncio.run(session.finished())
        assert (session.ended, session.error) == (True, None)
        assert not session.path.exists()
        assert not session.d2_path.exists()
    assert recorder.current is None
    assert not own_environment.exists()


def test_positional_arguments_of_request_are_taken_too(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("Hello!"))
    options = openai._models.FinalRequestOptions(
        method="post", url="/responses", json_data={"model": MODEL, "input": "Hi"}
    )
    response = drive.do(drive.traced(recorder).request(HTTP.Response, options))
    assert response.status_code == 200
    assert journals.types(recorder) == ["session.started", "call.started", "attempt.sent", "attempt.answered"]


def resources(thing: Any, path: str = "") -> dict[str, Any]:
    """All resources of a client, those below others included, by their path."""
    found: dict[str, Any] = {}
    for name in dir(type(thing)):
        if name.startswith("_") or name in OURS:
            continue
        if isinstance(inspect.getattr_static(type(thing), name), functools.cached_property):
            found[f"{path}{name}"] = below = getattr(thing, name)
            found |= resources(below, f"{path}{name}.")
    return found


@pytest.mark.parametrize(("ours", "theirs"), PAIRS[:2], ids=lambda cls: cls.__name__)
def test_every_method_of_every_resource_is_the_parents(ours: type[Any], theirs: type[Any]) -> None:
    mine, plain = resources(ours(api_key="k")), resources(theirs(api_key="k"))
    assert list(mine) == list(plain)
    assert {"responses", "chat.completions.with_raw_response", "with_streaming_response"} & set(plain)
    for path, resource in plain.items():
        assert type(mine[path]) is type(resource), path
        for name in vars(type(resource)) | vars(resource):
            expected = getattr(resource, name)
            if not name.startswith("_") and callable(expected):
                assert inspect.signature(getattr(mine[path], name)) == inspect.signature(expected), name


@pytest.mark.parametrize("how", ["responses", "chat", "stream"])
def test_a_parsed_value_and_its_schema_are_in_the_document(
    drive: Driver, recorder: Recorder, server: ScriptedServer, how: str
) -> None:
    class Weather(BaseModel):
        city: str
        degrees: float

    server.script(answer('{"city": "Oslo", "degrees": 7.5}'))
    client = drive.traced(recorder)
    messages = [{"role": "user", "content": "Weather?"}]
    if how == "responses":
        made = drive.do(client.responses.parse(model=MODEL, input="Weather?", text_format=Weather))
        value = made.output_parsed
    elif how == "chat":
        made = drive.do(
            client.chat.completions.parse(model=MODEL, messages=messages, response_format=Weather)
        )
        value = made.choices[0].message.parsed
    else:
        with drive.entered(
            client.responses.stream(model=MODEL, input="Weather?", text_format=Weather)
        ) as stream:
            value = drive.events(stream)[-1].response.output_parsed
    (call,) = documents.steps(recorder, "assistant_call")
    assert call.payload_completed["parsed"] == value.model_dump() == {"city": "Oslo", "degrees": 7.5}
    arguments = call.payload_started["arguments"]
    schema = arguments["response_format"]["json_schema"] if how == "chat" else arguments["text"]["format"]
    assert (schema["name"], set(schema["schema"]["properties"])) == ("Weather", {"city", "degrees"})
