"""Servers that speak the API in their own way: what they said is read as it was meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.projection.builders import Story, said, steps, the, user
from tests.projection.events import chat_chunks, response_events, sse
from tfclient.projection.wire.chat_stream import ChatStream
from tfclient.projection.wire.response_stream import ResponseStream
from tfclient.projection.wire.sse import ServerEvent, begins_events
from tfstore.document.documents import Step

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


def body_of(story: Story) -> str:
    """The bytes of a whole stream of one answer."""
    made = story.send(story.body([user("Hello")]))
    told = made.response([said("Hi there.")])
    events = chat_chunks(told) if story.api == "chat" else response_events(told)
    return "".join(map(sse, events)) + "data: [DONE]\n\n"


def streamed(story: Story, text: str, kind: str | None, size: int) -> Step:
    """Answer the call that was asked for last by these pieces, as this content type; return its step."""
    exchange = story.entries[-1]["exchange_id"]
    headers = {"content-type": kind} if kind else {}
    story.tell(type="attempt.answered", exchange_id=exchange, status=200, headers=headers, complete=False)
    for start in range(0, len(text), size):
        story.tell(type="stream.chunk", exchange_id=exchange, data=text[start : start + size])
    story.tell(type="attempt.ended", exchange_id=exchange, ending="completed", bytes=len(text))
    return the(story.session(), "assistant_call")


# Whether a body is events is told by the body


@BOTH
@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain; charset=utf-8", None, "application/octet-stream"]
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_events_under_another_content_type(api: str, kind: str | None, size: int) -> None:
    story = Story(api)
    text = body_of(story)
    made = streamed(story, text, kind, size)
    assert (made.status, made.ending, made.error) == ("completed", "completed", None)
    assert made.payload_completed["text"] == "Hi there."
    assert made.usage is not None
    assert made.latency is not None
    assert made.latency.events


@BOTH
def test_json_under_the_content_type_of_events(api: str) -> None:
    """A gateway that ignores the stream flag, but not in its headers."""
    story = Story(api)
    made = story.send(story.body([user("Hello")], stream=True))
    made.head()
    text = json.dumps(made.response([said("Hi there.")]))
    made.chunk(text[:9])
    made.chunk(text[9:])
    made.over("completed")
    step = the(story.session(), "assistant_call")
    assert (step.status, step.payload_completed["text"]) == ("completed", "Hi there.")


@pytest.mark.parametrize("text", ["date: today", "datum", "<html>", '{"data": 1}', "event", ""])
def test_what_is_no_event_stream(text: str) -> None:
    assert begins_events(text.encode()) is not True


def test_a_file_that_begins_like_events_stays_a_text() -> None:
    story = Story()
    story.send(path="/v1/files/file-1/content", method="GET").answer("id: 7\n\ndata: none at all\n\n")
    made = the(story.session(), "generic")
    assert made.payload_completed["body"] == "id: 7\n\ndata: none at all\n\n"


# Read to its end


def test_a_responses_stream_that_ends_with_done_alone() -> None:
    story = Story()
    made = story.send(story.body([user("Hello")], stream=True))
    events = response_events(made.response([said("Hi there.")]))[:-1]
    made.stream(events, None)
    made.chunk("data: [DONE]\n\n")
    made.over("left_early")
    session = story.session()
    step, message = the(session, "assistant_call"), the(session, "assistant_message")
    assert (step.status, step.ending, session.runs[0].status) == ("completed", "completed", "completed")
    assert (message.status, message.payload_completed["text"]) == ("completed", "Hi there.")


@pytest.mark.parametrize(
    ("path", "events"),
    [
        (
            "threads/runs",
            ['event: thread.run.created\ndata: {"id": "run_1"}\n\n', "event: done\ndata: [DONE]\n\n"],
        ),
        ("audio/transcriptions", [sse({"type": "transcript.text.done", "text": "Hello"})]),
        ("audio/speech", [sse({"type": "speech.audio.done"})]),
        ("images/generations", [sse({"type": "image_generation.completed", "b64_json": "iVBORw0KGgo="})]),
    ],
)
@pytest.mark.parametrize("ending", ["completed", "left_early", "cancelled"])
def test_streams_of_other_endpoints_that_said_their_last_word(
    path: str, events: list[str], ending: str
) -> None:
    story = Story()
    made = story.send({"model": "m"}, path=f"/v1/{path}")
    made.head()
    for event in events:
        made.chunk(event)
    made.over(ending)
    step = the(story.session(), "generic")
    assert (step.status, step.ending) == ("completed", "completed")


# Which item an event speaks of


def items_of(events: list[dict[str, Any]]) -> list[tuple[str | None, str]]:
    stream = ResponseStream()
    for event in events:
        stream.feed(None, json.dumps(event))
    return [(item.item_id, item.text or str(item.arguments)) for item in stream.response().outputs]


def call_events(item_id: str, arguments: str, **place: Any) -> list[dict[str, Any]]:
    item = {"type": "function_call", "id": item_id, "call_id": f"c_{item_id}", "name": "f", "arguments": ""}
    named = {"item_id": item_id, **place}
    return [
        {"type": "response.output_item.added", **place, "item": item},
        {"type": "response.function_call_arguments.delta", **named, "delta": arguments[:3]},
        {"type": "response.function_call_arguments.delta", **named, "delta": arguments[3:]},
        {"type": "response.output_item.done", **place, "item": {**item, "arguments": arguments}},
    ]


def woven(*rows: list[Any]) -> list[Any]:
    return [event for events in zip(*rows, strict=True) for event in events]


@pytest.mark.parametrize("place", [{}, {"output_index": 0}], ids=["without", "all zero"])
@pytest.mark.parametrize("weave", [False, True])
def test_items_are_told_apart_by_their_ids(place: dict[str, int], weave: bool) -> None:  # noqa: FBT001
    """llama.cpp sends no ``output_index``; others the same one for every item."""
    one, two = call_events("fc_1", '{"a":1}', **place), call_events("fc_2", '{"a":2}', **place)
    assert items_of(woven(one, two) if weave else one + two) == [("fc_1", '{"a":1}'), ("fc_2", '{"a":2}')]


def test_new_ids_with_every_event_are_one_item() -> None:
    events = call_events("fc_1", '{"a":1}', output_index=0)
    for n, event in enumerate(events):
        event["item" if "item" in event else "item_id"] = (
            {**event["item"], "id": f"x{n}"} if "item" in event else f"x{n}"
        )
    assert [arguments for _, arguments in items_of(events)] == ['{"a":1}']


def test_the_same_id_at_two_places_is_two_items() -> None:
    events = call_events("rs_1", '{"a":1}', output_index=0) + call_events("rs_1", '{"a":2}', output_index=1)
    assert len(items_of(events)) == 2


# Tool calls


def chat_calls(*deltas: Any, content: list[Any] | None = None) -> Any:
    stream = ChatStream()
    for delta in deltas:
        calls = delta if isinstance(delta, list) else [delta]
        stream.feed(None, json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": calls}}]}))
    for piece in content or []:
        stream.feed(None, json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": piece}}]}))
    return stream.response().outputs


def a_call(arguments: str, name: str | None = "f", **more: Any) -> dict[str, Any]:
    return {"function": {"arguments": arguments, **({} if name is None else {"name": name})}, **more}


@pytest.mark.parametrize("more", [{"index": 0}, {}], ids=["all zero", "no index"])
def test_parallel_calls_under_one_index(more: Any) -> None:
    made = [a_call(f'{{"a": {n}}}', id=f"c{n}", **more) for n in (1, 2, 3)]
    wanted = [("c1", '{"a": 1}'), ("c2", '{"a": 2}'), ("c3", '{"a": 3}')]
    assert [(i.call_id, i.arguments) for i in chat_calls(*made)] == wanted
    assert [(i.call_id, i.arguments) for i in chat_calls(made)] == wanted


def test_parallel_calls_without_ids() -> None:
    made = [a_call(f'{{"a": {n}}}', index=0) for n in (1, 2)]
    assert [i.arguments for i in chat_calls(*made)] == ['{"a": 1}', '{"a": 2}']


@pytest.mark.parametrize("later", [{}, {"id": ""}, {"id": "c1"}, {"id": "another"}])
@pytest.mark.parametrize("name", [None, ""])
def test_one_call_in_pieces(later: dict[str, str], name: str | None) -> None:
    made = [
        a_call('{"a"', index=0, id="c1"),
        a_call(": 1", name, index=0, **later),
        a_call("}", name, index=0, **later),
    ]
    (item,) = chat_calls(*made)
    assert (item.name, item.arguments) == ("f", '{"a": 1}')
    assert item.call_id


def test_an_empty_id_changes_nothing() -> None:
    (item,) = chat_calls(a_call('{"a"', index=0, id="c1"), a_call(": 1}", "", index=0, id=""))
    assert (item.call_id, item.name) == ("c1", "f")


@pytest.mark.parametrize(
    "content",
    [[[{"type": "thinking", "thinking": "hm"}], "Hel", "lo"], ["Hel", "lo", [{"type": "text", "text": "!"}]]],
)
def test_content_as_a_list_and_as_text(content: list[Any]) -> None:
    (item,) = chat_calls(content=content)
    assert item.text.replace("\n", "") in {"Hello", "Hello!"}
    assert len(item.raw["content"]) == 2


# Errors and usage

ERRORS: list[Any] = [
    {"error": {"message": "It broke.", "code": 502}},
    {"error": "It broke."},
    {"object": "error", "message": "It broke.", "code": 400},
    {"type": "error", "message": "It broke."},
    {"message": "It broke.", "code": 500},
    {"detail": "It broke."},
    {"error": True, "message": "It broke."},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": {"message": "It broke."}}]},
]
WITHOUT_WORDS: list[Any] = [
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]},
    {
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "x_groq": {"id": "r", "error": "It broke."},
    },
]


def call_with(event: Any, api: str = "chat", prefix: str = "") -> Step:
    story = Story(api)
    made = story.send(story.body([user("Hello")], stream=True))
    made.stream(made.events(made.response([said("Good morning to you.")]))[:3], None)
    made.chunk(prefix or sse(event))
    made.over("completed")
    return the(story.session(), "assistant_call")


@pytest.mark.parametrize("event", ERRORS, ids=str)
def test_an_error_in_a_stream(event: Any) -> None:
    step = call_with(event)
    assert (step.status, step.ending) == ("failed", "error_event")
    assert step.error is not None
    assert step.error.message == "It broke."


@pytest.mark.parametrize("event", WITHOUT_WORDS, ids=str)
def test_an_error_at_the_end_of_a_stream(event: Any) -> None:
    step = call_with(event)
    assert (step.status, step.ending) == ("failed", "failed_event")
    assert step.error is not None


def test_a_stream_that_the_sdk_could_not_read_was_not_left() -> None:
    """It raised; the program had not had enough."""
    for api in ("chat", "responses"):
        story = Story(api)
        made = story.send(story.body([user("Hello")], stream=True))
        made.stream(made.events(made.response([said("Good morning to you.")]))[:3], None)
        made.chunk('data: {"no JSON\n\n')
        made.over("left_early")
        step = the(story.session(), "assistant_call")
        assert (step.status, step.ending) == ("failed", "error_event")
        assert step.error is not None
        assert step.error.message == 'an event of the stream is not JSON: {"no JSON'


def test_an_error_in_a_stream_of_responses() -> None:
    for event in ERRORS[:6]:
        assert call_with(event, "responses").error is not None


def test_the_error_field_of_llama_cpp() -> None:
    step = call_with(
        None, prefix='error: {"code":500,"message":"context size exceeded","type":"server_error"}\n\n'
    )
    assert step.error is not None
    assert (step.status, step.error.message) == ("failed", "context size exceeded")
    assert call_with(None, prefix="error: no JSON\n\n").error is not None
    from tfclient.projection.wire.sse import EventStream

    assert EventStream().feed("error: x\n") == [ServerEvent("error", "x")]


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "It broke.", "code": 429}},
        {"detail": "It broke."},
        {"detail": [{"loc": ["body"], "msg": "It broke."}]},
        {"success": False, "errors": [{"code": 1, "message": "It broke."}]},
        {"id": "c", "choices": None, "base_resp": {"status_code": 1004, "status_msg": "It broke."}},
        {
            "id": "c",
            "choices": [{"index": 0, "message": {"content": "part"}, "error": {"message": "It broke."}}],
        },
    ],
)
def test_an_error_inside_a_success(body: Any) -> None:
    story = Story("chat")
    story.send(story.body([user("Hello")])).answer(body)
    step = the(story.session(), "assistant_call")
    assert step.status == "failed"
    assert step.error is not None
    assert step.error.message == "It broke."
    assert step.error.class_ == ("rate_limit" if "429" in str(body) else "provider")


def test_an_empty_body_is_called_that() -> None:
    story = Story("chat")
    story.send(story.body([user("Hello")])).answer("")
    step = the(story.session(), "assistant_call")
    assert step.error is not None
    assert (step.status, step.error.message) == ("failed", "an answer with an empty body")


def test_an_error_inside_a_success_of_another_endpoint() -> None:
    story = Story()
    story.send({"input": "x"}, path="/v1/embeddings").answer({"error": {"message": "It broke."}})
    job = {"id": "ftjob-1", "object": "fine_tuning.job", "error": {"message": "of the job"}}
    story.send(path="/v1/fine_tuning/jobs/ftjob-1", method="GET").answer(job)
    first, second = steps(story.session(), "generic")
    assert (first.status, second.status) == ("failed", "completed")


@pytest.mark.parametrize(
    "tail",
    [
        {"usage": {"prompt_tokens": "7", "completion_tokens": "3", "total_tokens": "10"}},
        {"x_groq": {"id": "r", "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}},
        {"choices": [{"index": 0, "delta": {}, "usage": {"prompt_tokens": 7, "completion_tokens": 3}}]},
    ],
    ids=["strings", "x_groq", "in the choice"],
)
def test_usage_wherever_it_stands(tail: Any) -> None:
    story = Story("chat")
    made = story.send(story.body([user("Hello")], stream=True))
    chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi."}, "finish_reason": "stop"}]}
    zeros = {
        "id": "c",
        "choices": [],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
    made.stream([chunk, {"id": "c", "choices": [], **tail}, zeros])
    usage = the(story.session(), "assistant_call").usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (7, 3, 10)


def test_the_request_id_is_that_of_the_attempt_that_was_answered() -> None:
    story = Story("chat")
    made = story.send(story.body([user("Hello")]))
    made.answer({"error": {"message": "slow down"}}, 429, x_request_id="req_first")
    made.attempt()
    made.answer(made.response([said("Hi.")]), x_request_id="req_second")
    step = the(story.session(), "assistant_call")
    assert step.request_id == "req_second"
    assert [attempt.request_id for attempt in step.attempts] == ["req_first", "req_second"]


@BOTH
@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_lines_that_end_in_cr_alone(api: str, size: int) -> None:
    """The last CR ends the last event: nothing follows it that would tell whether it is half of a CRLF."""
    story = Story(api)
    text = body_of(story).replace("data: [DONE]\n\n", "").replace("\n", "\r")
    made = streamed(story, text, "text/event-stream", size)
    assert (made.status, made.ending, made.error) == ("completed", "completed", None)
    assert made.payload_completed["text"] == "Hi there."


def test_a_crlf_that_comes_in_two_pieces_is_one_end() -> None:
    from tfclient.projection.wire.sse import EventStream

    stream = EventStream()
    told = [event for piece in ("data: a\r", "\ndata: b", "\r", "\n\r", "\n") for event in stream.feed(piece)]
    assert told == [ServerEvent(None, "a\nb")]
    assert stream.rest == ""
