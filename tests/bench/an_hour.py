"""An hour of both sides at fifty messages a second: a journal under 30 MB, flat memory, a document in seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.figures import Figure
from tests.capture.sockets.hours import conversation

_AN_HOUR = 3600


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure an hour, or ten minutes and what an hour of it would be."""
    seconds = _AN_HOUR if long else 600
    share = _AN_HOUR / seconds
    with TemporaryDirectory() as folder, conversation(Path(folder)) as talk:
        began = time.thread_time()
        talk.goes_on(seconds // 6)
        before = _memory()
        talk.goes_on(seconds - seconds // 6)
        took = time.thread_time() - began
        yield Figure(
            "an hour of sound: CPU of the calling thread a message", took / talk.messages * 1e6, "µs"
        )
        yield Figure("an hour of sound: memory at its end over a sixth of it", _memory() - before, "MB", 25)
        yield Figure(
            "an hour of sound: its journal, before it is packed", talk.closed() / 1e6 * share, "MB", 30
        )
        began = time.perf_counter()
        talk.document()
        yield Figure("an hour of sound: its document", (time.perf_counter() - began) * share, "s", 10)


def _memory() -> float:
    told = Path("/proc/self/status").read_text()
    return int(told.partition("VmRSS:")[2].split()[0]) / 1024
