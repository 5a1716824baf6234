"""What is pruned from a database, what stays, and who may do what."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.builders import a_chat, a_session
from tests.postgres import ask
from tests.store.postgres.making import a_full_store, migrated, read, sync
from tfstore.document.pins import Pin
from tfstore.errors import DatabaseUnusable, GoneToWarm, UnknownSession
from tfstore.postgres.address import Address
from tfstore.postgres.connecting import connect
from tfstore.postgres.deleting import delete
from tfstore.postgres.migrating import migrate, migrations, version_of
from tfstore.postgres.pinning import pin, unpin
from tfstore.postgres.retention import Kept, Pruned, prune
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Server

_UNDO = {
    2: "DROP TABLE incidents, documents_pinned, agent_run_events_pinned, agent_run_payloads_pinned;"
    " DROP FUNCTION make_month",
    3: "DROP TABLE pruned_totals",
    4: "ALTER TABLE incidents DROP COLUMN sent",
    5: "DROP TABLE redactions, raw_exchanges",
}
"""What takes away what a migration added."""

NOW = datetime(2026, 9, 20, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    """Sessions of June, July, twice of September, and one without a beginning."""
    store = Store(tmp_path / "store", create=True, keep=lambda text, _where, _mode: (text, []))
    for name, began in (
        ("june", "06-10"),
        ("july", "07-10"),
        ("early", "09-01"),
        ("late", "09-19"),
        ("undated", ""),
    ):
        session = a_session(a_chat("Hello", "Hi", response_id=f"resp_{name}"), session_id=name)
        session.started_at = f"2026-{began}T00:00:00.000Z" if began else None
        store.put(session)
    store.note("june", "old")
    return store


@pytest.fixture
def url(database: str, folder: Store) -> str:
    migrated(database)
    sync(folder, database)
    return database


def test_documents_go_first_and_then_all(folder: Store, url: str) -> None:
    kept = Kept(documents=timedelta(days=15), payloads=timedelta(days=60), events=timedelta(days=90))
    would = prune(Address.of(url), kept, now=NOW, dry=True)
    nothing_yet = ask(url, "SELECT count(*) FROM documents")
    done = prune(Address.of(url), kept, now=NOW)

    assert nothing_yet == [(5,)]
    assert (would.documents, would.payloads, would.sessions) == (3, 2, 1)
    assert (done.documents, done.payloads, done.sessions) == (3, 2, 1)
    assert done.months > 0
    with read(url) as team:
        assert team.ids() == ["early", "july", "late", "undated"]
        assert team.get("late") == folder.get("late")
        for name in ("early", "july"):
            with pytest.raises(
                GoneToWarm, match=r"left are its row, which is still listed.*`tfclient sync --all` from"
            ):
                team.get(name)
        assert [row.session_id for row in team.list()] == ["late", "early", "july", "undated"]
    assert ask(url, "SELECT DISTINCT session_id FROM agent_run_payloads ORDER BY 1") == [
        ("early",),
        ("late",),
        ("undated",),
    ]
    assert ask(url, "SELECT count(*) FROM notes") == [(0,)]
    # Again there is nothing to do; what is warm is not sent anew, and a month that was dropped can come again.
    assert prune(Address.of(url), kept, now=NOW) == Pruned()
    assert sync(folder, url).sent == 1
    assert ask(url, "SELECT count(*) FROM documents") == [(3,)]
    # As the error says: whoever asks for every document gets those that were pruned.
    assert sync(folder, url, every=True).sent == 2
    with read(url) as team:
        assert [team.text(each) for each in team.ids()] == [folder.text(each) for each in folder.ids()]
    assert sync(folder, url, every=True).sent == 0


def test_pinned_ones_stay_and_unpinned_ones_go(folder: Store, url: str) -> None:
    address, kept = Address.of(url), Kept(timedelta(hours=12), timedelta(hours=12), timedelta(hours=12))
    pin(address, "june", Pin("outage", "the first one"))
    pin(address, "july", Pin("outage"))
    changed = folder.get("july")
    changed.title = "changed"
    folder.put(changed)
    sync(folder, url)
    prune(address, kept, now=NOW)

    with read(url) as team:
        assert team.ids() == ["july", "june", "undated"]
        assert team.get("june") == folder.get("june")
        assert team.get("july").title == "changed"
        assert len(list(team.steps(label="user_message"))) == 3
    assert ask(url, "SELECT session_id, incident, note FROM incidents ORDER BY 1") == [
        ("july", "outage", ""),
        ("june", "outage", "the first one"),
    ]
    unpin(address, "june")
    prune(address, kept, now=NOW)
    with read(url) as team:
        assert team.ids() == ["july", "undated"]
    with pytest.raises(UnknownSession):
        pin(address, "june", Pin("too late"))


def test_counters_do_not_fall_and_nothing_counts_twice(tmp_path: Path, database: str) -> None:
    folder = a_full_store(tmp_path / "full")
    before = folder.counters()
    migrated(database)
    sync(folder, database)
    address, kept = Address.of(database), Kept(events=timedelta(days=10))

    for _ in range(2):
        with read(database) as team:
            assert team.counters() == before
        assert prune(address, kept, now=NOW).sessions == 4
        with read(database) as team:
            assert len(team.ids()) == 5  # one is pinned
            assert team.counters() == before
        # A machine that has them still sends them again.
        assert sync(folder, database).sent == 4
    ((identity,),) = ask(database, "SELECT min(identity) FROM pruned_totals")
    assert len(identity) == 64
    assert ask(database, "SELECT count(*) FROM pruned_totals") == [(4,)]


def test_who_reads_cannot_write_and_who_writes_makes_no_tables(
    postgres_server: Server, folder: Store
) -> None:
    url = postgres_server.new_url()
    for role in (
        "thoughtflow_read",
        "thoughtflow_write",
        "rita LOGIN IN ROLE thoughtflow_read",
        "will LOGIN IN ROLE thoughtflow_write",
    ):
        with contextlib.suppress(DatabaseUnusable, psycopg.Error):
            ask(url, f"CREATE ROLE {role}")
    migrated(url)
    reader, writer = url.replace("tf@", "rita@"), url.replace("tf@", "will@")

    # Months come by and by: who sends may have them made.
    assert sync(folder, writer).sent == 5
    with read(reader) as team:
        assert team.get("july") == folder.get("july")
    with pytest.raises(DatabaseUnusable, match="may not do that there"):
        sync(folder, reader, name="rita")
    writable = (
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
        " AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY 1"
    )
    assert ask(reader, writable) == []
    assert ("pruned_totals",) in ask(writer, writable)
    address = Address.of(reader)
    for change in (
        lambda: pin(address, "july", Pin("x")),
        lambda: unpin(address, "july"),
        lambda: delete(address, ["july"]),
        lambda: prune(address, Kept(documents=timedelta(0)), now=NOW),
    ):
        with pytest.raises(DatabaseUnusable, match="may not do that there"):
            change()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(reader, "DELETE FROM sessions")
    # What is raw is not for who reads.
    assert ask(reader, "SELECT count(*) FROM redactions") == [(0,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(reader, "SELECT count(*) FROM raw_exchanges")
    # Who sends may pin and delete too; dropping months is the owner's.
    pin(Address.of(writer), "july", Pin("x"))
    assert delete(Address.of(writer), ["july"], pinned=True).deleted == ["july"]
    with pytest.raises(DatabaseUnusable, match="may not do that there"):
        prune(Address.of(writer), Kept(documents=timedelta(0)), now=NOW)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(writer, "UPDATE schema_version SET version = 99")


@pytest.mark.parametrize("before", range(1, len(migrations())))
def test_an_earlier_version_is_read_and_brought_up_to_date_with_what_is_in_it(
    database: str, folder: Store, before: int
) -> None:
    address = Address.of(database)
    migrated(database)
    sync(folder, database)
    assert migrations()[before - 1].number == before
    with connect(address, reads_only=False) as connection:
        # As it was left by that version: what came later is not there.
        for number in range(len(migrations()), before, -1):
            connection.execute(_UNDO[number].encode())
        connection.execute("DELETE FROM schema_version WHERE version > %s", (before,))
        assert version_of(connection) == before
    with read(database) as team:
        assert len(team.list()) == 5
        assert team.counters() == folder.counters()
    with pytest.raises(DatabaseUnusable, match="sync URL --migrate` brings them up to date"):
        sync(folder, database)

    with connect(address, reads_only=False) as connection:
        assert migrate(connection, address) == [each.name for each in migrations()[before:]]
        assert migrate(connection, address) == []
    assert sync(folder, database).same == 5


def test_a_later_version_is_refused(database: str) -> None:
    migrated(database)
    ask(database, "INSERT INTO schema_version (version, name) VALUES (99, 'later')")

    for use in (read, migrated):
        with pytest.raises(DatabaseUnusable, match="version 99 of our tables and this tfclient knows"):
            use(database)
