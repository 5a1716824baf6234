"""Runs and lineage where requests name what they continue, and how new runs open."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, call, labels, output, project, said, steps, system, the, user
from tfclient.projection.projector import Projector

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


def test_tool_loop_stays_in_its_run() -> None:
    """A tool loop with `previous_response_id` is one run with another `assistant_call`."""
    story = Story()
    first = story.ask([user("Weather?")], [call("call_1", "weather")])
    story.ask([output("call_1", "7 °C")], [said("Seven degrees.")], previous_response_id=first)
    session = story.session()
    (run,) = session.runs
    assert labels(run) == [
        "user_message", "assistant_call", "tool_call", "tool_output", "assistant_call", "assistant_message",
    ]  # fmt: skip
    assert run.status == "completed"
    second = steps(session, "assistant_call")[1]
    assert second.previous_response_id == first
    assert the(session, "tool_output").step_id in second.depends_on


def test_two_prompts_on_one_parent_are_a_fork() -> None:
    """Two responses on the same parent, different prompts: two runs, branch 0 and 1, no edge between them."""
    story = Story()
    first = story.ask([user("Hello")], [said("Hi.")])
    story.ask([user("In French")], [said("Salut.")], previous_response_id=first)
    story.ask([user("In German")], [said("Hallo.")], previous_response_id=first)
    session = story.session()
    root, french, german = session.runs
    assert [french.lineage.branch_index, german.lineage.branch_index] == [0, 1]
    assert {french.lineage.parent_run_id, german.lineage.parent_run_id} == {root.run_id}
    assert {french.lineage.parent_response_id, german.lineage.parent_response_id} == {first}
    french_ids = {step.step_id for step in french.steps}
    assert not french_ids & {needed for step in german.steps for needed in step.depends_on}
    assert session.summary.forks == 1
    assert french.thread_id == german.thread_id == root.thread_id


def test_same_prompt_on_same_parent_is_a_regenerate() -> None:
    """Same parent, same user text again: same run, same prompt step, a second call, note `regenerate`."""
    story = Story()
    first = story.ask([user("Hello")], [said("Hi.")])
    story.ask([user("A joke")], [said("One.")], previous_response_id=first)
    story.ask([user("A joke")], [said("Two.")], previous_response_id=first)
    session = story.session()
    assert len(session.runs) == 2
    joke = session.runs[1]
    assert labels(joke).count("user_message") == 1
    calls = [step for step in joke.steps if step.label == "assistant_call"]
    assert [step.notes for step in calls] == [[], ["regenerate"]]
    prompt = joke.steps[0].step_id
    assert all(prompt in step.depends_on for step in calls)


@BOTH
def test_identical_prompts_without_parent_are_two_runs(api: str) -> None:
    """Two identical prompts, no parent: two runs with equal `prompt_sha256`."""
    story = Story(api)
    story.ask([user("A joke")], [said("One.")])
    story.ask([user("A joke")], [said("Two.")])
    one, two = story.session().runs
    assert one.lineage.prompt_sha256 == two.lineage.prompt_sha256 is not None
    assert one.thread_id != two.thread_id


def test_outputs_and_a_message_together() -> None:
    """Tool outputs with a user message: outputs close the old run's calls, the message opens a new run."""
    story = Story()
    first = story.ask([user("Weather?")], [call("call_1", "weather")])
    both = [output("call_1", "7 °C"), user("And in German, please")]
    story.ask(both, [said("Sieben Grad.")], previous_response_id=first)
    old, new = story.session().runs
    assert labels(old) == ["user_message", "assistant_call", "tool_call", "tool_output"]
    assert old.steps[2].status == "completed"
    assert new.lineage.notes == ["mixed_input"]
    assert new.lineage.parent_run_id == old.run_id
    ask = next(step for step in new.steps if step.label == "assistant_call")
    assert old.steps[3].step_id in ask.depends_on


@BOTH
def test_outputs_for_some_parallel_calls_only(api: str) -> None:
    """Outputs for only some calls: a failed call; the complete request stays in the run; each output one step."""
    story = Story(api)
    asked = [user("Weather in two towns?")]
    calls = [call("call_1", "weather", {"city": "Oslo"}), call("call_2", "weather", {"city": "Bergen"})]
    first = story.ask(asked, calls)
    link: Any = {"previous_response_id": first} if api == "responses" else {}
    before = [] if api == "responses" else [*asked, *calls]
    story.send(story.body([*before, output("call_1", "7")], **link)).fails(400, "invalid_request_error")
    story.ask([*before, output("call_1", "7"), output("call_2", "9")], [said("7 and 9.")], **link)
    session = story.session()
    (run,) = session.runs
    assert [step.status for step in steps(session, "assistant_call")] == ["completed", "failed", "completed"]
    assert [step.call_id for step in steps(session, "tool_output")] == ["call_1", "call_2"]
    assert run.status == "completed"


def test_output_of_an_unknown_call() -> None:
    """An output with unknown `call_id`: a placeholder `tool_call` (`inferred`) in a `resumed` run."""
    story = Story()
    story.ask([output("call_lost", "7 °C")], [said("Seven.")])
    session = story.session()
    (run,) = session.runs
    placeholder = the(session, "tool_call")
    assert run.trigger == "resumed"
    assert placeholder.notes == ["inferred"]
    assert placeholder.call_id == "call_lost"
    assert the(session, "tool_output").depends_on == [placeholder.step_id]
    assert session.summary.unresolved_tool_calls == 0


def test_unknown_previous_response() -> None:
    """An unknown `previous_response_id` gives a `resumed` run with the id kept."""
    story = Story()
    story.ask([user("Go on")], [said("Going on.")], previous_response_id="resp_of_yesterday")
    (run,) = story.session().runs
    assert run.trigger == "resumed"
    assert run.lineage.parent_response_id == "resp_of_yesterday"
    assert run.lineage.source == "previous_response_id"
    assert run.lineage.parent_run_id is None
    assert run.steps[0].label == "user_message"


def test_previous_response_of_another_session() -> None:
    """A `previous_response_id` known to the store keeps its trigger and names the session."""
    story = Story()
    story.ask([user("Go on")], [said("Going on.")], previous_response_id="resp_of_yesterday")
    projector = Projector("sess_20260101T000000Z_00000000", {"resp_of_yesterday": "sess_yesterday"}.get)
    for entry in story.entries:
        projector.feed(entry)
    (run,) = projector.session().runs
    assert run.trigger == "user_message"
    assert run.lineage.parent_response_id == "resp_of_yesterday"
    assert run.lineage.notes == ["parent_session:sess_yesterday"]


@pytest.mark.parametrize("items", [None, []])
def test_no_input_continues_the_parent(items: list[object] | None) -> None:
    """No input, only `previous_response_id`, continues the parent's run."""
    story = Story()
    first = story.ask([user("Count to ten")], [said("One, two,")])
    story.ask(items, [said("three.")], previous_response_id=first)
    (run,) = story.session().runs
    assert labels(run) == ["user_message", *(["assistant_call", "assistant_message"] * 2)]


def test_prompt_template() -> None:
    """`prompt={id, version, variables}`: trigger `prompt_template`; the variables are the prompt."""
    story = Story()
    template = {"id": "pmpt_1", "version": "3", "variables": {"city": "Oslo", "days": "2"}}
    story.ask(None, [said("Rain.")], prompt=template)
    session = story.session()
    (run,) = session.runs
    assert run.trigger == "prompt_template"
    assert run.input_text == "city: Oslo\ndays: 2"
    prompt = the(session, "user_message")
    assert prompt.payload_started["prompt"] == template
    assert prompt.step_id in the(session, "assistant_call").depends_on


@BOTH
@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_items_only(api: str, role: str) -> None:
    """Developer or system items only: a run with `trigger: system`, and they are its prompt."""
    story = Story(api)
    story.ask([system("Summarise the night.", role)], [said("All quiet.")])
    session = story.session()
    (run,) = session.runs
    assert run.trigger == "system"
    assert run.input_text == "Summarise the night."
    policy = the(session, "policy.snapshot").step_id
    assert {step.origin.prompt_step_id for step in run.steps} == {policy}


def test_system_items_on_a_parent() -> None:
    """Only system items after a response: a new run with `trigger: system`, child of the parent's."""
    story = Story()
    first = story.ask([user("Hello")], [said("Hi.")])
    story.ask([system("Say goodbye.", "developer")], [said("Bye.")], previous_response_id=first)
    old, new = story.session().runs
    assert new.trigger == "system"
    assert new.lineage.parent_run_id == old.run_id


@BOTH
def test_several_user_messages(api: str) -> None:
    """Several user messages in one request: one run, one user step each, texts joined by a blank line."""
    story = Story(api)
    story.ask([user("First thing."), user("Second thing.")], [said("Both.")])
    (run,) = story.session().runs
    prompts = [step for step in run.steps if step.label == "user_message"]
    assert [step.payload_started["text"] for step in prompts] == ["First thing.", "Second thing."]
    assert run.input_text == "First thing.\n\nSecond thing."
    ask = next(step for step in run.steps if step.label == "assistant_call")
    assert {step.step_id for step in prompts} <= set(ask.depends_on)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"type": "input_image", "image_url": "https://example.test/a.png"}, "[image]"),
        ({"type": "input_file", "filename": "report.pdf", "file_id": "file-1"}, "[file: report.pdf]"),
        ({"type": "input_file", "file_id": "file-1"}, "[file: file-1]"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "[audio]"),
    ],
)
def test_user_message_without_text(part: dict[str, object], text: str) -> None:
    """A user message without text: `input_text` says what it was."""
    story = Story()
    story.ask([user([part])], [said("I see.")])
    session = story.session()
    assert session.runs[0].input_text == text
    assert the(session, "user_message").payload_started["content"] == [part]


def test_item_reference_is_resolved() -> None:
    """An `item_reference` stands for the item it names: history by reference matches."""
    story = Story()
    story.ask([user("Hello", id="msg_u")], [said("Hi there.", id="msg_a")])
    refs = [user("Hello"), {"type": "item_reference", "id": "msg_a"}, user("More")]
    story.ask(refs, [said("Here.")])
    first, second = story.session().runs
    assert second.lineage.parent_run_id == first.run_id
    assert second.lineage.source == "prefix"
    assert labels(second)[0] == "user_message"


def test_item_reference_to_something_unknown_is_kept() -> None:
    """An `item_reference` to what was never recorded is kept as a reference."""
    story = Story()
    reference = {"type": "item_reference", "id": "msg_elsewhere"}
    story.ask([reference, user("More")], [said("Here.")])
    session = story.session()
    assert the(session, "context.snapshot").payload_started["items"] == [reference]


def test_explicit_parent_wins_where_nothing_else_tells() -> None:
    """The caller may say which response a request continues."""
    story = Story()
    first = story.ask([user("Hello")], [said("Hi.")])
    story.ask([user("Summary: we greeted. Go on")], [said("On.")], started={"explicit_parent": first})
    old, new = story.session().runs
    assert (new.lineage.source, new.lineage.parent_run_id) == ("explicit", old.run_id)


def test_link_into_an_ended_session_is_kept() -> None:
    """A call after the session ended is a new session; the link into the old one is kept."""
    story, later = Story(), Story(writer="w2")
    first = story.ask([user("Hello")], [said("Hi.")])
    story.end()
    later.ask([user("Again")], [said("Hi again.")], previous_response_id=first)
    (run,) = project(later.entries).runs
    assert run.lineage.parent_response_id == first
