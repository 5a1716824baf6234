"""``tfclient notes``: what sessions teach, and what people say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.making import HOSTILE, hostile, run
from tests.cli.test_completion import offered
from tests.reflect.lessons.making import a_store, files_of, paying, session_id, well
from tfclient.reflect.lessons.book import Book

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return a_store(tmp_path / "store", paying(1), paying(2), well(3))


@pytest.fixture
def lesson(store: Store) -> str:
    Book(store).note(store.ids())
    return Book(store).lessons()[0].lesson_id


def test_a_session_is_noted_and_what_was_written_is_shown(store: Store) -> None:
    outcome = run("notes", "00000002", "--store", store.paths.root)

    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0] == f"### {session_id(2)} run_1 · 2026-11-03"
    assert lines[-1].startswith("- outcome: completed")
    assert outcome.err == f"{store.paths.learnings_page}: 1 written.\n"
    again = run("notes", "00000002", "--store", store.paths.root)
    assert (again.out, again.err) == (outcome.out, f"{store.paths.learnings_page}: 1 as before.\n")


def test_the_latest_if_none_is_named_and_nothing_where_nothing_is_learnt(store: Store) -> None:
    outcome = run("notes", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.startswith("Nothing is to be learnt from that")
    assert files_of(store) == {}


def test_all_sessions_and_the_summary(store: Store) -> None:
    told = run("notes", "--all", "--store", store.paths.root, "--json").json
    assert told == {
        "path": str(store.paths.learnings_page),
        "sessions": 3,
        "written": 2,
        "same": 0,
        "removed": 0,
        "archived": 0,
        "edited": [],
        "troubles": [],
    }
    before = files_of(store)
    outcome = run("notes", "--summary", "--store", store.paths.root)
    assert (outcome.code, outcome.err) == (0, f"{store.paths.learnings_page}: its summary is made anew.\n")
    assert files_of(store) == before

    text = store.paths.learnings_page.read_text(encoding="utf-8").replace("| open |", "| ours |")
    store.paths.learnings_page.write_text(text, encoding="utf-8")
    outcome = run("notes", "--summary", "--store", store.paths.root)
    assert outcome.code == 1
    assert "was edited by hand" in outcome.err


def test_a_session_that_cannot_be_read_does_not_stop_the_others(store: Store) -> None:
    store.paths.document(session_id(1)).write_text("{", encoding="utf-8")
    outcome = run("notes", "--all", "--store", store.paths.root)

    assert outcome.code == 1
    assert f"session {session_id(1)}" in outcome.err
    assert Book(store).lessons()[0].sessions == 1


def test_nothing_is_learnt_from_a_tool_that_is_skipped(store: Store) -> None:
    run("notes", "--all", "--skip-tool", "pay", "--store", store.paths.root)

    assert files_of(store) == {}


def test_lessons_are_listed_and_shown_with_their_evidence(store: Store, lesson: str) -> None:
    listed = run("notes", "list", "--store", store.paths.root)
    assert listed.out == (
        'pay answered "total is N, but paid N" (2×); it worked with amount changed, after calculate (2 of 2) '
        f"[{lesson}]\n"
    )
    (row,) = run("notes", "list", "--store", store.paths.root, "--json").json
    assert (row["lesson_id"], row["seen"], row["tool"]) == (lesson, 2, "pay")

    shown = run("notes", "show", lesson, "--store", store.paths.root)
    assert f"SESSION {session_id(2)} · quoted text is recorded data" in shown.out
    for each in ('{"amount":3,"to":"Ada"}', '[1.5] output pay "Error: total is 12', "[1.10] call pay"):
        assert each in shown.out
    told = run("notes", "show", lesson, "--store", store.paths.root, "--json").json
    assert [each["step"] for each in told["shown"]] == ["step_1_5", "step_1_5"]


@pytest.mark.parametrize(
    ("word", "status", "says"),
    [
        ("resolve", "resolved", "is resolved"),
        ("mute", "muted", "is muted"),
        ("reopen", "open", "is open"),
        ("confirm", "open", "may be given out"),
    ],
)
def test_what_a_person_says(store: Store, lesson: str, word: str, status: str, says: str) -> None:
    outcome = run("notes", word, lesson, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (0, f"{lesson} {says}.\n")
    after = Book(store).lesson(lesson)
    assert (after.status, after.confirmed) == (status, word == "confirm")


def test_export_prints_all_of_it(store: Store, lesson: str) -> None:
    outcome = run("notes", "export", "--store", store.paths.root)
    assert outcome.out == store.paths.learnings_page.read_text(encoding="utf-8")
    told = run("notes", "export", "--store", store.paths.root, "--json").json
    assert [each["lesson_id"] for each in told["lessons"]] == [lesson]
    assert [each["session_id"] for each in told["entries"]] == [session_id(2), session_id(1)]


def test_deleting_a_lesson_a_session_and_all(store: Store, lesson: str) -> None:
    outcome = run("notes", "delete", "--session", session_id(2), "--store", store.paths.root)
    assert (outcome.code, outcome.out) == (0, f"All that was noted of {session_id(2)} is deleted.\n")
    assert session_id(2).encode() not in b"".join(files_of(store).values())
    assert store.get(session_id(2))
    assert "| 1 | 1 | open |" in store.paths.learnings_page.read_text(encoding="utf-8")

    assert run("notes", "delete", lesson, "--store", store.paths.root).out == f"{lesson} is deleted.\n"
    assert Book(store).lessons() == []
    assert run("notes", "delete", "--all", "--store", store.paths.root).code == 0
    assert not store.paths.learnings.exists()


@pytest.mark.usefixtures("lesson")
def test_deleting_a_session_deletes_what_was_noted_and_tells_own_words(store: Store) -> None:
    path = store.paths.learnings_page
    path.write_text(path.read_text(encoding="utf-8") + f"\nAsk about {session_id(1)}.\n", encoding="utf-8")
    outcome = run("delete", session_id(1), "--store", store.paths.root)

    assert outcome.code == 0
    assert "is in somebody's own words and names a session that is deleted" in outcome.err
    assert path.read_text(encoding="utf-8").count(session_id(1)) == 1
    assert "| 1 | 1 | open |" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["show", "L-00000000"], 2, "There is no lesson 'L-00000000' in this store."),
        (["resolve", "L-00000000"], 2, "There is no lesson 'L-00000000' in this store."),
        (["resolve"], 2, "`notes resolve` needs a lesson"),
        (["show", "a", "b"], 2, "`notes show` needs one lesson"),
        (["list", "x"], 2, "`notes list` lists all lessons"),
        (["export", "x"], 2, "`notes export` prints all"),
        (["delete"], 2, "Give lessons, --session ID or --all"),
        (["delete", "L-1", "--all"], 2, "Give lessons, --session ID or --all"),
        (["delete", "--session", "nobody"], 2, "No session 'nobody' in this store."),
        (["last", "--all"], 2, "Give a session or --all, not both."),
        (["last", "--summary"], 2, "Give a session or --summary, not both."),
        (["last", "first"], 2, "Give one session or --all"),
        (["list", "--all"], 2, "--all does not go with `notes list`."),
        (["mute", "L-1", "--skip-tool", "x"], 2, "--summary and --skip-tool go with sessions"),
        (["last", "--session", "x"], 2, "--session goes with `notes delete`."),
        (["nobody"], 2, "No session 'nobody' in this store."),
    ],
)
def test_what_makes_no_sense_is_said(store: Store, arguments: list[str], code: int, says: str) -> None:
    outcome = run("notes", *arguments, "--store", store.paths.root, columns=500)

    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith(says)
    assert outcome.err.count("\n") == 1


@pytest.mark.usefixtures("lesson")
def test_files_that_cannot_be_read_are_told(store: Store) -> None:
    store.paths.lessons.write_text("{", encoding="utf-8")
    for arguments in (["last"], ["list"], ["delete", "--session", session_id(1)]):
        outcome = run("notes", *arguments, "--store", store.paths.root, columns=500)
        assert (outcome.code, outcome.out) == (1, "")
        assert outcome.err.startswith(f"{store.paths.lessons} cannot be read: it is no JSON")


def test_hostile_text_reaches_no_terminal(tmp_path: Path) -> None:
    store = a_store(
        tmp_path / "store", hostile(), paying(1, prompt="\x1b[31m \u202e", error="Error: \x1b[2J \u202e no")
    )
    outcome = run("notes", "--all", "--store", store.paths.root)
    shown = [run("notes", word, "--store", store.paths.root).out for word in ("list", "export")]
    of_one = run("notes", HOSTILE, "--store", store.paths.root)

    for text in (outcome.out, outcome.err, of_one.out, of_one.err, *shown):
        assert not any(each in text for each in ("\x1b", "\u202e", "\x07"))


def test_words_sessions_and_lessons_are_offered(store: Store, lesson: str) -> None:
    first = offered("bash", store.paths.root, "notes", "")
    assert all(each in first for each in ("resolve", "confirm", "last"))
    assert lesson in offered("bash", store.paths.root, "notes", "mute", "")
