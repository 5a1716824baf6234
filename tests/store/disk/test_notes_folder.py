"""Files of notes: added to by many, torn by none, and gone with their session."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.store.making import SESSION, a_run, a_session, a_step, an_entry, start
from tfstore.document.notes import Note, line_of
from tfstore.errors import InvalidNote, StoreUnusable, UnknownNote, UnknownRun, UnknownSession, UnknownStep
from tfstore.journal.reading import Segment
from tfstore.keeping.deleting import delete
from tfstore.keeping.doctor import examine
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths


def as_it_is(text: str, where: str, mode: str) -> tuple[str, list[Any]]:
    return text, [{"path": where, "rule": mode, "action": "replaced"}]


@pytest.fixture
def store(paths: StorePaths) -> Store:
    store = Store(paths.root, create=True, keep=as_it_is)
    store.put(a_session(SESSION, a_run(1, a_step("1_1", "user_message"))))
    return store


def file_of(store: Store) -> Path:
    return store.paths.notes_of(SESSION)


def test_a_note_is_kept_beside_a_document_that_stays_as_it_is(store: Store) -> None:
    before = store.text(SESSION)
    note = store.note(SESSION, "wrong order", step="1.1", score=0, tags=["bug"], author="ada")
    run = store.note(SESSION, run="run_1", tags=["slow"])
    assert Store(store.paths.root).notes(SESSION) == [note, run]
    assert (note.step_id, note.run_id, run.step_id, run.run_id) == ("step_1_1", None, None, "run_1")
    assert [each["path"] for each in note.redactions] == ["note.text", "note.tags", "note.author"]
    assert {each["rule"] for each in note.redactions} == {"secrets"}
    assert store.text(SESSION) == before
    assert file_of(store).stat().st_mode & 0o777 == 0o600


def test_a_note_on_what_is_not_there_is_refused_and_writes_nothing(store: Store) -> None:
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (UnknownStep, {"step": "9.9"}),
        (UnknownRun, {"run": "run_9"}),
        (InvalidNote, {"run": "1.1"}),
        (InvalidNote, {"run": "run_1", "step": "1.1"}),
        (InvalidNote, {"score": float("inf")}),
    ]
    for error, about in wrong:
        with pytest.raises(error):
            store.note(SESSION, "x", **about)
    with pytest.raises(UnknownSession):
        store.note("sess_2", "x")
    with pytest.raises(UnknownSession):
        store.notes("sess_2")
    assert not store.paths.notes.exists()
    assert store.noted() == {}


def test_a_store_that_keeps_no_secrets_out_takes_no_notes(store: Store) -> None:
    with pytest.raises(StoreUnusable, match=r"tfclient\.open_store"):
        Store(store.paths.root).note(SESSION, "x")
    assert not store.paths.notes.exists()


def test_a_session_that_has_a_journal_only_takes_notes_by_the_mode_of_that(store: Store) -> None:
    with Segment.open(store.paths, "sess_2") as segment:
        segment.append(an_entry(1, kind="session.started", redaction={"mode": "content"}))
    assert store.note("sess_2", "early").redactions[0]["rule"] == "content"
    assert [each.text for each in store.notes("sess_2")] == ["early"]


def test_a_note_is_taken_back_and_its_line_stays(store: Store) -> None:
    first, second = (store.note(SESSION, text) for text in ("one", "two"))
    store.remove_note(SESSION, first.note_id)
    assert store.notes(SESSION) == [second]
    assert b"one" in file_of(store).read_bytes()
    with pytest.raises(UnknownNote, match=second.note_id):
        store.remove_note(SESSION, first.note_id)


def test_after_a_torn_line_notes_go_on_and_lines_of_a_later_version_survive(store: Store) -> None:
    store.note(SESSION, "one")
    whole = file_of(store).read_bytes()
    torn = b'{"answers": "note"}\n{"note_id": "note_2", "te'
    file_of(store).write_bytes(whole + torn)
    assert store.noting.read(SESSION).torn
    store.note(SESSION, "three")
    assert [each.text for each in store.notes(SESSION)] == ["one", "three"]
    assert store.noting.read(SESSION).damaged == [3]
    assert file_of(store).read_bytes().startswith(whole + torn + b"\n")


def test_a_full_disk_leaves_the_notes_that_were_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    note = store.note(SESSION, "one")
    before, write = file_of(store).read_bytes(), os.write

    def some(descriptor: int, data: Any) -> int:
        if len(data) < 30:
            raise OSError(28, "No space left on device")
        return write(descriptor, bytes(data)[:20])

    monkeypatch.setattr(os, "write", some)
    with pytest.raises(StoreUnusable, match="No space left"):
        store.note(SESSION, "two")
    monkeypatch.undo()
    assert file_of(store).read_bytes() == before
    assert store.notes(SESSION) == [note]


def test_a_link_in_place_of_the_notes_is_not_followed(store: Store, tmp_path: Path) -> None:
    store.paths.make_dir(store.paths.notes)
    (tmp_path / "elsewhere").write_text("mine")
    file_of(store).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnusable):
        store.note(SESSION, "x")
    with pytest.raises(StoreUnusable):
        store.notes(SESSION)
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert store.noted() == {}
    assert [each.kind for each in examine(store)] == ["damaged_notes"]


NOTING = """
import sys
from tfstore.store import Store
store = Store(sys.argv[1], keep=lambda text, where, mode: (text, []))
for n in range(int(sys.argv[3])):
    store.note(sys.argv[2], f"{sys.argv[4]} {n}" + " and more" * 200)
    print(n, flush=True)
"""


def test_two_processes_and_two_threads_note_at_once_and_lose_nothing(store: Store) -> None:
    processes = [start(NOTING, store.paths.root, SESSION, 40, name) for name in "ab"]

    def note(name: str) -> None:
        for n in range(40):
            store.note(SESSION, f"{name} {n}")

    threads = [threading.Thread(target=note, args=name) for name in "cd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for process in processes:
        process.communicate(timeout=60)
    noted = store.noting.read(SESSION)
    wanted = sorted(f"{name} {n}" for name in "abcd" for n in range(40))
    assert sorted(" ".join(each.text.split()[:2]) for each in noted.notes) == wanted
    assert (noted.damaged, noted.torn) == ([], False)


def test_whenever_a_process_is_killed_what_it_noted_is_there(store: Store) -> None:
    with start(NOTING, store.paths.root, SESSION, 100_000, "a") as process:
        assert process.stdout is not None
        seen = [int(process.stdout.readline()) for _ in range(5)]
        process.send_signal(signal.SIGKILL)
        seen += map(int, process.stdout.read().split())
        process.wait(timeout=60)
    noted = store.noting.read(SESSION)
    assert len(noted.notes) >= len(seen)
    assert noted.damaged == []
    store.note(SESSION, "the next")
    assert store.notes(SESSION)[-1].text == "the next"


def test_what_is_noted_is_found_by_tag_and_score(store: Store) -> None:
    store.put(a_session("sess_2"))
    low = store.note(SESSION, score=0.25, tags=["bug", "slow"])
    high = store.note("sess_2", score=1, tags=["bug"])
    plain = store.note("sess_2", "hm")
    assert store.noted() == {SESSION: [low], "sess_2": [high, plain]}
    assert store.noted(tags=["bug", "slow"]) == {SESSION: [low]}
    assert store.noted(tags=["bug"], score="<0.5") == {SESSION: [low]}
    assert store.noted(score=">=1") == {"sess_2": [high]}
    # All of it must hold of one note.
    assert store.noted(tags=["slow"], score="1") == {}
    with pytest.raises(InvalidNote, match=r"<0\.5"):
        store.noted(score="low")


def test_notes_go_with_their_session_also_when_somebody_notes_meanwhile(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.note(SESSION, "one")
    remove = store.index.remove

    def in_between(session_ids: Any) -> None:
        monkeypatch.setattr(store.index, "remove", remove)
        store.note(SESSION, "while it goes")
        remove(session_ids)

    monkeypatch.setattr(store.index, "remove", in_between)
    assert delete(store, [SESSION]).deleted == [SESSION]
    assert not file_of(store).exists()
    with pytest.raises(UnknownSession):
        store.note(SESSION, "too late")
    assert list(examine(store)) == []


def test_the_doctor_tells_damaged_notes_and_notes_of_no_session(store: Store) -> None:
    store.note(SESSION, "one")
    assert list(examine(store)) == []
    with file_of(store).open("ab") as file:
        file.write(b"nothing\n{")
    store.paths.notes_of("sess_gone").write_bytes(line_of(Note("note_1")))
    problems = list(examine(store))
    assert [(each.kind, each.session_id, each.mend) for each in problems] == [
        ("damaged_notes", SESSION, "none"),
        ("damaged_notes", SESSION, "none"),
        ("leftover_file", "sess_gone", "delete"),
    ]
    assert "Line 2" in problems[0].detail
    assert str(file_of(store)) in problems[0].detail
    assert delete(store, ["sess_gone"]).deleted == ["sess_gone"]
    assert not store.paths.notes_of("sess_gone").exists()
