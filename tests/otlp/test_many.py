"""Very many sessions that wait: found in one pass that holds their ids, sent one by one, and let go of anywhere.

TFCLIENT_LONG_TESTS=1 has 50,000 wait, not 300: minutes, nine tenths of them for their index, as long for each.
"""

from __future__ import annotations

import logging
import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from tfclient.otlp import sending
from tfclient.otlp.endpoint import endpoint_of
from tfclient.otlp.exporting import Exporter
from tfclient.otlp.options import Options
from tfstore.document.converter import to_json
from tfstore.document.documents import Integrity, Session
from tfstore.document.json_text import compact
from tfstore.keeping.waiting import waiting
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = bool(os.environ.get("TFCLIENT_LONG_TESTS"))

COUNT = 50_000 if LONG else 300

_SENT = min(COUNT // 3, 2_000)
"""So many of them are sent before somebody presses Ctrl-C."""

_A_SESSION = 400
"""Bytes of memory for each session that waits, at most: its row takes some thousand."""

_ANYHOW = 500_000
"""Bytes that finding them takes, however many there are."""

_TEXTS = 1_500_000
"""Bytes of the short texts that the parser remembers: 16,384 at most."""

pytestmark = pytest.mark.timeout(1800 if LONG else 60)


def name_of(n: int) -> str:
    return f"sess_20260901T{n // 3600 % 24:02}{n // 60 % 60:02}{n % 60:02}Z_{n:08x}"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("many") / "store", create=True)
    for n in range(COUNT):
        session = Session(
            name_of(n),
            title=f"Session {n}",
            status="closed",
            started_at="2026-09-01T00:00:00.000Z",
            metadata={f"key_{k}": f"value {k} of {n}" for k in range(40)},
            integrity=Integrity(head=f"{n:064x}"),
        )
        path = store.paths.document(session.session_id)
        path.write_bytes(compact(to_json(session)))
        # Not just made: as a store is found.
        os.utime(path, (10**9, 10**9))
    os.utime(store.paths.sessions, (10**9, 10**9))
    assert len(store.list(limit=1)) == 1
    return store


@pytest.fixture
def exporter(many: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exporter]:
    def taken(_self: object, _data: bytes) -> sending._Answer:
        return sending._Answer(200, b"", "application/x-protobuf")

    # The test suite keeps what is logged.
    logging.disable(logging.CRITICAL)
    monkeypatch.setattr(sending.Sender, "_once", taken)
    made = Exporter.to(many, endpoint_of("http://localhost:4318", {}), Options())
    made.ledger.path.unlink(missing_ok=True)
    yield made
    made.close()
    logging.disable(logging.NOTSET)


def test_what_waits_is_found_without_holding_more_than_ids(exporter: Exporter) -> None:
    waiting(exporter.store, exporter.ledger)
    tracemalloc.start()
    try:
        found = waiting(exporter.store, exporter.ledger)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.session_ids == sorted(name_of(n) for n in range(COUNT))
    assert peak < _ANYHOW + COUNT * _A_SESSION
    rows = exporter.store.list()
    assert waiting(exporter.store, exporter.ledger, rows) == found


def test_what_was_confirmed_stays_so_wherever_it_is_interrupted(exporter: Exporter) -> None:
    found = waiting(exporter.store, exporter.ledger).session_ids
    sent = exporter.send(found)
    for _ in range(_SENT):
        assert next(sent).state == "sent"
    sent.close()  # type: ignore[attr-defined] # a generator
    exporter.ledger.refuse(found[_SENT], f"{_SENT:064x}", "no room")

    left = waiting(exporter.store, exporter.ledger)
    assert left.session_ids == found[_SENT + 1 :]
    assert left.refused == {found[_SENT]: "no room"}
    assert len(waiting(exporter.store, exporter.ledger, again=True).session_ids) == COUNT


def test_memory_does_not_grow_with_what_is_sent(exporter: Exporter) -> None:
    some = waiting(exporter.store, exporter.ledger).session_ids[: max(300, _SENT)]
    sent = exporter.send(some)
    for _ in range(100):
        next(sent)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for outcome in sent:
            assert outcome.state == "sent"
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < _ANYHOW + _TEXTS
    assert list(exporter.ledger.read()) == some
