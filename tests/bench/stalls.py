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
from tests.bench.traffic import _JSON, prompt, recorder, response_of_6_kb
from tests.capture.driver import HTTP, MODEL
from tfclient.sessions.sessions import make_finisher

_AT_ONCE = 10
_NETWORK = 0.01
_BEAT = 0.002


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure the lateness of a task that wakes every 2 ms, with and without recording, by turns."""
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
    with recorder() as made:
        traced = tfclient.AsyncTracedOpenAI(**common, recorder=made)
        plain = openai.AsyncOpenAI(**common)
        taken: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
        for _ in range(turns):
            for recorded in (False, True):
                client = traced if recorded else plain
                taken[recorded].append(loop.run_until_complete(_lateness(client, seconds, recorded=recorded)))
        loop.run_until_complete(http.aclose())
        make_finisher(made.settings).drain(120)
    loop.close()
    longest, share = (
        statistics.median(t[n] - p[n] for p, t in zip(taken[False], taken[True], strict=True)) for n in (0, 1)
    )
    yield Figure(
        f"{_AT_ONCE} sessions at once: the loop's longest stall, over the plain client",
        longest * 1000,
        "ms",
        10.0,
    )
    yield Figure(
        f"{_AT_ONCE} sessions at once: the loop stands still, over the plain client", share, "%", 0.03
    )


async def _lateness(client: Any, seconds: float, *, recorded: bool) -> tuple[float, float]:
    """Run for so long; return the longest lateness of the beat, and all of it as a share of the time."""
    late: list[float] = []
    until = time.perf_counter() + seconds

    async def beat() -> None:
        while (began := time.perf_counter()) < until:
            await asyncio.sleep(_BEAT)
            late.append(time.perf_counter() - began - _BEAT)

    async def user() -> None:
        while time.perf_counter() < until:
            session: AbstractAsyncContextManager[Any] = client.session() if recorded else nullcontext()
            async with session:
                await client.responses.create(model=MODEL, input=prompt(200))
            await asyncio.sleep(_NETWORK * 5)

    await asyncio.gather(beat(), *(user() for _ in range(_AT_ONCE)))
    return max(late), sum(late) / seconds
