"""The page about notes names every field of a line, and its examples run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import attrs

from tests.docs.umbrella import umbrella_session
from tfstore.document.notes import Note
from tfstore.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "notes.md"


def test_its_examples_run(tmp_path: Path) -> None:
    session = umbrella_session()
    session.session_id = "umbrella"
    Store(tmp_path, create=True).put(session)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, globs={"STORE": str(tmp_path)})
    assert (failed, tried > 5) == (0, True)


def test_every_field_is_named() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == {each.name for each in attrs.fields(Note)} | {"withdraws"}
