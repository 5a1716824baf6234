"""``tfclient adapt``: what may be typed, what it says, and that only a person confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.making import run
from tests.cli.test_completion import offered
from tests.reflect.adaptations.making import BASE, TEXT, TITLE, paying_session, proposed
from tests.reflect.lessons.making import a_store, files_of, paying, session_id
from tfclient.reflect.adaptations.adaptation import base_version

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store

PROPOSAL = ("adapt", "propose", "--title", TITLE, "--text", TEXT)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return a_store(tmp_path / "store", paying(1), paying_session(2))


def test_it_is_proposed_shown_listed_and_confirmed(store: Store) -> None:
    root = store.paths.root
    outcome = run(*PROPOSAL, "--because", "00000001#1.5", "--tool", "pay", "--by", "ada", "--store", root)

    name = outcome.out.split()[0]
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        f"{name} proposed · {TITLE}",
        f"  {TEXT}",
        f"  because of {session_id(1)}#step_1_5",
        "  only with pay",
    ]
    assert outcome.err == f"Nobody is given it before `tfclient adapt confirm {name}`.\n"
    assert run("adapt", "--store", root).out == f"{name} proposed · {TITLE}\n"
    confirmed = run("adapt", "confirm", name, "--yes", "--by", "ada", "--store", root)
    assert (confirmed.code, confirmed.out) == (0, f"{name} is confirmed: adaptations_for gives it out.\n")
    history = run("adapt", "show", name, "--store", root).out.splitlines()[4:]
    assert history == ["  2026-09-02 12:00 proposed by ada", "  2026-09-02 12:00 confirmed by ada"]
    assert run("adapt", "keep", name, "--store", root).out == f"{name} is kept.\n"
    assert run("adapt", "drop", name, "--store", root, "--json").json["status"] == "dropped"
    assert [each["status"] for each in run("adapt", "list", "--store", root, "--json").json] == ["dropped"]


def test_nobody_confirms_where_nobody_can_be_asked(store: Store) -> None:
    name = proposed(store).adaptation_id
    before = files_of(store)
    outcome = run("adapt", "confirm", name, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert TEXT in outcome.err
    assert "A person is to confirm it" in outcome.err
    assert files_of(store) == before


@pytest.mark.parametrize(("typed", "code", "status"), [("y", 0, "confirmed"), ("n", 1, "proposed")])
def test_a_person_is_asked(
    store: Store, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, status: str
) -> None:
    name = proposed(store).adaptation_id
    asked: list[str] = []

    def confirm(question: str, **_: Any) -> bool:
        asked.append(question)
        return typed == "y"

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("tfclient.cli.commands.adapt.words.is_a_person_there", lambda: True)
    outcome = run("adapt", "confirm", name, "--store", store.paths.root)

    assert (outcome.code, asked) == (code, ["Give this to programs from now on?"])
    assert run("adapt", "show", name, "--store", store.paths.root, "--json").json["status"] == status


def test_a_next_version_and_one_for_certain_instructions(store: Store) -> None:
    root = store.paths.root
    name = proposed(store).adaptation_id
    made = run(
        *("adapt", "propose", "--title", TITLE, "--text", "Call calculate.", "--because", "last#1.2"),
        *("--revises", name, "--for", "last", "--store", root, "--json"),
    ).json

    assert (made["adaptation_id"], made["version"]) == (name, 2)
    assert made["instructions"] == base_version(BASE)
    shown = run("adapt", "show", name, "--store", root).out
    assert f"{name} proposed, version 2 · {TITLE}" in shown
    assert f"    {TEXT}\n" in shown
    none = run(*PROPOSAL, "--because", "last#1.2", "--for", "00000001", "--store", root)
    assert (none.code, f"--for {session_id(1)} has no instructions" in none.err) == (2, True)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["adapt", "bless"], "`adapt bless` is unknown: give one of propose, list"),
        (["adapt", "propose", "--title", "x"], "needs --title, --text and --because"),
        ([*PROPOSAL, "A-1", "--because", "last#1.2"], "takes no id: 'A-1'"),
        ([*PROPOSAL, "--because", "1.2"], "give SESSION#4.7"),
        ([*PROPOSAL, "--because", "last#9.9"], "has no step '9.9'"),
        ([*PROPOSAL, "--because", "nope#1.2"], "No session 'nope'"),
        ([*PROPOSAL, "--because", "L-00000000"], "There is no lesson 'L-00000000'"),
        ([*PROPOSAL[:-1], "For Ada only.", "--because", "00000001#1.5"], "words without 'Ada'"),
        (["adapt", "list", "A-1"], "`adapt list` lists all"),
        (["adapt", "show"], "`adapt show` needs one"),
        (["adapt", "confirm"], "`adapt confirm` needs one"),
        (["adapt", "confirm", "A-00000000", "--yes"], "There is no adaptation 'A-00000000'"),
        (["adapt", "list", "--title", "x"], "--title goes with `adapt propose`"),
        (["adapt", "drop", "A-1", "--yes"], "--yes goes with `adapt confirm`"),
        (["adapt", "list", "--model", "x"], "--model goes with `adapt effect`"),
        (["adapt", "list", "--anyway"], "--anyway goes with `adapt effect` and `adapt propose`"),
    ],
)
def test_what_makes_no_sense_is_told(store: Store, typed: list[str], words: str) -> None:
    outcome = run(*typed, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert not store.paths.adaptations.exists()


def test_what_cannot_be_said_of_one_is_told_before_any_is_set(store: Store) -> None:
    root = store.paths.root
    first, second = (proposed(store, text).adaptation_id for text in ("Ask first.", "Ask twice."))
    assert run("adapt", "reject", second, "--store", root).code == 0
    outcome = run("adapt", "reject", first, second, "--store", root)

    assert (outcome.code, outcome.out) == (2, "")
    assert f"{second} is rejected: `adapt reject` is for what is proposed." in outcome.err
    assert [each["status"] for each in run("adapt", "--store", root, "--json").json] == [
        "proposed",
        "rejected",
    ]


def test_values_stay_if_a_person_says_so(store: Store) -> None:
    typed = [*PROPOSAL[:-1], "For Ada only.", "--because", "00000001#1.5", "--store", store.paths.root]

    assert "--anyway keeps it." in run(*typed).err
    assert run(*typed, "--anyway").code == 0


def test_an_effect_of_few_sessions_says_so(store: Store) -> None:
    name = proposed(store).adaptation_id
    outcome = run("adapt", "effect", name, "--store", store.paths.root)

    assert outcome.code == 0
    assert "No session with it can be compared." in outcome.out
    store.put(paying_session(3, instructions=f'{BASE}\n<adaptations source="thoughtflow">\n[{name}]'))
    few = run("adapt", "effect", name, "--store", store.paths.root).out
    assert "Too few to tell anything: 10 sessions a side are needed." in few
    assert "  p " not in few
    store.put(paying_session(4, model="gpt-6"))
    across = run("adapt", "effect", name, "--store", store.paths.root)
    assert (across.code, "--anyway compares all the same" in across.err) == (2, True)
    assert run("adapt", "effect", name, "--model", "gpt-5", "--store", store.paths.root).code == 0
    assert run("adapt", "effect", name, "--anyway", "--store", store.paths.root, "--json").json["too_few"]


def test_a_file_that_was_edited_moves_no_cursor(store: Store) -> None:
    name = proposed(store).adaptation_id
    path = store.paths.adaptations
    path.write_text(path.read_text(encoding="utf-8").replace(TEXT, "\\u001b[2J \\u202e"), encoding="utf-8")

    for word in ("list", "show"):
        typed = ["adapt", word, *([name] if word == "show" else [])]
        outcome = run(*typed, "--store", store.paths.root)
        assert outcome.code == 0
        assert "\x1b" not in outcome.out + outcome.err
        assert "\u202e" not in outcome.out + outcome.err


def test_the_shell_is_offered_words_and_ids(store: Store) -> None:
    name = proposed(store).adaptation_id

    assert "confirm" in offered("bash", store.paths.root, "adapt", "")
    assert name in offered("bash", store.paths.root, "adapt", "confirm", "")
