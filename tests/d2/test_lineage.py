from __future__ import annotations

from tests.builders import a_chat, a_run, a_session, a_step
from tests.d2.sessions import agent_loop, looping, many_runs, weather
from tfd2.elements import Board, Edge
from tfd2.lineage import lineage_board
from tfstore.document.documents import Lineage, Session
from tfstore.reading.facts import gather


def _board(session: Session) -> Board:
    board = lineage_board(gather(session))
    assert board is not None
    return board


def _edges(session: Session, look: str) -> list[tuple[str, str]]:
    return [(edge.source, edge.target) for edge in _board(session).edges if edge.look == look]


def test_a_prompt_leads_to_its_first_call_and_that_to_the_next() -> None:
    assert _edges(weather(), "lineage") == [
        ("p1", "q1_s4"),
        ("p2", "q2_s2"),
        ("p3", "q3_s2"),
        ("p4", "q4_s2"),
    ]
    assert {("q1_s4", "q1_s10"), ("q1_s10", "q1_s13")} <= set(_edges(weather(), "prev"))


def test_a_branch_is_two_prompts_after_one_answer() -> None:
    edges = _edges(weather(), "prev")
    assert {("q1_s13", "p2"), ("q1_s13", "p3"), ("q2_s2", "p4")} <= set(edges)


def test_labels_are_short_and_ids_stand_in_tooltips() -> None:
    nodes = {node.key: node for _, node in _board(weather()).every_node()}
    assert nodes["p4"].head == ("Run 4 · FAILED",)
    assert nodes["q4_s2"].head == ("4.2 MODEL gpt-4.1",)
    tooltip = nodes["q4_s2"].tooltip
    assert tooltip is not None
    assert "response_id resp_d1 ← previous_response_id resp_b1" in tooltip.facts


def test_a_response_that_was_not_recorded_is_a_node_of_its_own() -> None:
    run = a_chat()
    run.steps[1].previous_response_id = "resp_elsewhere"
    board = _board(a_session(run))
    assert ("response resp_elsewhere", "not recorded here") in [node.head for _, node in board.every_node()]
    assert ("xq1_s2", "p1") in _edges(a_session(run), "prev")


def test_history_that_was_sent_again_counts_as_a_parent_and_says_so() -> None:
    second = a_chat(response_id="resp_2")
    second.steps[1].payload_started["inherits"] = {"step_id": "step_1_3", "items": 2}
    first = a_chat()
    first.steps[2].response_id = "resp_1"
    assert Edge("q1_s2", "p2", "prev", ("history re-sent",)) in _board(a_session(first, second)).edges


def test_a_call_that_brings_outputs_goes_on_from_the_one_that_asked() -> None:
    assert ("q1_s2", "q1_s5") in _edges(agent_loop(20), "prev")


def test_a_run_that_continues_another_goes_on_from_its_end() -> None:
    second = a_chat(response_id="resp_2", lineage=Lineage("run_1", source="resent"))
    assert (
        Edge("q1_s2", "p2", "prev", ("history re-sent, answers written anew",))
        in _board(a_session(a_chat(), second)).edges
    )


def test_a_failed_request_has_no_response_but_a_place() -> None:
    run = a_run(a_step(), a_step("assistant_call", model="m", status="failed"))
    node = dict(_board(a_session(run)).every_node())["q1_s2"]
    assert node.head == ("1.2 MODEL m · FAILED",)
    assert node.looks == ("error",)


def test_the_calls_of_a_loop_are_one() -> None:
    board = _board(looping(30))
    nodes = dict(board.every_node())
    assert list(nodes) == ["p1", "q1_s2", "q1_s92"]
    assert nodes["q1_s2"].head[0] == "1.2 … 1.91"
    assert ("q1_s2", "q1_s92") in _edges(looping(30), "prev")


def test_long_chains_go_down_and_short_ones_to_the_right() -> None:
    assert _board(weather()).direction == "down"
    assert _board(a_session(*(a_chat() for _ in range(9)))).direction == "right"


def test_many_responses_give_way_to_runs() -> None:
    board = _board(many_runs(50))
    assert len(board.nodes) == 50
    assert {("r6", "r7"), ("r6", "r9")} <= {(edge.source, edge.target) for edge in board.edges}
