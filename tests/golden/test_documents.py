"""Whole documents are as they were reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.documents import own, recorded, recording, text_of

MEANT = "if this is meant: python -m tests.golden.documents, and review the difference"


@pytest.mark.parametrize(("golden", "cassette"), list(own()), ids=lambda path: path.stem)
def test_a_cassettes_document(golden: Path, cassette: Path) -> None:
    assert text_of(cassette, "secrets") == golden.read_text(encoding="utf-8"), MEANT


@pytest.mark.parametrize(("golden", "digest"), list(recorded()), ids=lambda value: getattr(value, "stem", ""))
def test_a_recordings_document(golden: Path, digest: str) -> None:
    path = recording(digest)
    if path is None:
        pytest.skip("the recordings of real traffic are not here")
    assert text_of(path, "content") == golden.read_text(encoding="utf-8"), MEANT
