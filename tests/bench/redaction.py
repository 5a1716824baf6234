"""What redaction costs beside what a client does anyway: reading the same JSON once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.server.ids import Clock, Ids
from tests.server.replies import Call, Think, answer
from tests.server.responses_api import ResponsesApi
from tfclient.redaction import Redactor

_REPLY = answer(Think(["A thought about the way. " * 20]), Call("look", {"at": "it"}), "Some words. " * 200)


def best(call: Callable[[], Any], times: int = 300) -> float:
    """Give the seconds of the fastest run."""
    seconds: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def measure() -> dict[str, str]:
    """Measure an ordinary body, one with a secret, and an ordinary stream."""
    api = ResponsesApi(Ids("bench"), Clock())
    response = api.create({"input": "Hi", "model": "gpt-5.4-mini"}, _REPLY)
    plain = json.dumps(response, indent=2).encode()
    secret = plain.replace(b"A thought", b"sk-proj-abcdefghij0123456789", 1)
    events = [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in api.events(response)]
    secrets, content = Redactor.from_setting("secrets"), Redactor.from_setting("content")

    def streamed() -> None:
        stream = secrets.stream("text/event-stream")
        for event in events:
            stream.feed(event)
        stream.flush()

    def parsed() -> None:
        for event in events:
            json.loads(event.split(b"data: ", 1)[1])

    reading = best(lambda: json.loads(plain))
    ordinary = best(lambda: secrets.body(plain, "application/json", "response.body"))
    with_secret = best(lambda: secrets.body(secret, "application/json", "response.body"))
    hashed = best(lambda: content.body(plain, "application/json", "response.body"))
    stream, reading_events = best(streamed, 20), best(parsed, 20)
    return {
        f"body of {len(plain)} bytes / json.loads": f"{ordinary / reading:.2f} ({ordinary * 1e6:.1f} µs)",
        "the same with a secret / json.loads": f"{with_secret / reading:.2f} ({with_secret * 1e6:.0f} µs)",
        "the same in content mode / json.loads": f"{hashed / reading:.2f} ({hashed * 1e6:.0f} µs)",
        f"stream of {len(events)} events / json.loads": (
            f"{stream / reading_events:.2f} ({stream / len(events) * 1e6:.1f} µs an event)"
        ),
    }
