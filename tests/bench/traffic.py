"""What is sent back and forth in the benchmarks: an answer of 6 KB, a stream of 300 events, and who gives them."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import openai

import tfclient
import tfclient.sessions.ends
from tests.capture.driver import HTTP, MODEL
from tests.server.ids import Clock, Ids
from tests.server.replies import Say, Think, answer
from tests.server.responses_api import ResponsesApi
from tfclient import Recorder
from tfclient.capture.exchange import Call
from tfclient.sessions.handle import SessionHandle

_WORDS = "The lighthouse keeper wrote down what the sea had brought, and when, and in which weather. "
_JSON = {"content-type": "application/json", "x-request-id": "req_bench", "openai-processing-ms": "812"}
_SSE = {"content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_bench"}
_count = itertools.count(1)


def prompt(length: int = 1500) -> str:
    """Give a text that was not sent before, and has no more in common with the others than words."""
    random = Random(next(_count))  # noqa: S311 - the same texts at every run
    words = _WORDS.split()
    return " ".join(random.choices(words, k=length // 5))


@cache
def response_of_6_kb() -> bytes:
    """An ordinary response, laid out as the API does."""
    api = ResponsesApi(Ids("bench"), Clock())
    reply = answer(Think([_WORDS * 5]), Say(_WORDS * 36))
    return json.dumps(api.create({"input": "Hi", "model": MODEL}, reply), indent=2).encode()


@cache
def events() -> tuple[bytes, ...]:
    """The events of a streamed answer: 300 of them, each as it goes over the wire."""
    api = ResponsesApi(Ids("bench"), Clock())
    response = api.create({"input": "Hi", "model": MODEL}, answer(" ".join(_WORDS.split() * 40)))
    made = [*api.events(response)]
    deltas = [n for n, event in enumerate(made) if event["type"].endswith("text.delta")]
    surplus = deltas[len(deltas) - (len(made) - 300) :] if len(made) > 300 else []
    kept = [event for n, event in enumerate(made) if n not in surplus]
    return tuple(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in kept)


def chunks(events_each: int) -> list[bytes]:
    """Give the stream in network chunks of so many events."""
    whole = events()
    return [b"".join(whole[n : n + events_each]) for n in range(0, len(whole), events_each)]


def answering(body: bytes | None = None) -> Any:
    """Give an HTTP client that answers with a body."""
    content = response_of_6_kb() if body is None else body
    return HTTP.Client(
        transport=HTTP.MockTransport(lambda _: HTTP.Response(200, headers=_JSON, content=content))
    )


def answering_async() -> Any:
    """Give the same for an event loop."""
    content = response_of_6_kb()
    return HTTP.AsyncClient(
        transport=HTTP.MockTransport(lambda _: HTTP.Response(200, headers=_JSON, content=content))
    )


def streaming(pieces: list[bytes]) -> Any:
    """Give an HTTP client that streams these chunks."""

    class Body(HTTP.SyncByteStream, HTTP.AsyncByteStream):  # type: ignore[name-defined, misc]
        def __iter__(self) -> Iterator[bytes]:
            return iter(pieces)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

    return HTTP.Client(
        transport=HTTP.MockTransport(lambda _: HTTP.Response(200, headers=_SSE, stream=Body()))
    )


@contextlib.contextmanager
def recorder(**settings: Any) -> Iterator[Recorder]:
    """Give a recorder with a store that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tfclient-bench-", ignore_cleanup_errors=True) as folder:
        made = Recorder(Path(folder) / "store", **settings)
        try:
            yield made
        finally:
            for state in made.sessions.open():
                state.end("closed")
                state.done.wait(30)


class _Nothing:
    def refresh(self, session_id: str) -> None: ...

    def write_files(self, session_id: str, on_done: Any) -> None:  # noqa: ARG002
        on_done(None, 0)

    def drain(self, timeout: float) -> None: ...

    def watch(self, health: object) -> None: ...

    def write_down(self) -> None: ...

    def see_to_it(self) -> bool:
        return True

    def waiting(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


@contextlib.contextmanager
def nothing_finished() -> Iterator[None]:
    """Have recorders begun meanwhile write journals only: what projects in the background is measured apart."""
    before = tfclient.sessions.ends.make_finisher
    tfclient.sessions.ends.make_finisher = lambda settings: _Nothing()  # type: ignore[assignment,return-value] # noqa: ARG005
    try:
        yield
    finally:
        tfclient.sessions.ends.make_finisher = before


def both(made: Recorder, http: Any, base_url: str = "http://localhost/v1") -> tuple[Any, Any]:
    """Give the SDK's own client and ours, on one HTTP client."""
    common: dict[str, Any] = {
        "base_url": base_url,
        "api_key": "sk-test-key",
        "http_client": http,
        "max_retries": 0,
    }
    return openai.OpenAI(**common), tfclient.TracedOpenAI(**common, recorder=made)


@contextlib.contextmanager
def local_server(script: str) -> Iterator[str]:
    """Run a server in a process of its own; give its base URL.

    Args:
        script: The reply it always gives, as Python that makes one from ``tests.server.replies``.
    """
    code = (
        "from tests.server.scripted import ScriptedServer\n"
        "from tests.server.replies import *\n"
        "import sys\n"
        f"with ScriptedServer().always(lambda _: {script}) as server:\n"
        "    print(server.url, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(  # noqa: S603 - our own Python
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


class _Headers:
    raw: Final = [(b"content-type", b"application/json"), (b"x-request-id", b"req_1")]


class _Request:
    """A request as far as the recorder looks at it: what the SDK does before and after is not measured."""

    method = "POST"
    url = "http://localhost/v1/responses"
    headers = _Headers

    def __init__(self, body: dict[str, Any]) -> None:
        self.content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


class _Response:
    status_code = 200
    headers = _Headers
    history: Final[list[Any]] = []

    def __init__(self, body: dict[str, Any]) -> None:
        self.content = json.dumps(body, ensure_ascii=False).encode()


def on_the_wire(request: dict[str, Any], response: dict[str, Any]) -> tuple[_Request, _Response]:
    """Give what an HTTP library would have of a call."""
    return _Request(request), _Response(response)


def record(made: Recorder, session: SessionHandle, sent: _Request, came: _Response) -> None:
    """Record a call without a client."""
    call = Call(
        made.sessions, session._state, method="post", path="/responses", stream=False, cast_to=dict, tool=None
    )
    exchange = call.sent(sent)
    assert exchange is not None
    exchange.answered(came)


def said(n: int, text: str = "Yes.", **more: Any) -> dict[str, Any]:
    """Give a response with a message."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    item = {
        "type": "message",
        "id": f"msg_{n}",
        "role": "assistant",
        "status": "completed",
        "content": content,
    }
    return {
        "id": f"resp_{n}",
        "object": "response",
        "status": "completed",
        "created_at": 1,
        "model": MODEL,
        "output": [item],
        "error": None,
        "incomplete_details": None,
        "usage": {"input_tokens": 9, "output_tokens": 9, "total_tokens": 18},
        **more,
    }
