"""A key that is pasted into a note does not reach the disk, whoever notes it and wherever in the note it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tfclient import Recorder, open_store
from tfclient.redaction.notes import note_keeper
from tfstore.document.documents import Redaction, Session
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "sk-proj-" + "a1B2" * 12


def a_store(folder: Path, mode: str) -> None:
    Store(folder, create=True).put(Session("sess_1", status="closed", redaction=Redaction(mode)))


@pytest.mark.parametrize("mode", ["secrets", "content", "none", "custom"])
def test_no_key_in_text_tag_or_author_is_written(tmp_path: Path, mode: str) -> None:
    a_store(tmp_path, mode)
    note = open_store(tmp_path).note("sess_1", f"it was {KEY}", tags=[f"the {KEY}"], author=f"ada {KEY}")
    assert KEY.encode() not in (tmp_path / "notes" / "sess_1.jsonl").read_bytes()
    assert note.tags == ["the <redacted:openai_key>"]
    assert {each["path"] for each in note.redactions} == {"note.text", "note.tags", "note.author"}


def test_of_a_session_without_content_the_text_is_a_hash_and_the_rest_stays(tmp_path: Path) -> None:
    a_store(tmp_path, "content")
    note = open_store(tmp_path).note("sess_1", "Ada's order", score=0, tags=["bug"])
    assert b"Ada" not in (tmp_path / "notes" / "sess_1.jsonl").read_bytes()
    assert (note.score, note.tags) == (0, ["bug"])
    assert "11 chars" in note.text


def test_the_stricter_of_session_and_process_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_store(tmp_path, "none")
    monkeypatch.setenv("THOUGHTFLOW_REDACT", "none")
    assert open_store(tmp_path).note("sess_1", KEY).text == KEY
    monkeypatch.setenv("THOUGHTFLOW_REDACT", "content")
    assert "chars" in open_store(tmp_path).note("sess_1", "Ada").text
    monkeypatch.delenv("THOUGHTFLOW_REDACT")
    assert open_store(tmp_path).note("sess_1", KEY).text == "<redacted:openai_key>"


def drop(path: str, text: str) -> str | None:
    return None if "Ada" in text else f"{path}: {text}"


def fail(path: str, text: str) -> str | None:
    raise ValueError(path, text)


@pytest.mark.parametrize(
    ("decide", "kept"), [(drop, "<redacted:custom>"), (fail, "<redacted:custom:ValueError>")]
)
def test_a_function_of_ones_own_decides(decide: Callable[[str, str], str | None], kept: str) -> None:
    assert note_keeper(decide)("Ada's", "note.text", "custom")[0] == kept


def test_a_session_that_records_redacts_its_notes_as_its_prompts(tmp_path: Path) -> None:
    with Recorder(tmp_path, redact=drop).session() as session:
        session.annotate("order", 1)
        note = session.note("Ada's order", tags=["bug"])
    assert note is not None
    assert (note.text, note.tags) == ("<redacted:custom>", ["note.tags: bug"])
