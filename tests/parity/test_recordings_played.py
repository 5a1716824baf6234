"""Recorded traffic played through the real clients: sync, async and imported give the same document."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import openai
import pytest
import vcr
from openai import AsyncStream, Stream

from tfclient import AsyncTracedOpenAI, Recorder, TracedOpenAI
from tfclient.importing.cassette import Interaction, read_cassette
from tfclient.importing.cassettes import import_cassettes
from tfstore.document.converter import to_json
from tfstore.store import Store

if TYPE_CHECKING:
    from tfstore.document.documents import Session

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"

ENDPOINT = re.compile(
    r"^(?P<base>https?://.+?)(?P<path>/(?:responses|chat/completions))(?:\?(?P<query>.*))?$"
)

TELLING = (
    "test_call_with_tools-openai_gpt_4o_responses",
    "stream",
    "refusal",
    "parallel",
    "n>1",
    "mcp",
    "compact",
    "tool_search",
    "error",
    "reasoning",
)
"""Words in recordings' names and flags that promise something to tell apart; of each the first few are played."""

EACH = 5


def playable(interactions: list[Interaction]) -> bool:
    """Whether a recording is a conversation that one client can have: JSON requests to one server."""
    bases: set[str] = set()
    for each in interactions:
        found = ENDPOINT.match(each.url)
        # A host in capitals (a placeholder) is lowered by every client, and then no recording matches.
        if found is None or each.method != "POST" or found["base"] != found["base"].lower():
            return False
        if "application/json" not in each.request_headers.get("content-type", "application/json"):
            return False
        try:
            if not isinstance(json.loads(each.request_body), dict):
                return False
        except ValueError:
            return False
        bases.add(found["base"])
    return len(bases) == 1


def chosen() -> list[Path]:
    index = RECORDINGS / "index.jsonl"
    if not index.exists():
        return []
    rows = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["format"] == "vcr-v1" and row["bytes"] < 300_000]
    picked: dict[str, None] = {}
    for word in TELLING:
        matching = [row["file"] for row in rows if word in row["file"] or word in row.get("flags", [])]
        picked.update(dict.fromkeys(matching[:EACH]))
    picked.update(dict.fromkeys(row["file"] for row in rows[::25]))
    return [RECORDINGS / name for name in picked if playable(read_cassette(RECORDINGS / name))]


CHOSEN = chosen()

pytestmark = pytest.mark.skipif(not CHOSEN, reason="the recordings of real traffic are not here")


def client_arguments(interaction: Interaction, recorder: Recorder) -> dict[str, Any]:
    found = ENDPOINT.match(interaction.url)
    assert found is not None
    return {
        "api_key": "not-needed",
        "base_url": found["base"],
        "default_query": dict(parse_qsl(urlsplit(interaction.url).query)),
        "max_retries": 0,
        "recorder": recorder,
    }


def request_arguments(interaction: Interaction) -> tuple[str, dict[str, Any], bool]:
    found = ENDPOINT.match(interaction.url)
    assert found is not None
    body = json.loads(interaction.request_body)
    return found["path"], body, bool(body.get("stream"))


def play_sync(path: Path, interactions: list[Interaction], recorder: Recorder) -> str:
    with (
        vcr.use_cassette(str(path), record_mode="none", match_on=["method", "uri", "body"]),
        TracedOpenAI(**client_arguments(interactions[0], recorder)) as client,
    ):
        for interaction in interactions:
            url, body, stream = request_arguments(interaction)
            try:
                reply: Any = client.post(
                    url, body=body, cast_to=object, stream=stream, stream_cls=Stream[object]
                )
                if stream:
                    for _ in reply:
                        pass
            except (openai.APIError, json.JSONDecodeError):
                pass
        session = client.end_session()
    assert session is not None
    session.wait(60)
    return session.id


async def play_async(path: Path, interactions: list[Interaction], recorder: Recorder) -> str:
    with vcr.use_cassette(str(path), record_mode="none", match_on=["method", "uri", "body"]):
        async with AsyncTracedOpenAI(**client_arguments(interactions[0], recorder)) as client:
            for interaction in interactions:
                url, body, stream = request_arguments(interaction)
                try:
                    reply: Any = await client.post(
                        url, body=body, cast_to=object, stream=stream, stream_cls=AsyncStream[object]
                    )
                    if stream:
                        async for _ in reply:
                            pass
                except (openai.APIError, json.JSONDecodeError):
                    pass
            session = client.end_session()
    assert session is not None
    await session.finished()
    return session.id


TIMES_AND_NAMES = frozenset({"started_at", "ended_at", "duration_ms", "latency", "mono", "exchange_id"})

OF_THE_PROGRAM = frozenset({"session_id", "metadata", "runtime", "integrity", "artifacts"})


def comparable(session: Session) -> Any:
    """Return the document without what must differ: its ids and times, and what only a program can be told."""
    document = {k: v for k, v in to_json(session).items() if k not in OF_THE_PROGRAM}
    redaction = document["redaction"]
    # A cassette has no key of the program's own in its headers.
    places = [each for each in redaction.pop("places", []) if not each["rule"].startswith("header:")]
    document["redaction"] = redaction | {"places": places}
    for run in document["runs"]:
        for step in run["steps"]:
            if "error" in step:
                # The exception that the failed call raised, and with it the payload's digest.
                step["payload_completed"].pop("exception", None)
                del step["sha256"]
    return without_times(document)


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(part) for key, part in value.items() if key not in TIMES_AND_NAMES}
    if isinstance(value, list):
        return [without_times(part) for part in value]
    return value


@pytest.mark.parametrize("path", CHOSEN, ids=lambda path: path.stem)
def test_sync_async_and_imported_agree(path: Path, tmp_path: Path) -> None:
    interactions = read_cassette(path)
    recorder = Recorder(tmp_path / "store")
    sync_id = play_sync(path, interactions, recorder)
    async_id = asyncio.run(play_async(path, interactions, recorder))
    assert recorder.health.ok, recorder.health
    store = Store(tmp_path / "store")
    imported = next(iter(import_cassettes(store, [path]))).session
    assert imported is not None
    played = comparable(store.get(sync_id))
    assert played == comparable(store.get(async_id))
    assert played == comparable(store.get(imported.session_id))
