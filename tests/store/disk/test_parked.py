"""Open files are bounded, and those that are closed for it stay held."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.store.making import an_entry
from tfstore.disk import parked
from tfstore.disk.locks import is_held
from tfstore.disk.paths import StorePaths
from tfstore.journal import own_segments
from tfstore.journal.packing import pack
from tfstore.journal.reading import live_writers, read_entries
from tfstore.journal.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there a lock is not a descriptor's")

ASKING = """
import sys
from pathlib import Path
from tfstore.disk.locks import is_held
print([is_held(Path(each)) for each in sys.argv[1:]])
"""


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Segment]]:
    monkeypatch.setattr(own_segments, "bound", lambda: 2)
    paths = StorePaths(tmp_path)
    made = [Segment.open(paths, f"sess_{n}") for n in range(6)]
    yield made
    for each in made:
        each.close()


def seen_by_another(*files: Path) -> list[bool]:
    asked = subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, "-c", ASKING, *map(str, files)], capture_output=True, text=True, check=True
    )
    return [word == "True" for word in asked.stdout.strip(" []\n").split(", ")]


def test_all_are_written_to_and_few_are_open(opened: list[Segment], tmp_path: Path) -> None:
    for turn in range(3):
        for segment in opened:
            segment.append(an_entry(turn + 1))
            assert sum(each._held is not None for each in opened) <= 2
            assert segment.is_there()
    assert all(segment.reopened == 0 and segment.is_there() for segment in opened)
    for segment in opened:
        entries, report = read_entries(StorePaths(tmp_path), segment.session_id)
        assert [entry["at"] for entry in entries] == [1, 2, 3]
        assert report.intact


def test_of_those_never_written_to_the_oldest_are_parked(opened: list[Segment]) -> None:
    assert [each._held is not None for each in opened] == [False] * 4 + [True] * 2


def test_parked_ones_are_held_for_this_process_and_for_others(opened: list[Segment], tmp_path: Path) -> None:
    files = [segment.path for segment in opened]
    assert all(map(is_held, files))
    assert seen_by_another(*files) == [True] * 6
    assert not pack(StorePaths(tmp_path), opened[0].session_id)
    for segment in opened[:3]:
        segment.close()
    assert seen_by_another(*files) == [False] * 3 + [True] * 3
    assert [bool(live_writers(StorePaths(tmp_path), each.session_id)) for each in opened] == [False] * 3 + [
        True
    ] * 3


def test_the_death_of_the_process_frees_them(tmp_path: Path) -> None:
    program = f"""
import os
from tfstore.disk.paths import StorePaths
from tfstore.journal import own_segments
from tfstore.journal.segment import Segment
own_segments.bound = lambda: 1
opened = [Segment.open(StorePaths({str(tmp_path)!r}), f"sess_{{n}}") for n in range(3)]
print(*[each.path for each in opened], sep="\\n", flush=True)
input()
os.kill(os.getpid(), 9)
"""
    with subprocess.Popen(  # noqa: S603 - our own Python
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        files = [Path(process.stdout.readline().strip()) for _ in range(3)]
        assert all(map(is_held, files))
        process.communicate("\n")
    assert not any(map(is_held, files))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_child_neither_frees_nor_keeps_them(opened: list[Segment]) -> None:
    files = [segment.path for segment in opened]
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    assert seen_by_another(*files) == [True] * 6
    for segment in opened:
        segment.close()
    assert seen_by_another(*files) == [False] * 6
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)


def test_a_parked_file_that_was_deleted_is_begun_anew(opened: list[Segment], tmp_path: Path) -> None:
    segment = opened[0]
    assert segment._held is None
    segment.append(an_entry(1))
    for other in opened[1:]:
        other.append(an_entry(1))
    segment.path.unlink()
    assert not segment.is_there()
    segment.append(an_entry(2))
    assert segment.reopened == 1
    assert [entry["at"] for entry in read_entries(StorePaths(tmp_path), "sess_0")[0]] == [2]


def test_the_bound_leaves_the_program_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    assert parked.bound() == 32
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert parked.bound() == parked.MOST
