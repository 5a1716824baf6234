"""Deleting leaves nothing of a session, all of the others, and no half of anything that nobody tells."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.store.making import a_run, a_session, a_step, an_entry, start
from tfstore.document.documents import Integrity, Session
from tfstore.document.notes import Note, line_of
from tfstore.errors import ClaimedElsewhere, SessionInUse, UnknownSession
from tfstore.journal.packing import pack
from tfstore.journal.reading import Segment
from tfstore.keeping import blob_uses
from tfstore.keeping.deleting import delete
from tfstore.keeping.doctor import examine
from tfstore.reading.search import Pattern, sessions_holding
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tfstore.disk.paths import StorePaths

DAY = "sess_20260902T091400Z_"


def name(number: int) -> str:
    return f"{DAY}{number:08x}"


def record(store: Store, number: int, *, calls: int = 3, **metadata: Any) -> Session:
    """A closed session with all that there can be of one."""
    session_id = name(number)
    with Segment.open(store.paths, session_id) as segment:
        segment.append(an_entry(1, data=f"prompt-{number:08x}"))
    pack(store.paths, session_id)
    steps = [
        a_step(f"1_{n}", "assistant_call", response_id=f"resp_{number:08x}_{n}") for n in range(1, calls + 1)
    ]
    steps[0].previous_response_id = f"resp_before_{number:08x}"
    session = a_session(session_id, a_run(1, *steps), title=f"prompt-{number:08x}", metadata=metadata)
    session.integrity = Integrity(entries=1, head=store.journal(session_id)[1].head)
    store.put(session)
    store.paths.diagram(session_id).write_text(f"prompt-{number:08x}")
    store.paths.earlier(session_id).write_bytes(store.paths.document(session_id).read_bytes())
    store.paths.make_dir(store.paths.notes)
    store.paths.notes_of(session_id).write_bytes(line_of(Note("note_1", text=f"prompt-{number:08x}")))
    store.paths.make_dir(store.paths.pictures)
    (store.paths.make_dir(store.paths.pictures / session_id) / "index.svg").write_text("svg")
    return session


def naming(store: Store, number: int) -> list[Path]:
    """The files and folders that tell of this session, by their name or in their bytes."""
    mark = f"{number:08x}"
    return [
        path
        for path in store.paths.root.rglob("*")
        if mark in path.name or (path.is_file() and mark.encode() in path.read_bytes())
    ]


def found(store: Store, text: str) -> list[str]:
    """The sessions that hold a text; now it is in the index."""
    for path in store.paths.sessions.glob("*.json"):
        os.utime(path, (10**9, 10**9))
    return [session.session_id for session, _ in sessions_holding(store, Pattern.of(text), print)]


def content(paths: StorePaths) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in paths.root.rglob("*") if path.is_file()}


def test_nothing_is_left_of_it_and_all_of_the_others(store: Store, tmp_path: Path) -> None:
    alone = Store(tmp_path / "alone", create=True)
    for number in range(1, 5):
        record(store, number)
        if number not in {2, 3}:
            record(alone, number)

    assert delete(store, [name(2), name(3)]).deleted == [name(2), name(3)]

    assert naming(store, 2) == naming(store, 3) == []
    assert list(examine(store)) == []
    for number in (1, 4):
        assert store.get(name(number)) == alone.get(name(number))
        assert len(naming(store, number)) == len(naming(alone, number))
        assert store.find_response(f"resp_{number:08x}_3") is not None


def test_ids_that_begin_alike_are_others(store: Store) -> None:
    for each in ("a", "a.json", "a.b"):
        store.put(a_session(each))
        store.paths.diagram(each).write_text("d2")
        store.paths.earlier(each).write_text("{}")
    before = content(store.paths)

    delete(store, ["a.json"])

    kept = {path for path in content(store.paths) if path.parent == store.paths.sessions}
    assert {path for path in before if path.parent == store.paths.sessions} - kept == {
        store.paths.document("a.json"),
        store.paths.diagram("a.json"),
        store.paths.earlier("a.json"),
    }
    assert [row.session_id for row in store.list()] == ["a.b", "a"]


def test_what_dead_processes_left_of_it_goes_too(store: Store) -> None:
    """Files not written to their end, and what a version before this one kept of it."""
    record(store, 1)
    record(store, 2)
    paths = store.paths
    (paths.sessions / f".{name(1)}.json.77.0a0b0c0d.tmp").write_text('{"title": "prompt-00000001')
    (paths.sessions / f"{name(1)}.svg").write_text("drawn by hand")
    (paths.archive / f".{name(1)}.tfz.77.0a0b0c0d.tmp").write_text("half")
    (paths.journal / f".{name(1)}.77.0a0b0c0d.tmp").mkdir()
    paths.make_dir(paths.make_dir(paths.catalog) / "responses")
    (paths.catalog / "20260902.json").write_text('{"rows": {"prompt-00000001"')
    (paths.catalog / "responses" / "0a.jsonl").write_text('["made","resp_00000001_2')

    delete(store, [name(1)])

    assert naming(store, 1) == []
    assert list(examine(store)) == []


def test_its_words_are_no_longer_in_the_index(store: Store) -> None:
    """Not in a page that is free now, nor as three letters each."""
    record(store, 1, said="quixotic zephyr")
    record(store, 2, said="plain words")
    assert found(store, "quixotic") == [name(1)]
    assert found(store, "plain words") == [name(2)]
    assert naming(store, 1)

    delete(store, [name(1)])

    assert not [path for path in store.paths.root.rglob("*index*") if b"qui" in path.read_bytes()]
    assert naming(store, 1) == []
    assert found(store, "quixotic") == []
    assert found(store, "plain words") == [name(2)]


def test_it_goes_with_an_index_that_cannot_be_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record(store, 1)
    record(store, 2)

    with sqlite3.connect(store.paths.root / "index.db", isolation_level=None) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE sessions SET told = told")
        monkeypatch.setattr("tfstore.index.database._BUSY", 0)
        delete(store, [name(1)])
    other.close()

    assert naming(store, 1) == []
    assert [row.session_id for row in store.list()] == [name(2)]


def test_blobs_go_with_the_last_that_refers_to_them(store: Store) -> None:
    own, shared, earlier = (
        store.blobs.put(each * 9, "text/plain") for each in (b"own", b"shared", b"earlier")
    )
    record(store, 1, own=own, shared=shared, earlier=earlier)
    record(store, 2, shared=shared)
    store.paths.earlier(name(2)).write_text(json.dumps({"text": earlier}))

    outcome = delete(store, [name(1)])

    assert outcome.blob_bytes == len(b"own" * 9)
    assert store.blobs.find(str(own["blob"]).removeprefix("sha256:")) is None
    assert store.blobs.get(shared) == b"shared" * 9
    assert store.blobs.get(earlier) == b"earlier" * 9

    assert delete(store, [name(2)]).blob_bytes == len(b"shared" * 9) + len(b"earlier" * 9)
    assert not list(store.paths.blobs.glob("??/*"))


def test_blobs_stay_while_a_document_cannot_be_read(store: Store) -> None:
    own = store.blobs.put(b"own", "text/plain")
    record(store, 1, own=own)
    store.paths.document("broken").mkdir()

    outcome = delete(store, [name(1)])

    assert outcome.deleted == [name(1)]
    assert "broken" in str(outcome.blobs_kept)
    assert store.blobs.get(own) == b"own"


def test_a_blob_that_another_takes_up_meanwhile_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its document is written when all were read already."""
    shared = store.blobs.put(b"shared", "text/plain")
    record(store, 1, text=shared)
    record(store, 2)
    read = blob_uses.references

    def meanwhile(of: Store, session_id: str) -> set[str]:
        found = read(of, session_id)
        if session_id == name(2):
            other = Store(store.paths.root)
            with other.blobs.alone():
                other.blobs.put(b"shared", "text/plain")
                other.put(a_session(name(3), metadata={"text": shared}))
        return found

    monkeypatch.setattr(blob_uses, "references", meanwhile)
    delete(store, [name(1)])

    assert store.blobs.get(shared) == b"shared"


class Killed(BaseException):
    """The process dies here."""


def dying_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Die at this one of the steps that change the disk; gives how many there were."""
    count = 0

    def counted(really: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count >= step:
                raise Killed
            return really(*arguments, **options)

        return change

    for method in ("unlink", "rename", "replace"):
        monkeypatch.setattr(Path, method, counted(getattr(Path, method)))
    monkeypatch.setattr(shutil, "rmtree", counted(shutil.rmtree))
    for function in ("unlink", "rmdir"):
        monkeypatch.setattr(os, function, counted(getattr(os, function)))
    return lambda: count


def test_whenever_it_dies_doing_it_again_ends_it(tmp_path: Path) -> None:
    """What is left is the whole session, or something that doctor tells; nothing makes it again."""
    made = Store(tmp_path / "made", create=True)
    blob = made.blobs.put(b"own", "text/plain")
    record(made, 1, text=blob)
    record(made, 2)
    with Segment.open(made.paths, name(1)) as segment:
        segment.append(an_entry(2))
    counters = made.counters()
    step = 0
    while True:
        step += 1
        store = Store(shutil.copytree(made.paths.root, tmp_path / f"at_{step}"))
        with pytest.MonkeyPatch.context() as patch:
            dying_at(step, patch)
            try:
                delete(store, [name(1)])
            except Killed:
                died = True
            else:
                died = False
        store = Store(store.paths.root)
        assert store.counters() == counters, f"died at step {step}"
        if died:
            for path in store.paths.root.rglob("*.tmp"):
                os.utime(path, (0, 0))
            findings = list(examine(store))
            whole = {path.name for path in naming(made, 1)} == {path.name for path in naming(store, 1)}
            assert whole or findings or not naming(store, 1), f"died at step {step}"
            if not naming(store, 1):
                break
            delete(store, [name(1)])
        assert naming(store, 1) == [], f"died at step {step}"
        assert store.counters() == counters, f"died at step {step}"
        assert store.blobs.find(str(blob["blob"]).removeprefix("sha256:")) is None
        assert list(examine(store)) == []
        assert store.find_response("resp_00000002_1") is not None
        if not died:
            break
    assert step > 8


def test_one_killed_in_the_middle_of_many(store: Store) -> None:
    """SIGKILL, and the same command again."""
    for number in range(300):
        record(store, number, calls=2)
    code = """
    import sys
    from tfstore.keeping import deleting
    from tfstore.store import Store
    really = deleting._remove_journal
    def told(paths, session_id):
        really(paths, session_id)
        print(session_id, flush=True)
    deleting._remove_journal = told
    store = Store(sys.argv[1])
    deleting.delete(store, store.ids())
    """
    with start(code, store.paths.root) as process:
        assert process.stdout is not None
        for _ in range(150):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)

    findings = [each.kind for each in examine(store) if each.kind != "unfinished_file"]
    assert set(findings) == {"lost_journal"}
    assert len(findings) >= 150
    assert len(delete(store, [row.session_id for row in store.list()]).deleted) == 300
    assert [path for path in store.paths.root.rglob("*") if DAY in path.name] == []
    assert not [
        path for path in store.paths.root.rglob("*") if path.is_file() and DAY.encode() in path.read_bytes()
    ]


def test_what_is_left_of_a_deletion_is_told_and_ended(store: Store) -> None:
    """Of a session whose document is gone too, by hand or by an earlier version."""
    record(store, 1)
    store.paths.archived(name(1)).unlink()
    store.paths.document(name(1)).unlink()

    assert {(finding.kind, finding.mend) for finding in examine(store)} == {("leftover_file", "delete")}
    assert {finding.path for finding in examine(store)} == {
        store.paths.diagram(name(1)),
        store.paths.earlier(name(1)),
        store.paths.notes_of(name(1)),
        store.paths.pictures / name(1),
    }
    delete(store, [name(1)])
    assert naming(store, 1) == []
    assert isinstance(delete(store, [name(1)]).problems[name(1)], UnknownSession)


def test_one_that_cannot_go_does_not_stop_the_others(store: Store) -> None:
    for number in (1, 2, 3):
        record(store, number)
    with Segment.open(store.paths, name(1)), Store(store.paths.root).claim(name(2)) as mine:
        assert mine
        outcome = delete(store, [name(1), name(2), name(3), "nobody"], patience=0)

    assert outcome.deleted == [name(3)]
    assert {each: type(problem) for each, problem in outcome.problems.items()} == {
        name(1): SessionInUse,
        name(2): ClaimedElsewhere,
        "nobody": UnknownSession,
    }
    assert store.ids() == [name(1), name(2)]


def test_one_that_is_begun_again_meanwhile_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record(store, 1)
    record(store, 2)
    really = store.index.remove

    def meanwhile(session_ids: Iterable[str]) -> None:
        monkeypatch.undo()
        really(session_ids)
        record(Store(store.paths.root), 1)

    monkeypatch.setattr(store.index, "remove", meanwhile)
    delete(store, [name(1), name(2)])

    assert store.ids() == [name(1)]
    assert [row.session_id for row in store.list()] == [name(1)]
    assert list(examine(store)) == []
