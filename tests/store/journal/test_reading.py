from __future__ import annotations

import json
import os
import shutil
import tracemalloc
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.making import SESSION, an_entry, as_given, json_values, texts
from tfstore.errors import InvalidSessionId
from tfstore.journal.reading import (
    MAX_LINE,
    Segment,
    Tail,
    iter_entries,
    live_writers,
    read_entries,
    sessions_with_journal,
    writers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tfstore.disk.paths import StorePaths

quickly = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def write(paths: StorePaths, *entries: dict[str, Any], session_id: str = SESSION) -> Path:
    """Write a segment of these entries and return its file."""
    with Segment.open(paths, session_id) as segment:
        for entry in entries:
            segment.append(entry)
    return segment.path


def chained(entries: Iterable[dict[str, Any]]) -> bytes:
    """A segment as somebody else's program would write it, from the description of the format alone."""
    lines: list[bytes] = []
    prev = ""
    for seq, entry in enumerate(entries, start=1):
        line = json.dumps({"seq": seq, "session_id": SESSION, **entry, "prev": prev}).encode()
        prev = sha256(line).hexdigest()
        lines.append(line + b"\n")
    return b"".join(lines)


@given(st.lists(st.dictionaries(texts, json_values, max_size=3), max_size=5))
@quickly
def test_any_json_comes_back(paths: StorePaths, payloads: list[dict[str, Any]]) -> None:
    shutil.rmtree(paths.root, ignore_errors=True)
    entries = [an_entry(number, data=payload) for number, payload in enumerate(payloads)]
    write(paths, *entries)
    found, report = read_entries(paths, SESSION)

    # Two halves of a surrogate pair side by side are one character in JSON: compare with what JSON can say.
    assert [as_given(entry) for entry in found] == json.loads(json.dumps(entries))
    assert report.intact


def test_the_format_is_the_one_described(paths: StorePaths) -> None:
    paths.make_journal_of(SESSION)
    (paths.journal_of(SESSION) / "theirs.jsonl").write_bytes(chained([an_entry(1), an_entry(2)]))
    entries, report = read_entries(paths, SESSION)

    assert [entry["seq"] for entry in entries] == [1, 2]
    assert report.intact


def test_a_torn_tail_costs_only_the_torn_line_wherever_it_tore(paths: StorePaths) -> None:
    file = write(paths, *(an_entry(number, text="é日\ud800") for number in range(3)))
    whole = file.read_bytes()
    ends = [position + 1 for position, byte in enumerate(whole) if byte == 10]

    for cut in range(len(whole) + 1):
        file.write_bytes(whole[:cut])
        entries, report = read_entries(paths, SESSION)
        assert len(entries) == sum(end <= cut for end in ends)
        assert report.torn == ([] if cut in {0, *ends} else [file.stem])
        assert not report.corrupt
        assert not report.broken_chain


@given(st.data())
@quickly
def test_a_damaged_byte_costs_its_line_and_shows(paths: StorePaths, data: st.DataObject) -> None:
    shutil.rmtree(paths.root, ignore_errors=True)
    file = write(paths, *(an_entry(number, text="some text") for number in range(5)))
    whole = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    old = whole[place]
    whole[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != old))
    intact_before = read_entries(paths, SESSION)[1]
    file.write_bytes(whole)
    entries, report = read_entries(paths, SESSION)

    # A newline more makes two lines of one; a newline less makes one of two.
    assert len(entries) >= 5 - 2
    assert report.head != intact_before.head or not report.intact


@pytest.mark.parametrize(
    "hostile",
    [
        b"not json",
        b"[1, 2]",
        b"null",
        b"{}",
        b'{"seq": "1", "at": 1, "type": "x"}',
        b'{"seq": 1, "at": NaN, "type": "x"}',
        b'{"seq": 1, "at": 1.5, "type": "x"}',
        b'{"seq": true, "at": 1, "type": "x"}',
        b'{"seq": 1, "at": 1, "type": null}',
        b'{"seq": ' + b"9" * 5000 + b', "at": 1, "type": "x"}',
        b"[" * 200_000,
        b"\xff\xfe\x00",
        b"\x00" * 100,
    ],
    ids=lambda line: repr(line[:20]),
)
def test_a_line_that_is_no_entry_is_counted_and_skipped(paths: StorePaths, hostile: bytes) -> None:
    file = write(paths, an_entry(1), an_entry(2))
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + hostile + b"\n" + second)
    entries, report = read_entries(paths, SESSION)

    assert [entry["at"] for entry in entries] == [1, 2]
    assert report.corrupt == [(file.stem, 2)]
    assert report.corrupt_lines == 1


def test_blank_lines_are_nothing(paths: StorePaths) -> None:
    file = write(paths, an_entry(1), an_entry(2))
    file.write_bytes(file.read_bytes().replace(b"\n", b"\n\n"))

    assert read_entries(paths, SESSION)[1].intact


def test_not_a_number_and_doubled_keys_in_a_payload_are_read(paths: StorePaths) -> None:
    paths.make_journal_of(SESSION)
    line = b'{"seq": 1, "at": 1, "type": "x", "data": {"a": NaN, "b": 1, "b": 2}, "prev": ""}\n'
    (paths.journal_of(SESSION) / "w.jsonl").write_bytes(line)
    entries, report = read_entries(paths, SESSION)

    assert entries[0]["data"]["b"] == 2
    assert report.intact


def test_a_line_of_any_length_costs_bounded_memory(paths: StorePaths) -> None:
    file = write(paths, an_entry(1), an_entry(2))
    first, second = file.read_bytes().splitlines(keepends=True)
    with file.open("wb") as out:
        out.write(first)
        out.seek(3 * MAX_LINE, os.SEEK_CUR)  # a hole: the bytes are there and the disk is spared
        out.write(b"\n" + second)
    tracemalloc.start()
    try:
        entries, report = read_entries(paths, SESSION)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [entry["at"] for entry in entries] == [1, 2]
    assert report.corrupt == [(file.stem, 2)]
    assert peak < 2.5 * MAX_LINE


def test_a_million_corrupt_lines_are_counted_and_a_thousand_named(paths: StorePaths) -> None:
    paths.make_journal_of(SESSION)
    (paths.journal_of(SESSION) / "w.jsonl").write_bytes(b"x\n" * 200_000)
    _, report = read_entries(paths, SESSION)

    assert report.corrupt_lines == 200_000
    assert len(report.corrupt) == 1000


def test_a_changed_entry_breaks_the_chain_after_it(paths: StorePaths) -> None:
    file = write(paths, *(an_entry(number, text="paid 100") for number in range(4)))
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"paid 100", b"paid 900")
    file.write_bytes(b"".join(lines))
    entries, report = read_entries(paths, SESSION)

    assert len(entries) == 4
    assert report.broken_chain == [(file.stem, 3)]


def test_a_removed_entry_breaks_the_chain_and_leaves_a_gap(paths: StorePaths) -> None:
    file = write(paths, *(an_entry(number) for number in range(4)))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[2] + lines[3])
    _, report = read_entries(paths, SESSION)

    assert report.broken_chain == [(file.stem, 3)]
    assert report.gaps == [(file.stem, 3, 1)]


def test_entries_in_another_order_show(paths: StorePaths) -> None:
    file = write(paths, *(an_entry(number) for number in range(3)))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[1] + lines[0] + lines[2])
    entries, report = read_entries(paths, SESSION)

    assert len(entries) == 3
    assert (file.stem, 1) in report.disordered
    assert report.broken_links == 3


def test_a_changed_last_entry_changes_the_head(paths: StorePaths) -> None:
    file = write(paths, an_entry(1, text="a"), an_entry(2, text="b"))
    head = read_entries(paths, SESSION)[1].head
    file.write_bytes(file.read_bytes().replace(b'"b"', b'"c"'))

    assert read_entries(paths, SESSION)[1].head != head


def test_segments_are_merged_by_time(paths: StorePaths) -> None:
    write(paths, an_entry(10), an_entry(40))
    write(paths, an_entry(20), an_entry(30))
    write(paths, an_entry(5), an_entry(50))
    entries, report = read_entries(paths, SESSION)

    assert [entry["at"] for entry in entries] == [5, 10, 20, 30, 40, 50]
    assert len(report.heads) == 3
    assert len(report.head) == 64


def test_simultaneous_entries_have_one_order(paths: StorePaths) -> None:
    for _ in range(4):
        write(paths, an_entry(7, n=1), an_entry(7, n=2))
    entries, _ = read_entries(paths, SESSION)

    places = [(entry["writer"], entry["seq"]) for entry in entries]
    assert places == sorted(places)


def test_a_clock_set_back_puts_no_answer_before_its_question(paths: StorePaths) -> None:
    write(paths, an_entry(1000, "attempt.sent"), an_entry(200, "attempt.answered"), an_entry(1500, "last"))
    write(paths, an_entry(1200, "other"))
    entries, _ = read_entries(paths, SESSION)

    assert [entry["type"] for entry in entries] == ["attempt.sent", "attempt.answered", "other", "last"]
    assert Tail(paths, SESSION).poll() == entries


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6), min_size=1, max_size=4))
@quickly
def test_merging_keeps_the_order_of_each_segment_and_loses_nothing(
    paths: StorePaths, clocks: list[list[int]]
) -> None:
    shutil.rmtree(paths.root, ignore_errors=True)
    for clock in clocks:
        write(paths, *(an_entry(at) for at in clock))
    entries, report = read_entries(paths, SESSION)

    assert report.intact
    assert len(entries) == sum(map(len, clocks))
    for writer in writers(paths, SESSION):
        own = [entry["seq"] for entry in entries if entry["writer"] == writer]
        assert own == list(range(1, len(own) + 1))
    if all(clock == sorted(clock) for clock in clocks):
        assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)


def test_reading_many_entries_streams_them(paths: StorePaths) -> None:
    write(paths, *(an_entry(number, text="x" * 50_000) for number in range(600)))
    tracemalloc.start()
    try:
        count = sum(1 for _ in iter_entries(paths, SESSION))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 600
    assert peak < 600 * 50_000 / 3


def test_links_in_the_journal_are_not_followed(paths: StorePaths, tmp_path: Path) -> None:
    file = write(paths, an_entry(1))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "w.jsonl").write_bytes(file.read_bytes())
    (file.parent / "linked.jsonl").symlink_to(outside / "w.jsonl")
    (paths.journal / "sess_linked").symlink_to(outside, target_is_directory=True)
    entries, report = read_entries(paths, SESSION)

    assert len(entries) == 1
    assert [writer for writer, _ in report.unreadable] == ["linked"]
    assert read_entries(paths, "sess_linked")[0] == []
    assert sessions_with_journal(paths) == [SESSION]


def test_other_things_in_the_journal_are_left_alone(paths: StorePaths) -> None:
    file = write(paths, an_entry(1))
    (file.parent / "notes.txt").write_text("mine")
    (file.parent / ".hidden.jsonl").write_text("mine")
    (file.parent / "folder.jsonl").mkdir()
    os.mkfifo(file.parent / "pipe.jsonl")
    (paths.journal / "empty").mkdir()
    (paths.journal / "stray").write_text("mine")
    entries, report = read_entries(paths, SESSION)

    assert len(entries) == 1
    assert {writer for writer, _ in report.unreadable} == {"folder", "pipe"}
    assert sessions_with_journal(paths) == [SESSION]
    assert live_writers(paths, SESSION) == []


def test_no_journal_is_no_entries(paths: StorePaths) -> None:
    assert read_entries(paths, SESSION)[0] == []
    assert sessions_with_journal(paths) == []
    assert live_writers(paths, SESSION) == []
    assert not paths.root.exists()


def test_an_id_that_leaves_the_folder_is_refused(paths: StorePaths) -> None:
    for reader in (read_entries, live_writers, writers, Tail):
        with pytest.raises(InvalidSessionId):
            reader(paths, "../../etc")


def test_a_tail_gives_each_entry_once(paths: StorePaths) -> None:
    tail = Tail(paths, SESSION)
    assert tail.poll() == []
    with Segment.open(paths, SESSION) as first:
        first.append(an_entry(1), an_entry(2))
        assert [entry["at"] for entry in tail.poll()] == [1, 2]
        assert tail.poll() == []
        with Segment.open(paths, SESSION) as second:
            for segment, at in ((first, 3), (second, 4), (second, 5), (first, 6)):
                segment.append(an_entry(at))
            assert [entry["at"] for entry in tail.poll()] == [3, 4, 5, 6]
    assert tail.poll() == []
    assert tail.report.entries == 6
    assert tail.report.intact


def test_a_tail_waits_for_the_end_of_a_line(paths: StorePaths) -> None:
    file = write(paths, an_entry(1, text="é"), an_entry(2, text="日本"))
    whole = file.read_bytes()
    tail = Tail(paths, SESSION)
    seen: list[int] = []
    for end in range(len(whole) + 1):
        file.write_bytes(whole[:end])
        seen += [entry["at"] for entry in tail.poll()]

    assert seen == [1, 2]
    assert tail.report.intact


def test_a_tail_goes_on_in_a_store_that_was_deleted(paths: StorePaths) -> None:
    tail = Tail(paths, SESSION)
    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry(1))
        seen = tail.poll()
        shutil.rmtree(paths.root)
        seen += tail.poll()
        segment.append(an_entry(2))
        seen += tail.poll()

    assert [entry["at"] for entry in seen] == [1, 2]


def test_a_tail_takes_no_more_than_it_is_told(paths: StorePaths) -> None:
    write(paths, *(an_entry(number, text="x" * 1000) for number in range(100)))
    tail = Tail(paths, SESSION)
    polls: list[list[int]] = []
    while entries := tail.poll(max_bytes=10_000):
        polls.append([entry["at"] for entry in entries])

    assert [at for poll in polls for at in poll] == list(range(100))
    assert all(len(poll) <= 11 for poll in polls)


@given(cuts=st.lists(st.integers(0, 3000), max_size=8), hostile=st.booleans())
@quickly
def test_a_tail_and_a_reader_see_the_same(paths: StorePaths, cuts: list[int], *, hostile: bool) -> None:
    shutil.rmtree(paths.root, ignore_errors=True)
    file = write(paths, *(an_entry(number, text="é" * (number % 7)) for number in range(20)))
    whole = file.read_bytes()
    if hostile:
        middle = whole.index(b"\n", len(whole) // 2) + 1
        whole = whole[:middle] + b"junk\n\n" + whole[middle:]
    tail = Tail(paths, SESSION)
    seen: list[dict[str, Any]] = []
    for end in [*sorted(cuts), len(whole)]:
        file.write_bytes(whole[:end])
        seen += tail.poll()
    entries, report = read_entries(paths, SESSION)

    assert seen == entries
    assert tail.report == report
