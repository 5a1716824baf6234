from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.store.making import SESSION, a_run, a_session, a_step, an_entry
from tfstore.disk.session_folder import SessionFolder
from tfstore.errors import CorruptDocument, InvalidSessionId, StoreUnusable
from tfstore.journal.packing import pack
from tfstore.journal.segment import Segment

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths
    from tfstore.store import Store


@pytest.fixture
def folder(paths: StorePaths) -> SessionFolder:
    paths.create()
    return SessionFolder(paths)


def test_a_document_is_a_file_that_json_load_reads(folder: SessionFolder, paths: StorePaths) -> None:
    folder.save(a_session("sess_1", a_run(1), title="Olá \ud800"))

    with paths.document("sess_1").open(encoding="utf-8") as file:
        assert json.load(file)["title"] == "Olá \ud800"
    assert "Olá" in paths.document("sess_1").read_text(encoding="utf-8")
    assert len(paths.document("sess_1").read_text(encoding="utf-8").splitlines()) > 3


def test_links_are_neither_read_nor_written_through(
    folder: SessionFolder, paths: StorePaths, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"n": 1}')
    paths.document("linked").symlink_to(secret)

    with pytest.raises(CorruptDocument):
        folder.load("linked")
    folder.save(a_session("linked"))
    assert secret.read_text() == '{"n": 1}'
    assert folder.session("linked") == a_session("linked")


def test_an_id_that_leaves_the_folder_is_refused(folder: SessionFolder, paths: StorePaths) -> None:
    with pytest.raises(InvalidSessionId):
        folder.save(a_session("../../evil"))
    with pytest.raises(KeyError):
        folder.load("../../evil")

    assert list(paths.root.parent.rglob("evil*")) == []


def test_a_folder_that_was_deleted_is_made_again(folder: SessionFolder, paths: StorePaths) -> None:
    folder.save(a_session("a"))
    paths.document("a").unlink()
    paths.sessions.rmdir()
    assert folder.ids() == []
    folder.save(a_session("b"))

    assert folder.ids() == ["b"]


def test_a_document_that_cannot_be_written_leaves_the_earlier_one(
    folder: SessionFolder, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save(a_session("a", title="first"))
    plain = os.write
    full = OSError(28, "No space left on device")

    def write(descriptor: int, data: Any) -> int:
        if len(data) > 100:
            return plain(descriptor, bytes(data)[:100])
        raise full

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(StoreUnusable, match="No space left on device"):
        folder.save(a_session("a", title="x" * 1000))
    monkeypatch.undo()

    assert folder.session("a").title == "first"
    assert [path.name for path in paths.sessions.iterdir()] == ["a.json"]


def test_a_reader_never_sees_half_a_document(folder: SessionFolder) -> None:
    sizes = [1, 200_000]
    folder.save(a_session("a", title="x"))
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            folder.save(a_session("a", title="x" * sizes[number % 2]))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(100):
            assert len(folder.session("a").title) in sizes
    finally:
        stop.set()
        writer.join()


def test_each_writing_has_a_stamp_of_its_own(folder: SessionFolder, paths: StorePaths) -> None:
    """However little time passes between them, and however coarse the clock of the file system is."""
    stamps = {folder.save(a_session("a", title=f"{n:03}")) for n in range(200)}

    assert len(stamps) == 200
    assert folder.stamp("a") in stamps
    assert folder.stamps() == {"a": folder.stamp("a")}
    paths.document("a").write_text(paths.document("a").read_text())
    assert folder.stamp("a") not in stamps


def test_a_document_is_as_long_as_its_journal_allows(
    store: Store, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this store wrote it reads, however long; what came from elsewhere is read up to a limit."""
    monkeypatch.setattr("tfstore.disk.session_folder.LARGEST", 1000)
    session = a_session(SESSION, a_run(1, *(a_step(f"1_{n}", "generic") for n in range(1, 20))))
    store.put(session)
    with pytest.raises(
        CorruptDocument, match=r"bytes long, which cannot have come of its journal of 0 bytes"
    ):
        store.get(SESSION)

    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry())
    assert store.get(SESSION) == session
    assert store.text(SESSION) == paths.document(SESSION).read_bytes()
    assert pack(paths, SESSION)
    assert store.get(SESSION) == session

    with paths.document(SESSION).open("r+b") as file:
        file.truncate(10**12)
    with pytest.raises(
        CorruptDocument,
        match=r"it is 1,000,000,000,000 bytes long, which cannot have come of its journal of \d+ bytes",
    ):
        store.get(SESSION)
