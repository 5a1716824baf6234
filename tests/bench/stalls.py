"""How long a program's event loop stands still: ten requests at once, a session each, files written meanwhile."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import openai

import tfclient
from tests.bench.figures import Figure
from tests.bench.traffic import _JSON, nothing_finished, prompt, recorder, response_of_6_kb
from tests.capture.driver import HTTP, MODEL
from tfclient.sessions.ends import make_finisher

_AT_ONCE = 10
_NETWORK = 0.01
_BEAT = 0.002


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure how late a task is that wakes every 2 ms: by turns without recording, with journals only, with all."""
    seconds, turns = (4.0, 5) if long else (2.0, 3)
    content = response_of_6_kb()

    async def answer(_: Any) -> Any:
        await asyncio.sleep(_NETWORK)
        return HTTP.Response(200, headers=_JSON, content=content)

    loop = asyncio.new_event_loop()
    http = HTTP.AsyncClient(transport=HTTP.MockTransport(answer))
    common: dict[str, Any] = {
        "base_url": "http://localhost/v1",
        "api_key": "k",
        "http_client": http,
        "max_retries": 0,
    }
    with recorder() as only_recording, recorder() as made:
        with nothing_finished(), only_recording.session():
            # From here on it writes journals, and nothing behind them.
            pass
        clients: list[Any] = [
            openai.AsyncOpenAI(**common),
            tfclient.AsyncTracedOpenAI(**common, recorder=only_recording),
            tfclient.AsyncTracedOpenAI(**common, recorder=made),
        ]
        taken = [
            [loop.run_until_complete(_lateness(client, seconds)) for client in clients] for _ in range(turns)
        ]
        loop.run_until_complete(http.aclose())
        make_finisher(made.settings).drain(120)
    loop.close()
    longest = statistics.median(whole[0] - plain[0] for plain, _, whole in taken)
    share = statistics.median(whole[1] - plain[1] for plain, _, whole in taken)
    behind = statistics.median(whole[1] - journal[1] for _, journal, whole in taken)
    at_once = f"{_AT_ONCE} sessions at once: the loop"
    yield Figure(f"{at_once}'s longest stall, over the plain client", longest * 1000, "ms", 10.0)
    yield Figure(f"{at_once} stands still, over the plain client", share, "%")
    yield Figure(f"{at_once} stands still for what is written behind the recording", behind, "%", 0.03)


async def _lateness(client: Any, seconds: float) -> tuple[float, float]:
    """Run for so long; return the longest lateness of the beat, and all of it as a share of the time."""
    late: list[float] = []
    until = time.perf_counter() + seconds

    async def beat() -> None:
        while (began := time.perf_counter()) < until:
            await asyncio.sleep(_BEAT)
            late.append(time.perf_counter() - began - _BEAT)

    async def user() -> None:
        while time.perf_counter() < until:
            session: AbstractAsyncContextManager[Any] = getattr(client, "session", nullcontext)()
            async with session:
                await client.responses.create(model=MODEL, input=prompt(200))
            await asyncio.sleep(_NETWORK * 5)

    await asyncio.gather(beat(), *(user() for _ in range(_AT_ONCE)))
    return max(late), sum(late) / seconds
