"""Of very many sessions that went from a database, the numbers are added together, and count as they did."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_chat, a_session
from tests.postgres import ask
from tests.store.postgres.dying import Died, dying_at
from tests.store.postgres.making import a_full_store, read, sync
from tfstore.index.counters import folded, from_json
from tfstore.postgres import deleting, pruned_totals
from tfstore.postgres.address import Address
from tfstore.postgres.connecting import connect
from tfstore.postgres.deleting import delete
from tfstore.postgres.retention import Kept, prune
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 9, 20, tzinfo=UTC)
KEPT = Kept(events=timedelta(days=1))
NAMES = [f"sess_{number}" for number in range(5)]
ROWS = "SELECT count(*) FILTER (WHERE identity LIKE 'folded-%%'), count(*) FROM pruned_totals"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruned_totals, "MOST", 2)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    for name in NAMES:
        session = a_session(a_chat("Hello", "Hi"), session_id=name, result="completed")
        session.started_at = "2026-09-01T00:00:00.000Z"
        store.put(session)
    return store


def _counters(url: str) -> Any:
    with read(url) as team:
        return +team.counters()


def test_whatever_goes_and_comes_again_counts_once(tmp_path: Path, url: str) -> None:
    folder = a_full_store(tmp_path / "full")
    before = +folder.counters()
    sync(folder, url)

    for _ in range(3):
        prune(Address.of(url), KEPT, now=NOW)
        assert _counters(url) == before
        assert ask(url, ROWS) == [(1, 2)]
        # A machine that has them still sends them again.
        assert sync(folder, url).sent == 4
        assert _counters(url) == before


def test_they_are_of_the_store_that_sent_them(store: Store, tmp_path: Path, url: str) -> None:
    other = a_full_store(tmp_path / "other")
    sync(store, url, name="one")
    sync(other, url, name="other")
    prune(Address.of(url), KEPT, now=NOW)

    assert _counters(f"{url}&source=one") == +store.counters()
    assert _counters(f"{url}&source=other") == +other.counters()
    assert ask(url, ROWS) == [(2, 4)]


def test_those_that_are_there_again_keep_their_rows(store: Store, url: str) -> None:
    before = +store.counters()
    sync(store, url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruned_totals, "MOST", 100)
        prune(Address.of(url), KEPT, now=NOW)
    sync(store, url)

    delete(Address.of(url), NAMES[:1])

    assert ask(url, ROWS) == [(0, 5)]
    assert _counters(url) == before


def test_who_folds_waits_for_who_prunes_and_the_other_way_round(store: Store, url: str) -> None:
    """Else one that was just added to others could be written down once more."""
    before = +store.counters()
    sync(store, url)
    address = Address.of(url)
    delete(address, NAMES[:2])
    sync(store, url)
    pruner = Thread(target=lambda: prune(address, KEPT, now=NOW))
    with connect(address, reads_only=False) as other:
        with other.transaction():
            other.execute("LOCK TABLE pruned_totals IN SHARE ROW EXCLUSIVE MODE")
            pruner.start()
            pruner.join(0.2)
            assert pruner.is_alive()
            identities = "SELECT identity, counters FROM pruned_totals"
            rows = {identity: from_json(told) for identity, told in other.execute(identities.encode())}
            other.execute("DELETE FROM pruned_totals")
            values = ("folded-1", store.store_id, json.dumps(folded(rows)))
            other.execute(
                "INSERT INTO pruned_totals (identity, source_id, counters) VALUES (%s, %s, %s)", values
            )
        pruner.join(60)

    assert not pruner.is_alive()
    assert _counters(url) == before


def test_dying_at_any_statement_leaves_each_counted_once(store: Store, url: str) -> None:
    before = +store.counters()
    sync(store, url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruned_totals, "MOST", 100)
        delete(Address.of(url), NAMES[:3])
    statement, died = 0, True
    while died:
        statement += 1
        sync(store, url, ids=(NAMES[3],))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(deleting, "connect", dying_at(statement))
            try:
                delete(Address.of(url), NAMES[3:4])
                died = False
            except Died:
                pass
        assert _counters(url) == before, statement
    assert statement > 20
    assert ask(url, ROWS)[0][0] > 0
