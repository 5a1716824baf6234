from __future__ import annotations

from tests.builders import a_chat, a_run, a_session, a_step
from tests.d2.sessions import weather
from tfd2.containers import boxes_of, edges_between, edges_of_order
from tfd2.elements import Edge
from tfstore.document.documents import Lineage
from tfstore.reading.facts import gather


def test_a_container_says_how_its_run_went() -> None:
    boxes = boxes_of(facts := gather(weather()), facts.runs)
    assert [box.node.head for box in boxes] == [
        ("Run 1 · 1 error · 10.6 s · 3,085 tok",),
        ("Run 2 · 4.3 s · 25 tok",),
        ("Run 3 · 1.3 s · 25 tok",),
        ("Run 4 · FAILED · 1 error · 1.3 s · 1,681 tok",),
    ]
    assert [box.node.looks for box in boxes] == [("run_warn",), ("run",), ("run",), ("run_failed",)]


def test_a_fork_is_two_edges_out_of_one_run_and_none_between_the_branches() -> None:
    edges = edges_between(gather(weather()))
    assert edges == [
        Edge("r1", "r2", "prev", ("previous_response_id", "resp_a3")),
        Edge("r1", "r3", "prev", ("previous_response_id", "resp_a3")),
        Edge("r2", "r4", "prev", ("previous_response_id", "resp_b1")),
    ]


def test_the_evidence_is_named() -> None:
    lineages = [
        Lineage("run_1", "resp_1", source="prefix"),
        Lineage("run_1", None, source="window"),
        Lineage("run_1", "resp_1", source="conversation"),
    ]
    runs = [a_chat(lineage=lineage) for lineage in lineages]
    runs[2].conversation_id = "conv_1"
    edges = edges_between(gather(a_session(a_chat(), *runs)))
    assert [edge.label for edge in edges] == [
        ("history re-sent", "resp_1"),
        ("history re-sent in part", "resp_1"),
        ("same conversation", "conv_1"),
    ]


def test_depending_on_another_run_than_the_parent_is_an_edge_of_its_own() -> None:
    third = a_run(a_step("user_message", "Compare", after=("step_1_3", "step_2_3")), after=2)
    edges = edges_between(gather(a_session(a_chat(), a_chat(), third)))
    assert [(edge.source, edge.target, edge.look) for edge in edges] == [
        ("r2", "r3", "prev"),
        ("r1", "r3", "dep"),
    ]


def test_steps_follow_their_dependencies_and_retries() -> None:
    box = boxes_of(facts := gather(weather()), facts.runs)[0]
    found = {(edge.source, edge.target, edge.look) for edge in box.edges}
    assert {("s4", "s5", "dep"), ("s4", "s6", "dep"), ("s4", "s7", "dep"), ("s9", "s11", "retry")} <= found
    assert not {("s6", "s7", "dep"), ("s5", "s6", "dep")} & found


def test_one_quiet_edge_says_that_requests_use_the_instructions() -> None:
    box = boxes_of(facts := gather(weather()), facts.runs)[0]
    assert [(edge.source, edge.target) for edge in box.edges if edge.look == "quiet"] == [("s2", "s4")]


def test_instructions_are_shown_where_they_change() -> None:
    def chat(version: str) -> tuple[object, ...]:
        steps = a_chat().steps
        steps.insert(1, a_step("policy.snapshot", "Be brief.", after=(), started={"version": version}))
        return tuple(steps)

    session = a_session(*(a_run(*chat(version)) for version in ("a", "a", "b")))  # type: ignore[arg-type]
    facts = gather(session)
    pages = [[n.head for n in box.nodes if n.looks == ("page",)] for box in boxes_of(facts, facts.runs)]
    assert pages == [[("INSTRUCTIONS v1",)], [], [("INSTRUCTIONS v2",)]]


def test_runs_that_continue_nothing_stand_in_rows_of_five() -> None:
    edges = edges_of_order(gather(a_session(*(a_chat() for _ in range(7)))).runs)
    assert [(edge.source, edge.target, edge.look) for edge in edges] == [
        ("r1", "r6", "unseen"),
        ("r2", "r7", "unseen"),
    ]
