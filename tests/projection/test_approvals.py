"""Approvals of an MCP server's tools: a run waits for them, and goes on when they come, however they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, call, labels, said, steps, the, user
from tfstore.document.documents import Session
from tfstore.reading.designed_ends import waits_for

ASKED = user("Roll 2d4+1")
LISTED = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "dmcp", "tools": []}


def wanted(item_id: str = "mcpr_1", name: str = "roll") -> dict[str, Any]:
    arguments = '{"diceRollExpression":"2d4+1"}'
    return {
        "id": item_id,
        "type": "mcp_approval_request",
        "arguments": arguments,
        "name": name,
        "server_label": "dmcp",
    }


def given(item_id: str = "mcpr_1", *, approve: bool = True) -> dict[str, Any]:
    return {"type": "mcp_approval_response", "approval_request_id": item_id, "approve": approve}


def rolled(item_id: str = "mcpr_1") -> dict[str, Any]:
    call_of = wanted(item_id) | {"id": "mcp_1", "type": "mcp_call", "status": "completed", "output": "4"}
    return call_of | {"approval_request_id": item_id}


def ended(story: Story) -> Session:
    story.end()
    return story.session()


@pytest.mark.parametrize("stream", [False, True])
def test_an_approval_is_pending(stream: bool) -> None:  # noqa: FBT001
    story = Story(stream=stream)
    story.ask([ASKED], [LISTED, wanted()])
    assert waits_for(story.session()) == {"step_1_4": "roll"}
    session = ended(story)
    (run,) = session.runs
    assert (session.result, run.status, run.ended_by) == ("completed", "completed", "approval")
    assert session.summary.unresolved_tool_calls == 0
    assert waits_for(session) == {"step_1_4": "roll"}


def test_beside_a_hosted_call_and_words() -> None:
    """Whatever the response holds besides, in whatever order."""
    story = Story()
    story.ask([ASKED], [wanted(), said("Shall I?"), rolled("mcpr_0")])
    assert ended(story).runs[0].ended_by == "approval"


def test_a_call_of_the_program_is_still_to_be_answered() -> None:
    """The program could have answered that one: the run was not finished."""
    story = Story()
    story.ask([ASKED], [wanted(), call("call_1", "weather")])
    session = ended(story)
    assert (session.runs[0].status, session.runs[0].ended_by) == ("cancelled", None)


@pytest.mark.parametrize("approve", [True, False])
@pytest.mark.parametrize("way", ["linked", "resent", "resent with words"])
def test_the_run_goes_on_with_it(way: str, approve: bool) -> None:  # noqa: FBT001
    story = Story()
    made = [LISTED, said("Let me roll."), wanted()] if way == "resent with words" else [LISTED, wanted()]
    answer = [rolled(), said("4.")] if approve else [said("As you like.")]
    first = story.ask([ASKED], made, store=way == "linked")
    if way == "linked":
        story.ask([given(approve=approve)], answer, previous_response_id=first)
    else:
        story.ask([ASKED, *made, given(approve=approve)], answer, store=False)
        more = [ASKED, *made, given(approve=approve), *answer, user("And again?")]
        story.ask(more, [said("No.")], store=False)
    session = ended(story)
    run = session.runs[0]
    assert (run.status, run.ended_by, waits_for(session)) == ("completed", None, {})
    assert labels(run)[-1] == "assistant_message"
    assert the(session, "approval_response").depends_on == [the(session, "approval_request").step_id]
    assert [each.lineage.parent_run_id for each in session.runs[1:]] == ["run_1"] * (way != "linked")
    assert not steps(session, "context.snapshot")


def test_an_approval_that_comes_with_the_next_prompt() -> None:
    story = Story()
    first = story.ask([ASKED], [wanted()])
    story.ask([given(), user("and be quick")], [rolled(), said("4.")], previous_response_id=first)
    session = ended(story)
    assert [run.ended_by for run in session.runs] == [None, None]
    assert waits_for(session) == {}


def test_two_approvals() -> None:
    story = Story()
    first = story.ask([ASKED], [wanted("mcpr_1"), wanted("mcpr_2", "drop")])
    assert waits_for(story.session()) == {"step_1_3": "roll", "step_1_4": "drop"}
    story.ask([given("mcpr_1"), user("quick")], [wanted("mcpr_3", "sort")], previous_response_id=first)
    session = ended(story)
    # The first run waits for the other one still, but another went on from it.
    assert [run.ended_by for run in session.runs] == ["approval", "approval"]
    assert waits_for(session) == {"step_2_4": "sort"}


def test_the_next_prompt_is_not_inside_it() -> None:
    story = Story()
    story.ask([ASKED], [wanted()], store=False)
    story.ask([user("Something else entirely")], [said("Yes.")], store=False)
    session = ended(story)
    assert [run.lineage.notes for run in session.runs] == [[], []]
    assert waits_for(session) == {"step_1_3": "roll"}


def test_without_an_approval_the_conversation_goes_on() -> None:
    story = Story()
    story.ask([ASKED], [wanted()], store=False)
    story.ask([ASKED, wanted(), user("Never mind. What is a d4?")], [said("A die.")], store=False)
    session = ended(story)
    assert session.runs[1].lineage.parent_run_id == "run_1"
    assert (session.runs[0].ended_by, waits_for(session)) == ("approval", {})
