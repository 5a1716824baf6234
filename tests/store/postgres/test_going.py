"""What goes from a database: whole, counted before, written down before, and as far as it came when somebody dies."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import types
import zipfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_chat, a_session
from tests.postgres import ask
from tests.store.postgres.dying import Died, dying_at
from tests.store.postgres.making import migrated, read, sync
from tfstore.document.pins import Pin
from tfstore.errors import AmbiguousSession, GoneToWarm, SessionPinned, UnknownSession
from tfstore.postgres import retention
from tfstore.postgres.address import Address
from tfstore.postgres.archiving import Archive
from tfstore.postgres.deleting import delete
from tfstore.postgres.outgoing import unpacked
from tfstore.postgres.pinning import pin
from tfstore.postgres.retention import Kept, prune
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 9, 20, tzinfo=UTC)
KEPT = Kept(timedelta(days=15), timedelta(days=60), timedelta(days=90), blobs=True)
ALL = Kept(timedelta(hours=1), timedelta(hours=1), timedelta(hours=1), blobs=True)
BEGAN = {"may": "05-02", "june": "06-10", "july": "07-10", "early": "09-01", "late": "09-19", "undated": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A session of each month, with a tool's error and a text that stands apart, and one without a beginning."""
    store = Store(
        tmp_path_factory.mktemp("going") / "store", create=True, keep=lambda text, _w, _m: (text, [])
    )
    for name, began in BEGAN.items():
        session = a_session(a_chat("Hello", f"Hi {name}", response_id=f"resp_{name}"), session_id=name)
        session.started_at = f"2026-{began}T00:00:00.000Z" if began else None
        session.runs[0].steps[-1].payload_completed = {"text": store.blobs.put(name.encode(), "text/plain")}
        store.put(session)
    store.note("june", "old")
    return store


@pytest.fixture
def url(database: str, folder: Store) -> str:
    migrated(database)
    sync(folder, database, blobs=1_000)
    return database


def is_sound(url: str, counters: Any) -> None:
    """Whatever is listed opens, or says what is left of it; nothing lies there of what is not."""
    with read(url) as team:
        assert team.counters() == counters
        for name in [row.session_id for row in team.list()]:
            with suppress(GoneToWarm):
                assert team.get(name).session_id == name
    for table in ("documents", "agent_run_events", "agent_run_payloads", "notes"):
        orphans = f"SELECT count(*) FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE"
        assert ask(url, f"{orphans} s.source_id = t.source_id AND s.session_id = t.session_id)") == [(0,)], (
            table
        )


@pytest.mark.parametrize("archived", ["", "archived"])
def test_whenever_it_dies_less_is_there_and_doing_it_again_ends_it(
    folder: Store, url: str, tmp_path: Path, archived: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    counters, address = folder.counters(), Address.of(url)
    sessions, statement = len(BEGAN), 0
    while True:
        statement += 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(retention, "connect", dying_at(statement))
            try:
                prune(address, ALL, now=NOW, archive=Archive(str(tmp_path)) if archived else None)
            except Died:
                died = True
            else:
                died = False
        is_sound(url, counters)
        ((left,),) = ask(url, "SELECT count(*) FROM sessions")
        assert left <= sessions
        sessions = left
        if not died:
            break
    assert statement > 20
    with read(url) as team:
        assert team.ids() == ["undated"]
    assert ask(url, "SELECT count(*) FROM blobs") == [(1,)]
    if archived:
        names = {each for path in tmp_path.rglob("*.zip") for each in zipfile.ZipFile(path).namelist()}
        assert {each.rpartition("/")[2] for each in names} == {f"{each}.json.zst" for each in BEGAN} - {
            "undated.json.zst"
        }


@pytest.mark.parametrize("kept", [KEPT, ALL, Kept(events=timedelta(days=30)), Kept(blobs=True)])
def test_a_dry_run_says_what_a_run_does(url: str, kept: Kept) -> None:
    address = Address.of(url)
    pin(address, "june", Pin("outage"))
    ask(url, "INSERT INTO blobs VALUES (repeat('0', 64), 3, 'abc')")
    before = ask(url, "SELECT count(*) FROM documents")

    would = prune(address, kept, now=NOW, dry=True)

    assert ask(url, "SELECT count(*) FROM documents") == before
    assert prune(address, kept, now=NOW) == would
    assert would.blobs > 0 or not kept.blobs
    with read(url) as team:
        assert team.get("june").session_id == "june"
        assert team.blobs.get("sha256:" + hashlib.sha256(b"june").hexdigest()) == b"june"


def test_what_goes_is_written_down_before(folder: Store, url: str, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    archive = Archive(str(tmp_path / "cold"))
    done = prune(Address.of(url), KEPT, now=NOW, archive=archive)

    assert done.archived == archive.written
    assert {each.rpartition("-")[0] for each in done.archived} == {
        *(f"2026-{month}/documents" for month in ("05", "06", "07", "09")),
        *(f"2026-{month}/steps" for month in ("05", "06", "07")),
    }
    # The steps of a session that goes altogether are there with their JSON and, as they were last, without.
    assert len([each for each in done.archived if each.startswith("2026-06/steps")]) == 2
    for each in done.archived:
        path = tmp_path / "cold" / each
        assert path.stat().st_mode & 0o777 == 0o600
        told = path.with_name(f"{path.name}.sha256")
        checked = ["sha256sum", "-c", "--quiet", told.name]
        subprocess.run(checked, cwd=path.parent, check=True)  # noqa: S603 - our own words
    (june,) = [each for each in done.archived if each.startswith("2026-06/documents")]
    with zipfile.ZipFile(tmp_path / "cold" / june) as zipped:
        (name,) = zipped.namelist()
        assert name.endswith("/june.json.zst")
        assert unpacked(zipped.read(name)) == folder.text("june")
    rows = [
        row
        for each in done.archived
        if each.startswith("2026-06/steps")
        for row in pq.read_table(tmp_path / "cold" / each).to_pylist()
    ]
    steps = len(folder.get("june").runs[0].steps)
    assert len(rows) == 2 * steps
    assert {(row["session_id"], str(row["month"])) for row in rows} == {("june", "2026-06-01")}
    assert sum(row["payload"] is not None for row in rows) == steps


def test_what_cannot_be_written_down_does_not_go(url: str, tmp_path: Path) -> None:
    (tmp_path / "cold").write_text("a file")

    with pytest.raises(OSError, match="cold"):
        prune(Address.of(url), ALL, now=NOW, archive=Archive(str(tmp_path / "cold")))

    assert ask(url, "SELECT count(*) FROM documents") == [(len(BEGAN),)]


def test_another_place_is_written_to_through_fsspec(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put: dict[str, bytes] = {}

    class Remote(io.BytesIO):
        def __init__(self, place: str, mode: str) -> None:
            super().__init__()
            self.place = place
            assert mode == "wb"

        def close(self) -> None:
            put.setdefault(self.place, self.getvalue())
            super().close()

    monkeypatch.setitem(sys.modules, "fsspec", types.SimpleNamespace(open=Remote))

    done = prune(Address.of(url), KEPT, now=NOW, archive=Archive("s3://cold/tf/"))

    assert {f"s3://cold/tf/{each}{more}" for each in done.archived for more in ("", ".sha256")} == {*put}
    for each in done.archived:
        digest, name = put[f"s3://cold/tf/{each}.sha256"].decode().split()
        assert hashlib.sha256(put[f"s3://cold/tf/{each}"]).hexdigest() == digest
        assert each.endswith(name)


def test_one_that_is_sent_while_its_month_is_archived_is_not_lost(
    folder: Store, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Store(tmp_path / "later", create=True)
    session = a_session(a_chat("Late", response_id="resp_later"), session_id="later")
    session.started_at = "2026-06-11T00:00:00.000Z"
    later.put(session)
    steps, sent = Archive.steps, list[str]()

    def meanwhile(self: Archive, connection: Any, month: Any, keys: Any) -> None:
        if month.month == 6 and not sent:
            sent.append(sync(later, url, name="later").source)
        steps(self, connection, month, keys)

    monkeypatch.setattr(Archive, "steps", meanwhile)
    prune(Address.of(url), Kept(events=timedelta(days=60)), now=NOW, archive=Archive(str(tmp_path / "cold")))

    assert sent == ["later"]
    names = {n for path in (tmp_path / "cold").rglob("*.zip") for n in zipfile.ZipFile(path).namelist()}
    assert "later/later.json.zst" in names
    is_sound(url, folder.counters() + later.counters())


def test_a_session_is_deleted_there_and_leaves_its_numbers_only(folder: Store, url: str) -> None:
    address = Address.of(url)
    pin(address, "july", Pin("outage"))
    with pytest.raises(UnknownSession):
        delete(address, ["june", "nobody"])

    done = delete(address, ["june", "july"])

    assert done.deleted == ["june"]
    assert isinstance(done.problems["july"], SessionPinned)
    assert done.blob_bytes == len("june")
    is_sound(url, folder.counters())
    with read(url) as team:
        assert team.ids() == ["early", "july", "late", "may", "undated"]
        assert team.find_response("resp_june") is None
    for table in ("notes", "links", "calls", "incidents", "pruned_totals"):
        assert ask(url, f"SELECT count(*) FROM {table} WHERE {table}::text LIKE '%june%'") == [(0,)]
    assert delete(address, ["july"], pinned=True).deleted == ["july"]
    # The machine that has it sends it again.
    assert sync(folder, url).sent == 2


def test_a_blob_that_another_session_refers_to_stays(tmp_path: Path, database: str) -> None:
    store = Store(tmp_path / "store", create=True)
    shared = store.blobs.put(b"shared", "text/plain")
    for name in ("one", "two"):
        session = a_session(a_chat("Hello", "Hi"), session_id=name)
        session.runs[0].steps[-1].payload_completed = {"text": shared}
        store.put(session)
    migrated(database)
    sync(store, database, blobs=1_000)
    address = Address.of(database)

    assert delete(address, ["one"]).blob_bytes == 0
    ask(database, "DELETE FROM documents")
    assert prune(address, Kept(blobs=True), now=NOW).blobs == 0  # the JSON of a step still refers to it
    assert delete(address, ["two"]).blob_bytes == len(b"shared")


def test_the_same_id_of_two_machines_is_deleted_by_its_name(tmp_path: Path, database: str) -> None:
    migrated(database)
    for name in ("ci", "ada"):
        store = Store(tmp_path / name, create=True)
        store.put(a_session(a_chat(name), session_id="nightly"))
        sync(store, database, name=name)

    with pytest.raises(AmbiguousSession, match="nightly@ada, nightly@ci"):
        delete(Address.of(database), ["nightly"])

    assert delete(Address.of(database), ["nightly@ci"]).deleted == ["nightly@ci"]
    with read(database) as team:
        assert team.list()[0].session_id == "nightly"
        assert "ada" in team.text("nightly").decode()


def test_what_is_left_of_a_warm_session_is_said_by_its_events_too(url: str) -> None:
    prune(Address.of(url), Kept(documents=timedelta(days=15), payloads=timedelta(days=60)), now=NOW)

    with read(url) as team:
        for name, left in (
            ("early", "the JSON of 3 in agent_run_payloads"),
            ("july", "their JSON was pruned too"),
        ):
            with pytest.raises(GoneToWarm, match=rf"3 steps in agent_run_events, {left}") as told:
                list(team.events(name))
            with pytest.raises(GoneToWarm) as also:
                team.get(name)
            assert str(told.value) == str(also.value)
        assert next(each.text for each in team.events("late")) == "Hello"
