"""Lineage and status of calls that fail, are tried again, run at once, run long, or never end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, call, labels, merged, output, project, said, steps, the, user
from tests.projection.events import sse
from tfstore.reading.prompts import prompt_of

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


@BOTH
def test_application_retries_after_an_exception(api: str) -> None:
    """The same delta after a failure: same run, no second user step; the last attempt gives the status."""
    story = Story(api)
    story.send(story.body([user("Hello")])).fails(500)
    story.ask([user("Hello")], [said("Hi.")])
    session = story.session()
    (run,) = session.runs
    assert labels(run) == ["user_message", "assistant_call", "assistant_call", "assistant_message"]
    assert run.status == "completed"
    assert [step.status for step in steps(session, "assistant_call")] == ["failed", "completed"]
    assert steps(session, "assistant_call")[1].notes == ["retry"]


def test_stale_chain() -> None:
    """A chain that is lost: 400, then again without `previous_response_id`: same run, `lost_parent` noted."""
    story = Story()
    lost = story.send(story.body([user("Hello")], previous_response_id="resp_gone"))
    lost.fails(400, "previous_response_not_found")
    story.ask([user("Hello")], [said("Hi.")])
    session = story.session()
    (run,) = session.runs
    assert run.lineage.notes == ["lost_parent:resp_gone"]
    assert labels(run).count("user_message") == 1
    assert run.status == "completed"


@BOTH
def test_sdk_retries(api: str) -> None:
    """SDK retries: one `assistant_call`, several `attempts`, each with its cause."""
    story = Story(api)
    sent = story.send(story.body([user("Hello")]))
    error = {"error": {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}}
    sent.answer(error, 429, retry_after="2", x_request_id="req_1")
    story.wait(2000)
    sent.attempt().over("no_response", type="ConnectError", message="refused")
    sent.attempt().answer_items([said("Hi.")])
    session = story.session()
    made = the(session, "assistant_call")
    assert (made.status, made.error, made.retries, made.ending) == ("completed", None, 2, "completed")
    first, second, third = made.attempts
    assert (first.status_code, first.error, first.retry_after) == (429, "429 rate_limit_exceeded", "2")
    assert (second.status_code, second.error) == (None, "ConnectError")
    assert (third.n, third.status_code, third.error) == (3, 200, None)
    assert session.summary.retries == 2
    assert session.summary.errors == 0


@BOTH
@pytest.mark.parametrize(
    ("ending", "error", "status"),
    [
        ("left_early", {}, "cancelled"),
        ("cancelled", {}, "cancelled"),
        ("cut", {"type": "RemoteProtocolError", "message": "peer closed"}, "failed"),
    ],
)
def test_stream_given_up_keeps_its_partial_text(api: str, ending: str, error: Any, status: str) -> None:
    """A stream abandoned or cut: its partial text stays, and a later chain to it holds."""
    story = Story(api)
    sent = story.send(story.body([user("Hello")], stream=True))
    events = sent.events(sent.response([said("Good morning to you.")]))
    sent.stream(events[: 6 if api == "responses" else 3], ending, **error)
    session = story.session()
    made = the(session, "assistant_call")
    partial = the(session, "assistant_message").payload_completed["text"]
    assert (made.status, made.ending) == (status, ending)
    assert partial
    assert "Good morning to you.".startswith(partial)
    assert partial != "Good morning to you."
    assert made.response_id == sent.response_id
    assert (made.error is None) == (status == "cancelled")
    assert session.runs[0].status == status
    if api == "responses":
        story.ask([user("Go on")], [said("On.")], previous_response_id=sent.response_id)
        assert story.session().runs[1].lineage.parent_run_id == "run_1"


def test_chain_to_a_running_stream() -> None:
    """The id is known from `response.created`: a chain to it holds while the stream runs."""
    story = Story()
    sent = story.send(story.body([user("Hello")], stream=True))
    events = sent.events(sent.response([said("Good morning.")]))
    sent.stream(events[:2], None)
    story.ask([user("Faster!")], [said("Yes.")], previous_response_id=sent.response_id)
    assert story.session().runs[1].lineage.parent_run_id == "run_1"


def test_background_response_is_one_step() -> None:
    """`background=True`, then `retrieve`: create leaves `queued`; later calls update the same step."""
    story = Story()
    sent = story.send(story.body([user("Think hard")], background=True))
    sent.answer(sent.response([], status="queued", usage=None))
    assert (the(story.session(), "assistant_call").status, story.session().runs[0].status) == (
        "queued",
        "queued",
    )
    path = f"/v1/responses/{sent.response_id}"
    for status in ("queued", "in_progress", "in_progress"):
        story.send(path=path, method="GET").answer(sent.response([], status=status, usage=None))
    assert the(story.session(), "assistant_call").status == "in_progress"
    story.send(path=path, method="GET").answer(sent.response([said("Forty-two.")]))
    session = story.session()
    (run,) = session.runs
    assert labels(run) == ["user_message", "assistant_call", "assistant_message"]
    assert run.status == "completed"
    assert the(session, "assistant_call").usage is not None
    assert session.summary.model_calls == 1


def test_background_response_cancelled() -> None:
    """`cancel` of a background response updates its step."""
    story = Story()
    sent = story.send(story.body([user("Think hard")], background=True))
    sent.answer(sent.response([], status="in_progress", usage=None))
    story.send(path=f"/v1/responses/{sent.response_id}/cancel").answer(sent.response([], status="cancelled"))
    session = story.session()
    (run,) = session.runs
    made = the(session, "assistant_call")
    assert (made.status, made.ending, run.status) == ("cancelled", "cancelled", "cancelled")


def test_resumed_stream_updates_its_step() -> None:
    """A resumed stream (`starting_after`) updates the same step, and its early items stay."""
    story = Story()
    sent = story.send(story.body([user("Think hard")], background=True, stream=True))
    response = sent.response([said("Forty-two."), said("Really.")])
    events = sent.events(response)
    sent.stream(events[:8], "left_early")
    again = story.send(path=f"/v1/responses/{sent.response_id}?stream=true&starting_after=7", method="GET")
    again.stream(events[8:])
    session = story.session()
    (run,) = session.runs
    assert labels(run) == ["user_message", "assistant_call", "assistant_message", "assistant_message"]
    assert [s.payload_completed["text"] for s in steps(session, "assistant_message")] == [
        "Forty-two.",
        "Really.",
    ]
    assert (run.status, the(session, "assistant_call").ending) == ("completed", "completed")


def test_resumed_stream_that_is_cut_too() -> None:
    """What two broken streams told of one response is put together by `output_index`."""
    story = Story()
    sent = story.send(story.body([user("Think hard")], background=True, stream=True))
    events = sent.events(sent.response([said("Forty-two."), said("Really.")]))
    done = next(n for n, e in enumerate(events) if e["type"] == "response.output_item.done") + 1
    sent.stream(events[:done], "left_early")
    again = story.send(
        path=f"/v1/responses/{sent.response_id}?stream=true&starting_after={done}", method="GET"
    )
    again.stream(events[done : done + 3], "left_early")
    texts = [step.payload_completed["text"] for step in steps(story.session(), "assistant_message")]
    assert texts[0] == "Forty-two."
    assert "Really.".startswith(texts[1])


def test_retrieve_of_a_response_never_seen() -> None:
    """A response that was made elsewhere and only retrieved here is an `api` run of its own."""
    story = Story()
    sent = story.send(path="/v1/responses/resp_far", method="GET")
    sent.answer({**sent.response([said("Hi.")]), "id": "resp_far"})
    session = story.session()
    (run,) = session.runs
    assert run.trigger == "api"
    assert session.summary.model_calls == 0


@BOTH
def test_incomplete_then_continued(api: str) -> None:
    """`incomplete`: the run is `incomplete`; a follow-up continues and completes it."""
    story = Story(api)
    sent = story.send(story.body([user("Count to ten")]))
    if api == "responses":
        reason = {"reason": "max_output_tokens"}
        sent.answer_items([said("One, two,")], status="incomplete", incomplete_details=reason)
    else:
        made = sent.response([said("One, two,")])
        made["choices"][0]["finish_reason"] = "length"
        sent.answer(made)
    session = story.session()
    made_step = the(session, "assistant_call")
    assert (session.runs[0].status, made_step.status, made_step.ending) == ("incomplete",) * 3
    if api == "responses":
        story.ask(None, [said("three.")], previous_response_id=sent.response_id)
    else:
        story.ask([user("Count to ten"), said("One, two,")], [said("three.")])
    (run,) = story.session().runs
    assert run.status == "completed"


def test_chat_choices() -> None:
    """Chat `n > 1`: one `assistant_message` per choice; the echoed one is the parent."""
    story = Story("chat")
    sent = story.send(story.body([user("A name")], n=2))
    made = sent.response([said("Ann.")])
    made["choices"].append(
        {"index": 1, "message": {"role": "assistant", "content": "Bob."}, "finish_reason": "stop"}
    )
    sent.answer(made)
    story.ask([user("A name"), said("Bob."), user("Why?")], [said("Because.")])
    session = story.session()
    first, second = session.runs
    messages = [step for step in first.steps if step.label == "assistant_message"]
    assert [m.payload_completed["text"] for m in messages] == ["Ann.", "Bob."]
    assert second.lineage.parent_run_id == first.run_id
    assert the_prompt_depends_on(second) == [messages[1].step_id]


def the_prompt_depends_on(run: Any) -> list[str]:
    return list(run.steps[0].depends_on)


def test_concurrent_calls_on_one_parent() -> None:
    """Concurrent calls on one parent are a fork; the thread decides, not the clock."""
    one, two = Story(writer="w1"), Story(writer="w2")
    first = one.ask([user("Hello")], [said("Hi.")])
    two.now = one.now
    left = one.send(one.body([user("Left?")], previous_response_id=first))
    right = two.send(two.body([user("Right?")], previous_response_id=first))
    right_id = right.answer_items([said("Right.")])
    left_id = left.answer_items([said("Left.")])
    one.ask([user("More left")], [said("Left left.")], previous_response_id=left_id)
    two.ask([user("More right")], [said("Right right.")], previous_response_id=right_id)
    session = project(merged(one, two))
    by_text = {run.input_text: run for run in session.runs}
    assert by_text["More left"].lineage.parent_run_id == by_text["Left?"].run_id
    assert by_text["More right"].lineage.parent_run_id == by_text["Right?"].run_id
    assert {by_text["Left?"].lineage.branch_index, by_text["Right?"].lineage.branch_index} == {0, 1}
    assert session.summary.forks == 1


def test_conversation() -> None:
    """A `conversation` links requests without a response id."""
    story = Story()
    story.ask([user("Hello")], [said("Hi.")], conversation="conv_1")
    story.ask([user("More")], [said("Here.")], conversation={"id": "conv_1"})
    first, second = story.session().runs
    assert (second.lineage.source, second.lineage.parent_run_id) == ("conversation", first.run_id)
    assert first.conversation_id == second.conversation_id == "conv_1"
    assert "ambiguous" not in second.lineage.notes


def test_conversation_with_concurrent_calls() -> None:
    """`conversation` with concurrent calls: completion order, note `ambiguous`."""
    story = Story()
    one = story.send(story.body([user("One?")], conversation="conv_1"))
    two = story.send(story.body([user("Two?")], conversation="conv_1"))
    two.answer_items([said("Two.")])
    one.answer_items([said("One.")])
    story.ask([user("More")], [said("Here.")], conversation="conv_1")
    runs = {run.input_text: run for run in story.session().runs}
    assert runs["More"].lineage.parent_run_id == runs["One?"].run_id
    assert "ambiguous" in runs["More"].lineage.notes


@BOTH
def test_nested_call_with_the_hook(api: str) -> None:
    """A model call inside a measured tool: a child run, `trigger: tool`, its parent step the tool call."""
    story = Story(api)
    first = story.ask([user("Research")], [call("call_1", "research", {"topic": "rain"})])
    story.tell(type="tool.started", tool="t1", call_id="call_1", name="research")
    story.ask([user("Summarise rain")], [said("Wet.")], started={"tool": "t1"})
    story.tell(type="tool.ended", tool="t1", call_id="call_1", name="research", result="Wet.")
    if api == "responses":
        story.ask([output("call_1", "Wet.")], [said("It is wet.")], previous_response_id=first)
    else:
        asked = [user("Research"), call("call_1", "research", {"topic": "rain"})]
        story.ask([*asked, output("call_1", "Wet.")], [said("It is wet.")])
    session = story.session()
    outer, inner = session.runs
    tool = the(session, "tool_call")
    assert (inner.trigger, inner.lineage.parent_step_id) == ("tool", tool.step_id)
    assert (inner.lineage.parent_run_id, inner.lineage.depth) == (outer.run_id, 1)
    assert inner.thread_id == outer.thread_id
    assert inner.steps[0].origin.root_prompt_step_id == outer.steps[0].step_id
    assert labels(outer)[-1] == "assistant_message"
    assert tool.timing == "measured"


def test_nested_call_without_the_hook() -> None:
    """Without the hook: a run of its own, noted `possible_nested` while a call is pending."""
    story = Story()
    first = story.ask([user("Research")], [call("call_1", "research")])
    story.ask([user("Summarise rain")], [said("Wet.")])
    story.ask([output("call_1", "Wet.")], [said("It is wet.")], previous_response_id=first)
    story.ask([user("Unrelated")], [said("Yes.")])
    outer, inner, unrelated = story.session().runs
    assert inner.lineage.notes == ["possible_nested"]
    assert inner.lineage.parent_run_id is None
    assert unrelated.lineage.notes == []
    assert outer.status == "completed"


@BOTH
def test_run_that_never_finishes(api: str) -> None:
    """At close: open calls are `unresolved`, the run `cancelled`."""
    story = Story(api)
    story.ask([user("Weather?")], [call("call_1", "weather")])
    assert story.session().runs[0].status == "in_progress"
    story.end()
    session = story.session()
    assert the(session, "tool_call").status == "unresolved"
    assert (session.runs[0].status, session.status, session.result) == ("cancelled", "closed", "cancelled")
    assert session.summary.unresolved_tool_calls == 1


@BOTH
def test_call_that_was_never_answered(api: str) -> None:
    """A request in flight when the session ends: `cancelled`-or-`failed` never says completed; ending `unknown`."""
    story = Story(api)
    story.send(story.body([user("Hello")]))
    assert story.session().runs[0].status == "in_progress"
    story.end("recovered")
    session = story.session()
    made = the(session, "assistant_call")
    assert (made.ending, made.status) == ("unknown", "failed")
    assert session.end_reason == "recovered"


# Legacy completions: model calls like any other


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("Once", ["Once"]),
        (["Once", "Twice"], ["Once", "Twice"]),
        ([1, 2, 3], ["[3 tokens]"]),
        ([[1], [2]], ["[1 tokens]"] * 2),
    ],
)
def test_a_legacy_completion(prompt: Any, asked: list[str], stream: bool) -> None:  # noqa: FBT001
    story = Story()
    body = {"model": "davinci", "prompt": prompt, "n": 2, "stream": stream}
    made = story.send(body, path="/v1/completions")
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    head = {"id": "cmpl-1", "object": "text_completion", "model": "davinci-002"}
    rows = [(0, "upon ", None), (1, "not ", None), (0, "a time", "stop"), (1, "once", "length")]
    choices = [{"index": n, "text": text, "finish_reason": reason} for n, text, reason in rows]
    if stream:
        made.head()
        for choice in choices:
            made.chunk(sse({**head, "choices": [choice]}))
        made.chunk(sse({**head, "choices": [], "usage": usage}) + "data: [DONE]\n\n")
    else:
        texts = ["upon a time", "not once"]
        whole = [{"index": n, "text": texts[n], "finish_reason": "stop"} for n in (0, 1)]
        made.answer({**head, "choices": whole, "usage": usage})
    session = story.session()
    (run,) = session.runs
    assert [step.payload_started["text"] for step in steps(session, "user_message")] == asked
    answers = [step.payload_completed["text"] for step in steps(session, "assistant_message")]
    assert answers == ["upon a time", "not once"]
    call = the(session, "assistant_call")
    assert (call.type, call.model, call.response_id) == ("completions.request", "davinci-002", "cmpl-1")
    assert (session.summary.model_calls, session.summary.usage.total_tokens) == (1, 5)
    assert run.status == ("incomplete" if stream else "completed")
    assert prompt_of(session, call.step_id).request == body
