"""What sessions teach is noted in the background, where a recorder asks for it; else nothing of that is imported."""

from __future__ import annotations

import logging
import subprocess
import sys
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from tests.finishing.test_background import written
from tests.projection.builders import START
from tests.reflect.talking import Talk
from tfclient.finishing import learning
from tfclient.finishing.finisher import Finisher
from tfclient.finishing.helper import start_helper
from tfclient.settings import Settings
from tfstore.disk.paths import StorePaths
from tfstore.journal.segment import Segment
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "sess_20261101T080000Z_00000001"


@pytest.fixture(autouse=True)
def nothing_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "_WANTED", set())


def recorded(path: Path, **metadata: Any) -> StorePaths:
    """A journal of a session in which a tool failed, ended and not yet finished."""
    talk = Talk()
    talk.asks("Pay 12.")
    talk.calls(("pay", {"amount": 3}, "Error: total is 12, but paid 3"))
    talk.says()
    talk.story.end()
    paths = StorePaths(path)
    with Segment.open(paths, SESSION) as segment:
        for entry in talk.story.entries:
            more = {"metadata": metadata} if entry["type"] == "session.started" else {}
            segment.append({"mono": entry["at"] - START, **entry, **more})
    return paths


def finisher_of(paths: StorePaths, *, notes: bool) -> Finisher:
    return Finisher.for_store(paths, Settings(paths.root, notes=notes))


@pytest.mark.parametrize("notes", [True, False])
def test_a_session_is_noted_after_its_document_if_that_is_asked_for(tmp_path: Path, notes: bool) -> None:  # noqa: FBT001
    paths = recorded(tmp_path / "flow")
    assert written(finisher_of(paths, notes=notes), SESSION) is None

    assert paths.document(SESSION).exists()
    assert paths.learnings_page.exists() is notes
    if notes:
        assert "pay: total is N" in Store(paths.root).learnings.lessons()[0]["signature"]


@pytest.mark.parametrize("metadata", [{"learn": False}, {"purpose": "notes"}])
def test_a_session_that_is_not_to_be_learnt_from(tmp_path: Path, metadata: dict[str, Any]) -> None:
    paths = recorded(tmp_path / "flow", **metadata)
    written(finisher_of(paths, notes=True), SESSION)

    assert Store(paths.root).get(SESSION).metadata == metadata
    assert not paths.learnings_page.exists()


def test_what_cannot_be_noted_is_said_and_the_files_are_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = recorded(tmp_path / "flow")
    paths.make_dir(paths.learnings)
    paths.lessons.write_text("{", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "tfclient"):
        assert written(finisher_of(paths, notes=True), SESSION) is None

    assert f"what session {SESSION} teaches was not noted (LearningsUnreadable" in caplog.text
    assert paths.lessons.read_text(encoding="utf-8") == "{"
    assert paths.archived(SESSION).exists()


@pytest.mark.parametrize("notes", [True, False])
def test_a_helper_notes_as_the_program_would(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    notes: bool,  # noqa: FBT001
) -> None:
    paths = recorded(tmp_path / "flow")
    if notes:
        learning.learn_from_now_on(paths)
    # Whatever the environment of the program says: its recorder was told.
    monkeypatch.setenv("THOUGHTFLOW_NOTES", "0" if notes else "1")
    told: Queue[Exception | None] = Queue()
    assert start_helper(paths, SESSION, lambda error, _: told.put(error))

    assert told.get(timeout=60) is None
    assert paths.document(SESSION).exists()
    assert paths.learnings_page.exists() is notes


def test_without_notes_nothing_of_it_is_imported() -> None:
    asked = "import sys, tfclient, tfclient.finishing.needed as f, importlib; "
    asked += "[importlib.import_module(each) for each in f.NEEDED]; "
    asked += "print([each for each in sys.modules if each.startswith('tfclient.reflect')])"
    said = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60
    )

    assert said.stdout.strip() == "[]"
