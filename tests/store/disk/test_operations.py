"""What recorders met with is summed up over programs, in a file that stays short."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tfstore.disk import operations
from tfstore.disk.operations import Operations, Seconds, add_operations, read_operations
from tfstore.disk.paths import StorePaths
from tfstore.errors import StoreUnusable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def paths(tmp_path: Path) -> StorePaths:
    made = StorePaths(tmp_path / "store")
    made.create()
    made.make_dir(made.locks)
    return made


def some(seconds: float = 0.3, **faults: int) -> Operations:
    met = Operations(Counter(faults))
    met.ingestion.add(seconds)
    return met


def test_what_programs_add_is_one_sum(paths: StorePaths) -> None:
    assert not read_operations(paths)
    for each in (some(journal=2), some(40.0), some(1000.0, journal=1, capture=1)):
        assert add_operations(paths, each)

    met = read_operations(paths)

    assert met.faults == {"journal": 3, "capture": 1}
    assert met.ingestion == Seconds(Counter({"0.5": 1, "60.0": 1, "+Inf": 1}), 1040.3)
    assert met.rebuild == Seconds()


def test_a_long_file_becomes_one_line(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_LONG", 300)
    for _ in range(50):
        add_operations(paths, some(journal=1))

    file = paths.root / "operations.jsonl"
    assert file.stat().st_size < 400
    assert read_operations(paths).faults == {"journal": 50}
    assert read_operations(paths).ingestion.counts == {"0.5": 50}


def test_lines_that_are_none_are_read_past(paths: StorePaths) -> None:
    file = paths.root / "operations.jsonl"
    add_operations(paths, some(journal=1))
    broken = b'[]\n{"faults": 7}\n{"ingestion": {}}\n\xff\n{"faults": {"jour'
    file.write_bytes(file.read_bytes() + broken)

    add_operations(paths, some(journal=1))

    assert read_operations(paths) == Operations(Counter(journal=2), Seconds(Counter({"0.5": 2}), 0.6))


def test_where_there_is_no_store_none_is_made(tmp_path: Path) -> None:
    assert not add_operations(StorePaths(tmp_path / "gone"), some())
    assert not (tmp_path / "gone").exists()


def test_a_file_that_cannot_be_read_is_told(paths: StorePaths) -> None:
    (paths.root / "operations.jsonl").symlink_to(paths.root / "elsewhere")
    with pytest.raises(StoreUnusable, match=r"operations\.jsonl cannot be read"):
        read_operations(paths)
