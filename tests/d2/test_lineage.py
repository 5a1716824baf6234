from __future__ import annotations

from tests.builders import a_chat, a_run, a_session, a_step
from tests.d2.sessions import many_runs, weather
from tfd2.elements import Board, Edge
from tfd2.lineage import lineage_board
from tfstore.document.documents import Session
from tfstore.reading.facts import gather


def _board(session: Session) -> Board:
    board = lineage_board(gather(session))
    assert board is not None
    return board


def _edges(session: Session, look: str) -> list[tuple[str, str]]:
    return [(edge.source, edge.target) for edge in _board(session).edges if edge.look == look]


def test_a_prompt_leads_to_its_responses() -> None:
    assert ("p1", "q1_s10") in _edges(weather(), "lineage")
    assert len(_edges(weather(), "lineage")) == 6


def test_a_branch_is_two_edges_out_of_one_response() -> None:
    edges = _edges(weather(), "prev")
    assert {("q1_s13", "q2_s2"), ("q1_s13", "q3_s2")} <= set(edges)


def test_a_response_that_was_not_recorded_is_a_node_of_its_own() -> None:
    run = a_chat()
    run.steps[1].previous_response_id = "resp_elsewhere"
    board = _board(a_session(run))
    assert ("RESPONSE resp_elsewhere", "not recorded here") in [node.head for node in board.nodes]


def test_history_that_was_sent_again_counts_as_a_parent_and_says_so() -> None:
    second = a_chat(response_id="resp_2")
    second.steps[1].payload_started["inherits"] = {"step_id": "step_1_3", "items": 2}
    first = a_chat()
    first.steps[2].response_id = "resp_1"
    assert Edge("q1_s2", "q2_s2", "prev", ("history re-sent",)) in _board(a_session(first, second)).edges


def test_a_failed_request_has_no_response_but_a_place() -> None:
    run = a_run(a_step(), a_step("assistant_call", status="failed"))
    node = _board(a_session(run)).nodes[1]
    assert node.head == ("NO RESPONSE ID · FAILED",)
    assert node.looks == ("error",)


def test_many_responses_give_way_to_runs() -> None:
    board = _board(many_runs(50))
    assert len(board.nodes) == 50
    assert {("r6", "r7"), ("r6", "r9")} <= {(edge.source, edge.target) for edge in board.edges}
