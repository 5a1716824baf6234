"""A session of 10,000 steps: projected, written and drawn in under 3 s."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.bench.traffic import prompt, record, recorder, said
from tests.capture.driver import MODEL
from tfclient.live import LiveSession
from tfstore.store import Store

_CALLS = 3_334


def measure(*, long: bool) -> Iterator[Figure]:  # noqa: ARG001 - as many steps as were promised
    """Measure a session that was recorded and not finished yet."""
    with recorder() as made:
        session = made.session()
        session.__enter__()
        before = ""
        for n in range(_CALLS):
            more: dict[str, str] = {"previous_response_id": before} if before else {}
            record(
                made, session, {"model": MODEL, "input": prompt(200), **more}, said(n, prompt(200), **more)
            )
            before = f"resp_{n}"
        session.writer.append({"at": 2**52, "mono": 1, "type": "session.ended", "end_reason": "closed"})
        session.writer.close()
        began = time.process_time()
        finished = LiveSession(Store(made.settings.directory), session.id).finish()
        seconds = time.process_time() - began
        session.ended = True
    steps = sum(len(run.steps) for run in finished.runs)
    yield Figure(f"session of {steps:,} steps projected, written, drawn and packed", seconds, "s", 3)
