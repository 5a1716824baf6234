"""Whole diagrams, reviewed as text, and what the real compiler makes of them."""

from __future__ import annotations

import pytest

from tests.d2.golden import SESSIONS, golden
from tests.d2.pictures import Picture, drawn
from tests.d2.sessions import agent_loop, many_runs, troubled, weather
from tfd2 import draw
from tfd2.outline import outline
from tfstore.document.documents import Session


@pytest.mark.parametrize("name", SESSIONS)
def test_a_diagram_is_as_it_was_reviewed(name: str) -> None:
    assert draw(SESSIONS[name]()) == golden(name).read_text(encoding="utf-8"), (
        "if this is meant: python -m tests.d2.golden, and review the difference"
    )


@pytest.mark.parametrize(
    "session", [weather(), troubled(), agent_loop(83), many_runs(30), many_runs(125)], ids=lambda s: s.title
)
def test_every_board_every_link_and_every_step_comes_out_of_the_compiler(session: Session) -> None:
    pictures = drawn(draw(session))
    boards = {board.key or "index": board for board in outline(session)}
    assert set(pictures) == set(boards)
    tooltips = "\n".join(tooltip for picture in pictures.values() for tooltip in picture.tooltips)
    for run in session.runs:
        for step in run.steps:
            assert f"step {step.step_id} ·" in tooltips
    for name, picture in pictures.items():
        board = boards[name]
        nodes = [node for _, node in board.every_node() if node.head]
        assert {node.head[0] for node in nodes} <= {label.partition("\n")[0] for label in picture.labels}
        links = {node.link or "index" for node in nodes if node.link is not None}
        links |= {way.board or "index" for way in board.ways}
        assert picture.links == {f"{link}.svg" for link in links}


def test_the_overview_is_read_as_it_was_meant() -> None:
    pictures = drawn(draw(weather()))
    root = pictures["index"]
    assert root.label("Run 4") == "Run 4 · FAILED · continues run 2 · 1 error · 1.3 s · 1,681 tok"
    assert root.label("1.9 ERROR").startswith("1.9 ERROR get_weather\n503 Service Unavailable:\n")
    assert root.label("1.11 CALL").startswith("1.11 CALL get_weather\nattempt 2\n(city=")
    assert root.label("1.2 INSTRUCTIONS") == "1.2 INSTRUCTIONS\n1.3 TOOLS ×2"
    assert "retry of 1.9" in root.labels
    # Only the legend has these words.
    assert {"USER", "CALL", "ERROR"} <= set(root.labels)
    assert "resp_a2 ← previous_response_id resp_a1" in root.tooltip("step step_1_10")


def test_a_run_board_has_longer_texts_and_says_where_it_goes_on() -> None:
    pictures = drawn(draw(weather()))
    label = pictures["run_1"].label("1.14 ASSISTANT")
    assert label.split("\n")[1:] == [
        "Oslo: 7 °C, partly cloudy. Bergen:",
        "10 °C with heavy rain (92 %). Take",
        "the umbrella if you go to Bergen.",
    ]
    assert "continued by run 2" in pictures["run_1"].labels
    assert "continues run 2\nprevious_response_id" in pictures["run_4"].labels
    assert pictures["run_4"].label("4.4 ERROR").endswith("granted ${USER}\n<team@example.com>")


def test_the_timeline_has_every_message() -> None:
    timeline = drawn(draw(weather()))["timeline"]
    for start in (
        "1.1 USER",
        "1.5 REASONING",
        "1.6 CALL",
        "1.9 ERROR",
        "1.14 ASSISTANT",
        "Agent",
        "get_weather",
    ):
        assert timeline.label(start)


def test_an_empty_session_is_a_note() -> None:
    pictures = drawn(draw(Session("sess_empty")))
    assert list(pictures) == ["index"]
    assert pictures["index"].labels == ["Session sess_empty\nNothing was recorded: it has no runs."]


def _fills(picture: Picture, name: str) -> set[str | None]:
    shapes = [group for group in picture.root.iter() if name in (group.get("class") or "").split()]
    return {part.get("fill") for shape in shapes for part in shape.iter() if part.get("fill")}


def test_the_look_of_each_kind_reaches_the_picture() -> None:
    root = drawn(draw(weather()))["index"]
    for name, fill in {"user": "#E3F1FB", "call": "#EFEFF4", "tool": "#FDF3DC", "error": "#FCE4D9"}.items():
        assert fill in _fills(root, name)
