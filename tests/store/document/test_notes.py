"""Notes as lines: what is given is checked, what is read is believed as far as it can be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.store.making import json_values, texts
from tfstore.document.json_text import compact
from tfstore.document.notes import LONGEST, Note, checked, line_of, notes_in, withdrawal
from tfstore.errors import InvalidNote

ONE = Note("note_1", "2026-09-02T20:11:35.442Z", "step_2_8", text="wrong\norder", score=0, tags=["bug"])


def test_a_note_reads_as_it_was_written() -> None:
    other = Note("note_2", run_id="run_2", text="\ud800 \x1b[31m", score=-0.25, author="ada")
    assert notes_in(line_of(ONE) + line_of(other)).notes == [ONE, other]
    assert line_of(ONE).count(b"\n") == 1


@given(texts)
def test_any_text_is_one_line(text: str) -> None:
    note = Note("note_1", text=text)
    assert notes_in(line_of(note)).notes == [note]
    assert line_of(note).count(b"\n") == 1


def test_a_note_that_was_taken_back_is_gone_whatever_the_order() -> None:
    back = withdrawal("note_1", "")
    assert notes_in(line_of(ONE) + back).notes == []
    assert notes_in(back + line_of(ONE)).notes == []
    assert notes_in(line_of(ONE) + withdrawal("note_9", "")).notes == [ONE]


@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"nothing", b"[1]", b'"note_id"', b"\xff", b"{" * 100_000),
        *(
            b'{"note_id": ""}',
            b'{"note_id": 3}',
            b'{"note_id": "n", "text": 3}',
            b'{"note_id": "n", "tags": "bug"}',
        ),
        *(
            b'{"note_id": "n", "score": "0"}',
            b'{"note_id": "n", "score": true}',
            b'{"note_id": "n", "score": 1e99}',
        ),
        b'{"note_id": "n", "step_id": 3}',
    ],
)
def test_a_damaged_line_is_named_and_hides_no_other(damage: bytes) -> None:
    noted = notes_in(line_of(ONE) + damage + b"\n" + line_of(Note("note_2")))
    assert [each.note_id for each in noted.notes] == ["note_1", "note_2"]
    assert (noted.damaged, noted.torn) == ([2], False)


def test_what_a_later_version_wrote_is_no_damage() -> None:
    later = b'{"answers": "note_1", "text": "so it was"}\n'
    more = line_of(ONE).replace(b"{", b'{"mood": 3, ', 1)
    noted = notes_in(later + more)
    assert (noted.notes, noted.damaged) == ([ONE], [])


def test_a_torn_last_line_is_left_out_and_told_wherever_it_was_torn() -> None:
    line = line_of(ONE)
    for end in range(1, len(line) - 1):
        noted = notes_in(line + line[:end])
        assert (noted.notes, noted.damaged, noted.torn) == ([ONE], [], True), end
    # All of it is there but the line's end.
    assert notes_in(line[:-1]).notes == [ONE]


@given(json_values)
def test_whatever_stands_in_a_line_is_read_or_told(value: Any) -> None:
    noted = notes_in(compact({"note_id": value, "text": value, "tags": value, "score": value}) + b"\n")
    assert bool(noted.notes) != bool(noted.damaged)


@pytest.mark.parametrize(
    ("told", "text", "score", "tags", "author"),
    [
        ("text", 3, None, (), None),
        ("100,000 characters, it has 100,001", "x" * (LONGEST + 1), None, (), None),
        ("a text, a score or a tag", " ", None, (), None),
        ("score", "x", "0", (), None),
        ("score", "x", True, (), None),
        ("score", "x", float("nan"), (), None),
        ("score", "x", 1e10, (), None),
        ("a list of words", "x", None, "bug", None),
        ("tag", "x", None, [""], None),
        ("tag", "x", None, ["two\nlines"], None),
        ("tag", "x", None, [3], None),
        ("at most 100 characters", "x", None, ["x" * 101], None),
        ("at most 50 tags", "x", None, [f"tag {n}" for n in range(51)], None),
        ("author", "x", None, (), "\x1b[31m"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_says_what_can(
    told: str, text: Any, score: Any, tags: Any, author: Any
) -> None:
    with pytest.raises(InvalidNote, match=told):
        checked(text, score, tags, author)


def test_a_score_or_a_tag_needs_no_text() -> None:
    assert checked("", 0, (), None).score == 0
    assert checked("", None, [" bug ", "bug"], None).tags == ["bug"]
