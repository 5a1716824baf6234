"""The scripted server against the real SDK: what it says is what the API would say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import openai
import pytest
import yaml

from tests.server.replies import (
    PROXY_PAGE,
    Answer,
    Call,
    HangUp,
    Item,
    Raw,
    Reply,
    Say,
    Silence,
    Think,
    answer,
    calls,
    cut,
    failed,
    incomplete,
    rate_limited,
    server_error,
)
from tests.server.scripted import ScriptedServer

EVERYTHING = answer(Think(["First this.", "Then that."]), Call("look", {"at": "it"}), "Done, at last.")
TOOLS: list[Any] = [{"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}]


def client_of(server: ScriptedServer, **how: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url, api_key="sk-test", **how)


Ask: TypeAlias = Callable[..., Any]


@pytest.fixture
def ask(server: ScriptedServer) -> Iterator[Ask]:
    """Ask the server by a client that tries only once and stays open for the test."""
    with client_of(server, max_retries=0) as client:
        yield lambda **how: client.responses.create(**{"model": "gpt-5.4-mini", "input": "Hi", **how})


def test_a_message_comes_back(server: ScriptedServer, ask: Ask) -> None:
    server.script(answer("Hello!"))
    response = ask(metadata={"a": "b"})
    assert response.output_text == "Hello!"
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert response.metadata == {"a": "b"}
    (seen,) = server.requests
    assert (seen.method, seen.path) == ("POST", "/v1/responses")
    assert seen.json == {"model": "gpt-5.4-mini", "input": "Hi", "metadata": {"a": "b"}}
    assert seen.header("Authorization") == "Bearer sk-test"


def test_a_stream_builds_up_what_the_unstreamed_response_says(server: ScriptedServer) -> None:
    server.script(EVERYTHING)
    with client_of(server) as client, client.responses.stream(model="m", input="Hi", tools=TOOLS) as stream:
        types = [event.type for event in stream]
        final = stream.get_final_response()
    assert types[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert types[-2:] == ["response.output_item.done", "response.completed"]
    assert types.count("response.reasoning_summary_part.added") == 2
    assert final.output_text == "Done, at last."
    assert [item.type for item in final.output] == ["reasoning", "function_call", "message"]


def test_deltas_add_up_and_numbers_are_in_order(server: ScriptedServer, ask: Ask) -> None:
    server.script(EVERYTHING)
    events = list(ask(stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    done = {event.type: event for event in events}
    joined = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert joined == done["response.output_text.done"].text == "Done, at last."
    joined = "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")
    assert joined == done["response.function_call_arguments.done"].arguments == '{"at":"it"}'


def test_chains_are_checked_as_the_api_checks_them(server: ScriptedServer, ask: Ask) -> None:
    server.script(calls(Call("look", call_id="call_1")), *[answer("ok")] * 4)
    first = ask()
    output: Any = {"type": "function_call_output", "call_id": "call_1", "output": "a tree"}
    with client_of(server, max_retries=0) as client:
        with pytest.raises(openai.BadRequestError, match="No tool output found for function call call_1"):
            client.responses.create(model="m", input="and?", previous_response_id=first.id)
        with pytest.raises(openai.BadRequestError, match="No tool call found for function call output"):
            client.responses.create(model="m", input=[output])
        with pytest.raises(
            openai.BadRequestError, match="Previous response with id 'resp_x' not found"
        ) as caught:
            client.responses.create(model="m", input="and?", previous_response_id="resp_x")
        assert caught.value.code == "previous_response_not_found"
        after = client.responses.create(model="m", input=[output], previous_response_id=first.id)
    assert after.previous_response_id == first.id


def test_stored_responses_are_retrieved_listed_and_deleted(server: ScriptedServer, ask: Ask) -> None:
    server.script(answer("one"), answer("two"))
    stored, unstored = ask(), ask(store=False)
    with client_of(server) as client:
        assert client.responses.retrieve(stored.id) == stored
        assert [item.type for item in client.responses.input_items.list(stored.id)] == ["message"]
        resumed = [e.type for e in client.responses.retrieve(stored.id, stream=True, starting_after=3)]
        client.responses.delete(stored.id)
        for gone in (stored, unstored):
            with pytest.raises(openai.NotFoundError):
                client.responses.retrieve(gone.id)
    assert resumed[0] == "response.output_text.delta"


def test_a_background_response_moves_on_when_it_is_looked_at(server: ScriptedServer) -> None:
    server.script(answer("at last"), answer("never"))
    with client_of(server) as client:
        queued = client.responses.create(model="m", input="Hi", background=True)
        seen = [queued.status] + [client.responses.retrieve(queued.id).status for _ in range(3)]
        assert seen == ["queued", "in_progress", "completed", "completed"]
        other = client.responses.create(model="m", input="Hi", background=True)
        assert client.responses.cancel(other.id).status == "cancelled"
        assert client.responses.retrieve(other.id).output == []


def test_a_streamed_background_response_is_queued_first(server: ScriptedServer, ask: Ask) -> None:
    server.script(answer("ok"))
    types = [event.type for event in ask(stream=True, background=True)]
    assert types[:3] == ["response.created", "response.queued", "response.in_progress"]


def test_errors_are_retried_by_the_sdk_and_then_raised(server: ScriptedServer, ask: Ask) -> None:
    server.script(rate_limited(), server_error(503), answer("third time"))
    with client_of(server, max_retries=2) as client:
        assert client.responses.create(model="m", input="Hi").output_text == "third time"
    assert [seen.header("x-stainless-retry-count") for seen in server.requests] == ["0", "1", "2"]
    server.script(rate_limited())
    with pytest.raises(openai.RateLimitError, match="Rate limit reached") as caught:
        ask()
    assert caught.value.response.headers["retry-after-ms"] == "10"
    assert caught.value.response.headers["x-request-id"].startswith("req_")


def test_incomplete_and_failed_say_why(server: ScriptedServer, ask: Ask) -> None:
    server.script(incomplete("half a sent"), failed("server_error", "It broke."))
    half, broken = ask(), ask()
    assert (half.status, half.incomplete_details.reason, half.output[0].status) == (
        "incomplete",
        "max_output_tokens",
        "incomplete",
    )
    assert (broken.status, broken.error.message, broken.output, broken.usage) == (
        "failed",
        "It broke.",
        [],
        None,
    )


def test_a_failing_stream_has_an_error_event(server: ScriptedServer, ask: Ask) -> None:
    server.script(failed("rate_limit_exceeded", "Too much."))
    with pytest.raises(openai.APIError, match=r"Too much\."):
        list(ask(stream=True))


def _drain(ask: Ask, events: list[Any]) -> None:
    for event in ask(stream=True):
        events.append(event)  # noqa: PERF402 - what came before the break counts


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("after", [0, 3, 7])
def test_a_stream_breaks_where_it_was_told_to(
    server: ScriptedServer, ask: Ask, after: int, *, reset: bool
) -> None:
    server.script(cut(after, "a long and winding answer", reset=reset))
    events: list[Any] = []
    with pytest.raises(Exception) as caught:  # noqa: PT011 - openai 2 lets the HTTP library's own error through
        _drain(ask, events)
    assert type(caught.value).__name__ in ("APIConnectionError", "RemoteProtocolError", "ReadError")
    assert len(events) in range(after + 1)


@pytest.mark.parametrize("reply", [cut(40, "an answer"), HangUp()], ids=["cut", "hang up"])
def test_a_broken_body_is_a_connection_error(server: ScriptedServer, ask: Ask, reply: Reply) -> None:
    server.script(reply)
    with pytest.raises(openai.APIConnectionError):
        ask()


def test_what_a_proxy_says_comes_through(server: ScriptedServer, ask: Ask) -> None:
    server.script(PROXY_PAGE, Raw(b'{"id": '), Raw(b""))
    with pytest.raises(openai.InternalServerError) as caught:
        ask()
    assert caught.value.response.text == PROXY_PAGE.body.decode()
    for _ in range(2):
        with pytest.raises(json.JSONDecodeError):
            ask()


def test_silence_ends_in_the_client_s_timeout(server: ScriptedServer, ask: Ask) -> None:
    server.script(Silence())
    with pytest.raises(openai.APITimeoutError):
        ask(timeout=0.1)


def test_a_held_stream_waits_for_its_gate(server: ScriptedServer, ask: Ask) -> None:
    gate = threading.Event()
    server.script(Answer((Say("one two three"),), hold_after=5, gate=gate))
    stream = iter(ask(stream=True))
    first = [next(stream) for _ in range(5)]
    assert first[-1].type == "response.output_text.delta"
    gate.set()
    assert list(stream)[-1].type == "response.completed"


@pytest.mark.parametrize("stream", [False, True])
def test_a_compressed_body_is_the_same_to_the_client(
    server: ScriptedServer, ask: Ask, *, stream: bool
) -> None:
    server.script(answer("squeezed", gzip=True))
    got = ask(stream=stream)
    final = list(got)[-1].response if stream else got
    assert final.output[0].content[0].text == "squeezed"


def test_chat_completions_plain_and_streamed_say_the_same(server: ScriptedServer) -> None:
    server.script(*[answer("Well:", Call("look", {"at": "it"}), Call("look", {"at": "that"}))] * 2)
    with client_of(server) as client:
        ask_chat: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
        plain = client.chat.completions.create(**ask_chat)
        with client.chat.completions.stream(**ask_chat, stream_options={"include_usage": True}) as stream:
            streamed = stream.get_final_completion()
    assert plain.choices[0].finish_reason == streamed.choices[0].finish_reason == "tool_calls"
    for whole in (plain, streamed):
        wanted = whole.choices[0].message.tool_calls or []
        assert [call.function.arguments for call in wanted] == ['{"at":"it"}', '{"at":"that"}']
        assert whole.choices[0].message.content == "Well:"
        assert whole.usage is not None


def test_the_same_seed_gives_the_same_bytes() -> None:
    bodies: list[list[str]] = []
    for _ in range(2):
        with ScriptedServer("seed") as server, client_of(server) as client:
            server.script(EVERYTHING, EVERYTHING)
            plain = client.responses.create(model="m", input="Hi")
            streamed = client.responses.create(model="m", input="Hi", stream=True)
            bodies.append([plain.to_json(), *(event.to_json() for event in streamed)])
    assert bodies[0] == bodies[1]


def test_an_unscripted_request_says_so(server: ScriptedServer, ask: Ask) -> None:
    with pytest.raises(openai.InternalServerError, match=r"no reply left for POST /v1/responses"):
        ask()
    server.always(lambda seen: answer(f"you said {seen.json['input']}"))
    assert ask().output_text == "you said Hi"


def test_any_other_item_is_sent_as_it_is(server: ScriptedServer, ask: Ask) -> None:
    server.script(
        answer(Item({"type": "web_search_call", "status": "completed", "action": {"type": "search"}}))
    )
    types = [event.type for event in ask(stream=True)]
    assert types.count("response.output_item.done") == 1


def _shape(value: Any, at: str = "") -> set[str]:
    """Give the paths of all members, those of items, parts and events by their type."""
    if isinstance(value, dict):
        kind = value.get("type")
        found: set[str] = set()
        for key, member in value.items():
            here = "response" if key == "response" else f"{at or kind or 'response'}.{key}"
            if isinstance(member, dict) and "type" in member and key in ("item", "part"):
                here = member["type"]
            if key not in ("metadata", "parameters", "reasoning", "format"):
                found |= {here, *_shape(member, here)}
        return found
    if isinstance(value, list):
        shapes = [_shape(item, item.get("type", at) if isinstance(item, dict) else at) for item in value]
        return set[str]().union(*shapes)
    return set()


def test_every_shape_occurs_in_real_traffic(server: ScriptedServer, ask: Ask, recordings: Path) -> None:
    """Each member that the server sends has been seen at the same place of a recorded response or event."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    real: set[str] = set()
    for path in sorted(recordings.glob("*/*.yaml")):
        for interaction in yaml.load(path.read_bytes(), loader)["interactions"]:  # noqa: S506 - a safe loader
            body = interaction["response"]["body"]["string"] or ""
            if isinstance(body, str) and "/responses" in interaction["request"]["uri"]:
                lines = body.splitlines() if body.startswith(("event:", "data:")) else [body]
                for line in lines:
                    payload = line.removeprefix("data: ")
                    if payload.startswith("{"):
                        try:
                            real |= _shape(json.loads(payload))
                        except ValueError:
                            continue
    server.script(EVERYTHING, EVERYTHING, failed())
    mine = _shape(json.loads(ask(tools=TOOLS).to_json()))
    with client_of(server, max_retries=0) as client:
        for _ in range(2):
            raw = client.responses.with_raw_response.create(model="m", input="Hi", stream=True, tools=TOOLS)
            for line in raw.http_response.iter_lines():
                if line.startswith("data: "):
                    mine |= _shape(json.loads(line[6:]))
    assert mine - real == set()
