"""Closing a session: the same with ten sessions in the store as with a hundred thousand."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from tests.bench.figures import Figure
from tests.bench.traffic import on_the_wire, prompt, record, said
from tests.capture.driver import MODEL
from tfclient import Recorder
from tfclient.finishing.live import LiveSession
from tfstore.document.converter import to_json
from tfstore.document.documents import Session
from tfstore.document.json_text import compact
from tfstore.store import Store

_TIMES = 41


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure by turns with ten sessions and with 100,000 (10,000 without ``--long``) of one week, all in the index."""
    many = 100_000 if long else 10_000
    with ExitStack() as stack:
        folders = [
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="tfclient-bench-", ignore_cleanup_errors=True)
            )
            for _ in range(2)
        ]
        recorders = [_recorder(folder, count) for folder, count in zip(folders, (10, many), strict=True)]
        taken = [[_closing(made, n) for made in recorders] for n in range(_TIMES)]
    few, lots = (statistics.median(each) for each in zip(*taken, strict=True))
    yield Figure("closing a session in a store of 10", few * 1000, "ms")
    yield Figure(f"closing one in a store of {many:,} / of 10", lots / few, "×", 1.1)


def _recorder(folder: str, sessions: int) -> Recorder:
    store = Store(folder, create=True)
    now = datetime.now(UTC)
    for n in range(sessions):
        began = now - timedelta(days=n % 7)
        session = Session(f"sess_{began:%Y%m%dT%H%M%SZ}_{n:08x}", title=f"Session {n}", status="closed")
        store.paths.document(session.session_id).write_bytes(compact(to_json(session)))
    if len(store.list()) != sessions:
        raise RuntimeError("not all of them are in the index")
    return Recorder(folder)


def _closing(made: Recorder, n: int) -> float:
    session = made.session()
    session.__enter__()
    record(made, session, *on_the_wire({"model": MODEL, "input": prompt(200)}, said(n)))
    session._state.writer.append({"at": 2**52, "mono": 1, "type": "session.ended", "end_reason": "closed"})
    session._state.writer.close()
    store = Store(made.settings.directory)
    began = time.process_time()
    LiveSession(store, session.id).write_files()
    taken = time.process_time() - began
    session._state.ended = True
    return taken
