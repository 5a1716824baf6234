"""What the program says of its own calls: which response they continue from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture import documents, journals
from tests.capture.driver import MODEL, Driver
from tests.server.replies import answer
from tfclient import AsyncTracedOpenAI

if TYPE_CHECKING:
    from tests.server.scripted import ScriptedServer
    from tfclient import Recorder


@pytest.mark.parametrize("given", ["response", "id"])
def test_calls_inside_continue_from_the_response(
    drive: Driver, recorder: Recorder, server: ScriptedServer, given: str
) -> None:
    server.always(answer("Hello!"))
    client = drive.traced(recorder)

    def ask(text: str) -> Any:
        return drive.do(client.responses.create(model=MODEL, input=text))

    first = ask("A long story, told in many words.")
    with client.following(first if given == "response" else first.id):
        ask("In short: a story was told. What now?")
    ask("Something else")
    told, retold, other = documents.session(recorder).runs
    assert (retold.lineage.source, retold.lineage.parent_run_id) == ("explicit", told.run_id)
    assert (other.lineage.source, other.lineage.parent_run_id) == ("root", None)


def test_nothing_of_it_is_sent(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer("Hello!"))
    client = drive.traced(recorder)
    with client.following("resp_1"):
        drive.do(client.responses.create(model=MODEL, input="Hi"))
    drive.do(drive.plain().responses.create(model=MODEL, input="Hi"))
    ours, theirs = server.requests
    assert (ours.headers, ours.body) == (theirs.headers, theirs.body)


def test_a_chat_completion_can_be_followed(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer("Hello!"))
    client = drive.traced(recorder)

    def ask(text: str) -> Any:
        messages = [{"role": "user", "content": text}]
        return drive.do(client.chat.completions.create(model=MODEL, messages=messages))

    with client.following(ask("First")):
        ask("Second")
    assert documents.session(recorder).runs[1].lineage.source == "explicit"


def test_tasks_do_not_mix(recorder: Recorder, server: ScriptedServer) -> None:
    server.always(answer("Hello!"))

    async def branch(client: AsyncTracedOpenAI, parent: str) -> None:
        with client.following(parent):
            await asyncio.sleep(0)
            await client.responses.create(model=MODEL, input=parent)

    async def run() -> None:
        async with AsyncTracedOpenAI(api_key="k", base_url=server.url, recorder=recorder) as client:
            await asyncio.gather(*(branch(client, f"resp_{n}") for n in range(5)))

    asyncio.run(run())
    sent = {entry["call"]: entry["body"]["text"] for entry in journals.entries(recorder, "attempt.sent")}
    started = journals.entries(recorder, "call.started")
    assert len(started) == 5
    for entry in started:
        assert entry["explicit_parent"] in sent[entry["call"]]


@pytest.mark.parametrize("wrong", [None, 3, "", {"id": "resp_1"}])
def test_anything_else_is_refused(drive: Driver, recorder: Recorder, wrong: Any) -> None:
    with (
        pytest.raises(TypeError, match="a response, a chat completion or the id"),
        drive.traced(recorder).following(wrong),
    ):
        pass
