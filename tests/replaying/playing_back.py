"""A recording played through the real clients, whatever requests are in it; and documents without what must differ."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import openai
from openai import AsyncStream, Stream

import tfclient
from tfstore.document.converter import to_json
from tfstore.document.json_text import compact

if TYPE_CHECKING:
    from tfclient import Playback, Recorder
    from tfclient.replaying.recorded import Recorded
    from tfclient.replaying.tape import Tape
    from tfclient.sessions.handle import SessionHandle
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
    stream = False
    if recorded.body:
        try:
            body = json.loads(recorded.body)
        except ValueError:
            body = None
        stream = isinstance(body, dict) and bool(body.get("stream"))
        if not isinstance(body, dict | list) or len(compact(body)) != len(recorded.body):
            # Written another way than the SDK's: its length is in the document of calls of other APIs.
            body, content = None, recorded.body
    options = FinalRequestOptions.construct(
        method=recorded.method.lower(),
        url=recorded.url,
        headers={_TYPE: content_type} if content_type and content is not None else {},
        max_retries=retries,
        json_data=body,
        content=content,
    )
    streams: Any = AsyncStream[object] if asynchronous else Stream[object]
    return (object, options), {"stream": stream, "stream_cls": streams if stream else None}


_TYPE = "x-content-type"
"""Says of which type a request is to be: the SDK refuses forms that are bytes already."""


class _Sync(tfclient.TracedOpenAI):
    def _prepare_request(self, request: Any) -> None:
        _retype(request)


class _Async(tfclient.AsyncTracedOpenAI):
    async def _prepare_request(self, request: Any) -> None:
        _retype(request)


def _retype(request: Any) -> None:
    wanted = request.headers.pop(_TYPE, None)
    if wanted is not None:
        request.headers["content-type"] = wanted


def play_sync(tape: Tape, recorder: Recorder, **client: Any) -> tuple[SessionHandle, Playback]:
    playback = tfclient.replay(tape)
    with _Sync(api_key="unused", recorder=recorder, replay=playback, **client) as traced:
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
    return session, playback


async def _play_async(tape: Tape, recorder: Recorder, **client: Any) -> tuple[SessionHandle, Playback]:
    playback = tfclient.replay(tape)
    async with _Async(api_key="unused", recorder=recorder, replay=playback, **client) as traced:
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
    return session, playback


def play_async(tape: Tape, recorder: Recorder, **client: Any) -> tuple[SessionHandle, Playback]:
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


def of_any_client(document: Any) -> Any:
    """The same without what a cassette cannot tell: the exception that a program got, and digests with that in them."""
    for step in _steps(document):
        if "error" in step:
            del step["error"]
            step.pop("sha256", None)
        step.get("payload_completed", {}).pop("exception", None)
    return document


def hosts_of(document: Any) -> set[str]:
    """The hosts that a session's calls went to, as they were written."""
    return {step.get("payload_started", {}).get("host", "") for step in _steps(document)}


def with_small_hosts(document: Any) -> Any:
    """The same with hosts as clients write them; one in capitals, a placeholder, is in its step's digest."""
    for step in _steps(document):
        if "host" in step.get("payload_started", {}):
            step["payload_started"]["host"] = step["payload_started"]["host"].lower()
            step.pop("sha256", None)
    return document


def _steps(document: Any) -> list[Any]:
    return [step for run in document["runs"] for step in run["steps"]]


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(part) for key, part in value.items() if key not in NAMES_AND_TIMES}
    return [_without(part) for part in value] if isinstance(value, list) else value
