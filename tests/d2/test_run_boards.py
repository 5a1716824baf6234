from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders import a_chat, a_run, a_session, a_step
from tests.d2.sessions import agent_loop, troubled, weather
from tfd2.run_boards import run_boards
from tfstore.reading.facts import gather

if TYPE_CHECKING:
    from tfd2.elements import Board, Node
    from tfstore.document.documents import Session


def _boards(session: Session, run: int = 1) -> list[Board]:
    facts = gather(session)
    return list(run_boards(facts, facts.runs[run - 1]))


def _stubs(board: Board) -> dict[str, Node]:
    return {node.key: node for node in board.nodes if node.looks == ("stub",)}


def _ends(board: Board) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in board.edges}


def test_a_run_leads_to_the_runs_around_it() -> None:
    (first,) = _boards(weather(), 1)
    assert {stub.head: stub.link for stub in _stubs(first).values()} == {
        ("continued by run 2",): "run_2",
        ("continued by run 3",): "run_3",
    }
    assert {("s13", "to_run_2"), ("s13", "to_run_3")} <= _ends(first)
    (second,) = _boards(weather(), 2)
    stub = _stubs(second)["from_run"]
    assert stub.head == ("continues run 1", "previous_response_id", "resp_a3")
    assert stub.link == "run_1"
    assert ("from_run", "s2") in _ends(second)
    assert _stubs(second)["to_run_4"].head == ("continued by run 4 · FAILED",)


def test_the_link_to_all_runs_is_last() -> None:
    (board,) = _boards(weather(), 2)
    assert [(way.words, way.board) for way in board.ways] == [("all runs", "")]


def test_a_parent_that_was_not_recorded_is_told_without_a_link() -> None:
    (board,) = _boards(troubled(), 5)
    stub = _stubs(board)["from_run"]
    assert stub.head == (
        "continues a response",
        "that was not recorded here",
        "previous_response_id",
        "resp_y",
    )
    assert stub.link is None


def test_a_long_run_goes_on_on_pages_joined_by_stubs() -> None:
    boards = _boards(agent_loop(200))
    assert [board.key for board in boards] == ["run_1", "run_1_p2", "run_1_p3"]
    assert [{key: stub.link for key, stub in _stubs(board).items()} for board in boards] == [
        {"after": "run_1_p2"},
        {"before": "run_1", "after": "run_1_p3"},
        {"before": "run_1_p2"},
    ]
    assert ("s80", "after") in _ends(boards[0])
    assert ("before", "s81") in _ends(boards[1])
    assert "part 2 of 3" in boards[1].title[0]


def test_pages_with_errors_are_one_click_from_the_first() -> None:
    session = agent_loop(200)
    session.runs[0].steps[170].status = "failed"
    first = _boards(session)[0]
    assert [(way.words, way.board) for way in first.ways] == [
        ("part 3: 1 error", "run_1_p3"),
        ("all runs", ""),
    ]


def test_a_popular_run_says_how_many_more_continue_it() -> None:
    session = a_session(a_chat(), *(a_chat(after=1) for _ in range(30)))
    (board,) = _boards(session)
    stubs = _stubs(board)
    assert len(stubs) == 13
    assert stubs["to_more"].head == ("continued by 18 more runs",)


def test_a_run_on_another_board_that_a_step_depends_on_is_a_stub() -> None:
    second = a_run(a_step("user_message", "Compare", after=("step_1_3",)), a_step("assistant_call"))
    (board,) = _boards(a_session(a_chat(), second), 2)
    assert _stubs(board)["of_run_1"].link == "run_1"
    assert ("of_run_1", "s1") in _ends(board)


def test_a_run_inside_a_tool_starts_from_the_call() -> None:
    outer = a_run(a_step(), a_step("assistant_call"), a_step("tool_call", tool_name="research"))
    inner = a_chat(after=1, trigger="tool")
    inner.lineage.parent_step_id = "step_1_3"
    (board,) = _boards(a_session(outer, inner), 1)
    assert ("s3", "to_run_2") in _ends(board)
    assert _stubs(board)["to_run_2"].head == ("inside this tool: run 2",)
    (board,) = _boards(a_session(outer, inner), 2)
    assert _stubs(board)["from_run"].head == ("inside a tool of run 1", "called by a tool")


def test_a_request_is_joined_to_a_call_through_its_output_only() -> None:
    call = a_step("tool_call", "{}", tool_name="look_up", call_id="call_1", after=(1,))
    output = a_step("tool_output", "found", tool_name="look_up", call_id="call_1", after=(2,))
    request = a_step("assistant_call", after=(2, 3))
    (board,) = _boards(a_session(a_run(a_step("user_message", "Look it up"), call, output, request)))
    assert ("s3", "s4") in _ends(board)
    assert ("s2", "s4") not in _ends(board)
