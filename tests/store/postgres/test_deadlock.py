"""Who sends and who prunes at the same time lock rows in one order; whom the server ends all the same tries again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_chat, a_session
from tests.postgres import ask
from tests.store.postgres.making import is_whole, read, sync
from tfstore.document.pins import Pin
from tfstore.errors import DatabaseUnusable
from tfstore.postgres.address import Address
from tfstore.postgres.connecting import TRIES, connect
from tfstore.postgres.deleting import delete
from tfstore.postgres.pinning import pin, unpin
from tfstore.postgres.retention import Kept, prune
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 9, 20, tzinfo=UTC)
ALL = Kept(events=timedelta(hours=1))
RECENT = {"a": "2026-09-12", "b": "2026-09-03"}
LONG_AGO = {"a": "2020-07-12", "b": "2020-05-03"}
"""Sessions, and when they began: not in the order of their names. Those of long ago share a partition."""

PATIENCE = 60


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    _put(store, RECENT)
    return store


def _put(store: Store, began: dict[str, str], said: str = "Hi") -> None:
    for name, day in began.items():
        session = a_session(a_chat("Hello", said), session_id=name)
        session.started_at = f"{day}T10:00:00.000Z"
        store.put(session)


@pytest.mark.parametrize("by", ["sync", "prune"])
def test_rows_are_locked_by_their_names_whoever_locks_them(store: Store, url: str, by: str) -> None:
    _put(store, LONG_AGO)
    sync(store, url)
    _put(store, LONG_AGO, "changed")
    works: dict[str, Callable[[], Any]] = {
        "sync": lambda: sync(store, f"{url}&application_name=first"),
        "prune": lambda: prune(Address.of(f"{url}&application_name=first"), ALL, now=NOW),
    }
    with connect(Address.of(url), reads_only=False) as other:
        with other.transaction():
            other.execute("SELECT 1 FROM sessions WHERE session_id = 'b' FOR UPDATE")
            work = Thread(target=works[by])
            work.start()
            _until_it_waits(url)
            # So whoever waits for b has a, and nobody who has b will ask for a.
            asked = "SELECT session_id FROM sessions ORDER BY 1 FOR UPDATE SKIP LOCKED"
            free = ask(url, asked)
        work.join(PATIENCE)

    assert not work.is_alive()
    assert free == []


def _until_it_waits(url: str) -> None:
    until = monotonic() + PATIENCE
    asked = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'first' AND wait_event_type = 'Lock'"
    while not ask(url, asked):
        assert monotonic() < until, "nobody waited"
        sleep(0.01)


def _ended(url: str, table: str, times: int, *, what: str) -> None:
    """Have the server end a transaction, so many times, as if it and another waited for each other."""
    ask(url, "CREATE SEQUENCE ended")  # it is not taken back
    ask(
        url,
        "CREATE FUNCTION ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF nextval('ended') <= {times} THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;"
        " RETURN coalesce(NEW, OLD); END $$",
    )
    ask(url, f"CREATE TRIGGER ended BEFORE {what} ON {table} FOR EACH ROW EXECUTE FUNCTION ended()")


def test_whoever_prunes_tries_again(store: Store, url: str) -> None:
    sync(store, url)
    counters = store.counters()
    _ended(url, "sessions", TRIES - 1, what="DELETE")

    assert prune(Address.of(url), ALL, now=NOW).sessions == 2

    with read(url) as team:
        assert (team.ids(), team.counters()) == ([], counters)


def test_whoever_drops_a_month_tries_again_with_a_bound(store: Store, url: str) -> None:
    sync(store, url)
    _ended(url, "sessions", TRIES, what="DELETE")
    later = NOW + timedelta(days=60)

    with pytest.raises(DatabaseUnusable, match="deadlock detected"):
        prune(Address.of(url), ALL, now=later)
    assert is_whole(store, url)

    assert (prune(Address.of(url), ALL, now=later).months, ask(url, "SELECT count(*) FROM sessions")) == (
        1,
        [(0,)],
    )


def test_whoever_sends_pins_or_deletes_tries_again(store: Store, url: str) -> None:
    address = Address.of(url)
    _ended(url, "sessions", 1, what="INSERT")
    done = sync(store, url)
    assert (done.sent, done.refused) == (2, {})
    assert is_whole(store, url)
    works: list[tuple[str, Callable[[], Any]]] = [
        ("UPDATE", lambda: pin(address, "a", Pin("outage", ""))),
        ("UPDATE", lambda: unpin(address, "a")),
        ("DELETE", lambda: delete(address, ["a"])),
    ]
    for number, (what, work) in enumerate(works):
        ask(url, "DROP TRIGGER ended ON sessions; DROP FUNCTION ended; DROP SEQUENCE ended")
        _ended(url, "sessions", 1, what=what)
        work()
        assert ask(url, "SELECT last_value > 1 FROM ended") == [(True,)], number
    with read(url) as team:
        assert team.ids() == ["b"]
