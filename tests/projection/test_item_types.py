"""Every type of item that the API names: its label, its title, its dependency, and that none is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.projection.builders import Story, said, steps, the, user
from tests.projection.recorded import needs_recordings, recordings
from tfclient.projection.wire.response_stream import ResponseStream
from tfstore.document.documents import Session, Step, Usage
from tfstore.document.item_types import ITEM_TYPES, ItemType
from tfstore.reading.facts import gather
from tfstore.reading.step_words import NAME, name_of, said_in_line, word_of
from tfstore.reading.wire_items import wire_item

OUTPUTS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "function_call", "call_id": "c", "name": "get", "arguments": '{"a":1}'}, "tool_call", "CALL get: (a=1)"),
    ({"type": "custom_tool_call", "call_id": "c", "name": "run", "input": "x = 1"}, "tool_call", "CALL run: (x = 1)"),
    (
        {"type": "mcp_call", "name": "find", "server_label": "docs", "arguments": '{"q":"x"}'},
        "tool_call", 'CALL find: (q="x")',
    ),
    (
        {"type": "mcp_list_tools", "server_label": "docs", "tools": [{"name": "a"}, {"name": "b"}]},
        "generic", "ITEM mcp_list_tools: a, b",
    ),
    (
        {"type": "mcp_approval_request", "id": "m", "name": "rm", "arguments": '{"f":1}', "server_label": "s"},
        "approval_request", "APPROVAL ASKED rm: (f=1)",
    ),
    (
        {"type": "web_search_call", "action": {"type": "search", "query": "oslo"}},
        "tool_call", 'CALL web_search: (type="search", query="oslo")',
    ),
    ({"type": "file_search_call", "queries": ["a", "b"]}, "tool_call", 'CALL file_search: (["a", "b"])'),
    (
        {"type": "code_interpreter_call", "code": "print(1)", "container_id": "c"},
        "tool_call", "CALL code_interpreter: (print(1))",
    ),
    ({"type": "image_generation_call", "revised_prompt": "a cat"}, "tool_call", "CALL image_generation: (a cat)"),
    (
        {"type": "computer_call", "call_id": "c", "action": {"type": "click", "x": 1, "y": 2}},
        "tool_call", 'CALL computer: (type="click", x=1, y=2)',
    ),
    (
        {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls", "-l"]}},
        "tool_call", 'CALL shell: (commands=["ls", "-l"])',
    ),
    (
        {"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}},
        "tool_call", 'CALL local_shell: (command=["ls"])',
    ),
    (
        {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "update_file", "path": "a.py", "diff": "+"}},
        "tool_call", 'CALL apply_patch: (type="update_file", path="a.py", diff="+")',
    ),
    ({"type": "tool_search_call", "call_id": None, "arguments": {"q": "x"}}, "tool_call", 'CALL tool_search: (q="x")'),
    ({"type": "compaction", "encrypted_content": "gAAA"}, "context_compacted", "COMPACTED : [encrypted, 4 bytes]"),
    ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}, "reasoning", "REASONING : Hm."),
    (
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
        "reasoning", "REASONING : [encrypted, 4 bytes]",
    ),
    ({"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
     "assistant_message", "ASSISTANT : No."),
    ({"type": "hologram", "beam": {"color": "red"}}, "generic", 'ITEM hologram: {"beam": {"color": "red"}}'),
]  # fmt: skip


def words_of(session: Session, step: Step) -> str:
    """What a step is called and says, as the command and the page show it."""
    own = gather(session).steps[step.step_id]
    return f"{word_of(step)} {name_of(own)}: {said_in_line(step)}"


@pytest.mark.parametrize(("item", "label", "title"), OUTPUTS, ids=[str(item["type"]) for item, *_ in OUTPUTS])
def test_output_item(item: dict[str, Any], label: str, title: str) -> None:
    story = Story()
    story.ask([user("Do it")], [{"id": "item_1", **item}])
    session = story.session()
    (made,) = [step for step in steps(session) if step.output_index == 0]
    assert (made.label, words_of(session, made)) == (label, title)
    assert made.depends_on == [the(session, "assistant_call").step_id]
    assert made.item_id == item.get("id", "item_1")


ROWS = list(ITEM_TYPES.values())
CALLS = [row for row in ROWS if row.kind == "call"]
TEXTS = {"arguments": '{"a":1}', "input": "x = 1", "code": "x = 1"}
LABELS = {
    "message": "assistant_message",
    "call": "tool_call",
    "output": "tool_output",
    "reasoning": "reasoning",
    "approval_request": "approval_request",
    "compaction": "context_compacted",
}


def type_of(row: ItemType) -> str:
    return row.name


def item_of(row: ItemType, **more: Any) -> dict[str, Any]:
    """An item of a type, with all that its row speaks of."""
    item: dict[str, Any] = {"type": row.name, "id": "item_1"}
    if row.kind == "call":
        item |= {"call_id": "call_1", row.arguments: TEXTS.get(row.arguments, {"a": 1})}
        item |= {"name": "look"} if row.named else {}
    return item | more


@pytest.mark.parametrize("row", ROWS, ids=type_of)
def test_every_row_has_its_label(row: ItemType) -> None:
    story = Story()
    story.ask([user("Do it")], [item_of(row)])
    (made,) = [step for step in steps(story.session()) if step.output_index == 0]
    assert made.label == LABELS.get(row.kind, "generic")


@pytest.mark.parametrize("row", CALLS, ids=type_of)
@pytest.mark.parametrize("execution", [None, "client", "server"])
def test_every_call_is_answered_as_its_row_says(row: ItemType, execution: str | None) -> None:
    story = Story()
    item = item_of(row, **({"execution": execution} if execution else {}))
    story.ask([user("Do it")], [item])
    step = the(story.session(), "tool_call")
    by_caller = row.answered_by == "caller" or (row.answered_by == "either" and execution == "client")
    assert step.status == ("in_progress" if by_caller else "completed")
    given = item[row.arguments]
    assert step.payload_started["arguments"] == ({"a": 1} if row.arguments == "arguments" else given)
    assert wire_item([step]) == {**item, "status": "completed"}


@pytest.mark.parametrize("row", [row for row in CALLS if row.result], ids=type_of)
def test_what_came_of_a_call_is_its_output(row: ItemType) -> None:
    story = Story()
    story.ask([user("Do it")], [item_of(row, **{row.result: "found"})])
    session = story.session()
    assert the(session, "tool_output").payload_completed["output"] == "found"
    assert row.result not in the(session, "tool_call").payload_started


@pytest.mark.parametrize("row", [row for row in ROWS if row.pieces], ids=type_of)
def test_every_piece_of_a_stream_finds_its_item(row: ItemType) -> None:
    """Also of an item that was never announced."""
    stream = ResponseStream()
    for piece in row.pieces:
        for part in ("Hel", "lo"):
            delta = {"stdout": part} if row.kind == "output" else part
            event = {"type": f"response.{row.name}_{piece}.delta", "output_index": 0, "command_index": 0}
            stream.feed(None, json.dumps({**event, "item_id": "item_1", "delta": delta}))
    (item,) = stream.body()["output"]
    assert (item["type"], item["id"]) == (row.name, "item_1")
    assert "Hello" in json.dumps(item)
    assert stream.strange == []


@pytest.mark.parametrize("row", ROWS, ids=type_of)
def test_progress_says_nothing_where_the_row_says_so(row: ItemType) -> None:
    stream = ResponseStream()
    stream.feed(None, json.dumps({"type": f"response.{row.name}.in_progress", "output_index": 0}))
    assert bool(stream.strange) is not row.progress


def test_refusal_is_kept_apart_from_text() -> None:
    story = Story()
    story.ask(
        [user("Do it")],
        [{"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}],
    )
    assert the(story.session(), "assistant_message").payload_completed == {"text": "", "refusal": "No."}


def test_annotations_and_logprobs_are_kept() -> None:
    cited = {"type": "url_citation", "url": "https://example.test", "start_index": 0, "end_index": 3}
    part = {
        "type": "output_text",
        "text": "Yes",
        "annotations": [cited],
        "logprobs": [{"token": "Yes", "logprob": -1}],
    }
    story = Story()
    story.ask([user("So?")], [{"type": "message", "role": "assistant", "content": [part]}])
    assert the(story.session(), "assistant_message").payload_completed == {
        "text": "Yes", "annotations": [cited], "logprobs": [{"token": "Yes", "logprob": -1}],
    }  # fmt: skip


def test_image_is_a_blob_once() -> None:
    """A generated image is decoded into a blob; what stands in the document says what it is."""
    from tfclient.projection.projector import Projector

    picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk" + "A" * 800
    story = Story()
    story.ask([user("A cat")], [{"type": "image_generation_call", "id": "ig_1", "result": picture}])
    projector = Projector("sess")
    for entry in story.entries:
        projector.feed(entry)
    shown = the(projector.session(), "tool_output").payload_completed["output"]
    (blob,) = projector.take_blobs()
    assert shown["media_type"] == blob.media_type == "image/png"
    assert shown["blob"] == f"sha256:{blob.sha256}"
    assert blob.data.startswith(b"\x89PNG")


def test_request_fields_stay_in_arguments() -> None:
    """Every request field other than input, instructions and tools is in `arguments`."""
    fields: dict[str, Any] = {
        "service_tier": "flex", "truncation": "auto", "prompt_cache_key": "k", "safety_identifier": "s",
        "metadata": {"a": "b"}, "store": False, "temperature": 0.5, "background": False, "include": ["x"],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
    }  # fmt: skip
    story = Story()
    story.send(story.body([user("Hello")], **fields)).answer_items([said('{"a": 1}')])
    assert the(story.session(), "assistant_call").payload_started["arguments"] == fields


def test_a_response_does_not_repeat_its_request() -> None:
    """What the API sends back as it was sent is named; tools with defaults filled in are told as the difference."""
    tool = {
        "type": "function",
        "name": "weather",
        "description": "Tells the weather. " * 9,
        "parameters": {"type": "object"},
    }
    sent: dict[str, Any] = {
        "instructions": "Be brief.",
        "tools": [tool],
        "metadata": {"a": "b"},
        "temperature": 0.5,
    }
    back = {**sent, "tools": [{**tool, "strict": True}], "temperature": 1.0, "truncation": "disabled"}
    story = Story()
    story.send(story.body([user("Hello")], **sent)).answer_items([said("Hi.")], **back)
    session = story.session()
    told = the(session, "assistant_call").payload_completed["response"]
    assert told["as_sent"] == ["instructions", "metadata"]
    tools = the(session, "tool.schemas.snapshot").step_id
    assert told["tools"] == {"step_id": tools, "with": {"/0/strict": True}}
    assert (told["temperature"], told["truncation"]) == (1.0, "disabled")


def test_what_a_response_says_twice_or_not_at_all_is_not_written() -> None:
    """Its parent, its counts and its request id stand in the step; null and empty fields say nothing; zero does."""
    story = Story()
    first = story.ask([user("Hello")], [said("Hi.")])
    plain = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 11,
    }
    back: dict[str, Any] = {
        "previous_response_id": first,
        "user": None,
        "tools": [],
        "metadata": {},
        "top_logprobs": 0,
        "store": False,
    }
    sent = story.send(story.body([user("And?")], previous_response_id=first))
    sent.answer_items([said("Well.")], **back, usage=plain)
    call = steps(story.session(), "assistant_call")[-1]

    assert call.previous_response_id == first
    told = call.payload_completed["response"]
    assert told["as_sent"] == ["previous_response_id"]
    assert not {"user", "tools", "metadata", "previous_response_id"} & set(told)
    assert (told["top_logprobs"], told["store"]) == (0, False)
    assert call.usage == Usage(9, 2, 4, 0, 11)
    assert "usage" not in call.payload_completed


@pytest.mark.parametrize(
    "more",
    [
        {"cost": 0.01},
        {"input_tokens_details": {"cached_tokens": 0, "audio_tokens": 3}},
        {"total_tokens": "12"},
        {"output_tokens": float("inf")},
    ],
)
def test_counts_that_a_step_has_no_place_for_are_kept_as_given(more: dict[str, Any]) -> None:
    given = {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11} | more
    story = Story()
    story.send(story.body([user("Hello")])).answer_items([said("Hi.")], usage=given)

    marked = {k: {"number": "Infinity"} if v == float("inf") else v for k, v in given.items()}
    assert the(story.session(), "assistant_call").payload_completed["usage"] == marked


def test_a_request_id_is_beside_the_headers() -> None:
    story = Story()
    sent = story.send(story.body([user("Hello")]))
    answer = sent.response([said("Hi.")])
    sent.answer(answer, x_request_id="req_1", apim_request_id="other", openai_version="2020-10-01")
    (attempt,) = the(story.session(), "assistant_call").attempts

    assert attempt.request_id == "req_1"
    assert attempt.headers.keys() == {"content-type", "apim-request-id", "openai-version"}


def test_azure_deployment_is_the_model() -> None:
    """Azure names the deployment in the URL; the host is kept and the provider named."""
    story = Story("chat")
    sent = story.send(
        {"messages": [{"role": "user", "content": "Hi"}]},
        path="/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21",
    )
    story.entries[-1]["url"] = story.entries[-1]["url"].replace("api.openai.com", "x.openai.azure.com")
    sent.answer_items([said("Hi.")])
    payload = the(story.session(), "assistant_call").payload_started
    assert (payload["model"], payload["model_from"]) == ("my-gpt", "url")
    assert (payload["host"], payload["provider"]) == ("x.openai.azure.com", "azure")
    assert payload["query"] == {"api-version": "2024-10-21"}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/conversations", "conversations.create"),
        ("POST", "/v1/conversations/conv_1/items", "conversations.items.create"),
        ("GET", "/v1/conversations/conv_1/items", "conversations.items.list"),
        ("DELETE", "/v1/conversations/conv_1", "conversations.delete"),
        ("GET", "/v1/responses/resp_1/input_items", "responses.input_items.list"),
        ("POST", "/v1/responses/input_tokens", "responses.input_tokens"),
        ("DELETE", "/v1/responses/resp_1", "responses.delete"),
        ("GET", "/v1/chat/completions/chatcmpl_1", "chat.completions.retrieve"),
        ("POST", "/v1/moderations", "moderations.create"),
        ("POST", "/v1/images/generations", "images.generations.create"),
        ("POST", "/v1/audio/speech", "audio.speech.create"),
        ("POST", "/v1/files", "files.create"),
        ("POST", "/v1/batches/batch_1/cancel", "batches.cancel"),
        ("GET", "/v1/models", "models.list"),
        ("GET", "/v1/brand/new", "GET /v1/brand/new"),
    ],
)
def test_every_other_endpoint_is_an_api_run(method: str, path: str, name: str) -> None:
    story = Story()
    story.send({"a": 1} if method == "POST" else None, path=path, method=method).answer(
        {"id": "x_1", "object": "thing"}
    )
    session = story.session()
    (run,) = session.runs
    (step,) = run.steps
    assert (run.trigger, run.status, step.label, step.type) == ("api", "completed", "generic", f"api.{name}")
    assert step.payload_started.get("arguments") == ({"a": 1} if method == "POST" else None)
    assert step.payload_completed["body"] == {"id": "x_1", "object": "thing"}
    if "conv_1" in path:
        assert run.conversation_id == "conv_1"


@needs_recordings
def test_every_recorded_step_is_called_something() -> None:
    for recording in recordings():
        facts = gather(recording.session)
        for run in recording.session.runs:
            for step in run.steps:
                name = name_of(facts.steps[step.step_id])
                assert word_of(step)
                assert "\n" not in name
                assert len(name) <= NAME


@pytest.mark.parametrize("odd", [7, "x", {"a": 1}, True])
def test_what_should_be_a_list_and_is_none(odd: Any) -> None:
    """Such a call is in the document like any other."""
    story = Story()
    message = {"role": "assistant", "content": "Hi.", "tool_calls": odd}
    story.send(
        {"model": "gpt-5", "messages": [{"role": "user", "content": "Hello"}, message]},
        path="/v1/chat/completions",
    ).answer({"id": "c1", "object": "chat.completion", "choices": [{"index": 0, "message": message}]})
    story.ask([user("Do it")], [{"type": "reasoning", "id": "r", "summary": odd, "content": odd}])
    labels = [step.label for step in steps(story.session())]
    assert labels.count("assistant_call") == 2
    assert "reasoning" in labels
