"""What a database does not take is told, noted as refused, and waits no longer, until it changes or is asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.builders import a_chat, a_session
from tests.cli.making import run
from tests.postgres import ask
from tests.store.postgres.making import sync
from tfclient.export.metrics.numbers import exposition
from tfclient.finishing.mending import examine_store
from tfclient.finishing.syncing import DatabaseTarget
from tfstore.disk.export_ledger import ExportLedger
from tfstore.postgres import syncing
from tfstore.postgres.address import Address
from tfstore.postgres.seen import Seen, unsent
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

BAD = "sess_bad"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    for name in ("sess_good", BAD):
        _put(store, name)
    return store


def _put(store: Store, name: str, said: str = "Hi") -> None:
    session = a_session(a_chat("Hello", said), session_id=name)
    session.started_at = session.ended_at = "2026-09-02T10:00:00.000Z"
    store.put(session)


def _refuse(url: str, state: str = "P0001") -> None:
    ask(
        url,
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION 'not this one' USING ERRCODE = '{state}'; END $$",
    )
    made = "CREATE TRIGGER no BEFORE INSERT ON documents FOR EACH ROW"
    ask(url, f"{made} WHEN (NEW.session_id = '{BAD}') EXECUTE FUNCTION no()")


def _waiting(store: Store, url: str) -> tuple[list[str], list[str]]:
    found = unsent(store, Seen.of(store.paths, Address.of(url)))
    return found.session_ids, list(found.refused)


def test_it_is_refused_until_it_changes_and_taken_once_it_can_be(store: Store, url: str) -> None:
    _refuse(url)
    assert _waiting(store, url) == ([BAD, "sess_good"], [])

    done = sync(store, url)

    assert (done.sent, list(done.refused)) == (1, [BAD])
    assert _waiting(store, url) == ([], [BAD])
    assert sync(store, url, again=False).refused_before == done.refused
    # Whoever asks for it has it tried again; what is noted of it does not grow.
    path = Seen.of(store.paths, Address.of(url)).path
    before = path.read_bytes()
    assert sync(store, url).refused == done.refused
    assert path.read_bytes() == before
    (line,) = [json.loads(each) for each in before.splitlines() if BAD.encode() in each]
    assert line.keys() == {"session_id", "modified", "size", "refused"}

    _put(store, BAD, "Something else")
    assert _waiting(store, url) == ([BAD], [])
    assert list(sync(store, url, again=False).refused) == [BAD]
    assert _waiting(store, url) == ([], [BAD])

    ask(url, "DROP TRIGGER no ON documents")
    assert (sync(store, url, again=False).sent, sync(store, url).sent) == (0, 1)
    assert _waiting(store, url) == ([], [])


def test_what_was_in_its_way_for_a_moment_is_no_refusal(store: Store, url: str) -> None:
    _refuse(url, "55P03")

    assert list(sync(store, url).refused) == [BAD]

    assert _waiting(store, url) == ([BAD], [])


def test_what_is_longer_than_the_server_reads_does_not_end_the_connection(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(store, BAD, "".join(map(chr, range(0x4E00, 0x7000))))
    monkeypatch.setattr(syncing, "LARGEST_DOCUMENT", 8_000)

    done = sync(store, url)

    assert (done.sent, list(done.refused)) == (1, [BAD])
    assert "PostgreSQL takes 8,000" in done.refused[BAD]
    assert _waiting(store, url) == ([], [BAD])


def test_what_sends_as_sessions_close_leaves_it(store: Store, url: str) -> None:
    _refuse(url)
    target = DatabaseTarget.open(store.paths, url)
    _put(store, BAD, "ended later")
    session = store.get(BAD)
    session.ended_at = "2999-01-01T00:00:00.000Z"
    store.put(session)
    assert target.earlier() == [BAD]

    assert list(target.send([BAD])) == [BAD]

    assert target.earlier() == []


def test_it_is_told_by_the_commands(store: Store, url: str) -> None:
    _refuse(url)
    root = store.paths.root

    first = run("sync", url, "--store", root, columns=200)
    dry = run("sync", url, "--dry-run", "--store", root, columns=200)
    told = run("sync", url, "--dry-run", "--json", "--store", root).json
    doctor = run("doctor", "--store", root, columns=200)

    assert first.code == 1
    assert f"Session {BAD} was not sent: not this one" in first.err
    assert (dry.code, dry.out[:13]) == (0, "1 session wou")
    assert f"Session {BAD} was refused the last time: not this one" in dry.err
    assert list(told["refused_before"]) == [BAD]
    assert doctor.code == 1
    assert f"refused: {root}" in doctor.out
    assert f"Session {BAD} was not taken by sync/" in doctor.out
    lines = exposition(store, datetime(2026, 9, 3, tzinfo=UTC)).splitlines()
    target = f'{{target="sync/{Seen.every(store.paths)[0].path.stem}"}}'
    assert {f"thoughtflow_refused_sessions{target} 1", f"thoughtflow_pending_sessions{target} 0"} <= {*lines}


def test_the_doctor_tells_what_a_receiver_refused_and_a_ledger_that_cannot_be_read(store: Store) -> None:
    ledger = ExportLedger(store.paths, "h-1", "http://h")
    ledger.refuse(BAD, store.get(BAD).integrity.head, "too large")
    ledger.path.write_text(ledger.path.read_text().replace('"since": "', '"since": "2026-01-01", "was": "'))

    (problem,) = examine_store(store)
    assert (problem.kind, problem.session_id, problem.mend) == ("refused", BAD, "send")

    ledger.path.unlink()
    ledger.path.symlink_to("/etc/hostname")
    (problem,) = examine_store(store)
    assert (problem.kind, problem.mend, problem.path) == ("blocked_document", "move", store.paths.exports)
