"""``tfclient doctor``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.cli.making import WEATHER, a_store, journal, run, weather

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store

DEAD = "sess_20260902T080000Z_dead0001"


@pytest.fixture
def sound(tmp_path: Path) -> Store:
    return a_store(tmp_path / "store", weather())


def test_a_sound_store(sound: Store) -> None:
    outcome = run("doctor", "--store", sound.paths.root)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"1 session in {sound.paths.root}: nothing is wrong.\n"
    assert run("doctor", "--store", sound.paths.root, "--json").json == {
        "store": str(sound.paths.root),
        "sessions": 1,
        "problems": [],
        "repaired": None,
    }


def test_says_what_is_wrong_and_what_mends_it(sound: Store) -> None:
    sound.paths.document(WEATHER).write_text("{", encoding="utf-8")
    journal(sound, DEAD)

    outcome = run("doctor", "--store", sound.paths.root)
    found = run("doctor", "--store", sound.paths.root, "--json")

    assert outcome.code == found.code == 1
    assert "lost document: The document of session" in outcome.out
    assert "  what is lost cannot be brought back" in outcome.out
    assert "  `tfclient recover` mends this" in outcome.out
    assert outcome.out.endswith(": 2 problems.\n")
    assert [(each["kind"], each["session_id"], each["mend"]) for each in found.json["problems"]] == [
        ("lost_document", WEATHER, "none"),
        ("no_document", DEAD, "recover"),
    ]


def test_a_document_that_cannot_be_read_is_made_again_of_its_journal(sound: Store) -> None:
    journal(sound, DEAD)
    sound.paths.document(DEAD).write_text("{", encoding="utf-8")

    (finding,) = run("doctor", "--store", sound.paths.root, "--json").json["problems"]

    assert (finding["kind"], finding["mend"]) == ("corrupt_document", "recover")
    assert run("recover", "--store", sound.paths.root).code == 0
    assert run("doctor", "--store", sound.paths.root).code == 0


def test_fix_tells_what_it_did(sound: Store) -> None:
    left = sound.paths.sessions / f".{WEATHER}.json.1.0a0b0c0d.tmp"
    left.write_text("half")
    os.utime(left, (0, 0))
    assert run("doctor", "--store", sound.paths.root).code == 1

    assert "Mended. files removed: 1." in run("doctor", "--fix", "--store", sound.paths.root).out
    assert "There was nothing to mend." in run("doctor", "--fix", "--store", sound.paths.root).out


def test_what_fix_cannot_mend_is_still_wrong(sound: Store) -> None:
    journal(sound, DEAD)
    (segment,) = sound.paths.journal_of(DEAD).iterdir()
    segment.write_bytes(segment.read_bytes() + b"what was an entry\n")

    outcome = run("doctor", "--fix", "--store", sound.paths.root)

    assert outcome.code == 1
    assert "Mended. sessions rebuilt: 1." in outcome.out
    assert "was not written to its end" in outcome.out
    assert "what is lost cannot be brought back" in outcome.out
