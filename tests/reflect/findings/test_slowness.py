"""Findings on what took long."""

from __future__ import annotations

from tests.builders import a_run, a_session, a_step
from tests.reflect.talking import BOTH, Talk, found, the_only


@BOTH
def test_a_model_call_that_took_far_longer_than_the_others(api: str) -> None:
    for milliseconds, told in ((12_000, 1), (9_000, 0)):
        talk = Talk(api)
        for n in range(6):
            talk.asks(f"Question {n}")
            sent = talk.story.send(talk.body())
            talk.story.wait(milliseconds if n == 3 else 1_000)
            sent.answer_items([])
        session = talk.session()

        findings = found(session, "slow_outlier")
        assert [(each.severity, each.data["duration_ms"] > 10_000) for each in findings] == [
            ("low", True)
        ] * told


def tools(timing: str, count: int, longest: int = 60_000) -> list[str]:
    steps = [
        a_step("tool_call", tool_name="search", timing=timing, duration_ms=longest if n == 0 else 2_500)
        for n in range(count)
    ]
    return [
        each.says for each in found(a_session(a_run(a_step("user_message", "Go"), *steps)), "slow_outlier")
    ]


def test_a_tool_has_to_be_measured_and_called_often_enough() -> None:
    assert len(tools("measured", 5)) == 1
    assert tools("inferred", 5) == tools("measured", 4) == tools("measured", 5, 12_000) == []


def test_the_usual_time_is_told() -> None:
    steps = [a_step("tool_call", tool_name="search", timing="measured", duration_ms=2_500) for _ in range(4)]
    slow = a_step("tool_call", tool_name="search", timing="measured", duration_ms=61_000)

    finding = the_only(a_session(a_run(*steps, slow)), "slow_outlier")
    assert finding.says == "search took 61.0 s, 2.5 s is usual"
