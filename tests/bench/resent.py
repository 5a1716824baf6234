"""A conversation that re-sends its history: the 500th turn costs what the 5th did, and it is stored once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.bench.traffic import prompt, record, recorder, said
from tests.capture.driver import MODEL

_TURNS = 500


def measure(*, long: bool) -> Iterator[Figure]:  # noqa: ARG001 - long enough as it is
    """Measure what each turn adds to the journal, and what is stored in the end."""
    written: list[int] = []
    seconds: list[float] = []
    unique = 0
    history: list[dict[str, Any]] = []
    with recorder() as made:
        root = made.settings.directory
        with made.session() as session:
            for n in range(_TURNS):
                asked, answered = prompt(700), prompt(700)
                unique += len(asked) + len(answered)
                history.append({"role": "user", "content": asked})
                before, began = session.writer.size, time.thread_time()
                record(made, session, {"model": MODEL, "input": history}, said(n, answered))
                seconds.append(time.thread_time() - began)
                written.append(session.writer.size - before)
                history.append({"role": "assistant", "content": answered})
        session.wait(120)
        document = _bytes(root / "sessions", "*.json") + _bytes(root / "blobs")
        archive = _bytes(root / "archive")
    fifth, last = statistics.median(written[4:9]), statistics.median(written[-5:])
    yield Figure(f"bytes journaled by turn {_TURNS} / by turn 5", last / fifth, "×", 1.1)
    yield Figure(
        f"CPU of turn {_TURNS} / of turn 20, recorder and json.dumps of the request",
        statistics.median(seconds[-9:]) / statistics.median(seconds[16:25]),
        "×",
    )
    yield Figure(f"stored of {_TURNS} turns / unique content", (document + archive) / unique, "×", 3)
    yield Figure("  of that the document and its blobs", document / unique, "×")
    yield Figure("  of that the archive", archive / unique, "×")


def _bytes(folder: Path, names: str = "*") -> int:
    return sum(each.stat().st_size for each in folder.rglob(names) if each.is_file())
