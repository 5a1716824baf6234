"""The session's boards as pictures whose shapes know their steps."""

from __future__ import annotations

import re

import pytest

from tests.d2.sessions import looping
from tests.view.making import failing, hostile, long_session
from tfclient.view.diagram import Diagram

pytestmark = pytest.mark.usefixtures("d2_program")


def steps_in(picture: str) -> list[str]:
    return re.findall(r'data-step="(step_\d+_\d+)"', picture)


def test_every_step_but_folded_snapshots_is_on_the_overview() -> None:
    picture = Diagram(failing()).picture("index")
    expected = {f"step_1_{n}" for n in range(1, 12)} - {"step_1_3"} | {f"step_2_{n}" for n in range(1, 5)}
    assert sorted(steps_in(picture)) == sorted(expected)


def test_the_words_on_a_shape_are_its_steps() -> None:
    picture = Diagram(failing()).picture("run_2")
    shape = picture[picture.index('data-step="step_2_4"') :]
    assert (
        "2.4 ERROR send_email" in shape[: shape.index("data-step", 10) if "data-step" in shape[10:] else None]
    )


def test_all_boards_lead_to_each_other() -> None:
    pictures = Diagram(failing()).pictures()
    assert 'data-board="run_1"' in pictures["index"]
    assert 'data-board="index"' in pictures["run_1"]
    assert 'data-board="timeline"' in pictures["index"]


def test_a_board_drawn_alone_is_the_same() -> None:
    diagram = Diagram(failing())

    def without_names(picture: str) -> str:
        # D2 names its markers and masks after the digest of the whole file.
        return re.sub(r"(mk-)?d2-[\w-]+", "name", picture)

    for board, picture in diagram.pictures().items():
        assert without_names(diagram.picture(board)) == without_names(picture)


def test_messages_on_the_timeline_board_are_steps() -> None:
    assert set(steps_in(Diagram(failing()).picture("timeline"))) == {
        *(f"step_1_{n}" for n in (1, 4, 5, 6, 7, 8, 9, 10, 11)),
        *(f"step_2_{n}" for n in range(1, 5)),
    }


def test_prompts_and_responses_on_the_lineage_board_are_steps() -> None:
    assert set(steps_in(Diagram(failing()).picture("lineage"))) == {
        "step_1_1", "step_1_4", "step_1_10", "step_2_1", "step_2_2"
    }  # fmt: skip


def test_a_long_session_has_cards_that_lead_to_runs() -> None:
    diagram = Diagram(long_session(runs=20))
    picture = diagram.picture("index")
    assert set(re.findall(r'data-board="(run_\d+)"', picture)) == {f"run_{n}" for n in range(1, 21)}
    assert steps_in(picture) == []
    assert len(steps_in(diagram.picture("run_7"))) == 20


def test_the_steps_of_a_loop_are_found_on_its_own_board() -> None:
    diagram = Diagram(looping(24))
    on = {board.key: board.step_ids for board in diagram.boards}
    assert on["run_1"] == ["step_1_1", "step_1_74", "step_1_75"]
    assert on["run_1_loop_1"] == [f"step_1_{n}" for n in range(2, 74)]
    assert 'data-board="run_1_loop_1"' in diagram.picture("index")
    assert steps_in(diagram.picture("run_1_loop_1")) == on["run_1_loop_1"]


def test_nothing_hostile_gets_into_a_picture() -> None:
    for picture in Diagram(hostile()).pictures().values():
        assert "<script" not in picture
        assert "<img" not in picture
        assert not re.search(r"<[^>]*\son\w+=", picture)
        assert "href" not in picture


def test_an_unknown_board_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Diagram(failing()).picture("run_9")
