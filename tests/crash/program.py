"""A program that talks to a model through a traced client and says what it has, until something ends it."""

from __future__ import annotations

import os
import signal
import traceback
from typing import TYPE_CHECKING, Any

import tfclient
from tests.capture.driver import HTTP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Acknowledge = Callable[[str], None]

SESSION = "sess_20260902T091400Z_7f3a9c01"
CHUNKS = 4


def talk(root: Path, acknowledge: Acknowledge, *, calls: int = 2, session_id: str | None = SESSION) -> None:
    """Ask, stream, ask; say ``sent …`` when a request has left and ``has …`` when an answer has come."""
    recorder = tfclient.Recorder(root)
    with (
        client_of(recorder, acknowledge) as client,
        recorder.session(title="A talk", id=session_id) as session,
    ):
        for number in range(calls):
            ask(client, acknowledge, f"question {number}")
        stream(client, acknowledge, "streamed")
        session.annotate("note", {"text": "annotated"})
    acknowledge("ended")
    session.wait(60)
    acknowledge("finished")


def client_of(recorder: tfclient.Recorder, acknowledge: Acknowledge) -> Any:
    """Return a client that asks a function; it knows that a request has left when it is asked."""

    def handler(request: Any) -> Any:
        question = _question(request)
        acknowledge(f"sent {question}")
        if b'"stream":true' in request.content.replace(b" ", b""):
            return HTTP.Response(200, headers={"content-type": "text/event-stream"}, stream=_Events(question))
        return HTTP.Response(200, json=answer(question))

    transport = HTTP.MockTransport(handler)
    return tfclient.TracedOpenAI(
        api_key="k", recorder=recorder, max_retries=0, http_client=HTTP.Client(transport=transport)
    )


def ask(client: Any, acknowledge: Acknowledge, question: str) -> None:
    """Ask and have the answer."""
    response = client.responses.create(model="m", input=question, instructions="Be brief. " * 20)
    acknowledge(f"has {response.output_text}")


def stream(client: Any, acknowledge: Acknowledge, question: str) -> None:
    """Ask and have the answer in pieces."""
    for event in client.responses.create(model="m", input=question, stream=True):
        if event.type == "response.output_text.delta":
            acknowledge(f"piece {event.delta}")


def answer(question: str) -> dict[str, Any]:
    """Return the response to a question."""
    text = {"type": "output_text", "text": f"answer to {question}", "annotations": []}
    message = {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    return {
        "id": f"resp_{question.replace(' ', '_')}",
        "object": "response",
        "created_at": 0,
        "model": "m",
        "status": "completed",
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


class _Events(HTTP.SyncByteStream):  # type: ignore[misc, name-defined]
    def __init__(self, question: str) -> None:
        self._question = question

    def __iter__(self) -> Iterator[bytes]:
        import json

        whole = answer(self._question)
        events: list[dict[str, Any]] = [{"type": "response.created", "response": {**whole, "output": []}}]
        for number in range(CHUNKS):
            delta = f"[{self._question} {number}]"
            place = {"item_id": "m1", "output_index": 0, "content_index": 0}
            events.append({"type": "response.output_text.delta", "delta": delta, "logprobs": [], **place})
        events.append({"type": "response.completed", "response": whole})
        for number, event in enumerate(events):
            yield f"data: {json.dumps({'sequence_number': number, **event})}\n\n".encode()


def _question(request: Any) -> str:
    import json

    return str(json.loads(request.content)["input"])


def in_child(
    work: Callable[[Acknowledge], None], *, kill_after: float | None = None
) -> tuple[list[str], bool]:
    """Run work in a forked process; return what it acknowledged, and whether it was killed.

    Args:
        work: what to do there.
        kill_after: seconds until it is killed.
    """
    reading, writing = os.pipe()
    write = os.write
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reading)

            def acknowledge(line: str) -> None:
                write(writing, f"{line}\n".encode())

            work(acknowledge)
            code = 0
        except BaseException:  # noqa: BLE001 - said, and told by the exit code
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    if kill_after is not None:
        import time

        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        lines = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    assert killed or os.WEXITSTATUS(status) == 0, lines
    return lines, killed
