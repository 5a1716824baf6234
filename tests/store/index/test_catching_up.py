"""Documents that others wrote, replaced or removed count in the next answer."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.store.index.answers import COUNT, a_talk, answers, said_by_documents
from tfstore.disk.session_folder import SessionFolder
from tfstore.index import catching_up
from tfstore.reading.search import TOLD
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.disk.files import Stamp
    from tfstore.document.documents import Session


def test_documents_that_come_change_and_go_by_themselves_count(full: Store) -> None:
    def path(number: int) -> Path:
        return full.paths.document(a_talk(number).session_id)

    def check() -> None:
        assert answers(full) == said_by_documents(full)

    path(1).unlink()
    check()
    made = Store(full.paths.root.parent / "made", create=True)
    made.put(a_talk(COUNT))
    shutil.copy2(made.paths.document(a_talk(COUNT).session_id), path(COUNT))
    check()
    path(2).write_text(path(2).read_text(encoding="utf-8").replace("berth 14", "berth 99"), encoding="utf-8")
    check()
    made.put(a_talk(4, title="Another"))
    made.paths.document(a_talk(4).session_id).replace(path(4))
    check()
    path(5).write_text("{")
    check()
    path(6).write_text(path(6).read_text(encoding="utf-8").replace("thoughtflow/1", "thoughtflow/2"))
    check()
    path(5).unlink()
    made.put(a_talk(6, title="Mended"))
    shutil.copy2(made.paths.document(a_talk(6).session_id), path(6))
    check()
    shutil.rmtree(full.paths.sessions)
    check()


def test_changes_within_a_tick_of_the_clock_count(full: Store) -> None:
    """In place, and to the same length: the file system may give both the same time."""
    path = full.paths.document(a_talk(1).session_id)
    text = path.read_text(encoding="utf-8")
    for number in range(40):
        path.write_text(text.replace("Talk 1", f"Talk {number % 10}"), encoding="utf-8")
        assert {row.title for row in full.list() if row.session_id == path.stem} == {f"Talk {number % 10}"}


def test_a_document_under_another_name_has_its_steps_and_no_place_in_the_list(full: Store) -> None:
    shutil.copy(full.paths.document(a_talk(1).session_id), full.paths.document("copied"))

    assert "copied" not in {row.session_id for row in full.list()}
    assert len(full.list()) == COUNT
    assert len(list(full.steps(label="user_message"))) == COUNT + 1


def test_a_large_store_is_not_looked_through_each_time(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While its folder's time stays; but once a minute all the same."""
    monkeypatch.setattr(catching_up, "SMALL", COUNT - 1)
    os.utime(full.paths.sessions, (10**9, 10**9))
    looked: list[Path] = []
    plain = SessionFolder.stamps

    def stamps(folder: SessionFolder) -> dict[str, Stamp]:
        looked.append(folder.paths.root)
        return plain(folder)

    monkeypatch.setattr(SessionFolder, "stamps", stamps)
    for _ in range(3):
        assert len(Store(full.paths.root).list()) == COUNT
    assert looked.count(full.paths.root) == 1

    path = full.paths.document(a_talk(1).session_id)
    path.write_text(path.read_text(encoding="utf-8").replace("Talk", "Walk"), encoding="utf-8")
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 61 * 10**9)
    assert "Walk 1" in {row.title for row in full.list()}

    full.put(a_talk(COUNT))
    assert len(full.list()) == COUNT + 1
    full.paths.document(a_talk(0).session_id).unlink()
    assert len(full.list()) == COUNT


def test_texts_of_another_version_are_told_again(full: Store) -> None:
    def said(word: str) -> Callable[[Session], list[str]]:
        return lambda session: [word, *("" for run in session.runs for _ in run.steps)]

    everything = set(full.ids())
    assert full.index.may_say(["first"], said("first"), TOLD + 1) == everything
    assert full.index.may_say(["other"], said("other"), TOLD + 1) == set()
    assert full.index.may_say(["other"], said("other"), TOLD + 2) == everything
