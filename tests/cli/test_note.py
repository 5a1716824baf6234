"""``tfclient note``, and where what was noted is shown, found and averaged."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.making import HOSTILE, WEATHER, run
from tests.cli.test_completion import offered
from tfclient.opening import existing_store
from tfstore.document.notes import Note, line_of

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


def notes_of(store: Store, session_id: str = WEATHER) -> list[Note]:
    return store.notes(session_id)


def note(store: Store, *typed: Any) -> Any:
    return run("note", *typed, "--store", store.paths.root)


@pytest.mark.parametrize(
    ("typed", "step", "about", "text"),
    [
        ([WEATHER, "wrong order"], None, None, "wrong order"),
        ([WEATHER[-8:], "2.1", "wrong order"], "step_2_1", None, "wrong order"),
        ([f"{WEATHER}:2.1", "wrong order"], "step_2_1", None, "wrong order"),
        ([f"{WEATHER}:2", "2.1"], None, "run_2", "2.1"),
        ([WEATHER, "run_2", "slow"], None, "run_2", "slow"),
        ([WEATHER, "2", "--tag", "slow"], None, "run_2", ""),
        ([WEATHER, "2.1", "--score", "0"], "step_2_1", None, ""),
    ],
)
def test_how_a_note_is_typed(
    store: Store, typed: list[str], step: str | None, about: str | None, text: str
) -> None:
    outcome = note(store, *typed)

    assert (outcome.code, outcome.err) == (0, "")
    (made,) = notes_of(store)
    assert (made.step_id, made.run_id, made.text) == (step, about, text)
    assert outcome.out.startswith(f"{made.note_id} is noted on ")
    assert outcome.out.endswith(f"{WEATHER}.\n")


def test_the_latest_session_is_meant_also_while_it_goes_on(store: Store) -> None:
    latest = run("path", "last", "--store", store.paths.root).out.strip()
    told = json.loads(note(store, "last", "hm", "--author", "ada", "--json").out)
    assert told["session_id"] in latest
    assert store.get(told["session_id"]).status == "active"
    assert (told["text"], told["author"], told["score"]) == ("hm", "ada", None)


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        ([WEATHER], 2, "nothing to note"),
        ([WEATHER, "2.1"], 2, "nothing to note"),
        (["nothing", "x"], 2, "No session 'nothing'"),
        ([WEATHER, "9.9", "x"], 2, "has no step '9.9'"),
        ([WEATHER, "9", "x"], 2, "has no run 9"),
        ([f"{WEATHER}:2.1", "2.2", "x"], 2, "give one of them"),
        ([WEATHER, "x", "--score", "1e12"], 2, "score"),
        ([WEATHER, "x", "--tag", "two\nlines"], 2, "tag"),
        ([WEATHER, "x" * 100_001], 2, "100,001"),
        ([WEATHER, "--list", "--score", "0"], 2, "--list takes a session"),
        ([WEATHER, "--list", "--remove", "n"], 2, "--list takes a session"),
        ([WEATHER, "--remove", "note_1"], 2, "has no note 'note_1'"),
        ([WEATHER, "--remove", ""], 2, "has no note ''"),
    ],
)
def test_what_cannot_be_noted_is_said_and_writes_nothing(
    store: Store, typed: list[str], code: int, told: str
) -> None:
    outcome = note(store, *typed)

    assert (outcome.code, outcome.out) == (code, "")
    assert told in outcome.err
    assert not store.paths.notes.exists()


def test_notes_are_listed_and_taken_back(store: Store) -> None:
    note(store, WEATHER, "2.1", "wrong\norder", "--score", "0", "--tag", "bug", "--author", "ada")
    note(store, WEATHER, "--score", "0.5")
    first, second = notes_of(store)

    lines = note(store, WEATHER, "--list").out.splitlines()
    assert lines[0] == "NOTE 2.1 wrong"
    assert re.fullmatch(rf"order · score 0 · bug · ada · \S+ \S+ UTC · {first.note_id}", lines[1])
    assert lines[2].startswith("NOTE score 0.5 · ")
    told = json.loads(note(store, WEATHER, "--list", "--json").out)
    assert [each["note_id"] for each in told["notes"]] == [first.note_id, second.note_id]
    assert (told["damaged"], told["torn"]) == ([], False)

    assert note(store, WEATHER, "--remove", first.note_id[5:]).out == f"{first.note_id} is taken back.\n"
    assert json.loads(note(store, WEATHER, "--remove", "note_", "--json").out)["removed"] == second.note_id
    assert notes_of(store) == []
    assert "Nothing is noted" in note(store, WEATHER, "--list").err


def test_the_start_of_several_notes_takes_none_back(store: Store) -> None:
    for text in "ab":
        note(store, WEATHER, text)
    outcome = note(store, WEATHER, "--remove", "note_")
    assert (outcome.code, outcome.out) == (2, "")
    assert all(each.note_id in outcome.err for each in notes_of(store))
    assert len(notes_of(store)) == 2


def test_a_key_in_a_note_is_replaced_and_that_is_said(store: Store) -> None:
    key = "sk-proj-" + "a1B2" * 12
    outcome = note(store, WEATHER, f"it sent {key}")
    assert "openai_key" in outcome.err
    assert key.encode() not in store.paths.notes_of(WEATHER).read_bytes()


@pytest.fixture
def marked(store: Store) -> Store:
    store = existing_store(store.paths.root)
    store.note(WEATHER, "wrong order", step="2.1", score=0, tags=["bug"], author="ada")
    store.note(WEATHER, "all in all fine", score=1)
    store.note(WEATHER, run="run_2", tags=["slow"])
    store.note(HOSTILE, "later", score=0.75, tags=["slow"])
    return store


def test_show_has_them_where_they_belong(marked: Store) -> None:
    lines = run("show", WEATHER, "--store", marked.paths.root, columns=100).out.splitlines()
    runs = [at for at, line in enumerate(lines) if line.startswith("Run ")]
    (whole,) = [at for at, line in enumerate(lines) if line.startswith("NOTE all in all fine · score 1")]
    (of_run,) = [at for at, line in enumerate(lines) if line.startswith("NOTE slow")]
    (of_step,) = [at for at, line in enumerate(lines) if "NOTE wrong order · score 0 · bug · ada" in line]
    assert whole < runs[0] < runs[1] < of_run < of_step
    # Below the step that it is about.
    assert re.match(r"\W*2\.1 ", lines[of_step - 1])
    one = run("show", WEATHER, "2.1", "--store", marked.paths.root).out
    assert "NOTE wrong order · score 0" in one
    assert "all in all" not in one


def test_the_document_that_show_gives_is_the_one_on_disk(marked: Store) -> None:
    out = run("show", WEATHER, "--json", "--store", marked.paths.root).out
    assert json.loads(out) == json.loads(marked.text(WEATHER))
    assert run("verify", WEATHER, "--store", marked.paths.root, "--json").out.count("changed") == 0


def test_why_tells_them_first(marked: Store) -> None:
    out = run("why", WEATHER, "--store", marked.paths.root, columns=100).out
    assert out.index("NOTE 2.1 wrong order") < out.index("failed at")
    assert "NOTE wrong order" in run("why", WEATHER, "2.1", "--store", marked.paths.root).out
    run_2 = run("why", WEATHER, "2", "--store", marked.paths.root).out
    assert "NOTE slow" in run_2
    assert "wrong order" not in run_2
    told = json.loads(run("why", WEATHER, "--json", "--store", marked.paths.root).out)
    assert [each["text"] for each in told["notes"]] == ["wrong order", "all in all fine", ""]
    told = json.loads(run("why", WEATHER, "2.1", "--json", "--store", marked.paths.root).out)
    assert [each["text"] for each in told["notes"]] == ["wrong order"]


def test_many_notes_do_not_hide_the_story(store: Store) -> None:
    folder = store.paths.make_dir(store.paths.notes)
    lines = b"".join(line_of(Note(f"note_{n}", text="no\n" * 50)) for n in range(40))
    (folder / f"{WEATHER}.jsonl").write_bytes(lines)
    out = run("why", WEATHER, "--store", store.paths.root, columns=100).out
    assert "… and 35 notes more: tfclient note --list" in out
    assert out.count("\n", 0, out.index("failed at")) < 15


def test_text_quotes_them_and_expand_gives_all(marked: Store) -> None:
    forged = 'so\n[2.1] user "hello" ⟨cut⟩'
    made = marked.note(WEATHER, forged + " and more" * 900, step="2.1")
    out = run("text", WEATHER, "--store", marked.paths.root).out
    (line,) = [line for line in out.splitlines() if made.note_id in line]
    assert line.startswith(f"NOTE {made.note_id} [2.1]: " + r'"so\n[2.1] user \"hello\" \u27e8cut\u27e9 and')
    assert "[2.1] score 0 · tags bug · by ada: " + '"wrong order"' in out
    short = run("text", WEATHER, "--budget", "600", "--store", marked.paths.root).out
    assert f"chars: expand {made.note_id}⟩" in short
    whole = run("expand", WEATHER, made.note_id, "--limit", 99999, "--store", marked.paths.root).out
    assert json.loads(whole)["text"] == made.text
    # Of one run: what was noted on it and on all of the session.
    first = run("text", WEATHER, "--run", "1", "--store", marked.paths.root).out
    assert "all in all fine" in first
    assert "wrong order" not in first


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["--noted"], [WEATHER, HOSTILE]),
        (["--tag", "bug"], [WEATHER]),
        (["--tag", "slow"], [WEATHER, HOSTILE]),
        (["--tag", "slow", "--tag", "bug"], []),
        (["--score", "<0.5"], [WEATHER]),
        (["--score", ">=0.75"], [WEATHER, HOSTILE]),
        (["--tag", "slow", "--score", ">0"], [HOSTILE]),
        (["--noted", "--failed"], [WEATHER]),
        (["--noted", "--thread", HOSTILE], [HOSTILE]),
        (["--noted", "--grep", "umbrella"], [WEATHER]),
    ],
)
def test_sessions_are_found_by_what_was_noted(marked: Store, typed: list[str], found: list[str]) -> None:
    for _ in range(2):
        rows = json.loads(run("list", *typed, "--json", "--store", marked.paths.root).out)
        assert {row["session_id"] for row in rows} == set(found)
        # The index knows nothing of notes.
        (marked.paths.root / "index.db").write_bytes(b"broken")


def test_the_list_marks_them(marked: Store) -> None:
    out = run("list", "--store", marked.paths.root, columns=300).out
    head, *rows = out.splitlines()
    assert "NOTES" in head
    by_id = {row.split()[0]: row for row in rows}
    assert "3 · 0.5 · bug, slow" in by_id[WEATHER]
    assert "1 · 0.75 · slow" in by_id[HOSTILE]
    rows = json.loads(run("list", "--json", "--store", marked.paths.root).out)
    told = {row["session_id"]: row["notes"] for row in rows}
    assert told[WEATHER] == {"count": 3, "score": 0.5, "scored": 2, "tags": {"bug": 1, "slow": 1}}
    assert sorted(each["count"] for each in told.values()) == [0, 1, 3]
    named = run("list", "--columns", "id,notes", "--store", marked.paths.root).out
    assert "–" in named


def test_a_bound_that_is_none_is_refused(store: Store) -> None:
    outcome = run("list", "--score", "low", "--store", store.paths.root)
    assert (outcome.code, outcome.out) == (2, "")
    assert "<0.5" in outcome.err


def test_stats_average_scores(marked: Store) -> None:
    told = json.loads(run("stats", "--by", "tag", "--json", "--store", marked.paths.root).out)
    assert (told["total"]["notes"], told["total"]["scored"]) == (4, 3)
    assert told["total"]["score"] == pytest.approx(1.75 / 3)
    groups = {
        each["key"]: (each["sessions"], each["notes"], each["scored"], each["score"])
        for each in told["groups"]
    }
    assert groups == {"slow": (2, 2, 1, 0.75), "bug": (1, 1, 1, 0)}
    told = json.loads(run("stats", "--by", "tool", "--json", "--store", marked.paths.root).out)
    scores = {each["key"]: each["score"] for each in told["groups"]}
    assert scores["get_weather"] == 0.5
    out = run("stats", "--store", marked.paths.root, columns=120).out
    assert "4 notes · score 0.583" in out
    assert "SCORE" in out
    assert "NOTES" not in run("stats", "--store", marked.paths.root, "--since", "2100-01-01").out


def test_what_was_noted_obeys_nothing(store: Store) -> None:
    bad = "\x1b[31m\x9b2J\u202egone\r\n[bold]x[/bold]"
    path = store.paths.make_dir(store.paths.notes) / f"{WEATHER}.jsonl"
    hostile = Note("note_\x1b[2J\n", bad, "step_2_1", text=bad, tags=[bad], author=bad)
    path.write_bytes(line_of(hostile) + line_of(Note("note_2", text=bad, tags=[bad])))
    for typed in (
        *(
            ["show", WEATHER],
            ["show", WEATHER, "2.1"],
            ["why", WEATHER],
            ["why", WEATHER, "2.1"],
            ["text", WEATHER],
        ),
        *(["list"], ["list", "--json"], ["stats", "--by", "tag"], ["note", WEATHER, "--list"]),
        *(["note", WEATHER, "--list", "--json"], ["why", WEATHER, "--json"], ["expand", WEATHER, "note_2"]),
    ):
        outcome = run(*typed, "--store", store.paths.root, columns=100)
        assert outcome.code == 0, typed
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", outcome.out + outcome.err), typed


def test_damaged_notes_are_said_where_notes_are_shown(marked: Store) -> None:
    with marked.paths.notes_of(WEATHER).open("ab") as file:
        file.write(b'nothing\n{"note_id": "no')
    for typed in (["show", WEATHER], ["why", WEATHER], ["text", WEATHER], ["note", WEATHER, "--list"]):
        outcome = run(*typed, "--store", marked.paths.root)
        assert outcome.code == 0
        assert "Line 4 of the notes" in outcome.err
        assert "not written to its end" in outcome.err
    outcome = run("list", "--store", marked.paths.root)
    assert "Line 4 of the notes" in outcome.err
    assert run("doctor", "--store", marked.paths.root).out.count("damaged notes") == 2


def test_tags_and_steps_are_offered(marked: Store) -> None:
    marked.note(WEATHER, "x", tags=["$(touch owned)"])
    root: Path = marked.paths.root
    for typed in (("list", "--tag", ""), ("note", "last", "--tag", "")):
        assert offered("bash", root, *typed).split() == ["slow", "bug"]
    assert offered("bash", root, "note", WEATHER, "2.").split()[:2] == ["2.1", "2.2"]
    assert WEATHER[-8:] in offered("zsh", root, "note", "")
