"""A conversation that re-sends its history: the 500th turn costs what the 5th did, and it is stored once."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.bench.traffic import on_the_wire, prompt, record, recorder
from tests.capture.driver import MODEL
from tests.server.ids import Clock, Ids
from tests.server.replies import answer
from tests.server.responses_api import ResponsesApi

_TURNS = 500


def measure(*, long: bool) -> Iterator[Figure]:  # noqa: ARG001 - long enough as it is
    """Measure what each turn adds to the journal, and what is stored in the end.

    What is new of a turn is what was not on the wire before: the item that the request adds, and the response, with
    the thirty settings that the API repeats in each. The texts alone are told too.
    """
    written: list[int] = []
    seconds: list[float] = []
    encoding: list[float] = []
    texts = unique = 0
    history: list[dict[str, Any]] = []
    api = ResponsesApi(Ids("resent"), Clock())
    with recorder() as made:
        root = made.settings.directory
        with made.session() as session:
            for _ in range(_TURNS):
                asked, answered = prompt(700), prompt(700)
                history.append({"role": "user", "content": asked})
                request = {"model": MODEL, "input": history}
                response = api.create(request, answer(answered))
                texts += len(asked) + len(answered)
                unique += len(json.dumps(history[-1])) + len(json.dumps(response))
                began = time.thread_time()
                exchange = on_the_wire(request, response)
                encoding.append(time.thread_time() - began)
                before, began = session._state.writer.size, time.thread_time()
                record(made, session, *exchange)
                seconds.append(time.thread_time() - began)
                written.append(session._state.writer.size - before)
                history.append({"role": "assistant", "content": answered})
        session.wait(120)
        document = _bytes(root / "sessions", "*.json") + _bytes(root / "blobs")
        archive = _bytes(root / "archive")
    fifth, last = statistics.median(written[4:9]), statistics.median(written[-5:])
    yield Figure(f"bytes journaled by turn {_TURNS} / by turn 5", last / fifth, "×", 1.1)
    yield Figure(
        f"CPU of turn {_TURNS} / of turn 20",
        statistics.median(seconds[-9:]) / statistics.median(seconds[16:25]),
        "×",
    )
    yield Figure(
        "  of what it takes to write that turn's messages as JSON",
        statistics.median(seconds[-9:]) / statistics.median(encoding[-9:]),
        "%",
    )
    yield Figure(
        f"stored of {_TURNS} turns / what was new on the wire", (document + archive) / unique, "×", 3
    )
    yield Figure("  of that the document and its blobs", document / unique, "×")
    yield Figure("  of that the archive", archive / unique, "×")
    yield Figure(f"stored of {_TURNS} turns / their texts alone", (document + archive) / texts, "×")


def _bytes(folder: Path, names: str = "*") -> int:
    return sum(each.stat().st_size for each in folder.rglob(names) if each.is_file())
