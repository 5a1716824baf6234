"""A stream of 300 events: at most 2 µs more for each, and at most 3 % of the client's CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.figures import Figure
from tests.bench.timing import by_turns
from tests.bench.traffic import (
    both,
    chunks,
    events,
    local_server,
    nothing_finished,
    prompt,
    recorder,
    streaming,
)
from tests.capture.driver import HTTP, MODEL
from tfclient import Recorder

_PER_CHUNK = (1, 4, 16)
"""Events that come in one piece: every event alone, as from a slow model, or as many as a busy network holds."""


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure with chunks of several sizes, alone and with documents written meanwhile, and over a socket."""
    times = 200 if long else 40
    count = len(events())
    for each in _PER_CHUNK:
        with nothing_finished(), recorder() as made, streaming(chunks(each)) as http:
            yield from _figures(f"{each} a chunk", made, http, times, count)
    with recorder() as made, streaming(chunks(1)) as http:
        yield from _figures("1 a chunk, documents kept up", made, http, times, count)
    with (
        recorder() as made,
        local_server("answer(' '.join(['word'] * 285))") as url,
        HTTP.Client() as http,
    ):
        yield from _figures("local server", made, http, times // 2, count, url)


def _figures(
    how: str, made: Recorder, http: Any, times: int, count: int, url: str = "http://localhost/v1"
) -> Iterator[Figure]:
    plain, traced = both(made, http, url)

    def read(client: Any) -> None:
        for _ in client.responses.create(model=MODEL, input=prompt(), stream=True):
            pass

    pair = by_turns(lambda: read(plain), lambda: read(traced), times, warm=3)
    yield Figure(f"stream of {count} events, {how}: added CPU an event", pair.added / count, "µs", 2)
    yield Figure(f"stream of {count} events, {how}: share of the plain client's CPU", pair.share, "%", 0.03)
