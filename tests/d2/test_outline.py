from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from tests.builders import a_chat, a_run, a_session, a_step
from tests.d2.sessions import agent_loop, looping, many_runs, troubled, weather
from tfd2.elements import LEGEND_KEY, Edge, Group, Node
from tfd2.outline import outline
from tfd2.run_boards import run_boards
from tfstore.document.documents import ProgramFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tfd2.elements import Board
    from tfd2.snapshots import Snapshots
    from tfstore.document.documents import Session
    from tfstore.reading.facts import RunFacts, SessionFacts


def _boards(session: Session) -> dict[str, Board]:
    boards = list(outline(session))
    assert len({board.key for board in boards}) == len(boards)
    return {board.key: board for board in boards}


def _steps(count: int) -> Session:
    return a_session(a_run(*(a_step("user_message", str(n)) for n in range(count))))


def test_a_session_without_runs_is_one_note() -> None:
    (board,) = outline(a_session(title="Nothing happened"))
    ((_, node),) = board.every_node()
    assert node.looks == ("note",)
    assert node.head == ("Session sess_20260902T091400Z_7f3a9c01", "Nothing was recorded: it has no runs.")
    assert not board.ways


def test_a_run_without_steps_is_a_note_in_its_container() -> None:
    boards = _boards(a_session(a_run()))
    assert dict(boards[""].every_node())["r1.none"].head == ("no steps were recorded",)
    assert dict(boards["run_1"].every_node())["none"].head == ("no steps were recorded",)
    assert "timeline" not in boards


@pytest.mark.parametrize(("count", "contained"), [(80, True), (81, False)])
def test_the_overview_shows_steps_up_to_80(count: int, *, contained: bool) -> None:
    root = _boards(_steps(count))[""]
    assert bool(root.boxes) is contained
    assert bool(root.cards) is not contained
    assert root.legend is contained


@pytest.mark.parametrize(("count", "paged"), [(120, False), (121, True)])
def test_more_than_120_runs_are_paged_by_60(count: int, *, paged: bool) -> None:
    boards = _boards(many_runs(count))
    assert ("runs_p1" in boards) is paged
    assert ("failed" in boards) is paged
    assert len(boards[""].cards) == (3 if paged else count)
    if paged:
        assert [len(boards[f"runs_p{n}"].cards) for n in (1, 2, 3)] == [60, 60, 1]
        assert boards[""].cards[0].link == "runs_p1"


def test_the_failed_board_has_every_failed_run_and_is_paged_too() -> None:
    session = many_runs(200)
    for run in session.runs[:70]:
        run.status = "failed"
    boards = _boards(session)
    cards = [card.link for key in ("failed", "failed_p2") for card in boards[key].cards]
    assert cards == [run.run_id for run in session.runs if run.status == "failed"]
    assert [way.words for way in boards["failed"].ways] == ["next page", "all runs"]


def test_no_failed_board_where_nothing_failed() -> None:
    session = a_session(*(a_chat() for _ in range(121)))
    assert "failed" not in _boards(session)


@pytest.mark.parametrize(("responses", "runs_instead"), [(40, False), (41, True)])
def test_lineage_shows_runs_when_there_are_more_than_40_responses(
    responses: int, *, runs_instead: bool
) -> None:
    nodes = _boards(a_session(*(a_chat() for _ in range(responses))))["lineage"].nodes
    assert len(nodes) == (41 if runs_instead else 80)


@pytest.mark.parametrize(("runs", "there"), [(400, True), (401, False)])
def test_no_lineage_over_400_runs(runs: int, *, there: bool) -> None:
    boards = _boards(a_session(*(a_chat() for _ in range(runs))))
    assert ("lineage" in boards) is there
    assert ("lineage" in [way.board for way in boards[""].ways]) is there


@pytest.mark.parametrize(("count", "there"), [(150, True), (151, False)])
def test_no_timeline_over_150_steps(count: int, *, there: bool) -> None:
    assert ("timeline" in _boards(_steps(count))) is there


def _of_all_sorts() -> list[Session]:
    return [
        *(weather(), troubled(), agent_loop(300), many_runs(130)),
        *(looping(40), looping(9, "a", "b", "c")),
    ]


def test_every_link_leads_to_a_board() -> None:
    for session in _of_all_sorts():
        boards = _boards(session)
        for board in boards.values():
            nodes = [node for _, node in board.every_node()]
            links = {node.link for node in nodes if node.link is not None} | {way.board for way in board.ways}
            assert links <= set(boards)


def test_every_edge_joins_two_nodes_of_its_board_and_no_key_repeats() -> None:
    for session in _of_all_sorts():
        for board in outline(session):
            keys = [key for key, _ in board.every_node()]
            assert len(set(keys)) == len(keys)
            whole = {"cards", LEGEND_KEY, *(row.key for row in board.rows)}
            known = {*keys, *whole, *(key for _, key in _groups(board.nodes))}
            assert {end for edge in board.edges for end in (edge.source, edge.target)} <= known
            inside: list[tuple[Sequence[Node | Group], list[Edge]]] = [
                (nodes.nodes, nodes.edges) for nodes, _ in _groups(board.nodes)
            ]
            for box in board.boxes:
                inside += [
                    (box.nodes, box.edges),
                    *((group.nodes, group.edges) for group, _ in _groups(box.nodes)),
                ]
            for nodes, edges in inside:
                own = {node.key for node in nodes}
                assert {end for edge in edges for end in (edge.source, edge.target)} <= own


def _groups(nodes: Iterable[Node | Group]) -> list[tuple[Group, str]]:
    return [(each, each.key) for each in nodes if isinstance(each, Group)]


def test_the_title_sums_up() -> None:
    assert next(outline(weather())).title == (
        "Weather agent",
        "session sess_20260902T091400Z_7f3a9c01",
        "FAILED · 4 runs (1 failed) · 24 steps · 2 errors · 17.6 s · 4,816 tok",
    )


def test_a_long_title_is_cut() -> None:
    first, second, _ = next(outline(a_session(a_chat(), title="word " * 30))).title
    assert first.endswith("word…")
    assert second == "session sess_20260902T091400Z_7f3a9c01"


def test_a_session_that_goes_on_says_so() -> None:
    session = a_session(a_chat(), status="active", result=None)
    assert next(outline(session)).title[-1].startswith("ACTIVE · 1 run")


def test_boards_are_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The diagram of a session of 100,000 runs is larger than what its boards may take in memory."""
    drawn: list[int] = []
    outlining = import_module("tfd2.outline")

    def noted(facts: SessionFacts, run: RunFacts, snapshots: Snapshots) -> Iterator[Board]:
        drawn.append(run.number)
        return run_boards(facts, run, snapshots)

    monkeypatch.setattr(outlining, "run_boards", noted)
    boards = outline(weather())
    assert next(boards).key == ""
    assert drawn == []
    assert next(boards).key == "run_1"
    assert drawn == [1]


def _with_helper_calls(count: int, chats: int = 1) -> Session:
    calls = (
        a_run(a_step("generic", type="api.embeddings.create", after=()), trigger="api") for _ in range(count)
    )
    return a_session(*(a_chat() for _ in range(chats)), *calls, a_chat())


def test_helper_calls_in_a_row_are_one_quiet_card() -> None:
    boards = _boards(_with_helper_calls(5))
    root = boards[""]
    assert [box.node.link for box in root.boxes] == ["run_1", "run_7"]
    (card,) = (cell for row in root.rows for cell in row.cells if isinstance(cell, Node))
    assert (card.looks, card.head) == (("card",), ("5 API calls", "Runs 2 to 6"))
    assert (card.text, card.link) == ("embeddings.create ×5", "api_2")
    assert [node.link for node in boards["api_2"].cards] == [f"run_{n}" for n in range(2, 7)]
    assert [key for key, _ in boards["lineage"].every_node()] == ["p1", "q1_s2", "p7", "q7_s2"]


def test_helper_calls_make_no_session_long() -> None:
    assert len(_boards(_with_helper_calls(100))[""].boxes) == 2
    cards = _boards(_with_helper_calls(60, chats=30))[""].cards
    assert len(cards) == 32
    assert cards[30].head == ("60 API calls", "Runs 31 to 90")


def test_a_few_of_them_are_shown_as_they_are() -> None:
    assert len(_boards(_with_helper_calls(3))[""].boxes) == 5


def test_a_loop_makes_no_session_long() -> None:
    boards = _boards(looping(500))
    assert len(boards[""].boxes) == 1
    assert boards["timeline"].sequence is not None
    heads = [message.head for message in boards["timeline"].sequence.scenes[0].messages]
    assert heads[1] == ("1.2 … 1.1501", "×500 get_order, the same answer")


@pytest.mark.parametrize("session", [weather(), many_runs(30), many_runs(130), a_session()], ids=range(4))
def test_how_the_program_ended_is_at_the_end(session: Session) -> None:
    session.failure = ProgramFailure(
        "KeyError", "'A-1'", frames=["main (a.py:3)", "look_up (b.py:9)"], cause="x"
    )
    session.end_reason = "process_exit"
    node = dict(next(outline(session)).every_node())["ended"]
    assert node.looks == ("error",)
    assert " ".join(node.head) == "The program ended with KeyError: 'A-1'"
    assert node.tooltip is not None
    assert node.tooltip.facts[1] == "cause: x"
    assert node.tooltip.text == "RAISED AT\nlook_up (b.py:9)\nmain (a.py:3)"
