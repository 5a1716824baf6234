"""The reference names every field that documents have, and none that they have not; its examples run."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path

import attrs
import pytest

from tests.docs.umbrella import umbrella_session
from tfstore.document import documents
from tfstore.document.converter import to_json

PAGE = Path(__file__).parents[2] / "docs" / "session-document.md"

SECTIONS = {
    "Session": documents.Session,
    "Run": documents.Run,
    "Lineage": documents.Lineage,
    "Step": documents.Step,
    "Origin": documents.Origin,
    "Usage": documents.Usage,
    "Attempt": documents.Attempt,
    "Played": documents.Played,
    "Latency": documents.Latency,
    "Error": documents.ErrorInfo,
    "Mark": documents.RedactionMark,
    "Program failure": documents.ProgramFailure,
    "Redaction": documents.Redaction,
    "Redacted place": documents.RedactedPlace,
    "Replay": documents.Replay,
    "Summary": documents.Summary,
    "Integrity": documents.Integrity,
}


def documented(section: str) -> set[str]:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^##+ {section}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    rows = re.findall(r"^\| (`[^|]*`) \|", found[1], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize(("section", "cls"), SECTIONS.items())
def test_the_tables_name_the_fields(section: str, cls: type[attrs.AttrsInstance]) -> None:
    fields = {
        each.name.rstrip("_")
        for each in attrs.fields(cls)
        if each.metadata.get("in_document", True) is not False
    }
    assert documented(section) == fields


def test_the_examples_run() -> None:
    document = json.dumps(to_json(umbrella_session()))
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, globs={"DOCUMENT": document})
    assert tried > 5
    assert failed == 0
