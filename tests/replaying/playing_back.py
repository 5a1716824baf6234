"""A recording played through the real clients, whatever requests are in it; and documents without what must differ."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import openai
from openai import AsyncStream, Stream

import tfclient
from tfstore.document.converter import to_json

if TYPE_CHECKING:
    from tfclient import Playback, Recorder
    from tfclient.replaying.tape import Recorded, Tape
    from tfstore.document.documents import Session

READ_WRONG = (openai.OpenAIError, json.JSONDecodeError, UnicodeDecodeError, TypeError, ValueError)
"""What the SDK raises at answers that are no good to it."""


def calls_of(tape: Tape) -> list[tuple[Recorded, int]]:
    """The first attempt of each call, and how often it was tried again."""
    calls: dict[str, list[Recorded]] = {}
    for each in tape.attempts:
        calls.setdefault(each.call, []).append(each)
    return [(attempts[0], len(attempts) - 1) for attempts in calls.values()]


def asking(recorded: Recorded, retries: int, *, asynchronous: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What to give to the client's ``request``, so that it sends what was recorded."""
    from openai._models import FinalRequestOptions

    content_type = recorded.headers.get("content-type", "")
    body: Any = None
    content: bytes | None = None
    if recorded.body:
        try:
            body = json.loads(recorded.body)
        except ValueError:
            body = None
        if not isinstance(body, dict | list) or "multipart" in content_type:
            body, content = None, recorded.body
    stream = isinstance(body, dict) and bool(body.get("stream"))
    options = FinalRequestOptions.construct(
        method=recorded.method.lower(),
        url=recorded.url,
        headers={"content-type": content_type} if content_type and content is not None else {},
        max_retries=retries,
        json_data=body,
        content=content,
    )
    streams: Any = AsyncStream[object] if asynchronous else Stream[object]
    return (object, options), {"stream": stream, "stream_cls": streams if stream else None}


def play_sync(tape: Tape, recorder: Recorder, **client: Any) -> tuple[str, Playback]:
    playback = tfclient.replay(tape)
    with tfclient.TracedOpenAI(api_key="unused", recorder=recorder, replay=playback, **client) as traced:
        for recorded, retries in calls_of(tape):
            args, kwargs = asking(recorded, retries, asynchronous=False)
            try:
                reply = traced.request(*args, **kwargs)
                if kwargs["stream"]:
                    for _ in reply:
                        pass
            except READ_WRONG:
                pass
        session = traced.end_session()
    assert session is not None
    return session.id, playback


async def _play_async(tape: Tape, recorder: Recorder, **client: Any) -> tuple[str, Playback]:
    playback = tfclient.replay(tape)
    async with tfclient.AsyncTracedOpenAI(
        api_key="unused", recorder=recorder, replay=playback, **client
    ) as traced:
        for recorded, retries in calls_of(tape):
            args, kwargs = asking(recorded, retries, asynchronous=True)
            try:
                reply: Any = await traced.request(*args, **kwargs)
                if kwargs["stream"]:
                    async for _ in reply:
                        pass
            except READ_WRONG:
                pass
        session = traced.end_session()
    assert session is not None
    return session.id, playback


def play_async(tape: Tape, recorder: Recorder, **client: Any) -> tuple[str, Playback]:
    return asyncio.run(_play_async(tape, recorder, **client))


NAMES_AND_TIMES = frozenset(
    {"started_at", "ended_at", "duration_ms", "latency", "exchange_id", "played", "at_ms", "redactions"}
)
OF_THE_PROGRAM = frozenset(
    {"session_id", "metadata", "runtime", "integrity", "artifacts", "replay", "redaction"}
)


def comparable(session: Session) -> Any:
    """The document without what must differ from replay to replay; digests of steps stay."""
    document = {key: value for key, value in to_json(session).items() if key not in OF_THE_PROGRAM}
    return _without(document)


def without_exceptions(document: Any) -> Any:
    """The same without what only a program can be told: the exception that it got, and the digest with that in it."""
    for run in document["runs"]:
        for step in run["steps"]:
            if "exception" in step.get("payload_completed", {}):
                del step["payload_completed"]["exception"], step["sha256"]
                step["error"] = None
            elif "error" in step:
                step.pop("sha256", None)
                step["error"] = None
    return document


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(part) for key, part in value.items() if key not in NAMES_AND_TIMES}
    return [_without(part) for part in value] if isinstance(value, list) else value
