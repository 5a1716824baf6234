from __future__ import annotations

import pytest

from tests.builders import a_run, a_session, a_step, tokens
from tfd2.elements import Node
from tfd2.snapshots import Snapshots
from tfd2.steps import step_node
from tfstore.document.documents import Attempt, ErrorInfo, RedactionMark, Step
from tfstore.reading.facts import gather
from tfstore.reading.figures import joined


def _node(step: Step) -> Node:
    facts = gather(a_session(a_run(step)))
    return step_node(facts, facts.runs[0].steps[0])


@pytest.mark.parametrize(
    ("step", "head", "looks"),
    [
        (a_step("user_message", "Hello"), "1.1 USER", ("user",)),
        (a_step("assistant_call", model="gpt-4.1"), "1.1 MODEL gpt-4.1", ("call",)),
        (a_step("reasoning", "Hm"), "1.1 REASONING", ("reasoning",)),
        (a_step("tool_call", "{}", tool_name="search"), "1.1 CALL search", ("tool",)),
        (a_step("tool_output", "1", tool_name="search"), "1.1 OUTPUT search", ("output",)),
        (a_step("tool_error", "no", tool_name="search"), "1.1 ERROR search", ("error",)),
        (a_step("assistant_message", "Hi"), "1.1 ASSISTANT", ("answer",)),
        (
            a_step("assistant_message", completed={"refusal": "I can't help with that."}),
            "1.1 ASSISTANT · refusal",
            ("answer",),
        ),
        (a_step("approval_request", tool_name="rm"), "1.1 APPROVAL ASKED rm", ("approval",)),
        (a_step("context_compacted"), "1.1 COMPACTED", ("other",)),
        (a_step("generic", type="api.embeddings"), "1.1 API embeddings", ("other",)),
        (a_step("generic", type="annotation.note"), "1.1 NOTE note", ("other",)),
        (a_step("generic", type="hologram_call"), "1.1 ITEM hologram_call", ("other",)),
        (a_step("a_label_of_tomorrow"), "1.1 A_LABEL_OF_TOMORROW", ("other",)),
        (
            a_step("tool_call", tool_name="search", status="unresolved"),
            "1.1 CALL search · never answered",
            ("tool", "unfinished"),
        ),
        (
            a_step("assistant_call", model="m", status="incomplete"),
            "1.1 MODEL m · INCOMPLETE",
            ("call", "unfinished"),
        ),
        (
            a_step("assistant_call", model="m", status="cancelled"),
            "1.1 MODEL m · CANCELLED",
            ("call", "unfinished"),
        ),
        (
            a_step("assistant_call", model="m", status="in_progress"),
            "1.1 MODEL m · IN PROGRESS",
            ("call", "unfinished"),
        ),
        (a_step("assistant_call", model="m", status="failed"), "1.1 MODEL m · FAILED", ("error",)),
        (a_step("generic", type="api.images", status="failed"), "1.1 API images · FAILED", ("error",)),
    ],
)
def test_a_step_is_named_and_drawn_by_what_it_is(step: Step, head: str, looks: tuple[str, ...]) -> None:
    node = _node(step)
    assert joined(*node.head, node.remarks) == head
    assert node.looks == looks


def test_long_names_are_cut_where_others_are_alike() -> None:
    node = _node(a_step("tool_call", tool_name="search_the_parallel_archives_three", status="unresolved"))
    assert node.head == ("1.1 CALL search_the_para…ives_three",)
    assert node.remarks == "never answered"


def test_sdk_retries_are_said() -> None:
    rows = [
        Attempt(1, 503),
        Attempt(2, error="APIConnectionError"),
        Attempt(3, 429),
        Attempt(4, 429),
        Attempt(5, 200),
    ]
    two = _node(a_step("assistant_call", attempts=[rows[0], rows[4]]))
    five = _node(a_step("assistant_call", attempts=rows))
    assert two.remarks == "2 attempts: 503, then 200"
    assert five.remarks == "5 attempts: 503, then APIConnectionError, then 429 ×2, then 200"
    assert two.tooltip is not None
    assert "attempt 1 · 503 · 0 ms" in two.tooltip.facts


def test_one_attempt_is_not_worth_a_word() -> None:
    assert _node(a_step("assistant_call", attempts=[Attempt(1, 200)])).remarks == ""


def test_an_odd_ending_is_said() -> None:
    assert _node(a_step("assistant_call", ending="left_early")).remarks == "ending: left early"
    assert _node(a_step("assistant_call", ending="completed")).remarks == ""


def test_the_foot_has_duration_and_tokens() -> None:
    call = _node(a_step("assistant_call", duration_ms=1_600, usage=tokens(1_502, 87)))
    assert call.foot == ("1.6 s · 1,502 in / 87 out tok",)
    assert _node(a_step("tool_call", duration_ms=840, timing="inferred")).foot == ("~840 ms",)
    assert _node(a_step("user_message", duration_ms=0)).foot == ()


def test_a_tooltip_says_what_the_label_has_no_room_for() -> None:
    step = a_step(
        "assistant_call",
        response_id="resp_b",
        previous_response_id="resp_a",
        after=("step_8_1", "step_8_2"),
        status="failed",
        error=ErrorInfo("rate_limit", "Slow down.", "rate_limit_exceeded", 429),
        redactions=[RedactionMark("input", "key:api_key", "replaced")],
        notes=["the stream broke off"],
        started_at="2026-09-02T09:14:02.118Z",
    )
    tooltip = _node(step).tooltip
    assert tooltip is not None
    assert tooltip.facts == (
        "step step_1_1 · assistant_call · failed",
        "response_id resp_b ← previous_response_id resp_a",
        "depends_on step_8_1, step_8_2",
        "started 2026-09-02T09:14:02.118Z",
        "error rate_limit · HTTP 429 · rate_limit_exceeded · Slow down.",
        "1 value redacted or cut",
        "the stream broke off",
    )
    assert tooltip.text == ""


def test_approvals_say_how_they_were_answered() -> None:
    assert _node(a_step("approval_response", completed={"approve": True})).text == "approved"
    assert _node(a_step("approval_response", completed={"approve": False})).text == "denied"
    odd = _node(a_step("approval_response", completed={"approve": {}}))
    assert odd.text == '{"approve": {}}'


def test_snapshots_share_a_page_that_has_all_their_ids() -> None:
    run = a_run(
        a_step("policy.snapshot", "Be brief.", started={"version": "aaa"}),
        a_step("tool.schemas.snapshot", started={"count": 2, "names": ["search", "fetch"]}),
        a_step("context.snapshot", "…", started={"count": 12}),
        a_step("policy.snapshot", "Be long.", started={"version": "bbb"}),
    )
    facts = gather(a_session(run))
    (page,) = Snapshots(facts).nodes(facts.runs[0].steps)
    assert page.looks == ("page",)
    assert page.head == ("1.1 INSTRUCTIONS", "1.2 TOOLS ×2", "1.3 HISTORY ×12", "and 1 more")
    assert page.tooltip is not None
    assert [fact.split(" · ")[0] for fact in page.tooltip.facts] == [f"step step_1_{n}" for n in (1, 2, 3, 4)]
    assert "search, fetch" in page.tooltip.text
