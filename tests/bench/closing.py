"""Closing a session: the same with ten sessions in the store as with a hundred thousand."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.traffic import on_the_wire, prompt, record, said
from tests.capture.driver import MODEL
from tfclient import Recorder
from tfclient.finishing.live import LiveSession
from tfstore.disk.paths import StorePaths, new_session_id
from tfstore.index.catalog import Catalog, CatalogRow
from tfstore.store import Store


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure with catalogs of ten and of 100,000 rows (3,000 without ``--long``), all of one week."""
    many = 100_000 if long else 3_000
    few, lots = _closing(10), _closing(many)
    yield Figure("closing a session in a store of 10", few * 1000, "ms")
    yield Figure(f"closing one in a store of {many:,} / of 10", lots / few, "×", 1.5)


def _closing(sessions: int) -> float:
    with tempfile.TemporaryDirectory(prefix="tfclient-bench-", ignore_cleanup_errors=True) as folder:
        catalog = Catalog(StorePaths(Path(folder)))
        StorePaths(Path(folder)).create()
        now = datetime.now(UTC)
        for n in range(sessions):
            then = now - timedelta(days=n % 7)
            catalog.put(CatalogRow(new_session_id(then), title=f"Session {n}", status="closed"))
        made = Recorder(folder)
        taken: list[float] = []
        for n in range(11):
            session = made.session()
            session.__enter__()
            record(made, session, *on_the_wire({"model": MODEL, "input": prompt(200)}, said(n)))
            session._state.writer.append(
                {"at": 2**52, "mono": 1, "type": "session.ended", "end_reason": "closed"}
            )
            session._state.writer.close()
            store = Store(made.settings.directory)
            began = time.process_time()
            LiveSession(store, session.id).write_files()
            taken.append(time.process_time() - began)
            session._state.ended = True
        return statistics.median(taken)
