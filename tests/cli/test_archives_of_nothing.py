"""Archives within their bounds that hold very many lines of nothing: each command ends with a sentence."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.making import journal, run
from tfclient.finishing.recovery import recover
from tfstore.journal import segment_reader
from tfstore.journal.archive import Archive, ArchiveWriter
from tfstore.journal.segment_reader import Segments
from tfstore.store import Store

ID = "sess_20260902T091400Z_d0de0001"
TINY = b'{"seq":1,"at":1,"type":"x"}\n'


def _newlines() -> Iterator[tuple[str, bytes]]:
    yield "w", b"\n" * 300_000


def _newlines_of_many() -> Iterator[tuple[str, bytes]]:
    for n in range(300):
        yield f"w{n}", b"\n" * 1000


def _no_entries() -> Iterator[tuple[str, bytes]]:
    yield "w", b'{"seq":1}\n' * 100_000


def _tiny_entries() -> Iterator[tuple[str, bytes]]:
    yield "w", TINY * 100_000


def _parts_of_one() -> Iterator[tuple[str, bytes]]:
    for n in range(2000):
        yield "w", b"".join(TINY.replace(b"1", b"%d" % (n * 100 + each), 1) for each in range(100))


def _tiny_entries_of_many() -> Iterator[tuple[str, bytes]]:
    for n in range(2000):
        yield f"w{n}", TINY * 100


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (_newlines, "more than 10,000 of its lines are no entries"),
        (_newlines_of_many, "more than 10,000 of its lines are no entries"),
        (_no_entries, "more than 10,000 of its lines are no entries"),
        (_tiny_entries, "claim to hold more than"),
        (_tiny_entries_of_many, "claim to hold more than"),
        (_parts_of_one, "claim to hold more than"),
    ],
)
def test_each_command_ends_with_a_sentence(
    content: Callable[[], Iterator[tuple[str, bytes]]],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store(tmp_path, create=True)
    journal(store, ID, ended=True)
    list(recover(store))
    document = store.text(ID)
    place = store.paths.archived(ID)
    with (tmp_path / "made").open("wb") as file:
        writer = ArchiveWriter(ID, file)
        writer.copy(Archive.open(store.paths, ID))
        for name, lines in content():
            writer.add(name, io.BytesIO(lines), len(lines))
        writer.finish()
    (tmp_path / "made").replace(place)
    monkeypatch.setattr(segment_reader, "_USELESS", 10_000)
    most = max(10_000, 10_000 + place.stat().st_size // 16)
    read: list[bool] = []
    count = Segments.count

    def counted(segments: Segments, *, is_entry: bool, is_packed: bool) -> None:
        read.append(is_entry)
        count(segments, is_entry=is_entry, is_packed=is_packed)

    monkeypatch.setattr(Segments, "count", counted)
    for command, times in ((["verify", ID], 1), (["doctor"], 1), (["rebuild", ID], 1)):
        read.clear()
        outcome = run(*command, "--store", tmp_path)
        assert outcome.code == 1
        assert sentence in outcome.out + outcome.err
        assert "rebuild` with the id mends this" not in outcome.out
        assert len(read) <= times * (most + 10)
        assert store.text(ID) == document
    read.clear()
    outcome = run("show", ID, "--raw", "step_1_2", "--store", tmp_path)
    assert outcome.code == 0
    assert f"What is shown may not be all of it. The archived journal of session {ID}" in outcome.err
    assert sentence in outcome.err
    assert json.dumps("Hi") in outcome.out
    assert len(read) <= most + 10
