"""``tfclient recover``: sessions of dead writers, documents that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.making import HOSTILE, WEATHER, a_store, entries, journal, run, weather
from tfstore.journal.segment import Segment

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store

DEAD = "sess_20260902T080000Z_dead0001"


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    return a_store(tmp_path / "store")


def test_finishes_what_a_dead_writer_left(empty: Store) -> None:
    journal(empty, DEAD)

    outcome = run("recover", "--store", empty.paths.root)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{DEAD}  Hello\n1 session recovered.\n"
    session = empty.get(DEAD)
    assert (session.status, session.end_reason, session.summary.model_calls) == ("closed", "recovered", 1)
    assert empty.paths.diagram(DEAD).is_file()


def test_once_is_enough(empty: Store) -> None:
    journal(empty, DEAD)
    run("recover", "--store", empty.paths.root)

    outcome = run("recover", "--store", empty.paths.root)

    assert (outcome.code, outcome.out) == (0, "Nothing to recover.\n")


def test_json(empty: Store) -> None:
    journal(empty, DEAD)

    assert run("recover", "--store", empty.paths.root, "--json").json == {
        "store": str(empty.paths.root),
        "recovered": [
            {
                "session_id": DEAD,
                "title": "Hello",
                "result": "completed",
                "path": str(empty.paths.document(DEAD)),
            }
        ],
        "problems": [],
    }


@pytest.mark.parametrize("named", [[], [DEAD]])
def test_makes_a_document_again_that_cannot_be_read(empty: Store, named: list[str]) -> None:
    journal(empty, DEAD, ended=True)
    run("recover", "--store", empty.paths.root)
    before = empty.get(DEAD)
    empty.paths.document(DEAD).write_text("{", encoding="utf-8")
    assert run("show", DEAD, "--store", empty.paths.root).code == 1

    outcome = run("recover", *named, "--store", empty.paths.root)

    assert (outcome.code, outcome.out) == (0, f"{DEAD}  Hello\n1 session recovered.\n")
    assert empty.get(DEAD) == before


def test_a_document_without_a_journal_is_left_as_it_is(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", weather())
    store.paths.document(WEATHER).write_text("{", encoding="utf-8")

    outcome = run("recover", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"Session {WEATHER} has no journal to make its document from again; ")
    assert store.paths.document(WEATHER).read_text(encoding="utf-8") == "{"


def test_one_that_cannot_be_recovered_does_not_stop_the_others(store: Store) -> None:
    store.paths.document(HOSTILE).write_text("{", encoding="utf-8")
    journal(store, DEAD)

    outcome = run("recover", "--store", store.paths.root, "--json")

    assert outcome.code == 1
    assert [each["session_id"] for each in outcome.json["recovered"]] == [DEAD]
    assert HOSTILE in [each["session_id"] for each in outcome.json["problems"]]


def test_a_living_writer_is_left_alone(empty: Store) -> None:
    with Segment.open(empty.paths, DEAD) as segment:
        segment.append(*entries(ended=False))

        unnamed = run("recover", "--store", empty.paths.root)
        named = run("recover", DEAD, "--store", empty.paths.root)

    assert (unnamed.code, unnamed.out) == (0, "Nothing to recover.\n")
    assert (named.code, named.out) == (1, "")
    assert f"Session {DEAD} is being written by " in named.err
    assert "session.ended" not in [entry["type"] for entry in empty.journal(DEAD)[0]]


def test_other_commands_finish_it_too(empty: Store) -> None:
    journal(empty, DEAD)

    assert "completed" in run("list", "--store", empty.paths.root).out


def test_an_unknown_id(empty: Store) -> None:
    outcome = run("recover", "nothing", "--store", empty.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert "No session 'nothing' in this store." in outcome.err
