"""Lineage where the caller sends the whole history again, whole, changed, cut or summarised."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, call, labels, output, said, steps, system, the, user

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])

LONG = "A long answer with more than twenty characters in it."


@BOTH
def test_full_resend(api: str) -> None:
    """Full resend: prefix match; old user messages are not new runs."""
    story = Story(api)
    history = [user("Hello")]
    story.ask(history, [said("Hi.")], store=False)
    history += [said("Hi."), user("Weather?")]
    story.ask(history, [call("call_1", "weather")], store=False)
    history += [call("call_1", "weather"), output("call_1", "7 °C")]
    story.ask(history, [said("Seven.")], store=False)
    session = story.session()
    hello, weather = session.runs
    assert labels(hello) == ["user_message", "assistant_call", "assistant_message"]
    assert labels(weather) == [
        "user_message", "assistant_call", "tool_call", "tool_output", "assistant_call", "assistant_message",
    ]  # fmt: skip
    assert (weather.lineage.source, weather.lineage.parent_run_id) == ("prefix", hello.run_id)
    calls = steps(session, "assistant_call")
    assert [c.payload_started.get("inherits", {}).get("step_id") for c in calls] == [
        None, calls[0].step_id, calls[1].step_id,
    ]  # fmt: skip


@BOTH
def test_edited_history_forks(api: str) -> None:
    """Edited history: the parent is the deepest response that still matches."""
    story = Story(api)
    begin = [user("Hello"), said("Hi.")]
    story.ask(begin[:1], [said("Hi.")])
    story.ask([*begin, user("A poem")], [said("Roses.")])
    story.ask([*begin, user("A song")], [said("La la.")])
    hello, poem, song = story.session().runs
    assert poem.lineage.parent_run_id == song.lineage.parent_run_id == hello.run_id
    assert [poem.lineage.branch_index, song.lineage.branch_index] == [0, 1]


@BOTH
def test_trimmed_history_matches_by_a_long_output(api: str) -> None:
    """Sliding window: a verbatim output of 20 and more characters ties the request to its response."""
    story = Story(api)
    story.ask([user("Hello")], [said(LONG)])
    story.ask([said(LONG), user("More")], [said("Here.")])
    first, second = story.session().runs
    assert (second.lineage.source, second.lineage.parent_run_id) == ("window", first.run_id)


@BOTH
def test_trimmed_history_with_a_short_output_is_root(api: str) -> None:
    """A short output alone proves nothing: root, with the response noted as `possible_parent`."""
    story = Story(api)
    first_id = story.ask([user("Hello")], [said("Hi.")])
    story.ask([said("Hi."), user("More")], [said("Here.")])
    _, second = story.session().runs
    assert second.lineage.source == "root"
    assert second.lineage.parent_run_id is None
    assert f"possible_parent:{first_id}" in second.lineage.notes


@BOTH
def test_trimmed_history_with_two_matched_items(api: str) -> None:
    """Two matched items tie a window too, however short: here the last question and its answer."""
    story = Story(api)
    story.ask([user("One")], [said("Uno.")])
    story.ask([user("One"), said("Uno."), user("Two")], [said("Due.")])
    story.ask([user("Two"), said("Due."), user("Three")], [said("Tre.")])
    session = story.session()
    assert [run.lineage.source for run in session.runs] == ["root", "prefix", "window"]
    assert session.runs[2].lineage.parent_run_id == "run_2"
    assert not steps(session, "context.snapshot")


@BOTH
def test_summarised_history_is_root(api: str) -> None:
    """History summarised by the caller: root."""
    story = Story(api)
    story.ask([user("Tell me about Oslo")], [said(LONG)])
    story.ask([user("Summary so far: we spoke of Oslo. Now Bergen?")], [said("Rain.")])
    first, second = story.session().runs
    assert second.lineage.source == "root"
    assert first.thread_id != second.thread_id


def test_summarised_history_with_a_known_call() -> None:
    """A summary that still carries an answered call is tied by its `call_id`."""
    story = Story()
    story.ask([user("Weather?")], [call("call_1", "weather")])
    story.ask(
        [user("Summary: weather was asked"), call("call_1", "weather"), output("call_1", "7")], [said("7.")]
    )
    session = story.session()
    assert steps(session, "assistant_call")[1].payload_started["inherits"]["step_id"] == "step_1_2"
    assert the(session, "tool_call").status == "completed"


def test_compact_ties_the_next_request() -> None:
    """`responses.compact`: a `context_compacted` step; its fingerprint ties the next request."""
    story = Story()
    first = story.ask([user("Hello")], [said("Hi.")])
    compacted = {"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAAA"}
    body = {
        "id": "resp_c",
        "object": "response.compaction",
        "output": [compacted],
        "usage": {"input_tokens": 5},
    }
    story.send({"model": "gpt-5", "previous_response_id": first}, path="/v1/responses/compact").answer(body)
    story.ask([compacted, user("Go on")], [said("On.")])
    session = story.session()
    made = the(session, "context_compacted")
    assert made.item_id == "cmp_1"
    last = session.runs[-1]
    assert last.lineage.source == "prefix"
    assert last.lineage.parent_response_id == "resp_c"
    assert last.lineage.parent_run_id == "run_1"
    # It goes on in the run whose context it makes smaller, as the model call that it is.
    (_, call) = steps(session, "assistant_call")[:2]
    assert (call.run_id, call.type, call.previous_response_id) == ("run_1", "responses.compact", first)
    assert session.summary.model_calls == 3
    assert session.summary.usage.input_tokens == 205
    assert made.depends_on == [call.step_id]


def test_compaction_item_in_a_response() -> None:
    """A compaction item among the outputs is a `context_compacted` step and part of the context."""
    story = Story()
    compacted = {"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAAA"}
    story.ask([user("Hello")], [said(LONG), compacted])
    story.ask([compacted, user("More")], [said("Here.")])
    session = story.session()
    assert the(session, "context_compacted").depends_on == [steps(session, "assistant_call")[0].step_id]
    assert session.runs[1].lineage.parent_run_id == "run_1"


@BOTH
def test_first_request_with_an_old_dialogue(api: str) -> None:
    """History from outside: all before the last user block is one `context.snapshot`, not runs."""
    story = Story(api)
    old = [user("Hello"), said("Hi."), user("How are you?"), said("Fine.")]
    story.ask([*old, user("Weather?")], [said("Rain.")])
    session = story.session()
    (run,) = session.runs
    assert run.input_text == "Weather?"
    context = the(session, "context.snapshot")
    assert context.payload_started["count"] == 4
    assert context.step_id in the(session, "assistant_call").depends_on


@BOTH
def test_two_equal_contexts(api: str) -> None:
    """Two known contexts match equally: the most recent, with the note `ambiguous`."""
    story = Story(api)
    story.ask([user("Hello")], [said("Hi.")])
    story.ask([user("Hello")], [said("Hi.")])
    story.ask([user("Hello"), said("Hi."), user("More")], [said("Here.")])
    _, second, third = story.session().runs
    assert third.lineage.parent_run_id == second.run_id
    assert "ambiguous" in third.lineage.notes


@BOTH
def test_dynamic_system_prompt(api: str) -> None:
    """A clock in the system prompt does not break the match; each version is a snapshot."""
    story = Story(api)
    story.ask([system("It is 10:00."), user("Hello")], [said("Hi.")])
    story.ask([system("It is 10:01."), user("Hello"), said("Hi."), user("More")], [said("Here.")])
    session = story.session()
    first, second = session.runs
    assert second.lineage.parent_run_id == first.run_id
    versions = [step.payload_started["version"] for step in steps(session, "policy.snapshot")]
    assert len(versions) == len(set(versions)) == 2


def test_same_instructions_once_a_run() -> None:
    """A snapshot is emitted once per run and version."""
    story = Story()
    tools = [{"type": "function", "name": "weather", "parameters": {}}]
    fixed: Any = {"instructions": "Be brief.", "tools": tools}
    first = story.ask([user("Weather?")], [call("call_1", "weather")], **fixed)
    second = story.ask([output("call_1", "7")], [said("7.")], previous_response_id=first, **fixed)
    story.ask([user("And now?")], [said("8.")], previous_response_id=second, **fixed)
    session = story.session()
    for label in ("policy.snapshot", "tool.schemas.snapshot"):
        found = steps(session, label)
        assert [step.step_id.split("_")[1] for step in found] == ["1", "2"]
        assert len({step.payload_started["version"] for step in found}) == 1
    for made in steps(session, "assistant_call"):
        kinds = [part["type"] for part in made.payload_started["prompt_provenance"]["parts"]]
        assert kinds[:2] == ["instructions", "tools"]


@BOTH
def test_white_space_and_key_order_do_not_matter(api: str) -> None:
    """Fingerprints ignore white space in text, and spacing and key order in arguments."""
    story = Story(api)
    story.ask([user("Hello  there")], [call("call_1", "weather", '{"a": 1, "b": 2}')])
    story.ask(
        [user("Hello there\n"), call("call_1", "weather", '{"b":2,"a":1}'), output("call_1", "7")],
        [said("7.")],
    )
    (run,) = story.session().runs
    assert labels(run).count("tool_call") == 1
    assert labels(run).count("user_message") == 1


@BOTH
def test_reasoning_may_be_dropped(api: str) -> None:
    """Reasoning items are skipped in matching: callers drop them."""
    story = Story(api)
    if api == "responses":
        thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
        story.ask([user("Hello")], [thought, said("Hi.")])
    else:
        sent = story.send(story.body([user("Hello")]))
        made = sent.response([said("Hi.")])
        made["choices"][0]["message"]["reasoning_content"] = "Hm."
        sent.answer(made)
    story.ask([user("Hello"), said("Hi."), user("More")], [said("Here.")])
    session = story.session()
    assert the(session, "reasoning").payload_completed["text"] == "Hm."
    assert session.runs[1].lineage.source == "prefix"


def test_calls_repeated_beside_the_link_are_nothing_new() -> None:
    """Some callers repeat the parent's call items beside `previous_response_id`."""
    story = Story()
    first = story.ask([user("Weather?")], [call("call_1", "weather")])
    story.ask([call("call_1", "weather"), output("call_1", "7")], [said("7.")], previous_response_id=first)
    session = story.session()
    assert len(session.runs) == 1
    the(session, "tool_call")


@BOTH
def test_agents_with_interleaved_conversations(api: str) -> None:
    """Several end users on one client: separate threads in one session."""
    story = Story(api)
    ann, bob = [user("I am Ann")], [user("I am Bob")]
    story.ask(ann, [said("Hello Ann.")])
    story.ask(bob, [said("Hello Bob.")])
    story.ask([*ann, said("Hello Ann."), user("My name?")], [said("Ann.")])
    story.ask([*bob, said("Hello Bob."), user("My name?")], [said("Bob.")])
    one, two, three, four = story.session().runs
    assert one.thread_id == three.thread_id != two.thread_id == four.thread_id
    assert three.lineage.parent_run_id == one.run_id
    assert four.lineage.parent_run_id == two.run_id
