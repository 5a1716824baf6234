from __future__ import annotations

from tests.builders import a_chat, a_run, a_session, a_step
from tests.d2.sessions import agent_loop, looping, many_runs, troubled, weather
from tfd2.containers import ROW_WIDTH, box_of, edges_between, edges_of_order, rows_of
from tfd2.elements import OVERVIEW, Box, Edge, Row, addressed
from tfd2.sizes import of
from tfd2.snapshots import Snapshots
from tfstore.document.documents import Lineage, Session
from tfstore.document.labels import LineageSource
from tfstore.reading.facts import gather


def _boxes(session: Session) -> list[Box]:
    facts = gather(session)
    return [box_of(facts, run, Snapshots(facts)) for run in facts.runs]


def _rows(session: Session) -> list[Row]:
    return rows_of([*_boxes(session)])


def test_a_container_says_how_its_run_went() -> None:
    boxes = _boxes(weather())
    assert [box.node.head for box in boxes] == [
        ("Run 1 · 1 error · 10.6 s · 3,085 tok",),
        ("Run 2 · 4.3 s · 25 tok",),
        ("Run 3 · branches from run 1 · 1.3 s · 25 tok",),
        ("Run 4 · FAILED · continues run 2 · 1 error · 1.3 s · 1,681 tok",),
    ]
    assert [box.node.looks for box in boxes] == [("run_warn",), ("run",), ("run",), ("run_failed",)]


def test_containers_stand_in_rows_that_can_be_read() -> None:
    rows = _rows(weather())
    assert [[row.address(cell) for cell in row.cells] for row in rows] == [
        ["r1"],
        ["row2.r2", "row2.r3"],
        ["r4"],
    ]
    for session in (weather(), troubled(), many_runs(12)):
        for row in _rows(session):
            assert len(row.cells) == 1 or sum(of(cell, OVERVIEW)[0] for cell in row.cells) <= ROW_WIDTH


def test_a_fork_is_two_edges_out_of_one_run_and_none_between_the_branches() -> None:
    edges = edges_between(gather(weather()), _rows(weather()))
    assert edges == [
        Edge("r1", "row2.r2", "prev"),
        Edge("r1", "row2.r3", "prev"),
        Edge("row2.r2", "r4", "prev"),
    ]


def test_no_edge_goes_past_another_run() -> None:
    session = a_session(a_chat(), *(a_chat(after=1) for _ in range(6)))
    assert [edge.target for edge in edges_between(gather(session), _rows(session))] == ["row1.r2"]
    assert _boxes(session)[-1].node.head == ("Run 7 · branches from run 1 · 25 tok",)


def test_the_evidence_is_named() -> None:
    told: list[tuple[LineageSource, str]] = [
        ("prefix", "history re-sent"),
        ("window", "history re-sent in part"),
    ]
    for source, words in told:
        child = a_run(*agent_loop(40).runs[0].steps, lineage=Lineage("run_1", "resp_1", source=source))
        session = a_session(a_chat(), child)
        assert [edge.label for edge in edges_between(gather(session), _rows(session))] == [(words,)]


def test_depending_on_another_run_than_the_parent_is_an_edge_of_its_own() -> None:
    third = a_run(a_step("user_message", "Compare", after=("step_1_3", "step_2_3")), after=2)
    session = a_session(a_chat(), a_chat(), third)
    edges = edges_between(gather(session), [Row("row1", [box]) for box in _boxes(session)])
    assert [(edge.source, edge.target, edge.look) for edge in edges] == [("r2", "r3", "prev")]
    rows = [Row("row1", [*_boxes(session)[:2]]), Row("row2", [_boxes(session)[2]])]
    edges = edges_between(gather(session), rows)
    assert [(edge.source, edge.target, edge.look) for edge in edges] == [
        ("row1.r2", "r3", "prev"),
        ("row1.r1", "r3", "dep"),
    ]


def test_steps_follow_their_dependencies_and_retries() -> None:
    box = _boxes(weather())[0]
    found = {(edge.source, edge.target, edge.look) for edge in box.edges}
    assert {("s4", "g5", "dep"), ("g5", "s10", "dep"), ("s10", "s11", "dep"), ("g5", "s11", "retry")} <= found


def test_one_quiet_edge_says_that_requests_use_the_instructions() -> None:
    box = _boxes(weather())[0]
    assert [(edge.source, edge.target) for edge in box.edges if edge.look == "quiet"] == [("s2", "s4")]


def test_rows_stand_below_each_other() -> None:
    edges = list(edges_of_order(_rows(weather())))
    assert edges == [Edge("r1", "row2", "unseen"), Edge("row2", "r4", "unseen")]


def test_a_loop_counts_as_one_in_a_container() -> None:
    (box,) = _boxes(looping(30, "a", "b"))
    assert [key for key, _ in addressed(box.nodes)] == ["s1", "s2", "s182", "s183"]
    assert dict(addressed(box.nodes))["s2"].head == ("1.2 … 1.181", "×30 a, b, the same answers")
