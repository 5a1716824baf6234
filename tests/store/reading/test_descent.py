"""Two turns, a fork after the first, a tool loop, and a second session that goes on from the first.

one: run 1: prompt 1 → call (resp_1) → tool call → output → call (resp_2) → answer
     run 2: prompt 2, after resp_2                      run 3: prompt 3, a fork, after resp_2 as well
     run 4: another prompt altogether
two: run 1: prompt, after resp_3 of run 2 in session one
"""

from __future__ import annotations

import pytest

from tests.store.making import a_run, a_session, a_step
from tfstore.document.documents import Run, Session, Step
from tfstore.errors import UnknownSession, UnknownStep
from tfstore.keeping.deleting import delete
from tfstore.store import Store


def session_one() -> Session:
    root = "step_1_1"
    return a_session(
        "one",
        a_run(
            1,
            a_step("1_1", "user_message"),
            a_step("1_2", "policy.snapshot"),
            a_step("1_3", "assistant_call", "1_1", "1_2", response_id="resp_1"),
            a_step("1_4", "tool_call", "1_3", tool_name="weather"),
            a_step("1_5", "tool_output", "1_4", tool_name="weather"),
            a_step("1_6", "assistant_call", "1_5", "1_3", response_id="resp_2"),
            a_step("1_7", "assistant_message", "1_6"),
        ),
        a_run(
            2,
            a_step("2_1", "user_message", "1_7", root=root),
            a_step("2_2", "assistant_call", "2_1", root=root, response_id="resp_3"),
            a_step("2_3", "assistant_message", "2_2", root=root),
            parent_run_id="run_1",
            parent_response_id="resp_2",
            root_run_id="run_1",
        ),
        a_run(
            3,
            a_step("3_1", "user_message", root=root),
            a_step("3_2", "assistant_call", "3_1", root=root, response_id="resp_4"),
            parent_run_id="run_1",
            parent_response_id="resp_2",
            root_run_id="run_1",
        ),
        a_run(4, a_step("4_1", "user_message"), a_step("4_2", "assistant_call", "4_1", response_id="resp_5")),
    )


def session_two() -> Session:
    return a_session(
        "two",
        a_run(
            1,
            a_step("1_1", "user_message"),
            a_step("1_2", "assistant_call", "1_1", response_id="resp_6", previous_response_id="resp_3"),
            trigger="resumed",
            parent_response_id="resp_3",
        ),
        a_run(2, a_step("2_1", "user_message")),
    )


@pytest.fixture
def store(store: Store) -> Store:
    store.put(session_one())
    store.put(session_two())
    return store


def step(store: Store, session_id: str, name: str) -> Step:
    return next(each for each in store.steps(session_id=session_id) if each.step_id == f"step_{name}")


def came_of(store: Store, session_id: str, name: str) -> list[str]:
    found = store.descendants(step(store, session_id, name))
    return [f"{each.session_id}:{each.step_id.removeprefix('step_')}" for each in found]


RUN_2 = ["one:2_1", "one:2_2", "one:2_3"]
TWO = ["two:1_1", "two:1_2"]


def test_everything_came_of_the_first_prompt_but_the_other_prompt(store: Store) -> None:
    first = [f"one:1_{number}" for number in range(2, 8)]

    assert came_of(store, "one", "1_1") == [*first, *RUN_2, "one:3_1", "one:3_2", *TWO]


def test_a_branch_has_nothing_to_do_with_the_other(store: Store) -> None:
    assert came_of(store, "one", "2_1") == ["one:2_2", "one:2_3", *TWO]
    assert came_of(store, "one", "3_1") == ["one:3_2"]
    assert came_of(store, "one", "4_1") == ["one:4_2"]


def test_what_came_of_a_tool_call(store: Store) -> None:
    assert came_of(store, "one", "1_4") == [
        "one:1_5",
        "one:1_6",
        "one:1_7",
        *RUN_2,
        "one:3_1",
        "one:3_2",
        *TWO,
    ]


def test_nothing_came_of_an_ending(store: Store) -> None:
    assert came_of(store, "one", "2_3") == []
    assert came_of(store, "two", "1_2") == []
    assert came_of(store, "two", "2_1") == []


@pytest.mark.parametrize("name", ["1_1", "1_7", "2_3", "3_2"])
def test_all_of_a_thread_goes_back_to_its_first_prompt(store: Store, name: str) -> None:
    root = store.origin(step(store, "one", name))

    assert (root.session_id, root.step_id) == ("one", "step_1_1")


def test_the_origin_is_found_across_sessions(store: Store) -> None:
    root = store.origin(step(store, "two", "1_2"))

    assert (root.session_id, root.step_id) == ("one", "step_1_1")
    assert store.origin(step(store, "two", "2_1")).step_id == "step_2_1"


def test_every_descendant_of_a_root_has_it_for_its_origin(store: Store) -> None:
    prompt = step(store, "one", "1_1")

    assert {store.origin(each).step_id for each in store.descendants(prompt)} == {"step_1_1"}


def test_a_session_that_is_gone_ends_the_walk(store: Store) -> None:
    delete(store, ["one"])
    assert store.origin(step(store, "two", "1_2")).step_id == "step_1_1"

    store.put(session_one())
    store.paths.document("two").write_text("{")
    assert came_of(store, "one", "2_1") == ["one:2_2", "one:2_3"]


def test_a_model_call_within_a_tool_came_of_the_tool_call(store: Store) -> None:
    store.put(
        a_session(
            "nested",
            a_run(
                1,
                a_step("1_1", "user_message"),
                a_step("1_2", "tool_call", "1_1"),
                a_step("1_3", "tool_output", "1_2"),
            ),
            a_run(
                2,
                a_step("2_1", "user_message", root="step_1_1"),
                a_step("2_2", "assistant_call", "2_1", root="step_1_1"),
                trigger="tool",
                parent_run_id="run_1",
                parent_step_id="step_1_2",
                root_run_id="run_1",
            ),
        )
    )
    assert came_of(store, "nested", "1_2") == ["nested:1_3", "nested:2_1", "nested:2_2"]


def test_a_run_whose_parent_response_is_not_known_came_of_its_parents_prompt(store: Store) -> None:
    child = a_run(
        2, a_step("2_1", "user_message", root="step_1_1"), parent_run_id="run_1", root_run_id="run_1"
    )
    store.put(
        a_session("gap", a_run(1, a_step("1_1", "user_message"), a_step("1_2", "generic", "1_1")), child)
    )

    assert came_of(store, "gap", "1_1") == ["gap:1_2", "gap:2_1"]
    assert came_of(store, "gap", "1_2") == []


def test_a_call_in_the_middle_of_a_run_may_go_on_from_another_session(store: Store) -> None:
    call = a_step("1_2", "assistant_call", "1_1", previous_response_id="resp_5", response_id="resp_8")
    store.put(a_session("late", a_run(1, a_step("1_1", "user_message"), call)))

    assert came_of(store, "one", "4_1") == ["one:4_2", "late:1_2"]


def test_a_run_without_a_prompt_begins_with_what_is_known(store: Store) -> None:
    steps = [
        a_step("1_1", "tool_output"),
        a_step("1_2", "assistant_call", "1_1", response_id="resp_7"),
    ]
    for each in steps:
        each.origin.prompt_step_id = each.origin.root_prompt_step_id = None
    store.put(a_session("resumed", Run("run_1", "resumed", steps=steps)))

    assert store.origin(step(store, "resumed", "1_2")).step_id == "step_1_1"
    assert came_of(store, "resumed", "1_1") == ["resumed:1_2"]


def test_two_sessions_that_name_each_other_end_the_walk(store: Store) -> None:
    for name, made, parent in (("a", "resp_a", "resp_b"), ("b", "resp_b", "resp_a")):
        call = a_step("1_2", "assistant_call", "1_1", response_id=made)
        store.put(a_session(name, a_run(1, a_step("1_1", "user_message"), call, parent_response_id=parent)))

    assert store.origin(step(store, "a", "1_2")).step_id == "step_1_1"
    assert came_of(store, "a", "1_1") == ["a:1_2", "b:1_1", "b:1_2"]


def test_steps_that_depend_on_each_other_end_the_walk(store: Store) -> None:
    store.put(
        a_session("loop", a_run(1, a_step("1_1", "generic", "1_2"), a_step("1_2", "generic", "1_1", "9_9")))
    )

    assert came_of(store, "loop", "1_1") == ["loop:1_2"]


def test_a_step_that_is_not_in_the_store_is_told(store: Store) -> None:
    stranger = a_step("8_8", "generic")
    for walk in (store.descendants, store.origin):
        with pytest.raises(UnknownStep):
            walk(stranger)
        stranger.session_id = "one"
        with pytest.raises(UnknownStep, match="tfclient show one"):
            walk(stranger)
        stranger.session_id = "nowhere"
        with pytest.raises(UnknownSession):
            walk(stranger)
        stranger.session_id = None


def test_a_long_chain_is_walked(store: Store) -> None:
    steps = [a_step("1_1", "user_message")]
    steps += [a_step(f"1_{n}", "generic", f"1_{n - 1}", prompt="step_9_9") for n in range(2, 5000)]
    store.put(a_session("long", a_run(1, *steps)))

    assert len(came_of(store, "long", "1_1")) == 4998
