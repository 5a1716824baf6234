from __future__ import annotations

from tests.builders import a_chat, a_run, a_session, a_step
from tfstore.document.documents import ErrorInfo
from tfstore.reading.facts import SessionFacts, gather


def _calls(*outcomes: tuple[str, str]) -> SessionFacts:
    """A run of calls of one tool, each with its arguments and the label of its answer."""
    steps = [a_step("user_message", "Go")]
    for n, (arguments, answer) in enumerate(outcomes):
        steps += [
            a_step("tool_call", arguments, tool_name="search", call_id=f"call_{n}"),
            a_step(answer, "said", call_id=f"call_{n}"),
        ]
    return gather(a_session(a_run(*steps)))


def _retries(facts: SessionFacts) -> dict[str, str]:
    steps = facts.runs[0].steps
    return {own.step.step_id: own.retry_of.step.step_id for own in steps if own.retry_of}


def test_the_same_call_after_an_error_is_a_retry() -> None:
    facts = _calls(("a", "tool_error"), ("a", "tool_output"))
    assert _retries(facts) == {"step_1_4": "step_1_3"}
    assert facts.steps["step_1_4"].attempt == 2


def test_a_retry_of_a_retry_counts_on() -> None:
    facts = _calls(("a", "tool_error"), ("a", "tool_error"), ("a", "tool_output"), ("a", "tool_output"))
    assert _retries(facts) == {"step_1_4": "step_1_3", "step_1_6": "step_1_5"}
    assert [facts.steps[f"step_1_{n}"].attempt for n in (2, 4, 6, 8)] == [1, 2, 3, 1]


def test_other_arguments_are_not_a_retry() -> None:
    assert _retries(_calls(("a", "tool_error"), ("b", "tool_output"))) == {}


def test_a_call_after_a_good_answer_is_not_a_retry() -> None:
    assert _retries(_calls(("a", "tool_output"), ("a", "tool_output"))) == {}


def test_another_tool_with_the_same_arguments_is_not_a_retry() -> None:
    run = a_run(
        a_step("tool_call", "a", tool_name="search"),
        a_step("tool_error", "no"),
        a_step("tool_call", "a", tool_name="fetch"),
    )
    assert _retries(gather(a_session(run))) == {}


def test_a_call_made_before_the_error_is_not_a_retry() -> None:
    run = a_run(
        a_step("tool_call", "a", tool_name="search", call_id="call_1"),
        a_step("tool_call", "a", tool_name="search", call_id="call_2"),
        a_step("tool_error", "no", call_id="call_1", after=(1,)),
    )
    assert _retries(gather(a_session(run))) == {}


def test_arguments_are_the_same_in_any_order() -> None:
    run = a_run(
        a_step("tool_call", tool_name="search", started={"arguments": {"q": "x", "n": 1}}),
        a_step("tool_error", "no"),
        a_step("tool_call", tool_name="search", started={"arguments": {"n": 1, "q": "x"}}),
    )
    assert _retries(gather(a_session(run))) == {"step_1_3": "step_1_2"}


def test_an_answer_takes_the_name_of_its_call() -> None:
    facts = _calls(("a", "tool_output"))
    assert facts.steps["step_1_3"].tool == "search"


def test_a_failed_call_and_its_error_are_one_error() -> None:
    run = a_run(
        a_step("tool_call", "a", tool_name="search", status="failed"),
        a_step("tool_error", "no"),
        a_step("tool_call", "b", tool_name="search", status="failed"),
    )
    facts = gather(a_session(run))
    assert [own.failed for own in facts.runs[0].steps] == [False, True, True]
    assert facts.runs[0].errors == 2


def test_a_second_run_of_the_same_parent_is_a_fork() -> None:
    facts = gather(a_session(a_chat(), a_chat(after=1), a_chat(after=1), a_chat(after=2)))
    assert [run.is_fork for run in facts.runs] == [False, False, True, False]


def test_a_parent_is_found_by_its_response_alone() -> None:
    session = a_session(a_chat(response_id="resp_a"), a_chat(response_id="resp_b"))
    session.runs[1].lineage.parent_response_id = "resp_a"
    facts = gather(session)
    assert facts.runs[1].parent is facts.runs[0]


def test_ids_that_repeat_or_are_not_ours_give_way_to_positions() -> None:
    session = a_session(a_chat(), a_chat(), a_chat())
    for run in session.runs:
        run.run_id = "run_1"
    assert [run.key for run in gather(session).runs] == ["run_1", "run_2", "run_3"]


def test_a_run_keeps_the_number_it_is_known_by() -> None:
    session = a_session(a_chat(), a_chat())
    del session.runs[0]
    assert [run.key for run in gather(session).runs] == ["run_2"]


def test_unknown_and_repeated_dependencies_are_left_out() -> None:
    session = a_session(a_run(a_step(), a_step("assistant_call", after=(1, 1, 2, "step_9_9"))))
    facts = gather(session)
    own = facts.steps["step_1_2"]
    assert facts.depends_on(own) == [facts.steps["step_1_1"]]


def test_a_whole_answer_with_an_exception_has_failed() -> None:
    error = ErrorInfo("validation", "no", "ValidationError")
    fine, raised = a_step("assistant_call"), a_step("assistant_call", error=error)
    left = a_step("assistant_call", status="cancelled", error=ErrorInfo("cancelled", "left"))
    (run,) = gather(a_session(a_run(fine, raised, left))).runs
    assert ([own.failed for own in run.steps], run.errors) == ([False, True, False], 1)
