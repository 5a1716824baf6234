"""Fifty asynchronous tasks at once: the same per call as one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai

import tfclient
from tests.bench.figures import Figure
from tests.bench.timing import by_turns
from tests.bench.traffic import answering_async, nothing_finished, prompt, recorder
from tests.capture.driver import MODEL

_TASKS = 50


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure fifty calls in a ``gather``, and fifty in a row on the same loop."""
    times = 40 if long else 12
    with nothing_finished(), recorder() as made:
        loop = asyncio.new_event_loop()
        common: dict[str, Any] = {
            "base_url": "http://localhost/v1",
            "api_key": "sk-test-key",
            "http_client": answering_async(),
            "max_retries": 0,
        }
        plain = openai.AsyncOpenAI(**common)
        traced = tfclient.AsyncTracedOpenAI(**common, recorder=made)

        async def together(client: Any) -> None:
            await asyncio.gather(
                *(client.responses.create(model=MODEL, input=prompt()) for _ in range(_TASKS))
            )

        async def in_a_row(client: Any) -> None:
            for _ in range(_TASKS):
                await client.responses.create(model=MODEL, input=prompt())

        for what, limit in (("at once", 60.0), ("one after the other", None)):
            work = together if what == "at once" else in_a_row
            pair = by_turns(
                lambda work=work: loop.run_until_complete(work(plain)),  # type: ignore[misc]
                lambda work=work: loop.run_until_complete(work(traced)),  # type: ignore[misc]
                times,
                warm=2,
            )
            yield Figure(f"{_TASKS} async calls {what}: added CPU a call", pair.added / _TASKS, "µs", limit)
            yield Figure(
                f"{_TASKS} async calls {what}: share of the plain client's CPU",
                pair.share,
                "%",
                0.10 if limit else None,
            )
        loop.run_until_complete(common["http_client"].aclose())
        loop.close()
