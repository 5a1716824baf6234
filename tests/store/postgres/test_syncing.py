"""What is sent, once and again, by many, in parts, and over a server that goes away."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.builders import a_chat, a_session
from tests.cli.making import GOING_ON, WEATHER, weather
from tests.postgres import ask
from tests.store.postgres.making import (
    CONTINUED,
    NIGHTLY,
    a_full_store,
    is_whole,
    read,
    some_sessions,
    sync,
)
from tfstore.errors import AmbiguousSession, DatabaseUnusable
from tfstore.postgres import syncing
from tfstore.postgres.address import Address
from tfstore.postgres.connecting import connect
from tfstore.reading.search import TOLD
from tfstore.store import Store

if TYPE_CHECKING:
    from tfstore.document.documents import Session

TABLES = (
    "sources",
    "sessions",
    "documents",
    "agent_run_events",
    "agent_run_payloads",
    "calls",
    "links",
    "notes",
)


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return a_full_store(tmp_path / "store")


def _stamps(url: str) -> list[Any]:
    return [ask(url, f"SELECT '{table}', xmin::text, ctid::text FROM {table} ORDER BY 3") for table in TABLES]


def test_sent_twice_no_row_moves(folder: Store, url: str) -> None:
    first = sync(folder, url)
    before = _stamps(url)
    second = sync(folder, url)
    # The short cut is only that: without it, documents are read and found to be the same.
    third = sync(folder, url, every=True)
    for path in (folder.paths.root / "sync").iterdir():
        path.unlink()
    fourth = sync(folder, url)

    assert (first.sent, first.notes, first.refused) == (9, 1, {})
    assert [(each.sent, each.rows, each.notes, each.same) for each in (second, third, fourth)] == [
        (0, 0, 0, 9)
    ] * 3
    assert _stamps(url) == before
    assert is_whole(folder, url)


def test_a_session_that_changed_is_sent_anew_and_nothing_of_before_stays(folder: Store, url: str) -> None:
    sync(folder, url)
    changed = a_session(a_chat("Short", response_id="resp_new"), session_id=WEATHER)
    changed.started_at = "2026-07-01T00:00:00.000Z"
    folder.put(changed)

    done = sync(folder, url)

    assert (done.sent, done.same) == (1, 8)
    with read(url) as team:
        assert team.get(WEATHER) == changed
        assert list(team.steps(tool="get_weather")) == []
        assert team.find_response("resp_a1") is None
        assert [calls.name for calls in team.calls("tool_call")] == [
            c.name for c in folder.calls("tool_call")
        ]
    assert is_whole(folder, url)


def test_active_sessions_and_earlier_ones_wait_to_be_asked_for(folder: Store, url: str) -> None:
    done = sync(folder, url, live=False, since="2026-09-02T10:30:00.000Z")

    assert done.active == 1
    with read(url) as team:
        assert team.ids() == [CONTINUED, "sess_20260903T090000Z_0e91a700"]
        assert GOING_ON not in team.ids()


def test_a_dry_run_counts_and_sends_nothing(folder: Store, url: str) -> None:
    done = syncing.Sync(folder, Address.of(url)).run(dry=True)

    assert (done.sent, done.active) == (8, 1)
    assert [ask(url, f"SELECT count(*) FROM {table}") for table in TABLES] == [[(0,)]] * len(TABLES)


def test_two_machines_with_the_same_id_keep_both(tmp_path: Path, url: str) -> None:
    stores = {}
    for name, said in (("ci-1", "from ci"), ("ada", "from ada")):
        stores[name] = Store(tmp_path / name, create=True)
        stores[name].put(a_session(a_chat(said, response_id=f"resp_{name}"), session_id=NIGHTLY, title=said))
        sync(stores[name], url, name=name)
    stores["ada"].put(a_session(a_chat("only ada"), session_id="alone"))
    sync(stores["ada"], url)

    with read(url) as team:
        assert team.ids() == ["alone", "nightly@ada", "nightly@ci-1"]
        with pytest.raises(AmbiguousSession, match="nightly@ada, nightly@ci-1"):
            team.get(NIGHTLY)
        found = team.get("nightly@ci-1")
        assert (found.session_id, found.title) == ("nightly@ci-1", "from ci")
        assert {row.session_id: row.title for row in team.list(ids=team.ids())}["nightly@ada"] == "from ada"
        assert team.origin(found.runs[0].steps[-1]).session_id == "nightly@ci-1"
        assert team.text("nightly@ada") == stores["ada"].text(NIGHTLY)
    with read(f"{url}&source=ci-1") as narrowed:
        assert narrowed.ids() == [NIGHTLY]
        assert narrowed.get(NIGHTLY).title == "from ci"
    with pytest.raises(DatabaseUnusable, match="those that did: ada, ci-1"):
        read(f"{url}&source=nobody")


def test_what_led_to_what_goes_on_across_machines(tmp_path: Path, url: str) -> None:
    here, there = Store(tmp_path / "here", create=True), Store(tmp_path / "there", create=True)
    here.put(weather())
    there.put(next(each for each in some_sessions() if each.session_id == CONTINUED))
    sync(here, url, name="here")
    sync(there, url, name="there")

    with read(url) as team:
        answer = team.get(CONTINUED).runs[0].steps[-1]
        assert (team.origin(answer).session_id, team.origin(answer).step_id) == (WEATHER, "step_1_1")
        assert CONTINUED in {each.session_id for each in team.descendants(team.get(WEATHER).runs[0].steps[0])}
        assert team.thread(CONTINUED) == [WEATHER, CONTINUED]


def test_a_name_is_of_one_store(tmp_path: Path, url: str) -> None:
    one, other = (Store(tmp_path / each, create=True) for each in "ab")
    assert sync(one, url, name="ci").source == "ci"
    with pytest.raises(DatabaseUnusable, match="another store has the name 'ci'"):
        sync(other, url, name="ci")
    unnamed = sync(other, url).source
    third = sync(Store(tmp_path / "c", create=True), url).source

    assert third.startswith(f"{unnamed}-")
    assert sync(one, url).source == "ci"


def test_a_second_run_at_the_same_time_says_so(folder: Store, url: str) -> None:
    with connect(Address.of(url), reads_only=False) as connection:
        assert syncing._alone(connection, folder.store_id)
        with pytest.raises(DatabaseUnusable, match="another `tfclient sync` is sending"):
            sync(folder, url)

    assert sync(folder, url).sent == 9


def test_one_that_is_patient_waits_for_the_other(folder: Store, url: str) -> None:
    done: list[int] = []
    waiting = Thread(
        target=lambda: done.append(syncing.Sync(folder, Address.of(url), patience=60).run().sent)
    )
    with connect(Address.of(url), reads_only=False) as connection:
        assert syncing._alone(connection, folder.store_id)
        waiting.start()
    waiting.join(60)

    assert len(done) == 1


def test_one_that_cannot_be_sent_is_told_and_passed_over(folder: Store, url: str) -> None:
    refusing = (
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;"
        f" CREATE TRIGGER no BEFORE INSERT ON documents FOR EACH ROW WHEN (NEW.session_id = '{CONTINUED}')"
        " EXECUTE FUNCTION no()"
    )
    ask(url, refusing)

    done = sync(folder, url)

    assert done.sent == 8
    assert list(done.refused) == [CONTINUED]
    assert "not this one" in done.refused[CONTINUED]
    with read(url) as team:
        assert WEATHER in team.ids()


def _odd() -> dict[str, Session]:
    def one(**fields: Any) -> Session:
        session = a_session(a_chat("Hello", "Hi"), title="odd")
        step = session.runs[0].steps[-1]
        for name, value in fields.items():
            setattr(step, name, value)
        return session

    deep: Any = "deep"
    for _ in range(400):
        deep = [deep]
    texts = one(
        payload_completed={"text": "a\0b\ud800c", "\0": ["\udfff"]}, tool_name="t\0", response_id="r\ud800"
    )
    texts.title, texts.metadata = "a\0b\ud800", {"k\0": "v\ud800"}
    undated = one()
    undated.started_at = None
    future = one()
    future.started_at = "9999-12-31T23:59:59.000Z"
    unsaid = one(started_at="yesterday")
    unsaid.started_at = "the day before"
    return {
        "texts": texts,
        "numbers": one(seq=2**70, duration_ms=10**30, payload_completed={"n": 10**400}),
        "twins": one(seq=1),
        "infinite": one(payload_completed={"text": "x", "n": float("inf"), "m": float("nan")}),
        "undated": undated,
        "future": future,
        "unsaid": unsaid,
        "long": one(payload_completed={"text": "needle " + "x" * 1_000_001}),
        "deep": one(payload_completed={"text": "deep", "deep": deep}),
    }


def test_odd_sessions_are_sent_and_their_documents_byte_for_byte(tmp_path: Path, url: str) -> None:
    folder = Store(tmp_path / "odd", create=True)
    for name, session in _odd().items():
        session.session_id = name
        folder.put(session)

    done = sync(folder, url)

    assert done.refused == {}
    assert {name: found for name, found in done.partial.items() if name != "deep"} == {
        "numbers": ["duration_ms", "seq"],
        "twins": ["seq"],
        "unsaid": ["started_at"],
    }
    with read(url) as team:
        assert team.ids() == sorted(_odd())
        for name in team.ids():
            assert team.text(name) == folder.text(name)
        assert team.list() == folder.list()
        for tool in ("t\0", None):
            assert list(map(str, team.steps(tool=tool))) == list(map(str, folder.steps(tool=tool)))
        assert [
            name for name in ("long",) if name in (team.may_say(["needle"], lambda _: [], TOLD, None) or ())
        ] == ["long"]
    assert sync(folder, url).sent == 0
    payload = (
        "SELECT payload #>> '{payload_completed,text}' FROM agent_run_payloads WHERE session_id = 'texts'"
    )
    assert ("a\ufffdb\ufffdc",) in ask(url, payload)


def test_blobs_go_where_they_are_asked_for_and_as_large(tmp_path: Path, url: str) -> None:
    folder = Store(tmp_path / "store", create=True)
    small, large = folder.blobs.put(b"a long text", "text/plain"), folder.blobs.put(b"x" * 2_000, "image/png")
    session = a_session(a_chat("Hello", "Hi"), session_id=NIGHTLY)
    session.runs[0].steps[-1].payload_completed = {"text": small, "picture": large}
    folder.put(session)

    assert sync(folder, url, blobs=1_000).blobs == 1

    with read(url) as team:
        assert team.blobs.get(small) == b"a long text"
        with pytest.raises(Exception, match="sync --blobs"):
            team.blobs.get(large)
    assert ask(url, "SELECT bytes, content IS NULL FROM blobs ORDER BY bytes") == [(11, False), (2_000, True)]


def test_no_password_is_told_by_anything(folder: Store, database: str) -> None:
    secret = "hunter2hunter2"
    addresses = [
        database.replace("tf@", f"tf:{secret}@"),
        f"postgresql://tf:{secret}@127.0.0.1:1/db",
        f"postgresql://tf:{secret}@127.0.0.1:1/db?password={secret}",
        f"postgresql://tf:{secret}@127.0.0.1/db?no_such_option={secret}",
        f"postgresql://tf:x:{secret}/@127.0.0.1/db",
    ]
    for address in addresses:
        for use in (lambda: sync(folder, address), lambda: read(address)):  # noqa: B023 - used at once
            with pytest.raises(DatabaseUnusable) as refused:
                use()
            told = "".join(traceback.format_exception(refused.value))
            assert "cannot be used" in told
            assert secret not in told.replace(f"no_such_option={secret}", "")
    kept = b"".join(path.read_bytes() for path in folder.paths.root.rglob("*") if path.is_file())
    assert secret.encode() not in kept


def test_the_short_cut_that_is_damaged_is_as_if_it_were_not_there(folder: Store, url: str) -> None:
    sync(folder, url)
    (path,) = (folder.paths.root / "sync").iterdir()
    lines = path.read_bytes().splitlines(keepends=True)
    assert json.loads(lines[0]).keys() == {"session_id", "modified", "size", "sha256"}
    path.write_bytes(b"no JSON\n{}\n\xff\n" + lines[0][:20])

    assert sync(folder, url).same == 9
    assert path.stat().st_mode & 0o777 == 0o600


def test_one_that_is_gone_here_stays_there(folder: Store, url: str) -> None:
    sync(folder, url)
    folder.paths.document(WEATHER).unlink()
    sync(folder, url)

    with read(url) as team:
        assert team.get(WEATHER).title == "Weather agent"


def test_a_lost_connection_is_made_anew_by_who_reads(folder: Store, url: str) -> None:
    sync(folder, url)
    with read(url) as team:
        ((process,),) = team._ask("SELECT pg_backend_pid()")
        ask(url, "SELECT pg_terminate_backend(%s)", process)

        assert len(team.list()) == 6
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            team._connection.execute("DELETE FROM sessions")
