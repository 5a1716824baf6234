"""A long session: projected, written, drawn and packed in time, in little more memory than its document takes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.bench.traffic import nothing_finished, on_the_wire, prompt, record, recorder, said
from tests.capture.driver import MODEL
from tfclient import Recorder
from tfclient.finishing.live import LiveSession
from tfstore.store import Store

_CALLS = 3_334
_LARGE = 10_000

_HELPER = "import sys; from tfclient.finishing.helper import main; main(*sys.argv[1:])"
_IDLE = "import tfclient.finishing.last_steps, tfstore.store, tfd2, tfstore.journal.zstd, pydantic_core"
_SPENT = """
import time
status = open("/proc/self/status").read()
print(time.process_time(), int(status.partition("VmHWM:")[2].split()[0]) / 1024)
"""


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure sessions that were recorded and not finished yet, as a program and as its helper finish them.

    Of the large one the memory counts: 10,000 calls of 6 KB (2,000 without ``--long``).
    """
    with nothing_finished(), recorder() as made:
        store, session_id = _recorded(made, _CALLS, 200)
        began = time.thread_time()
        finished = LiveSession(store, session_id).write_files()
        in_program = time.thread_time() - began
    with nothing_finished(), recorder() as made:
        seconds, _ = _helped(*_recorded(made, _CALLS, 200))
    steps = sum(len(run.steps) for run in finished.runs)
    yield Figure(f"session of {steps:,} steps projected, written and drawn", in_program, "s", 3)
    yield Figure("  by the helper: with its start, and packed", seconds, "s", 3)
    calls = _LARGE if long else _LARGE // 5
    with nothing_finished(), recorder() as made:
        store, session_id = _recorded(made, calls, 5_000)
        _, memory = _helped(store, session_id)
        document = store.paths.document(session_id).stat().st_size
    _, python = _spent(_IDLE)
    yield Figure(f"helper's memory for {calls:,} calls of 6 KB", memory, "MB")
    yield Figure("  without Python's own / document", (memory - python) * 2**20 / document, "×", 3)


def _recorded(made: Recorder, calls: int, length: int) -> tuple[Store, str]:
    session = made.session()
    session.__enter__()
    before = ""
    for n in range(calls):
        more: dict[str, str] = {"previous_response_id": before} if before else {}
        asked = {"model": MODEL, "input": prompt(200), **more}
        record(made, session, *on_the_wire(asked, said(n, prompt(length), **more)))
        before = f"resp_{n}"
    session._state.writer.append({"at": 2**52, "mono": 1, "type": "session.ended", "end_reason": "closed"})
    session._state.writer.close()
    session._state.ended = True
    return Store(made.settings.directory), session.id


def _helped(store: Store, session_id: str) -> tuple[float, float]:
    """Return CPU seconds and megabytes of memory of a helper."""
    return _spent(_HELPER, str(store.paths.root), session_id)


def _spent(code: str, *arguments: str) -> tuple[float, float]:
    done = subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, "-c", code + _SPENT, *arguments], check=True, capture_output=True, text=True
    )
    # The last line: before it the helper prints what it did.
    seconds, memory = done.stdout.splitlines()[-1].split()
    return float(seconds), float(memory)
