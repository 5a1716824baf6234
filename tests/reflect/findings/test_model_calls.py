"""Findings on model calls that failed."""

from __future__ import annotations

from tests.projection.builders import said
from tests.reflect.talking import BOTH, Talk, found, labels_of, the_only


@BOTH
def test_a_run_that_failed_cites_its_last_call(api: str) -> None:
    talk = Talk(api)
    talk.asks("Hello")
    talk.fails(503, "The server is busy.")
    session = talk.session()

    finding = the_only(session, "run_failed")
    assert (finding.severity, finding.certainty, finding.steps) == ("high", "observed", ["step_1_2"])
    assert "503" in finding.says
    assert "The server is busy." in finding.says


@BOTH
def test_a_failure_that_was_tried_again_is_no_failed_run(api: str) -> None:
    talk = Talk(api)
    talk.asks("Hello")
    talk.fails()
    talk.says("Hi.")

    assert found(talk.session(), "run_failed") == []


@BOTH
def test_three_attempts_are_a_storm_two_are_none(api: str) -> None:
    for refused, storms in ((2, 1), (1, 0)):
        talk = Talk(api)
        talk.asks("Hello")
        sent = talk.story.send(talk.body())
        for _ in range(refused):
            sent.answer({"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}, 429).attempt()
        sent.answer_items([said("Hi.")])

        storm = found(talk.session(), "retry_storm")
        assert [each.severity for each in storm] == ["medium"] * storms
        assert [each.data for each in storm] == [{"attempts": 3}] * storms


@BOTH
def test_calls_that_fail_in_a_row_are_a_storm(api: str) -> None:
    for failures, works, severities in ((3, True, ["medium"]), (3, False, ["high"]), (2, False, [])):
        talk = Talk(api)
        talk.asks("Hello")
        for _ in range(failures):
            talk.fails()
        if works:
            talk.says()
        session = talk.session()

        storm = found(session, "retry_storm")
        assert [each.severity for each in storm] == severities
        assert [labels_of(session, each) for each in storm] == [["assistant_call"] * 3] * len(severities)
