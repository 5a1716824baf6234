"""The prompt of every kind of call, put together from the document: equal to what went over the wire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture import documents, journals
from tests.capture.driver import MODEL, Driver
from tests.server.replies import Call, Raw, Say, Think, answer, calls, thing
from tfclient.projection.api.encrypted import sealed
from tfclient.projection.projector import Projector
from tfstore.document.converter import from_json, to_json
from tfstore.reading.prompts import Prompt, has_prompt, prompt_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.scripted import ScriptedServer
    from tfclient import Recorder


KEPT = {
    "type": "message",
    "id": "msg_9",
    "role": "user",
    "content": [{"type": "input_text", "text": "Weather?"}],
}


def compacted(*output: Any) -> Raw:
    return thing(id="resp_c", object="response.compaction", created_at=1, output=list(output))


def responses(drive: Driver, client: Any, server: ScriptedServer) -> None:
    """Instructions, tools, links, templates, conversations, and a compaction that the next call goes on from."""
    summary = {"type": "compaction", "id": "cmp_1", "encrypted_content": "c3VtbWFyeQ=="}
    server.script(
        calls(Call("weather", {"city": "Oslo"}, call_id="call_1"), think=Think(("Hm.",))),
        answer("Fine."),
        compacted(KEPT, summary),
        answer("Go on."),
        compacted(summary),
        answer("From a template."),
        answer("In a conversation."),
        answer("Again."),
    )
    tools: list[Any] = [{"type": "function", "name": "weather", "parameters": {}, "strict": None}]
    asked = {"model": MODEL, "instructions": "Be brief.", "tools": tools, "temperature": 0.5}
    create, compact = client.responses.create, client.responses.compact
    first = drive.do(create(input="Weather?", **asked))
    output = {"type": "function_call_output", "call_id": "call_1", "output": "7"}
    second = drive.do(create(input=[output], previous_response_id=first.id, **asked))
    small = drive.do(compact(model=MODEL, previous_response_id=second.id, instructions="Keep the facts."))
    history = [item.to_dict() for item in small.output]
    drive.do(create(model=MODEL, input=[*history, {"role": "user", "content": "And now?"}]))
    system = {"role": "developer", "content": "In Norwegian."}
    drive.do(compact(model=MODEL, input=[system, *history, {"role": "user", "content": "And now?"}]))
    drive.do(create(model=MODEL, prompt={"id": "pmpt_1", "version": "2", "variables": {"city": "Oslo"}}))
    for text in ("Hello", "Again"):
        drive.do(create(model=MODEL, input=text, conversation={"id": "conv_1"}))


def chat(drive: Driver, client: Any, server: ScriptedServer) -> None:
    """Tools and the functions of old, several texts in one message, history that is sent again."""
    create = client.chat.completions.create
    server.script(answer("First."), answer(Say("No.", refusal=True)), answer("Third."))
    functions = [{"name": "weather", "parameters": {}}]
    history: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}],
            "name": "ann",
        },
    ]
    drive.do(create(model=MODEL, messages=history, functions=functions, function_call="auto"))
    called = {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "weather", "arguments": '{"a": 1}'},
    }
    history += [called, {"role": "function", "name": "weather", "content": "7"}]
    drive.do(create(model=MODEL, messages=history, functions=functions, tools=[]))
    history += [{"role": "assistant", "content": None, "refusal": "No."}, {"role": "user", "content": "Why?"}]
    drive.do(create(model=MODEL, messages=history, n=1, logprobs=True))


def legacy(drive: Driver, client: Any, server: ScriptedServer) -> None:
    server.script(*(thing(id=f"cmpl-{n}", object="text_completion", choices=[]) for n in range(2)))
    drive.do(client.completions.create(model=MODEL, prompt="Once upon", max_tokens=5, suffix="end"))
    drive.do(client.completions.create(model=MODEL, prompt=["Once", "upon"]))


def prompts(recorder: Recorder) -> list[Prompt]:
    """The prompts of all calls, from what is written to disk."""
    session = from_json(json.loads(json.dumps(to_json(documents.session(recorder)))))
    return [
        prompt_of(session, step.step_id) for run in session.runs for step in run.steps if has_prompt(step)
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("ask", [responses, chat, legacy])
def test_a_prompt_is_what_was_sent(
    drive: Driver, recorder: Recorder, server: ScriptedServer, ask: Callable[..., None]
) -> None:
    ask(drive, drive.traced(recorder), server)
    made = [prompt.request for prompt in prompts(recorder)]
    assert len(made) > 1
    assert made == [with_sealed_items(seen.json) for seen in server.requests]


def with_sealed_items(body: Any) -> Any:
    """A body with encrypted content as the document has it."""
    if isinstance(body.get("input"), list):
        return {**body, "input": [sealed(item) for item in body["input"]]}
    return body


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_only_the_server_knows_is_said(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    client = drive.traced(recorder)
    responses(drive, client, server)
    said = [prompt.unknown for prompt in prompts(recorder)]
    assert said == [
        [],
        [],
        [],
        [],
        [],
        ["the text of the prompt template pmpt_1, version 2, which only the server has"],
        ["what conversation conv_1 held before this call"],
        ["what was put into conversation conv_1 other than by model calls of this session"],
    ]


@pytest.mark.parametrize("known", [True, False])
def test_a_chain_from_another_session(
    drive: Driver, recorder: Recorder, server: ScriptedServer, *, known: bool
) -> None:
    server.script(answer("Hello"), answer("Again"))
    client = drive.traced(recorder)
    with client.session() as old:
        first = drive.do(client.responses.create(model=MODEL, input="Hi"))
    with client.session() as new:
        drive.do(client.responses.create(model=MODEL, input="Go on", previous_response_id=first.id))
    where = {first.id: old.id} if known else {}
    projector = Projector(new.id, where.get)
    for entry in journals.entries(recorder, session=new.id):
        projector.feed(entry)
    session = projector.session()
    (call,) = [step for step in session.runs[0].steps if step.label == "assistant_call"]
    prompt = prompt_of(session, call.step_id)
    assert prompt.request == server.requests[1].json
    assert prompt.response_id == first.id
    place = f"is in session {old.id}" if known else "was not recorded here"
    assert prompt.unknown == [f"the context of {first.id}, which {place}"]


def test_a_body_that_was_not_read_is_no_prompt(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(answer("Hello"))
    client = drive.traced(recorder)

    def body() -> Any:
        yield b'{"model": "gpt-5.4-mini", "input": "Hi"}'

    async def body_async() -> Any:
        for piece in body():
            yield piece

    drive.do(client.post("/responses", cast_to=object, content=(body_async if drive.is_async else body)()))
    (prompt,) = prompts(recorder)
    assert (prompt.items, prompt.request.get("input")) == ([], None)
    assert prompt.unknown == ["the request's body (iterator)"]
