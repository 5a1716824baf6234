from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders import a_chat, a_run, a_session, a_step
from tests.d2.sessions import agent_loop, looping, troubled, weather
from tfd2.elements import Group
from tfd2.run_boards import run_boards
from tfd2.snapshots import Snapshots
from tfstore.reading.facts import gather

if TYPE_CHECKING:
    from tfd2.elements import Board, Node
    from tfstore.document.documents import Run, Session


def _boards(session: Session, run: int = 1) -> list[Board]:
    facts = gather(session)
    return list(run_boards(facts, facts.runs[run - 1], Snapshots(facts)))


def _stubs(board: Board) -> dict[str, Node]:
    return {key: node for key, node in board.every_node() if node.looks == ("stub",)}


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
    assert stub.head == ("continues run 1", "previous_response_id")
    assert stub.tooltip is not None
    assert "previous_response_id · resp_a3" in stub.tooltip.facts
    assert stub.link == "run_1"
    assert ("from_run", "s2") in _ends(second)
    assert _stubs(second)["to_run_4"].head == ("continued by run 4 · FAILED",)


def test_the_link_to_all_runs_is_last() -> None:
    (board,) = _boards(weather(), 2)
    assert [(way.words, way.board) for way in board.ways] == [("all runs", "")]


def test_a_parent_that_was_not_recorded_is_told_without_a_link() -> None:
    (board,) = _boards(troubled(), 5)
    stub = _stubs(board)["from_run"]
    assert stub.head == ("continues a response", "that was not recorded here")
    assert stub.tooltip is not None
    assert stub.tooltip.facts == ("previous_response_id · resp_y",)
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
    assert len(stubs) == 7
    assert stubs["to_more"].head == ("continued by 24 more runs",)


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


def test_a_loop_is_one_box_that_leads_to_a_board_of_its_steps() -> None:
    run, loop = _boards(looping(24))
    nodes = dict(run.every_node())
    assert list(nodes) == ["s1", "s2", "s74", "s75"]
    box = nodes["s2"]
    assert box.looks == ("loop",)
    assert box.head == ("1.2 … 1.73", "×24 get_order, the same answer")
    assert box.text == 'get_order(id="A-1")\n→ pending'
    assert box.foot == ("72 steps: board run_1_loop_1",)
    assert box.link == loop.key == "run_1_loop_1"
    assert box.tooltip is not None
    assert box.tooltip.facts[0] == "72 steps in 24 rounds: 1.2 … 1.73"
    assert _ends(run) == {("s1", "s2"), ("s2", "s74"), ("s74", "s75")}
    assert [node.step_id for _, node in loop.every_node()] == [f"step_1_{n}" for n in range(2, 74)]
    assert [(way.words, way.board) for way in loop.ways] == [("run 1", "run_1"), ("all runs", "")]


def test_a_loop_of_errors_looks_like_one() -> None:
    session = looping(3)
    for step in session.runs[0].steps:
        if step.label == "tool_output":
            step.label, step.status = "tool_error", "failed"
    box = dict(_boards(session)[0].every_node())["s2"]
    assert box.looks == ("loop_failed",)
    assert box.head[1] == "×3 get_order, the same error"


def test_a_long_loop_is_opened_on_several_boards() -> None:
    _, *parts = _boards(looping(2_000))
    assert [board.key for board in parts[:2]] == ["run_1_loop_1", "run_1_loop_1_p2"]
    assert len(parts) == 75
    shown = [node.step_id for board in parts for _, node in board.every_node()]
    assert shown == [f"step_1_{n}" for n in range(2, 6_002)]
    assert [way.words for way in parts[1].ways] == ["part before", "next part", "run 1", "all runs"]
    assert "part 2 of 75" in parts[1].title[0]


def test_what_one_answer_gave_stands_left_to_right_with_what_came_back_below() -> None:
    (board,) = _boards(weather(), 1)
    (group,) = (each for each in board.nodes if isinstance(each, Group))
    assert (group.key, group.across) == ("g5", 3)
    assert [node.key for node in group.nodes if node.head] == ["s5", "s6", "s7", "s8", "s9"]
    assert [(edge.source, edge.target) for edge in group.edges] == [("s6", "s8"), ("s7", "s9")]
    assert {("s4", "g5"), ("g5", "s10"), ("g5", "s11")} <= _ends(board)
    (retry,) = (edge for edge in board.edges if edge.look == "retry")
    assert retry.label == ("retry of 1.9",)


def test_many_parallel_calls_take_several_rows() -> None:
    calls = [a_step("tool_call", tool_name=f"t{n}", call_id=f"c{n}", after=(2,)) for n in range(7)]
    outputs = [a_step("tool_output", str(n), call_id=f"c{n}", after=(3 + n,)) for n in range(7)]
    run = a_run(a_step(), a_step("assistant_call"), *calls, *outputs)
    (board,) = _boards(a_session(run))
    (group,) = (each for each in board.nodes if isinstance(each, Group))
    assert group.across == 3
    rows = [[node.step_id for node in group.nodes[at : at + 3]] for at in range(0, len(group.nodes), 3)]
    assert rows[0] == ["step_1_3", "step_1_4", "step_1_5"]
    assert rows[1] == ["step_1_10", "step_1_11", "step_1_12"]
    assert rows[4:] == [["step_1_9", "", ""], ["step_1_16", "", ""]]


def test_instructions_and_tools_are_shown_once() -> None:
    def chat(version: str, names: str) -> Run:
        run = a_chat()
        run.steps[1:1] = [
            a_step("policy.snapshot", f"Be {version}.", after=(), started={"version": version}),
            a_step("tool.schemas.snapshot", after=(), started={"count": 2, "names": ["a"], "version": names}),
        ]
        return run

    session = a_session(chat("brief", "x"), chat("brief", "x"), chat("long", "x"))
    pages = [
        next(node for _, node in _boards(session, run)[0].every_node() if node.looks == ("page",))
        for run in (1, 2, 3)
    ]
    assert [page.head for page in pages] == [
        ("1.2 INSTRUCTIONS", "1.3 TOOLS ×2"),
        ("INSTRUCTIONS, TOOLS ×2", "as in run 1"),
        ("3.2 INSTRUCTIONS", "TOOLS ×2", "as in run 1"),
    ]
    second = pages[1].tooltip
    assert second is not None
    assert second.facts[0] == "step step_2_2 · INSTRUCTIONS · as in run 1"
    assert second.text == ""
