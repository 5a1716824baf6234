"""``tfclient search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_run, a_session, a_step
from tests.cli.making import GOING_ON, HOSTILE, WEATHER, a_store, run, weather
from tfclient.opening import existing_store
from tfstore.reading.search import Pattern

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


def found(store: Store, *arguments: str) -> list[dict[str, Any]]:
    outcome = run("search", *arguments, "--store", store.paths.root, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    matches: list[dict[str, Any]] = outcome.json
    return matches


def test_json_says_which_line_of_which_step(store: Store) -> None:
    assert found(store, "HEAVY rain") == [
        {
            "session_id": WEATHER,
            "run_id": "run_1",
            "step_id": "step_1_14",
            "label": "assistant_message",
            "tool": None,
            "line": 3,
            "text": "Bergen: 10 °C with heavy rain. Take the umbrella.",
            "start": 19,
            "end": 29,
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        (["take an umbrella"], ["step_1_1"]),
        (['"city": "Oslo"'], ["step_1_6"]),
        (["rain_prob"], ["step_1_8"]),
        (["upstream"], ["step_1_9"]),
        (["exceeded your current quota"], ["step_4_5"]),
        (["bergen", "--label", "tool_call"], ["step_1_7", "step_1_11"]),
        (["rain.*umbrella", "--regex"], ["step_1_14"]),
        (["^bergen", "-e"], ["step_1_14"]),
        (["rain.*umbrella"], []),
        (["no such text"], []),
    ],
)
def test_prompts_messages_arguments_outputs_and_errors_are_searched(
    store: Store, arguments: list[str], steps: list[str]
) -> None:
    assert [match["step_id"] for match in found(store, *arguments)] == steps


def test_the_newest_session_is_first(store: Store) -> None:
    sessions = list(dict.fromkeys(match["session_id"] for match in found(store, "e")))
    assert sessions == [GOING_ON, HOSTILE, WEATHER]


def test_letters_of_other_scripts_match_in_either_case(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", a_session(a_run(a_step("user_message", "Zürich, ПРИВЕТ"))))

    assert len(found(store, "ZÜRICH")) == len(found(store, "привет")) == 1


@pytest.mark.parametrize(
    "said", ["caf\u00e9 \ud55c", "cafe\u0301 \u1112\u1161\u11ab"], ids=["composed", "apart"]
)
def test_an_accent_is_found_whichever_way_it_is_written(said: str, tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", a_session(a_run(a_step("user_message", f"The {said} opens."))))

    for text in ("the caf\u00e9", "cafe\u0301", "CAF\u00c9", "\ud55c", "\u1112\u1161\u11ab opens"):
        (match,) = found(store, text)
        assert match["text"][match["start"] : match["end"]].casefold() in f"the {said} opens"
    assert found(store, "caf\u00e8") == []
    assert len(found(store, "caf. ", "--regex")) == (1 if said[3] == "\u00e9" else 0)
    assert len(found(store, "caf.* opens", "--regex")) == 1


def test_what_stands_escaped_in_the_document_is_found(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", a_session(a_run(a_step("user_message", 'say "a\\b"\tor /é'))))

    for text in ('"a\\b"', "\tor", "/é"):
        assert len(found(store, text)) == 1


def test_a_text_kept_apart_from_its_document_is_searched_as_well(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store")
    apart = store.blobs.put(b"a very long output with a needle in it", "text/plain")
    store.put(a_session(a_run(a_step("tool_output", completed={"output": apart}))))

    assert [match["text"] for match in found(store, "needle")] == ["a very long output with a needle in it"]


def test_an_error_is_told_once_though_its_message_is_in_its_output(demo: Path) -> None:
    outcome = run("search", "takes no bookings", "--store", demo, "--json")

    assert [match["step_id"] for match in outcome.json] == ["step_4_6"]


def test_the_bytes_of_a_document_may_only_rule_out_what_cannot_be_in_it() -> None:
    assert Pattern.of("Pátio Azul").may_be_in('{"text": "PÁTIO AZUL"}'.encode())
    assert not Pattern.of("Pátio Azul").may_be_in('{"text": "Pátio Verde"}'.encode())
    assert Pattern.of("anything").may_be_in(b'{"output": {"blob": "sha256:00"}}')
    assert Pattern.of("a.c", regex=True).may_be_in(b"whatever")


def test_so_many_lines_at_most(store: Store) -> None:
    outcome = run("search", "e", "-n", "2", "--store", store.paths.root)

    assert sum(line.startswith("  ") for line in outcome.out.splitlines()) == 2
    assert "There are more" in outcome.err


def test_nothing_found_is_no_error(store: Store) -> None:
    outcome = run("search", "no such text", "--store", store.paths.root)

    assert (outcome.code, outcome.out, outcome.err) == (0, "", "Nothing is like that.\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["(", "--regex"], "'(' is no regular expression"),
        ([""], "matches everything"),
        (["x*", "--regex"], "matches everything"),
        (["x", "--label", "prompt"], "--label 'prompt' is unknown: give one of user_message, "),
    ],
)
def test_what_cannot_be_looked_for(store: Store, arguments: list[str], says: str) -> None:
    outcome = run("search", *arguments, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err


def test_a_document_that_cannot_be_read_is_told_and_the_others_are_searched(store: Store) -> None:
    store.paths.document(HOSTILE).write_text('{"Hello"', encoding="utf-8")

    outcome = run("search", "hello", "--store", store.paths.root)

    assert outcome.code == 1
    assert "USER Hello" in outcome.out
    assert f"The document of session {HOSTILE}" in outcome.err


def test_titles_and_metadata_are_looked_at_too(tmp_path: Path) -> None:
    session = weather()
    session.title, session.metadata = (
        "A titled talk",
        {"customer": "ada", "tags": ["urgent", 7], "nested": {"deep": "pearl"}},
    )
    root = a_store(tmp_path / "store", session).paths.root

    def places(text: str, *more: str) -> list[tuple[str, str | None, str | None]]:
        found = run("search", text, "--store", root, "--json", *more).json
        assert all(each["text"][each["start"] : each["end"]].casefold() == text for each in found)
        return [(each["label"], each["tool"], each["step_id"]) for each in found]

    assert places("titled") == [("title", None, None)]
    assert places("ada") == [("metadata", "customer", None)]
    assert places("customer") == [("metadata", "customer", None)]
    assert places("urgent") == [("metadata", "tags", None)]
    assert places("pearl") == [("metadata", "nested", None)]
    assert places("titled", "--label", "user_message") == []
    for text in ("titled", "ada", "urgent", "pearl", "customer: a"):
        assert [row["session_id"] for row in run("list", "--grep", text, "--store", root, "--json").json] == [
            WEATHER
        ]
    shown = run("search", "ada", "--store", root).out.splitlines()
    assert shown[1].split() == ["metadata", "customer", "customer:", "ada"]


def test_a_title_that_a_prompt_says_is_told_once(store: Store) -> None:
    found = run("search", "weather agent", "--store", store.paths.root, "--json").json
    assert {each["label"] for each in found} == {"title"}
    labels = [each["label"] for each in run("search", "hello", "--store", store.paths.root, "--json").json]
    assert "user_message" in labels
    assert "title" not in labels


def test_what_people_noted_is_searched(store: Store) -> None:
    noting = existing_store(store.paths.root)
    first = noting.note(
        WEATHER, "Quite the wrong city,\nsays Zoë", step="1.6", tags=["geography"], author="Berta"
    )
    second = noting.note(GOING_ON, "bergen again", score=0)

    (match,) = found(store, "zoë")
    assert match == {
        "session_id": WEATHER,
        "run_id": None,
        "step_id": "step_1_6",
        "label": "note",
        "tool": first.note_id,
        "line": 2,
        "text": "says Zoë",
        "start": 5,
        "end": 8,
    }
    assert [each["line"] for each in found(store, "geography")] == [3]
    assert [each["line"] for each in found(store, "berta")] == [4]
    notes = [
        (each["session_id"], each["tool"], each["step_id"])
        for each in found(store, "bergen", "--label", "note")
    ]
    assert notes == [(GOING_ON, second.note_id, None)]
    assert {each["label"] for each in found(store, "bergen")} > {"note", "tool_call"}
    assert "note" not in {each["label"] for each in found(store, "bergen", "--label", "tool_call")}
    lines = run("search", "wrong city", "--store", store.paths.root).out.splitlines()
    assert lines[1] == "  1.6  NOTE Quite the wrong city,"

    listed = run("list", "--grep", "zoë", "--store", store.paths.root, "--json").json
    assert [row["session_id"] for row in listed] == [WEATHER]
    noting.remove_note(WEATHER, first.note_id)
    assert found(store, "zoë") == []


def test_notes_that_cannot_be_read_are_told_and_the_rest_is_searched(store: Store) -> None:
    store.paths.notes.mkdir()
    store.paths.notes_of(GOING_ON).mkdir()
    outcome = run("search", "heavy rain", "--store", store.paths.root)

    assert outcome.code == 1
    assert "heavy rain" in outcome.out
    assert str(store.paths.notes_of(GOING_ON)) in outcome.err
