"""Verifying names what was changed first, and takes nothing for a change that a crash or a full disk left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.store.making import SESSION, a_session, an_entry, segment_files
from tfstore.document.documents import Integrity
from tfstore.errors import UnknownSession
from tfstore.journal.packing import pack
from tfstore.journal.reading import Segment, read_entries
from tfstore.keeping.verifying import verify

if TYPE_CHECKING:
    from tfstore.store import Store


@pytest.fixture
def closed(store: Store) -> Store:
    """A session of nine entries, its document true to them."""
    with Segment.open(store.paths, SESSION) as segment:
        for at in range(1, 10):
            segment.append(an_entry(at, text=f"entry {at}"))
    tell(store)
    return store


def tell(store: Store) -> None:
    report = read_entries(store.paths, SESSION)[1]
    store.put(a_session(integrity=Integrity(entries=report.entries, head=report.head)))


def change(store: Store, *lines: bytes) -> None:
    (segment,) = segment_files(store.paths)
    segment.write_bytes(b"".join(lines))


def lines(store: Store) -> list[bytes]:
    (segment,) = segment_files(store.paths)
    return segment.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_written_is_sound(closed: Store, packed: bool) -> None:  # noqa: FBT001
    if packed:
        pack(closed.paths, SESSION)

    verdict = verify(closed, SESSION)

    assert (verdict.sound, verdict.entries, verdict.problems) == (True, 9, [])


@pytest.mark.parametrize("number", range(1, 10))
def test_a_changed_entry_is_named(closed: Store, number: int) -> None:
    """The last one too: its digest is in the document."""
    all_of_them = lines(closed)
    all_of_them[number - 1] = all_of_them[number - 1].replace(b"entry", b"Entry")
    change(closed, *all_of_them)

    first = verify(closed, SESSION).first

    assert first is not None
    assert first.kind == "changed"
    if number < 9:
        assert (first.seq, first.detail.split(" of ")[0]) == (number, f"Entry {number}")
    else:
        assert first.detail.startswith("The last entry of segment ")


def test_of_several_changes_the_first_is_named(closed: Store) -> None:
    all_of_them = lines(closed)
    for place in (6, 2, 4):
        all_of_them[place] = all_of_them[place].replace(b"entry", b"Entry")
    change(closed, *all_of_them)

    verdict = verify(closed, SESSION)

    assert [each.seq for each in verdict.problems] == [3, 5, 7]
    assert verdict.first is verdict.problems[0]


def test_an_entry_that_is_none_any_more_is_named_by_its_line(closed: Store) -> None:
    all_of_them = lines(closed)
    all_of_them[3] = b"}" + all_of_them[3]
    change(closed, *all_of_them)

    first = verify(closed, SESSION).first

    assert first is not None
    assert (first.kind, first.seq) == ("changed", 4)


@pytest.mark.parametrize(
    ("kept", "kind", "words"),
    [
        ([0, 1, 5, 6, 7, 8], "removed", "Entries 3 to 5 of segment"),
        ([2, 3, 4, 5, 6, 7, 8], "removed", "What stood before entry 3"),
        ([0, 1, 2, 3, 4], "removed", "4 entries at the end"),
        ([0, 1, 2, 4, 3, 5, 6, 7, 8], "removed", "Entry 4"),
        ([0, 1, 2, 3, 4, 5, 6, 1, 7, 8], "inserted", "Entry 2 of segment"),
    ],
)
def test_removed_moved_and_inserted_entries(closed: Store, kept: list[int], kind: str, words: str) -> None:
    all_of_them = lines(closed)
    change(closed, *(all_of_them[place] for place in kept))

    first = verify(closed, SESSION).first

    assert first is not None
    assert first.kind == kind
    assert first.detail.startswith(words)


def test_a_torn_line_is_no_change(closed: Store) -> None:
    (segment,) = segment_files(closed.paths)
    with segment.open("ab") as file:
        file.write(b'{"seq":10,"at"')

    verdict = verify(closed, SESSION)

    assert verdict.sound
    assert [each.kind for each in verdict.problems] == ["torn"]


def test_what_a_full_disk_left_is_no_change(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    with Segment.open(store.paths, SESSION) as segment:
        segment.append(an_entry(1))

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(OSError, match="No space"):
                segment.append(an_entry(2))
        segment.append(an_entry(3))
    tell(store)

    verdict = verify(store, SESSION)

    assert verdict.sound
    assert [each.kind for each in verdict.problems] == ["lost"]


def test_a_document_that_lags_behind(closed: Store) -> None:
    with Segment.open(closed.paths, SESSION) as segment:
        segment.append(an_entry(20))

    first = verify(closed, SESSION).first

    assert first is not None
    assert "is older than the journal, which has 1 entry more" in first.detail


def test_a_journal_that_is_gone(closed: Store) -> None:
    pack(closed.paths, SESSION)
    closed.paths.archived(SESSION).unlink()

    first = verify(closed, SESSION).first

    assert first is not None
    assert first.kind == "lost_journal"


def test_a_damaged_archive(closed: Store) -> None:
    pack(closed.paths, SESSION)
    closed.paths.archived(SESSION).write_bytes(closed.paths.archived(SESSION).read_bytes()[:-9])

    first = verify(closed, SESSION).first

    assert first is not None
    assert first.kind == "unreadable"
    assert str(closed.paths.archived(SESSION)) in first.detail


def test_a_living_session_is_only_followed(store: Store) -> None:
    with Segment.open(store.paths, SESSION) as segment:
        segment.append(an_entry(1))

        assert verify(store, SESSION).problems == []


def test_an_unknown_session(store: Store) -> None:
    with pytest.raises(UnknownSession):
        verify(store, "nothing")


def test_what_a_later_segment_says_of_one_is_believed(store: Store) -> None:
    """Entries that were acknowledged and are gone leave no gap where nothing follows them."""
    with Segment.open(store.paths, SESSION) as first:
        for at in range(1, 4):
            first.append(an_entry(at))
    with Segment.open(store.paths, SESSION) as second:
        second.append({**an_entry(4), "follows": {first.writer: 3, "a_whole_one": 2}})
    whole = first.path.read_bytes()
    tell(store)

    (gone,) = verify(store, SESSION).problems
    first.path.write_bytes(b"".join(whole.splitlines(keepends=True)[:1]))
    tell(store)

    assert (gone.kind, gone.writer, gone.seq) == ("removed", "a_whole_one", 1)
    found = {each.writer: (each.kind, each.seq) for each in verify(store, SESSION).problems}
    assert found == {first.writer: ("removed", 2), "a_whole_one": ("removed", 1)}
