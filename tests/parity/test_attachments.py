"""What is attached, through the real clients: bytes are kept once, links and ids as they were."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.replies import Item, answer
from tfclient import AsyncTracedOpenAI, Recorder, TracedOpenAI, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.scripted import ScriptedServer
    from tfclient import SessionHandle
    from tfstore.store import Store

MODEL = "gpt-5.4-mini"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
DRAWN = b"\x89PNG\r\n\x1a\n" + bytes(reversed(range(256))) * 4
IMAGE = {"type": "input_image", "image_url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}
LINKED = {"type": "input_image", "image_url": "https://pictures.example/fjord.png"}
FILED = {"type": "input_file", "file_id": "file_123"}
DRAWING = {
    "id": "ig_1",
    "type": "image_generation_call",
    "status": "completed",
    "result": base64.b64encode(DRAWN).decode(),
}


def asked(*parts: dict[str, Any]) -> Any:
    return [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, *parts]}]


def have(kind: str, server: ScriptedServer, recorder: Recorder, *inputs: Any) -> SessionHandle:
    """Have a session, one call for each input; its files are written when this returns."""
    if kind == "sync":
        with TracedOpenAI(api_key="k", base_url=server.url, recorder=recorder) as client:
            for each in inputs:
                client.responses.create(model=MODEL, input=each)
            session = client.end_session()
    else:

        async def talk() -> SessionHandle | None:
            async with AsyncTracedOpenAI(api_key="k", base_url=server.url, recorder=recorder) as client:
                for each in inputs:
                    await client.responses.create(model=MODEL, input=each)
                return client.end_session()

        session = asyncio.run(talk())
    assert session is not None
    assert session.wait(60)
    return session


def blobs(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (folder / "blobs").rglob("*") if path.is_file())


def referred(value: Any) -> set[str]:
    """Return the blobs that a document refers to."""
    if isinstance(value, dict):
        own = {value["blob"]} if "blob" in value else set[str]()
        return own.union(*(referred(part) for part in value.values()))
    return set[str]().union(*map(referred, value)) if isinstance(value, list) else set[str]()


def payloads(store: Store, session_id: str, label: str) -> list[Any]:
    return [
        [step.payload_started, step.payload_completed]
        for step in store.steps(session_id=session_id)
        if step.label == label
    ]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_same_bytes_are_kept_once(kind: str, server: ScriptedServer, own_environment: Path) -> None:
    server.always(answer(Item(DRAWING), "A fjord."))
    recorder = Recorder()
    first = have(kind, server, recorder, asked(IMAGE), asked(IMAGE, LINKED))
    second = have(kind, server, recorder, asked(IMAGE))
    assert blobs(own_environment) == sorted([PNG, DRAWN])
    store = open_store()
    prompts = [*payloads(store, first.id, "user_message"), *payloads(store, second.id, "user_message")]
    assert len(prompts) == 3
    assert len(referred(prompts)) == 1
    outputs = [*payloads(store, first.id, "tool_output"), *payloads(store, second.id, "tool_output")]
    assert len(outputs) == 3
    assert len(referred(outputs)) == 1
    assert base64.b64encode(PNG).decode() not in first.path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_links_and_ids_stay_what_they_are(kind: str, server: ScriptedServer, own_environment: Path) -> None:
    server.always(answer("A fjord."))
    session = have(kind, server, Recorder(), asked(LINKED, FILED))
    store = open_store()
    (prompt,) = payloads(store, session.id, "user_message")
    assert LINKED in prompt[0]["content"]
    assert FILED in prompt[0]["content"]
    assert blobs(own_environment) == []
    assert len(server.requests) == 1, "nothing is fetched"
