"""``tfclient why``: the story of a failure, from the document alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_chat, a_run, a_session, a_step, tokens
from tests.cli.making import WEATHER, run
from tfclient.cli.lines.telling import telling
from tfstore.document.documents import ErrorInfo, Session
from tfstore.reading.failures import story_of

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


def story(session: Session) -> dict[str, Any]:
    return story_of(session).as_json()


def a_call(*inputs: int, **fields: Any) -> Any:
    """A model call that carries the steps of these numbers, of the first run."""
    carried = [f"step_1_{number}" for number in inputs]
    return a_step("assistant_call", after=inputs, started={"input": carried}, **fields)


def a_tool(name: str = "look_up", key: str = "a", **fields: Any) -> Any:
    started = {"name": name, "arguments": {"key": key}}
    return a_step("tool_call", tool_name=name, started=started, **fields)


FAILED: dict[str, Any] = {
    "status": "failed",
    "error": ErrorInfo("provider", "Server error.", "server_error", 500),
}


def test_where_it_broke_what_led_there_and_what_was_tried_again(demo: Path) -> None:
    told = run("why", "last", "--store", demo, "--json").json

    assert told["result"] == "failed"
    (failure,) = told["failures"]
    assert (failure["run_id"], failure["step_id"]) == ("run_4", "step_4_7")
    assert failure["error"]["http_status"] == 500
    assert failure["chain"] == [
        # The questions and answers before, of the branch that this is …
        *("step_1_1", "step_1_16", "step_2_1", "step_2_8"),
        # … and every step of the run that failed.
        *("step_4_1", "step_4_4", "step_4_5", "step_4_6", "step_4_7"),
    ]
    assert failure["not_told"] == [{"step_id": "step_4_6", "carried_by": ["step_4_7"]}]
    assert [(each["step_id"], each["again"], each["worked"]) for each in told["retries"]] == [
        ("step_1_8", "step_1_13", True),
        ("step_2_7", "step_2_7", True),
        ("step_4_7", "step_4_7", False),
    ]
    assert [each["step_id"] for each in told["context"]][:2] == ["step_1_4", "step_1_12"]


def test_what_the_model_was_told_and_what_was_never_sent() -> None:
    told = story(
        a_session(
            a_run(
                a_step("user_message", "Go"),
                a_call(1),
                a_tool(key="a", after=(2,), call_id="c1"),
                a_tool(key="b", after=(2,), call_id="c2"),
                a_step("tool_output", "known", after=(3,), call_id="c1"),
                a_step("tool_error", "unknown", after=(4,), call_id="c2"),
                a_call(5, **FAILED),
                status="failed",
            ),
            result="failed",
        )
    )

    (failure,) = told["failures"]
    assert failure["told"] == []
    assert failure["not_told"] == [
        {"step_id": "step_1_5", "carried_by": ["step_1_7"]},
        {"step_id": "step_1_6", "carried_by": []},
    ]
    assert told["unused"] == failure["not_told"]


def test_a_later_request_that_worked_has_told_it() -> None:
    steps = [
        a_step("user_message", "Go"),
        a_call(1),
        a_tool(after=(2,), call_id="c1"),
        a_step("tool_output", "known", after=(3,), call_id="c1"),
        a_call(4, **FAILED),
        a_call(4, notes=["retry"]),
    ]

    told = story(a_session(a_run(*steps)))

    assert (told["failures"], told["unused"]) == ([], [])
    assert told["retries"] == [{"step_id": "step_1_5", "again": "step_1_6", "worked": True}]


def test_what_the_providers_own_tools_gave_back_needs_no_request() -> None:
    steps = [a_step("user_message"), a_call(1), a_tool("file_search"), a_step("tool_output", "found")]

    assert story(a_session(a_run(*steps)))["unused"] == []


def test_an_answer_that_may_still_be_on_its_way_is_not_called_unused() -> None:
    steps = [
        a_step("user_message"),
        a_call(1),
        a_tool(call_id="c1"),
        a_step("tool_output", "x", call_id="c1"),
    ]

    assert story(a_session(a_run(*steps), status="active", result=None))["unused"] == []
    assert len(story(a_session(a_run(*steps)))["unused"]) == 1


def test_a_run_that_waits_for_a_tool() -> None:
    told = story(
        a_session(
            a_run(a_step("user_message"), a_call(1), a_tool(status="unresolved"), status="cancelled"),
            result="cancelled",
        )
    )

    (failure,) = told["failures"]
    assert (failure["status"], failure["step_id"]) == ("cancelled", "step_1_3")
    assert failure["chain"] == ["step_1_1", "step_1_2", "step_1_3"]
    assert told["unanswered"] == failure["unanswered"] == ["step_1_3"]


@pytest.mark.parametrize(
    ("outputs", "same"), [(("x", "x"), True), (("x", "y"), False)], ids=["same answer", "another"]
)
def test_calls_made_again_although_they_worked(outputs: tuple[str, str], same: bool) -> None:  # noqa: FBT001
    steps = [a_step("user_message"), a_call(1)]
    for output in outputs:
        steps += [a_tool(), a_step("tool_output", output)]
    steps += [a_tool(key="another"), a_step("tool_output", "x")]

    told = story(a_session(a_run(*steps)))

    assert told["repeated"] == [
        {"step_ids": ["step_1_3", "step_1_5"], "tool": "look_up", "same_answer": same}
    ]


def test_calls_tried_again_after_an_error_are_no_repetition() -> None:
    steps = [a_step("user_message"), a_call(1), a_tool(status="failed"), a_step("tool_error", "no")]
    steps += [a_tool(), a_step("tool_output", "x")]

    told = story(a_session(a_run(*steps)))

    assert told["repeated"] == []
    assert told["retries"] == [{"step_id": "step_1_3", "again": "step_1_5", "worked": True}]


def test_an_answer_that_could_not_be_parsed_is_where_it_broke() -> None:
    error = ErrorInfo("validation", "1 validation error for Weather", "ValidationError")
    asked, call = a_step("user_message"), a_call(1, error=error)
    session = a_session(a_run(asked, call, a_step("assistant_message"), status="failed"), result="failed")

    (failure,) = story(session)["failures"]
    assert (failure["step_id"], failure["error"]["class"]) == ("step_1_2", "validation")
    text = "\n".join(line.plain for line in telling(story_of(session), 80))
    assert "Nothing failed" not in text
    assert "validation ValidationError: 1 validation error for Weather" in text


def test_what_failed_comes_before_what_was_not_finished() -> None:
    failed = a_run(a_step("user_message"), a_step("assistant_call", **FAILED), status="failed")
    stopped = a_run(a_step("user_message"), a_tool(status="unresolved"), status="cancelled")

    told = story(a_session(failed, stopped, result="failed"))

    assert [each["run_id"] for each in told["failures"]] == ["run_1", "run_2"]


def test_a_session_without_failures_says_so(store: Store) -> None:
    outcome = run("why", "11fe", "--store", store.paths.root)

    assert outcome.code == 0
    assert "Nothing has failed so far." in outcome.out


def test_a_chain_of_thousands_is_folded_and_loops_end() -> None:
    runs = [a_chat(f"Question {number}", response_id=f"resp_{number}") for number in range(1, 400)]
    last = a_run(a_step("user_message"), a_step("assistant_call", **FAILED), status="failed")
    session = a_session(*runs, last, result="failed")
    for before, after in zip(session.runs, session.runs[1:], strict=False):
        after.steps[0].depends_on = [before.steps[-1].step_id]
    session.runs[0].steps[0].depends_on = [last.steps[-1].step_id]

    assert len(story(session)["failures"][0]["chain"]) == 2 * 399 + 2


def test_growth_is_that_of_the_thread_that_failed() -> None:
    sizes = (10, 20, 40)
    calls = [a_step("assistant_call", usage=tokens(size, 1)) for size in sizes]
    other = a_run(
        a_step("user_message"),
        *(a_step("assistant_call", usage=tokens(1, 1)) for _ in range(9)),
        thread_id="thread_2",
    )
    calls[-1].status = "failed"

    told = story(a_session(other, a_run(a_step("user_message"), *calls, status="failed"), result="failed"))

    assert [each["input_tokens"] for each in told["context"]] == list(sizes)


def test_lines_name_the_failure_first(store: Store) -> None:
    lines = run("why", WEATHER, "--store", store.paths.root).out.splitlines()

    assert lines[5].startswith("Run 4 failed at 4.5: model gpt-4.1")
    assert lines[6].strip() == "rate_limit 429 insufficient_quota: You exceeded your current quota."
