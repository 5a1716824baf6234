"""What came of a prompt, and where an answer came from, across forks, sessions and kinds of client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.replies import Call, answer, calls
from tfclient import AsyncTracedOpenAI, Recorder, TracedOpenAI, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.scripted import ScriptedServer
    from tfstore.document.documents import Step
    from tfstore.store import Store

MODEL = "gpt-5.4-mini"


def sync_session(server: ScriptedServer, requests: list[dict[str, Any]], known: list[str]) -> str:
    """Have a session; ``after`` says which earlier response each request goes on from."""
    with TracedOpenAI(api_key="k", base_url=server.url, recorder=Recorder()) as client:
        for request in requests:
            known.append(client.responses.create(model=MODEL, **linked(request, known)).id)
        session = client.end_session()
    assert session is not None
    assert session.wait(60)
    return session.id


def async_session(server: ScriptedServer, requests: list[dict[str, Any]], known: list[str]) -> str:
    async def talk() -> str:
        async with AsyncTracedOpenAI(api_key="k", base_url=server.url, recorder=Recorder()) as client:
            for request in requests:
                known.append((await client.responses.create(model=MODEL, **linked(request, known))).id)
            session = client.end_session()
        assert session is not None
        assert await session.finished()
        return session.id

    return asyncio.run(talk())


def linked(request: dict[str, Any], known: list[str]) -> dict[str, Any]:
    after = request.get("after")
    rest = {key: value for key, value in request.items() if key != "after"}
    return rest if after is None else {**rest, "previous_response_id": known[after]}


def prompt(store: Store, session_id: str, text: str) -> Step:
    return next(
        step
        for step in store.steps(session_id=session_id, label="user_message")
        if step.payload_started["text"] == text
    )


@pytest.mark.parametrize("have", [sync_session, async_session])
def test_across_a_fork_and_two_sessions(
    server: ScriptedServer, have: Callable[[ScriptedServer, list[dict[str, Any]], list[str]], str]
) -> None:
    server.script(calls(Call("weather", {"city": "Oslo"}, call_id="call_1")), answer("Fine in Oslo."))
    server.script(answer("A walk."), answer("A museum."), answer("Something else."), answer("Good shoes."))
    known: list[str] = []
    output = {"type": "function_call_output", "call_id": "call_1", "output": "fine"}
    first = have(
        server,
        [
            {"input": "How is Oslo?"},
            {"input": [output], "after": 0},
            {"input": "What to do?", "after": 1},
            {"input": "And indoors?", "after": 1},
            {"input": "Another matter"},
        ],
        known,
    )
    second = have(server, [{"input": "What to wear?", "after": 2}], known)
    store = open_store()

    def answers_of(step: Step) -> set[str]:
        found = store.descendants(step)
        return {each.payload_completed["text"] for each in found if each.label == "assistant_message"}

    root, walk, museum = (
        prompt(store, first, text) for text in ("How is Oslo?", "What to do?", "And indoors?")
    )
    assert answers_of(root) == {"Fine in Oslo.", "A walk.", "A museum.", "Good shoes."}
    assert answers_of(walk) == {"A walk.", "Good shoes."}
    assert answers_of(museum) == {"A museum."}
    assert answers_of(prompt(store, first, "Another matter")) == {"Something else."}
    for session_id in (first, second):
        for step in store.steps(session_id=session_id, label="assistant_message"):
            told = store.origin(step).payload_started["text"]
            other = step.payload_completed["text"] == "Something else."
            assert told == ("Another matter" if other else "How is Oslo?")
