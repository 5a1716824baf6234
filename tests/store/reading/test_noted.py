"""Notes in words and numbers."""

from __future__ import annotations

import pytest

from tests.store.making import a_run, a_session, a_step
from tfstore.document.notes import Note
from tfstore.errors import InvalidNote
from tfstore.reading.noted import Marks, NotesWanted, about, elsewhere, on_run, on_step, place_of, score_words


@pytest.mark.parametrize(
    ("asked", "holding"),
    [
        ("<0.5", [0]),
        ("<= .5", [0, 0.5]),
        (">0.5", [1]),
        (">=0.5", [0.5, 1]),
        ("0", [0]),
        ("=1.0", [1]),
        ("==1", [1]),
        ("!=1", [0, 0.5]),
        ("> -1e0", [0, 0.5, 1]),
    ],
)
def test_a_bound_holds_of_scores_within_it(asked: str, holding: list[float]) -> None:
    wanted = NotesWanted.of(score=asked)
    notes = [Note("n", score=score) for score in (0, 0.5, 1, None)]
    assert [each.score for each in notes if wanted.holds(each)] == holding


@pytest.mark.parametrize("asked", ["", "low", "<", "=<1", "1 2", "nan", "<inf", "١"])
def test_what_is_no_bound_is_refused(asked: str) -> None:
    with pytest.raises(InvalidNote):
        NotesWanted.of(score=asked)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0, "0"),
        (1.0, "1"),
        (0.5, "0.5"),
        (2 / 3, "0.667"),
        (0.0001, "0.0001"),
        (-0.0001, "-0.0001"),
        (10, "10"),
    ],
)
def test_a_score_reads_as_one_writes_it(score: float, words: str) -> None:
    assert score_words(score) == words


def test_each_note_stands_at_one_place() -> None:
    session = a_session("s", a_run(1, a_step("1_1", "user_message")))
    notes = [
        Note("step", step_id="step_1_1"),
        Note("run", run_id="run_1"),
        Note("all"),
        Note("no step", step_id="step_7_7"),
        Note("no run", run_id="run_7"),
    ]
    assert [each.note_id for each in on_step(notes, "step_1_1")] == ["step"]
    assert [each.note_id for each in on_run(notes, "run_1")] == ["run"]
    assert [each.note_id for each in elsewhere(session, notes)] == ["all", "no step", "no run"]
    assert [place_of(each) for each in notes] == ["1.1", "run_1", "", "7.7", "run_7"]


def test_words_are_on_one_line_and_obeyed_by_no_terminal() -> None:
    note = Note("n", score=0, tags=["a\x1b[31m\nb"], author="\u202eada")
    assert about(note) == "score 0 · a␛[31m b · \ufffdada"


def test_marks_name_some_tags_and_count_the_others() -> None:
    marks = Marks.of([Note("n", tags=["a", "b", "c", "d"]), Note("m", tags=["d"], score=1)])
    assert marks.words == "2 notes · score 1 · a, b, c and 1 more"
    assert marks.tags["d"] == 2
    assert Marks.of([]).words == ""
