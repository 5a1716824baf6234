"""Journals of closed sessions: packed, read as before, whatever interrupts, whatever somebody else made of it."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from importlib.metadata import requires
from typing import TYPE_CHECKING, Any

import pytest

from tests.noting import noted
from tests.store.making import SESSION, an_entry, segment_files
from tfstore.disk.paths import StorePaths
from tfstore.errors import ArchiveUnreadable, StoreUnusable
from tfstore.journal import archive as archives
from tfstore.journal import packing
from tfstore.journal.archive import Archive, ArchiveWriter, archived_sessions
from tfstore.journal.entries import Entry
from tfstore.journal.packing import pack
from tfstore.journal.reading import Segment, Tail, iter_entries, read_entries, sessions_with_journal, writers
from tfstore.journal.zstd import compressor
from tfstore.keeping.deleting import delete

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


def write(paths: StorePaths, *ats: int, session_id: str = SESSION, **fields: Any) -> str:
    with Segment.open(paths, session_id) as segment:
        for at in ats:
            segment.append(an_entry(at, **fields))
    return segment.writer


def test_everything_reads_as_before_and_the_segments_are_gone(paths: StorePaths) -> None:
    names = sorted([write(paths, 1, 4), write(paths, 2, 3)])
    before = read_entries(paths, SESSION)

    assert pack(paths, SESSION)

    assert not paths.journal_of(SESSION).exists()
    assert sessions_with_journal(paths) == []
    assert archived_sessions(paths) == [SESSION]
    assert writers(paths, SESSION) == names
    assert read_entries(paths, SESSION) == before
    assert [entry["at"] for entry in before[0]] == [1, 2, 3, 4]


def test_the_segments_are_kept_to_the_byte(paths: StorePaths) -> None:
    write(paths, 1, 2, text="x" * 5000)
    write(paths)
    (paths.journal_of(SESSION) / "torn.jsonl").write_bytes(b'{"seq":1,"at":1\x00\xff')
    content = {file.stem: file.read_bytes() for file in segment_files(paths)}

    pack(paths, SESSION)

    archive = Archive.open(paths, SESSION)
    assert {part.writer: archive.stream(part).read() for part in archive.parts} == content
    assert read_entries(paths, SESSION)[1].torn == ["torn"]


def test_any_zstd_tool_reads_it(paths: StorePaths) -> None:
    write(paths, 1, 2)
    lines = segment_files(paths)[0].read_bytes()

    pack(paths, SESSION)

    packed = paths.archived(SESSION).read_bytes()
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        import pyzstd as zstd
    assert zstd.decompress(packed) == lines
    if tool := shutil.which("zstd"):
        printed = subprocess.run([tool, "-dc"], input=packed, capture_output=True, check=True)  # noqa: S603
        assert printed.stdout == lines


def test_no_client_asks_for_zstd_because_of_it() -> None:
    """httpx does wherever `zstandard` is, httpx2 and urllib3 wherever `backports.zstd` is."""
    needed = {name.partition(" ")[0] for name in requires("tfclient") or ()}
    assert not needed & {"zstandard", "backports.zstd", "backports-zstd"}
    assert {"zstandard", "backports.zstd"}.isdisjoint(sys.modules)


def test_nothing_is_packed_while_somebody_writes(paths: StorePaths) -> None:
    write(paths, 1)
    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry(2))

        assert not pack(paths, SESSION)
        assert len(segment_files(paths)) == 2
        assert not paths.archived(SESSION).exists()


def test_a_session_that_goes_on_keeps_both(paths: StorePaths) -> None:
    write(paths, 1, 2)
    pack(paths, SESSION)
    write(paths, 3)

    assert [entry["at"] for entry in read_entries(paths, SESSION)[0]] == [1, 2, 3]
    assert pack(paths, SESSION)
    entries, report = read_entries(paths, SESSION)
    assert [entry["at"] for entry in entries] == [1, 2, 3]
    assert report.intact
    assert len(Archive.open(paths, SESSION).parts) == 2


def test_a_segment_that_goes_on_after_it_was_packed_is_one_chain(paths: StorePaths) -> None:
    """Its descriptor was closed by somebody, and with it went its lock."""
    segment = Segment.open(paths, SESSION)
    segment.append(an_entry(1), an_entry(2))
    assert segment._held is not None
    os.close(segment._held.descriptor)
    pack(paths, SESSION)
    segment.append(an_entry(3))

    for _ in range(2):
        entries, report = read_entries(paths, SESSION)
        assert [(entry["seq"], entry["writer"]) for entry in entries] == [
            (n, segment.writer) for n in (1, 2, 3)
        ]
        assert report.intact
        segment.close()
        assert pack(paths, SESSION)


def test_a_tail_goes_on_in_the_archive(paths: StorePaths) -> None:
    segment = Segment.open(paths, SESSION)
    segment.append(an_entry(1))
    tail = Tail(paths, SESSION)
    seen = tail.poll()
    segment.append(an_entry(2), an_entry(3))
    segment.close()
    pack(paths, SESSION)
    seen += tail.poll()
    write(paths, 4)
    seen += tail.poll()
    pack(paths, SESSION)
    seen += tail.poll()

    assert [entry["at"] for entry in seen] == [1, 2, 3, 4]
    assert (tail.report.entries, tail.report.intact) == (4, True)
    assert tail.report.head == read_entries(paths, SESSION)[1].head


@pytest.mark.parametrize("fresh", [1, 9])
def test_a_tail_sees_that_the_archive_is_of_a_file_begun_anew(paths: StorePaths, fresh: int) -> None:
    """Deleted under its writer, and archived before anybody looked; shorter or longer than what was read."""
    tail = Tail(paths, SESSION)
    with Segment.open(paths, SESSION) as segment:
        for at in (1, 2, 3):
            segment.append(an_entry(at))
        assert len(tail.poll()) == 3
        shutil.rmtree(paths.root)
        for at in range(fresh):
            segment.append(an_entry(10 + at))
    assert pack(paths, SESSION)

    assert [entry["at"] for entry in tail.poll()] == [10 + at for at in range(fresh)]
    assert tail.report.begun_anew == [segment.writer]
    assert tail.poll() == []


def test_a_reader_in_the_middle_of_it_goes_on(paths: StorePaths) -> None:
    """The files go while they are read, more than one block of each."""
    for start in (0, 1):
        write(paths, *range(start, 60, 2), text="x" * 50_000)
    reading = iter_entries(paths, SESSION)
    seen = [next(reading)["at"]]

    pack(paths, SESSION)

    assert seen + [entry["at"] for entry in reading] == list(range(60))


class Died(BaseException):
    pass


@pytest.mark.parametrize("step", ["open_private", "_write", "_compare", "replace", "unlink"])
def test_it_may_die_at_any_step_and_be_repeated(
    step: str, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(paths, 1, 3)
    write(paths, 2, 4)
    before = read_entries(paths, SESSION)

    def die(*_: Any, **__: Any) -> Any:
        raise Died

    place = packing if step in {"open_private", "_write", "_compare"} else type(paths.root)
    monkeypatch.setattr(place, step, die)
    with pytest.raises(Died):
        pack(paths, SESSION)
    monkeypatch.undo()

    assert read_entries(paths, SESSION) == before
    assert pack(paths, SESSION)
    assert read_entries(paths, SESSION) == before
    assert len(Archive.open(paths, SESSION).parts) == 2


def test_segments_stay_when_the_archive_is_not_what_was_written(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(paths, 1, text="some words to be kept")
    finish = ArchiveWriter.finish

    def damaged(writer: ArchiveWriter) -> None:
        finish(writer)
        writer._file.flush()
        writer._file.seek(writer.parts[0].at + 20)
        writer._file.write(b"????")
        writer._file.seek(0, os.SEEK_END)

    monkeypatch.setattr(ArchiveWriter, "finish", damaged)
    with pytest.raises(ArchiveUnreadable):
        pack(paths, SESSION)

    assert len(segment_files(paths)) == 1
    assert not paths.archived(SESSION).exists()
    assert not list(paths.archive.iterdir())


def test_segments_stay_when_the_disk_is_full(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    write(paths, 1)

    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packing, "_write", full)
    with pytest.raises(StoreUnusable, match=f"the journal of {SESSION} stays as it is"):
        pack(paths, SESSION)

    assert len(read_entries(paths, SESSION)[0]) == 1


@pytest.fixture
def packed(paths: StorePaths) -> Path:
    """An archive, the document and the segments of its session being gone."""
    write(paths, *range(50), text="words " * 50)
    pack(paths, SESSION)
    return paths.archived(SESSION)


def trouble(paths: StorePaths) -> str:
    _, report = read_entries(paths, SESSION)
    assert not report.intact
    return " ".join(reason for _, reason in report.unreadable)


@pytest.mark.parametrize("keep", [0, 10, 40, -1])
def test_a_truncated_archive_is_said(paths: StorePaths, packed: Path, keep: int) -> None:
    packed.write_bytes(packed.read_bytes()[:keep])

    assert str(packed) in trouble(paths)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x" * 1000, struct.pack("<II", 0x184D2A50, 2**31)])
def test_another_format_is_said(paths: StorePaths, packed: Path, content: bytes) -> None:
    packed.write_bytes(content)

    assert "it is no archive of this format" in trouble(paths)


def test_any_changed_byte_is_said_or_harmless(paths: StorePaths, packed: Path) -> None:
    """Each entry that is still given is one that was written, and nothing else happens.

    But for the name of its writer, which stands in the index alone: no digest covers that.
    """
    good = packed.read_bytes()
    entries, _ = read_entries(paths, SESSION)
    choose = random.Random(7)  # noqa: S311 - the same each time
    for _ in range(200):
        changed = bytearray(good)
        changed[choose.randrange(len(good))] ^= 1 << choose.randrange(8)
        packed.write_bytes(changed)
        found, report = read_entries(paths, SESSION)
        assert not report.intact or _unnamed(found) == _unnamed(entries)


def _unnamed(entries: list[Entry]) -> list[Entry]:
    return [{**entry, "writer": None} for entry in entries]


def packed_as(data: bytes) -> bytes:
    pieces = compressor(len(data), level=1, window_log=20)
    return bytes(pieces.compress(data)) + bytes(pieces.flush())


def forged(paths: StorePaths, parts: list[dict[str, Any]], body: bytes = b"", version: int = 1) -> None:
    from tfstore.document.json_text import compact

    index = compact({"archive": version, "session_id": SESSION, "parts": parts})
    tail = struct.pack("<Q8s", len(index), b"tfz-end\n")
    head = archives._skippable(archives._HEAD)
    paths.archived(SESSION).write_bytes(head + body + archives._skippable(index + tail))


@pytest.mark.usefixtures("packed")
def test_an_archive_that_swells_is_refused_at_the_door(paths: StorePaths) -> None:
    bomb = packed_as(b"\n" * 10_000_000)
    forged(paths, [{"writer": "w", "bytes": 10**13, "sha256": "", "at": 33, "packed": len(bomb)}], bomb)

    assert "claim to hold 10000000000000" in trouble(paths)


@pytest.mark.usefixtures("packed")
def test_content_beyond_what_was_claimed_is_not_unpacked(paths: StorePaths) -> None:
    bomb = packed_as(b"x" * 50_000_000)
    forged(paths, [{"writer": "w", "bytes": 1000, "sha256": "", "at": 33, "packed": len(bomb)}], bomb)

    assert "is not what was archived" in trouble(paths)


@pytest.mark.usefixtures("packed")
def test_a_window_beyond_bounds_is_refused(paths: StorePaths) -> None:
    # The head of a frame with a window of 128 MB, and an empty last block.
    bomb = b"\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00"
    forged(paths, [{"writer": "w", "bytes": 100_000, "sha256": "", "at": 33, "packed": len(bomb)}], bomb)

    assert "too much memory" in trouble(paths)


@pytest.mark.usefixtures("packed")
@pytest.mark.parametrize(
    "part",
    [
        {"writer": "../../etc", "bytes": 1, "sha256": "", "at": 33, "packed": 1},
        {"writer": "w", "bytes": -1, "sha256": "", "at": 33, "packed": 1},
        {"writer": "w", "bytes": 1, "sha256": "", "at": 10**9, "packed": 1},
        {"writer": "w", "bytes": 1, "sha256": "", "at": 33, "packed": True},
        {"writer": None, "bytes": 1, "sha256": "", "at": 33, "packed": 1},
        {},
    ],
)
def test_a_hostile_index_is_said(paths: StorePaths, part: dict[str, Any]) -> None:
    forged(paths, [part])

    assert "cannot be read: its index" in trouble(paths)


@pytest.mark.usefixtures("packed")
def test_a_later_format_is_not_misread(paths: StorePaths) -> None:
    forged(paths, [], version=2)

    assert "it has format 2 and this version reads 1" in trouble(paths)


def test_an_archive_that_cannot_be_read_is_not_replaced(paths: StorePaths, packed: Path) -> None:
    packed.write_bytes(b"something else")
    write(paths, 100)

    with pytest.raises(ArchiveUnreadable):
        pack(paths, SESSION)

    assert packed.read_bytes() == b"something else"
    assert [entry["at"] for entry in read_entries(paths, SESSION)[0]] == [100]


def test_a_link_is_not_followed(paths: StorePaths, packed: Path, tmp_path: Path) -> None:
    packed.rename(tmp_path / "outside.tfz")
    packed.symlink_to(tmp_path / "outside.tfz")

    assert str(packed) in trouble(paths)


def test_what_swells_beyond_belief_stays_in_its_segments(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_ALWAYS_READ", 1000)
    write(paths, 1, text="x" * 5_000_000)

    assert not pack(paths, SESSION)
    assert len(segment_files(paths)) == 1
    assert not list(paths.archive.iterdir())


def test_deleting_a_session_deletes_its_archive(store: Store) -> None:
    write(store.paths, 1)
    pack(store.paths, SESSION)

    delete(store, [SESSION])

    assert not store.paths.archived(SESSION).exists()
    assert read_entries(store.paths, SESSION)[0] == []


def test_a_segment_can_be_opened_while_the_folder_goes(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever packs removes the folder between its making and the segment's."""
    made = noted(monkeypatch, StorePaths, "make_journal_of")
    make = StorePaths.make_journal_of

    def make_and_lose(self: StorePaths, session_id: str) -> Any:
        folder = make(self, session_id)
        if self == paths and len(made) < 4:
            packing._remove_folder(self.journal_of(session_id))
        return folder

    monkeypatch.setattr(StorePaths, "make_journal_of", make_and_lose)
    write(paths, 1)
    assert len(made) == 4
    assert len(segment_files(paths)) == 1
