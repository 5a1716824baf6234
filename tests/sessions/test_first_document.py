"""A session has a document from its first moment, whatever else there is to do."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tfclient import Recorder
from tfclient.finishing.live import LiveSession
from tfclient.sessions.first_document import first_document
from tfstore.disk.paths import StorePaths
from tfstore.document.text import text_of
from tfstore.journal.segment import Segment
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

STARTED: dict[str, Any] = {
    "at": 1,
    "mono": 1,
    "type": "session.started",
    "journal_version": 1,
    "title": "",
    "metadata": {},
    "channel": "text",
    "runtime": {},
    "redaction": {"mode": "secrets"},
}


def waited_for(path: Path) -> bytes:
    until = time.monotonic() + 60
    pause = threading.Event()
    while not path.exists() and time.monotonic() < until:
        pause.wait(0.005)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("settings", "about"),
    [
        ({}, {}),
        (
            {},
            {"title": "Überblick \ud800", "metadata": {"user": "é", "tags": [1, None, {"a": []}], "π": 3.5}},
        ),
        ({"redact": "content", "max_payload": "1KB", "deltas": True}, {}),
    ],
    ids=["nothing said", "title and metadata", "other settings"],
)
def test_it_is_what_the_first_projection_says(
    settings: dict[str, Any], about: dict[str, Any], tmp_path: Path
) -> None:
    with Recorder(tmp_path, **settings).session(**about) as session:
        first = waited_for(session.path)
        assert first == text_of(LiveSession(Store(tmp_path), session.id).read())


def began(tmp_path: Path, **more: Any) -> tuple[Segment, Any, Path]:
    paths = StorePaths(tmp_path)
    segment = Segment.open(paths, "sess_1")
    segment.append(STARTED | more)
    return segment, first_document(paths, segment, STARTED | more), paths.document("sess_1")


def test_it_says_what_was_there_when_it_was_the_only_entry(tmp_path: Path) -> None:
    segment, write, path = began(tmp_path)
    expected = text_of(LiveSession(Store(tmp_path), "sess_1").read())
    with segment:
        segment.append({"at": 2, "mono": 2, "type": "annotation", "kind": "x", "data": "y"})
        write()
    assert path.read_bytes() == expected
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_it_replaces_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment, write, path = began(tmp_path)
    real = os.link

    def late(*args: Any) -> None:
        path.write_text("projected meanwhile")
        real(*args)

    monkeypatch.setattr(os, "link", late)
    with segment:
        write()
    assert path.read_text() == "projected meanwhile"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_ended_and_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    segment, write, path = began(tmp_path)
    segment.close()
    write()
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "more", [{"replay": {"kind": "replay"}}, {"redactions": [{"path": "title"}]}], ids=["played", "redacted"]
)
def test_what_says_more_is_left_to_the_projection(more: dict[str, Any], tmp_path: Path) -> None:
    segment, write, path = began(tmp_path, **more)
    with segment:
        write()
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["link", "open", "write"])
def test_where_it_cannot_be_written_nothing_is_wrong(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment, write, path = began(tmp_path)

    def refused(*_: Any, **__: Any) -> Any:
        raise PermissionError(30, "Read-only file system")

    with segment:
        with monkeypatch.context() as refusing:
            refusing.setattr(os, name, refused)
            write()
        assert list(path.parent.iterdir()) == []
