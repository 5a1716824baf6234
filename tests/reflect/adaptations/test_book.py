"""``adaptations.json``: proposed, confirmed, revised; looked up, redacted, locked, and not written over."""

from __future__ import annotations

import json
import multiprocessing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from tinydb import TinyDB, where

from tests.reflect.adaptations.making import AT, BECAUSE, LATER, TEXT, TITLE, book_of, confirmed, proposed
from tests.reflect.lessons.making import a_store, files_of, named, paying, session_id, well
from tests.reflect.lessons.test_giving import NAME, VALUE, WORD
from tests.reflect.talking import Talk
from tfclient.errors import SettingError
from tfclient.reflect.adaptations.book import Adaptations, HoldsValues
from tfclient.reflect.adaptations.values import values_in
from tfclient.reflect.findings import examine
from tfclient.reflect.lessons.book import Book
from tfstore.errors import (
    LearningsUnreadable,
    NewerLearnings,
    StoreUnusable,
    UnknownAdaptation,
    UnknownLesson,
    UnknownSession,
    UnknownStep,
)
from tfstore.keeping.deleting import delete
from tfstore.reading.evidence.evidence import evidence_of
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return a_store(tmp_path / "store", paying(1), paying(2), well(3))


def test_what_is_proposed_is_written_with_what_it_rests_on(store: Store) -> None:
    made = proposed(store, tools=["pay"])

    assert (made.status, made.version, made.proposed_by, made.confirmed_by) == ("proposed", 1, "person", "")
    assert made.because == (f"{session_id(1)}#step_1_5",)
    assert book_of(store).one(made.adaptation_id) == made
    with TinyDB(store.paths.adaptations) as db:
        (row,) = db.table("adaptations").search(where("status") == "proposed")
        assert (row["title"], row["text"], row["applies_to"]["tools"]) == (TITLE, TEXT, ["pay"])


def test_the_same_again_is_the_same_whatever_became_of_it(store: Store) -> None:
    first = proposed(store)
    book = book_of(store)
    book.say(first.adaptation_id, "rejected", AT)
    before = files_of(store)

    again = proposed(store, f"  {TEXT}\n", at=LATER, by="model")
    assert (again.adaptation_id, again.status) == (first.adaptation_id, "rejected")
    assert files_of(store) == before
    assert proposed(store, tools=["pay"]).adaptation_id != first.adaptation_id


def test_what_people_say_goes_one_way(store: Store) -> None:
    book = book_of(store)
    name = proposed(store).adaptation_id

    def refused(what: Any) -> None:
        with pytest.raises(SettingError, match=r"cannot be used: give one that is"):
            book.say(name, what, AT)

    refused("kept")
    refused("dropped")
    assert book.say(name, "rejected", AT, "ada").status == "rejected"
    refused("kept")
    made = book.say(name, "confirmed", LATER, "ada")
    assert (made.status, made.confirmed_by, made.confirmed_at) == ("confirmed", "ada", LATER)
    refused("rejected")
    assert book.say(name, "kept", LATER).is_given
    assert not book.say(name, "dropped", LATER).is_given
    assert [each["did"] for each in book.one(name).history] == [
        "proposed",
        "rejected",
        "confirmed",
        "kept",
        "dropped",
    ]


def test_a_next_version_is_confirmed_again_and_the_one_before_stays(store: Store) -> None:
    book = book_of(store)
    first = confirmed(store)
    second = proposed(store, "Call calculate first.", revises=first.adaptation_id, at=LATER)

    assert (second.adaptation_id, second.version, second.status) == (first.adaptation_id, 2, "proposed")
    assert (second.confirmed_by, second.confirmed_at, second.is_given) == ("", "", False)
    assert [each["text"] for each in second.history if "text" in each] == [TEXT, "Call calculate first."]
    with pytest.raises(SettingError, match="revised meanwhile"):
        book.say(first.adaptation_id, "confirmed", LATER, version=1)
    assert book.say(first.adaptation_id, "confirmed", LATER, version=2).text == "Call calculate first."


def test_only_what_was_confirmed_becomes_used(store: Store) -> None:
    given_out = confirmed(store).adaptation_id
    waiting = proposed(store, "Ask before you pay.").adaptation_id
    book = book_of(store)
    book.mark_used({given_out, waiting}, LATER)

    assert [each.status for each in book.every()] == ["used", "proposed"]
    before = files_of(store)
    book.mark_used({given_out}, LATER)
    assert files_of(store) == before


def test_what_it_rests_on_must_be_there(store: Store) -> None:
    Book(store).note(store.ids())
    (lesson,) = Book(store).lessons()
    finding = examine(store.get(session_id(1))).findings[0]

    made = proposed(store, because=[lesson.lesson_id, f"00000001#{finding.id}", "last#1.2", "00000001#1.5"])
    assert made.because == (
        lesson.lesson_id,
        f"{session_id(1)}#{finding.id}",
        f"{session_id(3)}#step_1_2",
        f"{session_id(1)}#step_1_5",
    )
    for because, error in (
        ([], SettingError),
        (["1.5"], SettingError),
        (["everything"], SettingError),
        ([f"00000001#{'f_00000000'}"], SettingError),
        (["00000001#9.9"], UnknownStep),
        (["nope#1.5"], UnknownSession),
        (["L-00000000"], UnknownLesson),
    ):
        before = files_of(store)
        with pytest.raises(error):
            proposed(store, "Be careful.", because=because)
        assert files_of(store) == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"text": " \n"}, "give some words"),
        ({"title": "x" * 121}, "at most 120 characters, not 121"),
        ({"text": "x" * 1_001}, "at most 1,000 characters, not 1,001"),
        ({"text": "Obey \x1b[31m"}, "without control characters"),
        ({"text": "Obey \u202eme"}, "without control characters"),
        ({"instructions": "the usual"}, "4 to 12 hex digits"),
        ({"tools": ["pay\x07"]}, "without control characters"),
    ],
)
def test_what_cannot_be_kept_is_refused(store: Store, more: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        proposed(store, **more)
    assert not store.paths.adaptations.exists()


def test_secrets_are_replaced_before_anything_is_written(store: Store) -> None:
    key = "sk-proj-" + "a1B2" * 12
    made = proposed(store, f"Pay with the key {key}.", title=f"Key {key}", by=f"me {key}")

    assert "<redacted:openai_key>" in made.text
    assert key not in store.paths.adaptations.read_text(encoding="utf-8")


def test_a_store_that_says_nothing_of_secrets_is_read_only(store: Store) -> None:
    with pytest.raises(StoreUnusable, match="open it with tfclient"):
        Adaptations(store).propose(TITLE, TEXT, BECAUSE, AT)
    assert Adaptations(store).every() == []


def test_a_value_of_a_session_is_not_taken_along(tmp_path: Path) -> None:
    talk = Talk(instructions="You book tables for Contoso.")
    talk.asks("I am Ada Lovelace, ada@example.com. A table at Pátio Azul for order A-1002.")
    talk.calls(("book", {"place": "Pátio Azul", "order": "A-1002"}, "Error: no seats at 19:45"))
    talk.says("Sorry, Ada.")
    store = a_store(tmp_path / "store", named(talk.session(), 1))

    for text in (
        "Ask Lovelace first.",
        "Write to ada@example.com.",
        "Never book at pátio azul.",
        "Look at A-1002.",
        "Nothing is free at 19:45.",
    ):
        with pytest.raises(HoldsValues, match="would be told to others"):
            proposed(store, text, because=["last#1.2"])
        with pytest.raises(HoldsValues):
            proposed(store, "Ask first.", title=text, because=["last#1.2"])
    assert not store.paths.adaptations.exists()
    assert (
        proposed(store, "For Contoso, ask for 3 places to book.", because=["last#1.2"]).status == "proposed"
    )
    assert proposed(store, "Look at A-1002.", because=["last#1.2"], anyway=True).text == "Look at A-1002."


@given(VALUE, NAME, WORD)
@settings(max_examples=30, deadline=None, phases=[Phase.generate])
def test_no_value_of_a_session_gets_through(value: str, name: str, word: str) -> None:
    talk = Talk()
    talk.asks(f"I am {name}. Use {value}.")
    talk.calls(("pay", {"who": value, "note": [word]}, f"Error: {name} has no {value}"))
    evidence = evidence_of(talk.session())

    for secret in (value, name, word):
        assert values_in(f"Next time, use {secret} first.", [evidence])
    assert values_in("Next time, ask who is to pay.", [evidence]) == []


def test_deleting_a_session_leaves_no_trace_of_it(store: Store) -> None:
    made = confirmed(store, because=[*BECAUSE, "00000002#1.5"])
    own = proposed(store, f"As in {session_id(1)}: ask.", anyway=True)
    outcome = delete(store, [session_id(1)])

    assert (outcome.deleted, outcome.problems) == ([session_id(1)], {})
    left = book_of(store).one(made.adaptation_id)
    assert (left.because, left.is_given) == ((f"{session_id(2)}#step_1_5",), True)
    text = store.paths.adaptations.read_text(encoding="utf-8").replace(own.text, "")
    assert session_id(1) not in text
    (told,) = store.learnings.naming([session_id(1)])
    assert f"{store.paths.adaptations}, {own.adaptation_id}, is in somebody's own words" in told


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"{", LearningsUnreadable, "it is no JSON"),
        (b"\xff\xfe", LearningsUnreadable, "it is no JSON"),
        (b'{"adaptations": {}}', LearningsUnreadable, "it does not say its version"),
        (b'{"about": {"1": {"version": "adaptations/2"}}}', NewerLearnings, "upgrade tfclient"),
        (b'{"about": {"1": {"version": "learnings/1"}}}', LearningsUnreadable, "does not say its version"),
        (b'{"about": {"1": {"version": "adaptations/1"}}}', LearningsUnreadable, "is no list of adaptations"),
        (
            b'{"about": {"1": {"version": "adaptations/1"}}, "adaptations": {"1": {"text": "x"}}}',
            LearningsUnreadable,
            "adaptation 1 lacks one of adaptation_id",
        ),
    ],
)
def test_what_cannot_be_read_is_told_and_not_written_over(
    store: Store, data: bytes, error: type[Exception], words: str
) -> None:
    proposed(store)
    store.paths.adaptations.write_bytes(data)

    with pytest.raises(error, match=words):
        book_of(store).every()
    with pytest.raises(error, match=words) as caught:
        proposed(store, "Another.")
    assert str(store.paths.adaptations) in str(caught.value)
    assert store.paths.adaptations.read_bytes() == data


def test_one_that_was_edited_so_that_it_says_nothing_is_told(store: Store) -> None:
    proposed(store)
    whole = json.loads(store.paths.adaptations.read_bytes())
    for change, words in (
        ({"status": "obeyed"}, "has another status than proposed"),
        ({"because": "x"}, "does not say what it rests on"),
        ({"applies_to": {}}, "does not say what it rests on or what it is for"),
        ({"history": [{"at": 1}]}, "has a history that does not say what happened"),
        ({"version": "1"}, "does not say"),
    ):
        rows = {"1": {**whole["adaptations"]["1"], **change}}
        store.paths.adaptations.write_text(json.dumps({**whole, "adaptations": rows}), encoding="utf-8")
        with pytest.raises(LearningsUnreadable, match=words):
            book_of(store).every()


def test_windows_line_ends_are_read(store: Store) -> None:
    made = proposed(store)
    data = store.paths.adaptations.read_bytes()
    store.paths.adaptations.write_bytes(data.replace(b"\n", b"\r\n"))

    assert book_of(store).one(made.adaptation_id) == made
    other = proposed(store, "Another.")
    assert [each.adaptation_id for each in book_of(store).every()] == [
        made.adaptation_id,
        other.adaptation_id,
    ]


def test_an_id_that_is_not_there_names_near_ones(store: Store) -> None:
    made = proposed(store)

    with pytest.raises(UnknownAdaptation, match=f"Did you mean {made.adaptation_id}"):
        book_of(store).one(made.adaptation_id[:-1])
    with pytest.raises(UnknownAdaptation, match="tfclient adapt list"):
        book_of(store).say("x", "confirmed", AT)


def propose_from(root: str, numbers: list[int]) -> None:
    for number in numbers:
        proposed(Store(root), f"Take care, in {'words ' * (number + 1)}.")


def test_two_processes_at_once_lose_nothing(store: Store) -> None:
    spawn: Any = multiprocessing.get_context("fork")
    lots = [list(range(6)), list(range(6, 12))]
    workers = [spawn.Process(target=propose_from, args=(str(store.paths.root), lot)) for lot in lots]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0

    assert len({each.text for each in book_of(store).every()}) == 12
