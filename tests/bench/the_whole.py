"""What recording costs in all, files included: 80 % of the plain client's CPU at most; in the caller 1.4 × the least.

The whole process is measured, with all of its threads: the caller, the journal, and behind the program projection,
document, index, diagram and archive. Sessions have a hundred calls of 6 KB.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.bench import a_call, the_least
from tests.bench.figures import Figure
from tests.bench.traffic import answering, both, nothing_finished, prompt, recorder
from tests.capture.driver import MODEL
from tfclient import Recorder
from tfclient.projection.projector import Projector
from tfd2 import draw
from tfstore.journal.packing import pack
from tfstore.journal.reading import Tail
from tfstore.store import Store

_CALLS = 100


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure the process by turns, with and without recording; then each stage; then the caller beside the least."""
    turns = 20 if long else 6
    with recorder() as made, answering() as http:
        plain, traced = both(made, http)
        taken = [_turn(plain, traced, first=n % 2 == 0) for n in range(-1, turns)][1:]
    share = statistics.median(with_it / without - 1 for without, with_it in taken)
    yield Figure("6 KB calls, whole process: share of the plain client's CPU", share, "%", 0.80)
    added = statistics.median(with_it - without for without, with_it in taken)
    yield Figure("6 KB calls, whole process: added CPU a call", added, "µs")
    with nothing_finished(), recorder() as made, answering() as http:
        for name, cpu in _stages(made, http, turns):
            yield Figure(f"  of it, {name}", cpu, "µs")
    times = 400 if long else 150
    ratios: list[float] = []
    for _ in range(5):
        with answering() as http:
            least = the_least.least_of_a_call(http, times)
            with nothing_finished(), recorder() as made:
                ratios.append(a_call.turns_of(made, http, times).added / least.added)
    yield Figure("6 KB call, in the caller's thread, over the least", statistics.median(ratios), "×", 1.4)


def _turn(plain: Any, traced: Any, *, first: bool) -> tuple[float, float]:
    """Return the process's CPU a call, in microseconds, without recording and with it."""

    prompts = [prompt() for _ in range(_CALLS)]

    def with_it() -> None:
        with traced.session() as session:
            _ask(traced, prompts)
        session.wait()

    works = [lambda: _ask(plain, prompts), with_it]
    taken = [0.0, 0.0]
    for which in (1, 0) if first else (0, 1):
        began = time.process_time_ns()
        works[which]()
        taken[which] = (time.process_time_ns() - began) / 1000 / _CALLS
    return taken[0], taken[1]


def _ask(client: Any, prompts: list[str]) -> None:
    for each in prompts:
        client.responses.create(model=MODEL, input=each)


def _stages(made: Recorder, http: Any, times: int) -> Iterator[tuple[str, float]]:
    """Yield what each stage behind the program takes a call, in microseconds: the median of several sessions."""
    _, traced = both(made, http)
    store = Store(made.settings.directory, create=True)
    taken: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.thread_time_ns()
        result = work()
        taken.setdefault(name, []).append((time.thread_time_ns() - began) / 1000 / _CALLS)
        return result

    for _ in range(times):
        with traced.session() as session:
            _ask(traced, [prompt() for _ in range(_CALLS)])
        session._state.writer.close()
        entries = timed("reading the journal", Tail(store.paths, session.id).poll)
        projected = timed("projecting", partial(_projected, session.id, entries))
        timed("writing the document, and its rows in the index", partial(store.put, projected))
        timed("the diagram", partial(draw, projected))
        timed("the archive", partial(pack, store.paths, session.id, fsync=True))
    yield from ((name, statistics.median(each)) for name, each in taken.items())


def _projected(session_id: str, entries: list[Any]) -> Any:
    projector = Projector(session_id)
    for entry in entries:
        projector.feed(entry)
    return projector.session()
