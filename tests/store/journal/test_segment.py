from __future__ import annotations

import gc
import os
import shutil
import sys
import threading
from itertools import pairwise
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.making import SESSION, an_entry, as_given, run, segment_files, start
from tfstore.document.json_text import compact
from tfstore.errors import EntryTooLong, SegmentNotOurs, StoreUnusable
from tfstore.journal import segment as segments
from tfstore.journal.reading import Segment, live_writers, read_entries
from tfstore.journal.segment import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tfstore.disk.paths import StorePaths


def test_entries_are_on_disk_when_append_returns(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry(1, text="a"), an_entry(2, text="b"))
        segment.append(an_entry(3, text="c"))
        entries, report = read_entries(paths, SESSION)

    assert [(entry["seq"], entry["text"]) for entry in entries] == [(1, "a"), (2, "b"), (3, "c")]
    assert {entry["session_id"] for entry in entries} == {SESSION}
    assert {entry["writer"] for entry in entries} == {segment.writer}
    assert report.intact
    assert report.entries == 3


def test_all_entries_of_a_call_go_out_in_one_write(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    plain = os.write

    def write(descriptor: int, data: Any) -> int:
        written.append(bytes(data))
        return plain(descriptor, data)

    with Segment.open(paths, SESSION) as segment:
        monkeypatch.setattr(os, "write", write)
        segment.append(an_entry(1), an_entry(2))
        monkeypatch.undo()

    assert [data.count(b"\n") for data in written] == [2]
    assert segment_files(paths)[0].read_bytes() == written[0]


def test_each_entry_is_chained_to_the_one_before(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:
        for number in range(4):
            segment.append(an_entry(number))
    entries, report = read_entries(paths, SESSION)

    assert entries[0]["prev"] == ""
    assert len({entry["prev"] for entry in entries}) == 4
    assert report.head not in {entry["prev"] for entry in entries}
    assert len(report.head) == 64


def test_threads_share_a_segment(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:

        def work(name: int) -> None:
            for number in range(50):
                segment.append(an_entry(number, thread=name, number=number), an_entry(number, thread=name))

        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    entries, report = read_entries(paths, SESSION)

    assert report.intact
    assert len(entries) == 800
    for name in range(8):
        own = [entry["number"] for entry in entries if entry["thread"] == name and "number" in entry]
        assert own == list(range(50))


def test_a_segment_is_alive_while_it_is_open(paths: StorePaths) -> None:
    segment = Segment.open(paths, SESSION)
    segment.append(an_entry())
    other = Segment.open(paths, SESSION)

    assert live_writers(paths, SESSION) == sorted([segment.writer, other.writer])
    segment.close()
    assert live_writers(paths, SESSION) == [other.writer]
    other.close()
    other.close()
    assert live_writers(paths, SESSION) == []


def test_a_closed_segment_refuses(paths: StorePaths) -> None:
    segment = Segment.open(paths, SESSION)
    segment.close()

    with pytest.raises(SegmentNotOurs, match="open one of your own"):
        segment.append(an_entry())


def test_a_forgotten_segment_lets_go(paths: StorePaths) -> None:
    segment = Segment.open(paths, SESSION)
    segment.append(an_entry())
    del segment
    gc.collect()

    assert live_writers(paths, SESSION) == []


def test_an_entry_without_a_json_form_loses_only_itself(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry(1))
        with pytest.raises(TypeError):
            segment.append(an_entry(2, data=object()))
        segment.append(an_entry(3))
    entries, report = read_entries(paths, SESSION)

    assert [entry["seq"] for entry in entries] == [1, 3]
    assert report.gaps == [(segment.writer, 3, 1)]
    assert not report.broken_chain


def test_an_entry_longer_than_readers_accept_is_refused(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:
        with pytest.raises(EntryTooLong, match="keep its body apart"):
            segment.append(an_entry(1, text="x" * MAX_LINE))
        segment.append(an_entry(2))
    entries, report = read_entries(paths, SESSION)

    assert [entry["seq"] for entry in entries] == [2]
    assert report.missing_entries == 1


def test_a_store_deleted_under_the_program_is_begun_again(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry(1), an_entry(2))
        shutil.rmtree(paths.root)
        segment.append(an_entry(3))
        segment.append(an_entry(4))
        entries, report = read_entries(paths, SESSION)
        alive = live_writers(paths, SESSION)

    assert [entry["seq"] for entry in entries] == [3, 4]
    assert report.gaps == [(segment.writer, 3, 2)]
    assert [seq for _, seq in report.broken_chain] == [3]
    assert alive == [segment.writer]
    assert segment.reopened == 1
    assert (paths.root / ".gitignore").exists()


def test_a_store_that_cannot_be_made_again_is_told_and_tried_again(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry(1))
        shutil.rmtree(paths.root)
        paths.root.write_text("a file")
        for _ in range(2):
            with pytest.raises(StoreUnusable, match="is a file"):
                segment.append(an_entry(2))
        paths.root.unlink()
        segment.append(an_entry(3))
    entries, _ = read_entries(paths, SESSION)

    assert [entry["seq"] for entry in entries] == [4]


def test_a_store_moved_away_and_back_goes_on(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry(1))
        shutil.copytree(paths.root, paths.root.with_name("copy"))
        shutil.rmtree(paths.root)
        paths.root.with_name("copy").rename(paths.root)
        segment.append(an_entry(2))
    entries, report = read_entries(paths, SESSION)

    assert [entry["seq"] for entry in entries] == [1, 2]
    assert report.intact


def test_a_program_that_closes_our_descriptor_does_not_get_our_entries(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry(1))
        held = segment._held
        assert held is not None
        os.close(held.descriptor)
        theirs = paths.root / "theirs"
        taken = os.open(theirs, os.O_RDWR | os.O_CREAT)
        assert taken == held.descriptor
        segment.append(an_entry(2))
        assert os.write(taken, b"theirs") == 6
        os.close(taken)
    entries, report = read_entries(paths, SESSION)

    assert theirs.read_bytes() == b"theirs"
    assert [entry["seq"] for entry in entries] == [1, 2]
    assert report.intact


def test_an_interrupt_after_the_write_leaves_the_chain_whole(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.write

    def interrupted(descriptor: int, data: Any) -> int:
        plain(descriptor, data)
        raise KeyboardInterrupt

    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry(1))
        monkeypatch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            segment.append(an_entry(2), an_entry(3))
        monkeypatch.undo()
        segment.append(an_entry(4))
    entries, report = read_entries(paths, SESSION)

    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4]
    assert report.intact


def test_an_append_from_within_an_append_is_written_after_it(paths: StorePaths) -> None:
    """As when the garbage collector finishes an abandoned stream in the middle of one."""
    with Segment.open(paths, SESSION) as segment:

        class Late(dict[str, Any]):
            def items(self) -> Any:
                segment.append(an_entry(2, text="from within"))
                return super().items()

        # Half of a surrogate pair is what the standard library writes, which asks a mapping for its items.
        segment.append(an_entry(1, data=Late(text="\ud800")))
        segment.append(an_entry(3))
    entries, report = read_entries(paths, SESSION)

    assert [entry["at"] for entry in entries] == [1, 2, 3]
    assert report.intact


@pytest.mark.parametrize("truncating", [True, False])
@given(
    rooms=st.lists(st.integers(0, 25) | st.integers(0, 700), min_size=4, max_size=4),
    sizes=st.lists(st.integers(0, 120), min_size=1, max_size=3),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_full_disk_costs_what_did_not_fit_and_nothing_else(
    paths: StorePaths, *, truncating: bool, rooms: list[int], sizes: list[int]
) -> None:
    """At each append there is room for so many bytes, in the middle of whatever that is; later for all."""
    shutil.rmtree(paths.root, ignore_errors=True)
    with Segment.open(paths, SESSION) as segment, pytest.MonkeyPatch.context() as patch:
        segment.append(an_entry(0))
        plain = os.write
        left = 0

        def write(descriptor: int, data: Any) -> int:
            nonlocal left
            if not left:
                raise OSError(28, "No space left on device")
            written = plain(descriptor, bytes(data)[:left])
            left -= written
            return written

        def truncate(*_: int) -> None:
            raise OSError(5, "Input/output error")

        patch.setattr(os, "write", write)
        if not truncating:
            patch.setattr(os, "ftruncate", truncate)
        acknowledged = [0]
        for number, left in enumerate(rooms, start=1):  # noqa: B007 - write() counts it down
            try:
                segment.append(*(an_entry(number, text="x" * size) for size in sizes))
            except OSError:
                continue
            acknowledged += [number] * len(sizes)
        left = 1_000_000
        segment.append(an_entry(9))
    entries, report = read_entries(paths, SESSION)

    found = [entry["at"] for entry in entries]
    assert found[0] == 0
    assert found[-1] == 9
    assert [at for at in acknowledged if found.count(at) < acknowledged.count(at)] == []
    assert not report.broken_chain
    assert not report.torn
    assert report.corrupt_lines <= (0 if truncating else 4)
    assert report.missing_entries == 1 + 4 * len(sizes) + 1 - len(entries)
    assert all(a["seq"] < b["seq"] for a, b in pairwise(entries))


def test_a_real_limit_on_the_file_is_survived(paths: StorePaths) -> None:
    code = """
        import resource, sys
        from tfstore.journal.reading import Segment
        from tfstore.disk.paths import StorePaths
        segment = Segment.open(StorePaths(sys.argv[1]), sys.argv[2])
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
        written = failed = 0
        for at in range(100):
            try:
                segment.append({"at": at, "type": "annotation", "text": "x" * 300})
                written += 1
            except OSError:
                failed += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        segment.append({"at": 100, "type": "annotation"})
        print(written, failed)
    """
    written, failed = map(int, run(code, paths.root, SESSION).split())
    entries, report = read_entries(paths, SESSION)

    assert written > 3
    assert failed > 3
    assert [entry["at"] for entry in entries] == [*range(written), 100]
    assert report.missing_entries == failed
    assert not report.corrupt
    assert not report.broken_chain


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_leaves_the_segment_to_its_parent(paths: StorePaths) -> None:
    """The child cannot write to it, opens its own, and does not keep the parent's alive after it died."""
    code = """
        import os, sys, time
        from tfstore.errors import SegmentNotOurs
        from tfstore.journal.reading import Segment
        from tfstore.disk.paths import StorePaths
        paths = StorePaths(sys.argv[1])
        segment = Segment.open(paths, sys.argv[2])
        segment.append({"at": 1, "type": "annotation", "who": "parent"})
        ready, told = os.pipe()
        if os.fork() == 0:
            try:
                segment.append({"at": 2, "type": "annotation", "who": "child in the parent's"})
            except SegmentNotOurs:
                own = Segment.open(paths, sys.argv[2])
                own.append({"at": 3, "type": "annotation", "who": "child"})
                segment.close()
                os.write(told, b"x")
                sys.stdin.read()
            os._exit(0)
        os.read(ready, 1)
        print(segment.writer, flush=True)
        os.kill(os.getpid(), 9)
    """
    with start(code, paths.root, SESSION) as process:
        assert process.stdout is not None
        parent = process.stdout.readline().strip()
        process.wait(timeout=60)
        alive = live_writers(paths, SESSION)
        process.communicate(timeout=60)
    entries, report = read_entries(paths, SESSION)

    assert [entry["who"] for entry in entries] == ["parent", "child"]
    assert report.intact
    assert len(alive) == 1
    assert parent not in alive


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "text"]), st.integers() | st.text()), max_size=5))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_entries_come_back_as_they_were_given(paths: StorePaths, payloads: list[dict[str, Any]]) -> None:
    shutil.rmtree(paths.root, ignore_errors=True)
    given_entries = [an_entry(number, **payload) for number, payload in enumerate(payloads)]
    with Segment.open(paths, SESSION) as segment:
        for entry in given_entries:
            segment.append(entry)

    assert [as_given(entry) for entry in read_entries(paths, SESSION)[0]] == given_entries


def test_a_long_entry_is_chained_as_any_other(paths: StorePaths) -> None:
    """Its digest is made while the program goes on."""
    with Segment.open(paths, SESSION) as segment:
        for number in range(3):
            segment.append(an_entry(number, text="x" * 600_000), an_entry(number, text="é"))
    entries, report = read_entries(paths, SESSION)

    assert len(entries) == 6
    assert report.intact


def test_entries_that_only_the_standard_library_can_write_are_written(paths: StorePaths) -> None:
    deep: Any = "bottom"
    for _ in range(600):
        deep = [deep]
    payloads = ["lone \ud800", deep, 10**40, -0.0, 1e300]
    with Segment.open(paths, SESSION) as segment:
        for number, payload in enumerate(payloads):
            segment.append(an_entry(number, data=payload))
    entries, report = read_entries(paths, SESSION)

    assert [entry["data"] for entry in entries] == payloads
    assert report.intact


def test_a_stream_of_chunks_notices_that_the_store_is_gone(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfstore.journal.segment._LOOK_AGAIN", 0.0)
    with Segment.open(paths, SESSION) as segment:
        for number in range(4):
            segment.append({"at": number, "type": "stream.chunk", "data": "x"})
            if number == 1:
                shutil.rmtree(paths.root)
    entries, _ = read_entries(paths, SESSION)

    assert [entry["at"] for entry in entries] == [2, 3]


def test_chunks_do_not_go_where_our_descriptor_leads_by_now(paths: StorePaths, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    with Segment.open(paths, SESSION) as segment:
        segment.append({"at": 1, "type": "stream.chunk", "data": "x"})
        assert segment._held is not None
        descriptor = segment._held.descriptor
        with theirs.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
            segment.append({"at": 2, "type": "stream.chunk", "data": "x"})
        os.close(descriptor)
    assert theirs.read_bytes() == b""
    assert [entry["at"] for entry in read_entries(paths, SESSION)[0]] == [1, 2]


def test_what_is_too_long_is_named_also_where_it_holds_half_a_surrogate_pair(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfstore.journal.segment._LONG", 64)
    monkeypatch.setattr("tfstore.journal.segment.MAX_LINE", 256)
    with Segment.open(paths, SESSION) as segment, pytest.raises(EntryTooLong, match="'annotation'"):
        segment.append(an_entry(1, text="\ud800" * 100))


def test_who_waits_while_it_is_closed_writes_nothing(paths: StorePaths) -> None:
    """The file may be packed, and removed, as soon as it is closed."""
    segment = Segment.open(paths, SESSION)
    segment.append(an_entry(1))
    refused: list[BaseException] = []

    def write() -> None:
        try:
            segment.append(an_entry(2))
        except SegmentNotOurs as error:
            refused.append(error)

    with segment._lock:
        waiting = threading.Thread(target=write)
        waiting.start()
        segment.close()
    waiting.join()

    assert len(refused) == 1
    assert [entry["at"] for entry in read_entries(paths, SESSION)[0]] == [1]


def in_the_middle_of_a_write(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Have something happen when this thread writes next, before anything is written."""
    here, plain = threading.current_thread(), os.write

    def write(descriptor: int, data: Any) -> int:
        if threading.current_thread() is here:
            monkeypatch.undo()
            happens()
        return plain(descriptor, data)

    monkeypatch.setattr(os, "write", write)


def test_closing_in_the_middle_of_an_append_lets_it_end(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The garbage collector may end a session anywhere: what was begun is written, and then the file let go."""
    segment = Segment.open(paths, SESSION)

    def closing() -> None:
        segment.append(an_entry(2))
        segment.close()

    in_the_middle_of_a_write(monkeypatch, closing)
    segment.append(an_entry(1))

    assert [entry["at"] for entry in read_entries(paths, SESSION)[0]] == [1, 2]
    assert live_writers(paths, SESSION) == []
    with pytest.raises(SegmentNotOurs):
        segment.append(an_entry(3))


def members(at: int, **fields: Any) -> bytes:
    return compact(an_entry(at, **fields))[1:-1]


def going_on(segment: Segment, at: int, **fields: Any) -> bool:
    return segment.go_on(members(at, **fields), monotonic_ns())


def looked_at(segment: Segment, at: int) -> None:
    """Write an entry, and say that it will be long until the file is looked at again."""
    segment.append(an_entry(at), again=True)
    segment._look_at = float("inf")


def test_what_goes_on_is_written_as_append_writes_it(paths: StorePaths) -> None:
    with Segment.open(paths, SESSION) as segment:
        assert not going_on(segment, 1), "nothing was looked at yet"
        looked_at(segment, 1)
        assert [going_on(segment, at, text="é") for at in (2, 3)] == [True, True]
        segment.append(members(4, text="é"), again=True)
        assert going_on(segment, 5)
    entries, report = read_entries(paths, SESSION)

    assert [(entry["seq"], entry["at"]) for entry in entries] == [(n, n) for n in range(1, 6)]
    assert as_given(entries[1]) == an_entry(2, text="é")
    assert report.intact


def test_what_is_not_as_it_was_left_is_left_to_append(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Segment.open(paths, SESSION) as segment:
        looked_at(segment, 1)
        assert not going_on(segment, 2, text="x" * segments._LONG), "its digest takes a thread"
        held = segment._held
        assert held is not None
        os.lseek(held.descriptor, 0, os.SEEK_SET)
        assert not going_on(segment, 2), "somebody is at the file"
        segment.append(an_entry(2))
        looked_at(segment, 3)
        os.close(held.descriptor)
        assert not going_on(segment, 4), "somebody closed it"
        segment.append(an_entry(4))
        looked_at(segment, 5)
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: segment.pid + 1)
            assert not going_on(segment, 6), "it is the parent's"
        segment._look_at = 0.0
        assert not going_on(segment, 6), "it may be deleted by now"
    assert not going_on(segment, 6), "it is closed"
    entries, report = read_entries(paths, SESSION)

    assert [entry["at"] for entry in entries] == [1, 2, 3, 4, 5]
    assert report.intact


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_write_that_fails_while_it_goes_on(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    plain = os.write

    def broken(descriptor: int, data: Any) -> int:
        plain(descriptor, bytes(data)[:20])
        raise error

    with Segment.open(paths, SESSION) as segment:
        looked_at(segment, 1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", broken)
            with pytest.raises(error):
                going_on(segment, 2)
        if not going_on(segment, 3):
            segment.append(an_entry(3))
    entries, report = read_entries(paths, SESSION)

    assert [(entry["seq"], entry["at"]) for entry in entries] == [(1, 1), (3, 3)]
    assert report.missing_entries == 1
    assert not report.broken_chain


def test_what_comes_in_the_middle_of_going_on_is_written_after_it(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = Segment.open(paths, SESSION)

    def closing() -> None:
        segment.append(an_entry(3))
        assert not going_on(segment, 9)
        segment.close()

    looked_at(segment, 1)
    in_the_middle_of_a_write(monkeypatch, closing)
    assert going_on(segment, 2)

    entries, report = read_entries(paths, SESSION)
    assert [entry["at"] for entry in entries] == [1, 2, 3]
    assert report.intact
    assert live_writers(paths, SESSION) == []


def test_many_threads_open_segments_at_once(paths: StorePaths) -> None:
    """Whoever opens one looks at all others, while others open theirs; who met that had its entries wait in memory."""
    kept: list[Segment] = []
    failed: list[Exception] = []

    def open_some(name: int) -> None:
        for number in range(60):
            try:
                segment = Segment.open(paths, f"sess_{name}_{number}")
            except Exception as error:  # noqa: BLE001 - told below
                failed.append(error)
            else:
                segment.close()
                kept.append(segment)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=open_some, args=(name,)) for name in range(6)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(before)
    assert failed == []
    assert len(kept) == 360
