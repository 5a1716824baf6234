"""Stores that something is wrong with: what can be recorded, made and mended is, and the rest is told."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tfclient import Recorder
from tfclient.finishing.live import LiveSession
from tfclient.finishing.mending import examine_store, mend
from tfclient.finishing.rebuilding import rebuild, verify
from tfclient.finishing.recovery import recover
from tfclient.projection.projector import Projector
from tfstore.errors import FilesNotMade
from tfstore.journal import segment_reader
from tfstore.journal.packing import pack
from tfstore.journal.reading import has_journal, live_writers, read_entries
from tfstore.journal.segment import Segment
from tfstore.store import Store


@pytest.fixture(autouse=True)
def finisher() -> None:
    """Files are written, here."""


def store_of(path: Path, *session_ids: str, note: Any = 1) -> Store:
    recorder = Recorder(path)
    for session_id in session_ids:
        with recorder.session(id=session_id) as session:
            session.annotate("note", note)
        assert session.wait(60)
    return Store(path)


def dead(store: Store, session_id: str) -> None:
    with Segment.open(store.paths, session_id) as segment:
        segment.append({"at": 1, "mono": 1, "type": "annotation", "kind": "note", "data": 1})


@pytest.fixture
def poisoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Three sessions that nobody ended; the first cannot be told, as where something in it is too deep."""
    store = Store(tmp_path, create=True)
    for session_id in ("a_bad_one", "good", "well"):
        dead(store, session_id)
    plain = Projector.feed

    def feed(projector: Projector, entry: dict[str, Any]) -> None:
        if entry["session_id"] == "a_bad_one":
            raise RecursionError("maximum recursion depth exceeded")
        plain(projector, entry)

    monkeypatch.setattr(Projector, "feed", feed)
    return store


def test_recovering_passes_over_what_cannot_be_told(poisoned: Store) -> None:
    recovered: list[str] = []

    def go_on() -> None:
        for each in recover(poisoned):
            recovered.append(each.session_id)  # noqa: PERF401 - it raises at its end

    with pytest.raises(FilesNotMade, match="a_bad_one") as told:
        go_on()
    assert recovered == ["good", "well"]
    assert "RecursionError" in str(told.value)
    assert has_journal(poisoned.paths, "a_bad_one")


def test_mending_passes_over_what_cannot_be_told(poisoned: Store) -> None:
    assert mend(poisoned).not_rebuilt == 1
    assert {each.session_id for each in examine_store(poisoned)} == {"a_bad_one"}
    assert poisoned.get("good").status == poisoned.get("well").status == "closed"


def test_what_cannot_be_told_any_more_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_of(tmp_path, "mine")

    def feed(_projector: Projector, _entry: dict[str, Any]) -> None:
        raise RecursionError("maximum recursion depth exceeded")

    monkeypatch.setattr(Projector, "feed", feed)
    assert [each.kind for each in verify(store, "mine").problems] == ["not_made"]
    with pytest.raises(FilesNotMade):
        rebuild(store, "mine")
    assert store.get("mine").status == "closed"


def test_a_rename_that_fails_leaves_nothing_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path)
    session = recorder.session(id="mine")
    plain = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path.suffix == ".new":
            raise OSError(errno.EIO, "Input/output error")
        return plain(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with session:
        session.annotate("lost")
        assert list((tmp_path / "journal" / "mine").iterdir()) == []
        monkeypatch.setattr(Path, "rename", plain)
        session.annotate("kept")
    assert session.wait(60)
    assert recorder.stats().lost == 1
    kinds = [entry.get("kind") for entry in read_entries(Store(tmp_path).paths, "mine")[0]]
    assert kinds == [None, "kept", None]


def test_a_segment_that_vanished_is_begun_anew_after_a_rename_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, create=True)
    with Segment.open(store.paths, "mine") as segment:
        segment.append({"at": 1, "mono": 1, "type": "annotation"})
        segment.path.unlink()

        def rename(_path: Path, _target: Path) -> Path:
            raise OSError(errno.EIO, "Input/output error")

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", rename)
            with pytest.raises(OSError, match="output"):
                segment.append({"at": 2, "mono": 2, "type": "annotation"})
        segment.append({"at": 3, "mono": 3, "type": "annotation"})
    assert [entry["at"] for entry in read_entries(store.paths, "mine")[0]] == [3]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_where_there_are_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    recorder = Recorder(tmp_path)
    with recorder.session(id="mine") as session:
        session.annotate("note")
        assert len(live_writers(Store(tmp_path).paths, "mine")) == 1
    assert session.wait(60)
    store = Store(tmp_path)
    assert store.get("mine").status == "closed"
    assert store.paths.archived("mine").exists()
    dead(store, "died")
    assert [each.session_id for each in recover(store, ["died"])] == ["died"]
    other = store.paths.segment("mine", "1_0badcafe")
    store.paths.make_journal_of("mine")
    other.write_bytes(b"")
    assert live_writers(store.paths, "mine") == ["1_0badcafe"], "process 1 lives"


def a_blob(store: Store) -> Path:
    (blob,) = store.paths.blobs.glob("??/*")
    return blob


@pytest.mark.parametrize("damage", ["missing", "changed", "linked"])
def test_blobs_in_trouble_are_told_and_mended(damage: str, tmp_path: Path) -> None:
    store = store_of(
        tmp_path / "store", "mine", note={"image": f"data:image/png;base64,{'iVBORw0KGgoA' * 20_000}"}
    )
    blob = a_blob(store)
    content = blob.read_bytes()
    outside = tmp_path / "outside"
    outside.write_bytes(content)
    os.utime(outside, (1, 1))
    if damage == "changed":
        blob.write_bytes(content[:-1] + b"?")
    else:
        blob.unlink()
    if damage == "linked":
        blob.symlink_to(outside)

    (problem,) = verify(store, "mine").problems
    assert (problem.kind, problem.mend, problem.harmless) == ("lost_blob", "rebuild", False)
    assert [each.kind for each in examine_store(store)] == ["lost_blob"]
    assert mend(store).sessions_rebuilt == 1
    assert list(examine_store(store)) == []
    assert not a_blob(store).is_symlink()
    assert a_blob(store).read_bytes() == content
    assert outside.stat().st_mtime == 1


def test_lines_that_are_no_entries_cost_no_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, create=True)
    store.paths.make_journal_of("mine")
    store.paths.segment("mine", "writer").write_bytes(b"\n" * 5000)
    assert read_entries(store.paths, "mine")[1].intact
    assert pack(store.paths, "mine")
    monkeypatch.setattr(segment_reader, "_USELESS", 1000)
    entries, report = read_entries(store.paths, "mine")
    assert entries == []
    ((writer, reason),) = report.unreadable
    assert writer == "writer"
    assert "more than 1,000 of its lines" in reason
    assert LiveSession(store, "mine").read().notes


def test_what_would_not_be_read_again_is_not_archived(tmp_path: Path) -> None:
    """Entries as nobody wrote them, without digests: an archive of them would be taken for a bomb."""
    store = Store(tmp_path, create=True)
    store.paths.make_journal_of("mine")
    lines = b"".join(b'{"seq":%d,"at":1,"type":"annotation"}\n' % (n + 1) for n in range(60_000))
    store.paths.segment("mine", "writer").write_bytes(lines)
    assert not pack(store.paths, "mine")
    assert read_entries(store.paths, "mine")[1].entries == 60_000
