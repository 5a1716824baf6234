"""A Responses call of 6 KB: at most 60 µs more in the caller's thread, and at most 10 % of its CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.figures import Figure
from tests.bench.timing import Pair, by_turns
from tests.bench.traffic import answering, both, local_server, nothing_finished, prompt, recorder
from tests.capture.driver import HTTP, MODEL
from tfclient import Recorder


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure with a transport that answers at once, alone and with documents written meanwhile, and over a socket."""
    times = 2000 if long else 500
    with nothing_finished(), recorder() as made, answering() as http:
        yield from _figures("mock transport", turns_of(made, http, times))
    with recorder() as made, answering() as http:
        yield from _figures("documents kept up with it", turns_of(made, http, times))
    server = local_server("answer(Think(['A thought. ' * 40]), 'Some words. ' * 270)")
    with recorder() as made, server as url, HTTP.Client() as http:
        yield from _figures("local server", turns_of(made, http, times // 4, url))


def turns_of(made: Recorder, http: Any, times: int, url: str = "http://localhost/v1") -> Pair:
    """Measure a call beside the plain client's."""
    plain, traced = both(made, http, url)

    def ask(client: Any) -> None:
        client.responses.create(model=MODEL, input=prompt())

    return by_turns(lambda: ask(plain), lambda: ask(traced), times)


def _figures(over: str, pair: Pair) -> Iterator[Figure]:
    yield Figure(f"6 KB call, {over}: added CPU", pair.added, "µs", 60)
    yield Figure(f"6 KB call, {over}: share of the plain client's CPU", pair.share, "%", 0.10)
    yield Figure(f"6 KB call, {over}: added on the wall", pair.added_wall, "µs")
