"""What sessions teach: each failed answer, how it was put right, and what is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.reflect.talking import BOTH, Talk
from tfclient.reflect.lessons.given import lessons_given
from tfclient.reflect.lessons.learning import seen_in
from tfclient.reflect.lessons.notetaker import noted_in
from tfclient.reflect.lessons.rows import lessons_of
from tfclient.reflect.lessons.solving import Way, paths_known
from tfstore.document.documents import Replay

if TYPE_CHECKING:
    from tfstore.document.documents import Session

SCHEMA = {
    "type": "object",
    "properties": {
        "payments": {"type": "array", "items": {"properties": {"amount": {}, "id": {}}}},
        "city": {"type": "string"},
    },
}


def a_tool(api: str, name: str = "pay", schema: Any = SCHEMA) -> Any:
    function = {"name": name, "parameters": schema}
    return {"type": "function", "function": function} if api == "chat" else {"type": "function", **function}


def solved(api: str = "responses", **metadata: Any) -> Session:
    talk = Talk(api, fields={"tools": [a_tool(api)]})
    talk.asks("Pay 12 for Ada Lovelace.")
    talk.calls(("pay", {"payments": [{"amount": 3}]}, "Error: Lovelace owes 12, but paid 3"))
    talk.calls(("calculate", {"sum": "3+9"}, "12"))
    talk.calls(("pay", {"payments": [{"amount": 12}]}, "paid"))
    talk.says()
    made = talk.session()
    made.metadata |= metadata
    return made


def dated(session: Session, session_id: str, day: str) -> Session:
    session.session_id, session.started_at = session_id, day
    return session


def test_a_replay_teaches_nothing_unless_some_of_it_was_live() -> None:
    played, branch = solved(), solved()
    played.replay = Replay("replay", "sess_1", exact=3)
    branch.replay = Replay("branch", "sess_1", exact=2, live=1)
    assert (seen_in(played), len(seen_in(branch))) == ([], 1)


@BOTH
def test_a_failed_answer_and_how_it_was_put_right(api: str) -> None:
    (seen,) = seen_in(solved(api))

    assert seen.signature == "pay: S owes N, but paid N"
    assert seen.way == Way(changed=("payments[].amount",), after=("calculate",))
    steps = {step.step_id: step for run in solved(api).runs for step in run.steps}
    assert [steps[each].label for each in (seen.call, seen.answer, seen.solved_by)] == [
        *("tool_call", "tool_output", "tool_call")
    ]
    assert (seen.run_id, len(seen.schema)) == ("run_1", 8)


@BOTH
@pytest.mark.parametrize(
    ("first", "second", "way"),
    [
        ({"city": "A"}, {"city": "B"}, Way(changed=("city",))),
        ({"city": "A"}, {"city": "A", "payments": []}, Way(added=("payments",))),
        ({"city": "A", "payments": []}, {"city": "A"}, Way(left_out=("payments",))),
        ({"payments": [{"id": 1}]}, {"payments": [{"id": 1}, {"id": 2}]}, Way(added=("payments[]",))),
        ({"city": "A"}, {"city": "A"}, Way()),
        # What the schema does not know may be somebody's name.
        ({"ada@example.com": 1}, {"ada@example.com": 2}, Way(changed=("arguments",))),
        ({"payments": {"ada": 1}}, {"payments": {"ada": 2}}, Way(changed=("payments",))),
        ("{not JSON", {"city": "A"}, Way()),
    ],
)
def test_what_was_different(api: str, first: Any, second: Any, way: Way) -> None:
    talk = Talk(api, fields={"tools": [a_tool(api)]})
    talk.asks("Go.")
    talk.calls(("pay", first, "Error: no"))
    talk.calls(("pay", second, "ok"))
    talk.says()
    (seen,) = seen_in(talk.session())

    assert seen.way == way


def test_without_a_schema_no_argument_is_named() -> None:
    talk = Talk()
    talk.asks("Go.")
    talk.calls(("pay", {"to": {"ada": 1}}, "Error: no"))
    talk.calls(("pay", {"to": {"ada": 2}}, "ok"))
    talk.says()
    (seen,) = seen_in(talk.session())

    assert seen.way == Way(changed=("arguments",))


@BOTH
def test_what_was_asked_for_at_once_is_no_solution_and_another_tool_neither(api: str) -> None:
    talk = Talk(api)
    talk.asks("Go.")
    talk.calls(("pay", {"n": 1}, "Error: no"), ("pay", {"n": 2}, "ok"))
    talk.calls(("buy", {"n": 2}, "ok"))
    talk.says()
    (seen,) = seen_in(talk.session())

    assert (seen.solved_by, seen.way) == ("", None)


@pytest.mark.parametrize("metadata", [{"learn": False}, {"purpose": "notes"}])
def test_a_session_that_is_not_to_be_learnt_from(metadata: dict[str, Any]) -> None:
    assert len(seen_in(solved(learn=True, purpose="test"))) == 1
    assert seen_in(solved(**metadata)) == []


def test_a_tool_is_left_alone() -> None:
    assert seen_in(solved(), skip_tools=["pay"]) == []


def test_nothing_is_learnt_from_notes_that_came_back() -> None:
    given = '<notes source="thoughtflow" made="2026-11-28">\n- pay answered "no" [L-47c671d3]\n</notes>'
    talk = Talk()
    talk.asks(f"Go. {given}")
    talk.calls(("pay", {"n": 1}, {"error": given}), ("pay", {"n": 1}, {"error": f"closed {given}"}))
    talk.says()
    session = talk.session()

    assert [each.signature for each in seen_in(session)] == ["pay: closed"]
    assert lessons_given(session) == ["L-47c671d3"]


def test_an_id_that_a_tool_says_was_not_given() -> None:
    talk = Talk()
    talk.asks("What is [L-47c671d3]?")
    talk.calls(("pay", {}, '<notes source="thoughtflow">[L-00000000]</notes>'))
    talk.says()

    assert lessons_given(talk.session()) == []


def test_lessons_are_counted_over_sessions() -> None:
    sessions = [noted_in(dated(solved(), f"sess_{n}", f"2026-11-0{n}")) for n in (3, 1, 2)]
    (lesson,) = lessons_of(sessions)

    assert (lesson.seen, lesson.solved, lesson.sessions) == (3, 3, 3)
    assert (lesson.first_seen, lesson.last_seen) == ("2026-11-01", "2026-11-03")
    assert [each.partition("#")[0] for each in lesson.evidence] == ["sess_3", "sess_2", "sess_1"]
    assert lesson.ways == ((Way(("payments[].amount",), after=("calculate",)), 3),)
    assert lessons_of(reversed(sessions)) == [lesson]


def test_a_schema_knows_the_paths_of_a_way_or_it_does_not() -> None:
    way = Way(("payments[].amount",), ("city",))

    assert paths_known(way, SCHEMA)
    assert not paths_known(way, {"properties": {"payments": {}}})
    assert not paths_known(
        way, {"properties": {"city": {}, "payments": {"items": {"properties": {"sum": {}}}}}}
    )
