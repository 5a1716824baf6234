"""Notes of the program itself on a session of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tfclient import Recorder, open_store
from tfstore.errors import InvalidNote
from tfstore.keeping.verifying import verify

if TYPE_CHECKING:
    from pathlib import Path


def test_a_session_is_noted_on_while_it_records_and_afterwards(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    with recorder.session() as session:
        session.annotate("order", {"id": 4711})
        first = session.note("so far so good", step="1.1", score=1)
    assert session.wait()
    second = session.note(tags=["bug"], author="ada")
    store = open_store(tmp_path)
    assert store.notes(session.id) == [first, second]
    assert first is not None
    assert first.step_id == "step_1_1"
    # The journal, its archive and the document know nothing of it.
    assert verify(store, session.id).problems == []
    assert recorder.health.ok


def test_a_wrong_note_is_the_callers_mistake(tmp_path: Path) -> None:
    with Recorder(tmp_path).session() as session, pytest.raises(InvalidNote, match="score"):
        session.note("x", score="high")  # type: ignore[arg-type]


def test_where_nothing_is_recorded_nothing_is_noted(tmp_path: Path) -> None:
    with Recorder(tmp_path / "off", enabled=False).session() as session:
        assert session.note("x") is None
    assert not (tmp_path / "off").exists()


@pytest.mark.filterwarnings("ignore")
def test_trouble_is_told_in_health_and_not_the_programs(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    with recorder.session() as session:
        session.annotate("order", 1)
        (tmp_path / "notes").write_text("in the way")
        assert session.note("x") is None
    assert recorder.health.by_kind == {"note": 1}
    assert "notes" in (recorder.health.last_error or "")
