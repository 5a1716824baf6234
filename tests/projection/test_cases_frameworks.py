"""Histories as frameworks write them: new call ids, answers as text, agents as tools, answers handed on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.projection.builders import Story, call, labels, output, said, steps, the, user
from tfstore.reading.prompts import prompt_of

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


def requests_of(story: Story) -> list[Any]:
    session = story.session()
    return [prompt_of(session, step.step_id).request for step in steps(session, "assistant_call")]


def sent_in(story: Story) -> list[Any]:
    return [json.loads(e["body"]["text"]) for e in story.entries if e["type"] == "attempt.sent"]


# New call ids


@BOTH
@pytest.mark.parametrize("theirs", ["call_server", ""])
def test_new_call_ids(api: str, theirs: str) -> None:
    """Same name, same arguments, same place: the same call; each turn may name it anew."""
    story = Story(api)
    asked = [user("Weather?")]
    story.ask(asked, [call(theirs, "weather", {"city": "Bergen"})], store=False)
    for n, answer in enumerate((call("call_b", "wind"), said("It is 12.")), 1):
        made = [call(f"new_{n}", "weather", {"city": "Bergen"}), output(f"new_{n}", "12 degrees")]
        if n == 2:
            made += [call("call_b", "wind"), output("call_b", "none")]
        story.ask([*asked, *made], [answer], store=False)
    session = story.session()
    (run,) = session.runs
    assert run.status == "completed"
    assert [step.status for step in steps(session, "tool_call")] == ["completed", "completed"]
    assert len(steps(session, "tool_output")) == 2
    assert requests_of(story) == sent_in(story)


@BOTH
def test_new_ids_of_two_calls_that_are_alike(api: str) -> None:
    story = Story(api)
    asked = [user("Weather?")]
    story.ask(asked, [call("c1", "dice"), call("c2", "dice")], store=False)
    again = [call("n1", "dice"), call("n2", "dice"), output("n1", "3"), output("n2", "5")]
    story.ask([*asked, *again], [said("3 and 5.")], store=False)
    session = story.session()
    told = [(s.call_id, s.payload_completed["output"]) for s in steps(session, "tool_output")]
    assert told == [("c1", "3"), ("c2", "5")]
    assert len(session.runs) == 1


@BOTH
def test_another_call_is_another(api: str) -> None:
    """Other arguments, or another place, are no evidence."""
    of_oslo, elsewhere = call("n1", "weather", {"city": "Oslo"}), call("n1", "weather")
    for asked, made in ((user("Weather?"), of_oslo), (user("Wind?"), elsewhere)):
        story = Story(api)
        story.ask([user("Weather?")], [call("c1", "weather")])
        story.ask([asked, made, output("n1", "12")], [said("It is 12.")])
        assert len(story.session().runs) == 2


# Answers written anew


@BOTH
def test_a_call_that_comes_back_as_text(api: str) -> None:
    story = Story(api)
    asked = user("New task: weather in Bergen?")
    story.ask([asked], [call("c1", "weather", {"city": "Bergen"})], store=False)
    story.ask(
        [asked, {"role": "assistant", "content": "Calling tools: weather"}, user("Observation: 12 degrees")],
        [said("It is 12.")],
        store=False,
    )
    story.end()
    session = story.session()
    first, second = session.runs
    assert (second.lineage.source, second.lineage.parent_run_id, second.lineage.notes) == (
        "resent",
        "run_1",
        [],
    )
    assert (first.status, second.status, session.result) == ("completed", "completed", "completed")
    made = the(session, "tool_call")
    assert (made.status, made.notes) == ("completed", ["answered_in_text"])
    assert requests_of(story) == sent_in(story)


@BOTH
def test_the_same_words_of_the_user_alone_are_no_evidence(api: str) -> None:
    story = Story(api)
    story.ask([user("Hello")], [said("Hi.")], store=False)
    story.ask([user("Hello"), user("Are you there?")], [said("Yes.")], store=False)
    assert [run.lineage.source for run in story.session().runs] == ["root", "root"]


# Agents as tools


@BOTH
def test_an_agent_as_a_tool(api: str) -> None:
    story = Story(api)
    asked = [user("Say it in French")]
    story.ask(asked, [call("c1", "translate", {"input": "Hello, how are you?"})], store=False)
    story.ask([user("Hello, how  are you?")], [said("Bonjour, comment allez-vous ?")], store=False)
    back = output("c1", "Bonjour, comment allez-vous ?")
    story.ask(
        [*asked, call("c1", "translate", {"input": "Hello, how are you?"}), back],
        [said("Voilà.")],
        store=False,
    )
    story.end()
    session = story.session()
    outer, inner = session.runs
    lineage = inner.lineage
    assert (inner.trigger, lineage.source, lineage.parent_run_id) == ("tool", "nested", "run_1")
    assert lineage.parent_step_id == the(session, "tool_call").step_id
    assert lineage.notes == ["nested_by:argument", "nested_by:output"]
    assert labels(outer)[-1] == "assistant_message"
    assert session.result == "completed"


def test_another_prompt_while_a_call_is_pending() -> None:
    story = Story()
    story.ask([user("Say it in French")], [call("c1", "translate", {"input": "Hello"})])
    story.ask([user("Something else")], [said("Yes.")])
    assert story.session().runs[1].lineage.notes == ["possible_nested"]


# Answers handed on


@BOTH
def test_an_answer_that_is_another_prompt(api: str) -> None:
    story = Story(api)
    poem = "Roses are red, and so are some violets."
    story.ask([user("Write a poem")], [said(poem)], store=False)
    story.ask([user(poem)], [said("A fine poem.")], store=False)
    story.ask([user("Hi.")], [said("Hi.")], store=False)
    story.ask([user("Hi.")], [said("Ho.")], store=False)
    session = story.session()
    second = session.runs[1]
    assert (second.lineage.source, second.lineage.parent_run_id, second.thread_id) == (
        "relayed",
        "run_1",
        "thread_1",
    )
    assert second.steps[0].depends_on == [session.runs[0].steps[-1].step_id]
    assert [run.lineage.source for run in session.runs[2:]] == ["root", "root"]
    call_of = steps(session, "assistant_call")[1]
    assert "inherits" not in call_of.payload_started


@BOTH
def test_a_group_chat_of_several_rounds(api: str) -> None:
    """An agent that has spoken before goes on from itself; what others told it depends on their answers."""
    story = Story(api)
    told = [
        "Fjords are deep and narrow.",
        "Deep they are, and cold as well.",
        "Cold, and yet full of herring.",
    ]
    task = user("Talk about fjords")
    story.ask([task], [said(told[0])], store=False)
    story.ask([task, user(told[0])], [said(told[1])], store=False)
    story.ask([task, said(told[0]), user(told[1])], [said(told[2])], store=False)
    session = story.session()
    assert [run.lineage.parent_run_id for run in session.runs] == [None, "run_1", "run_1"]
    assert [run.lineage.source for run in session.runs] == ["root", "relayed", "prefix"]
    answers = [step.step_id for step in steps(session, "assistant_message")]
    prompts = steps(session, "user_message")
    assert [step.depends_on for step in prompts if step.payload_started["text"] == told[1]] == [answers[:2]]


# Compactions


@pytest.mark.parametrize("kept", ["id", "encrypted_content"])
def test_a_compaction_is_known_by_its_id(kept: str) -> None:
    """A stream's event seals it otherwise than the last word; who sends it back may leave the id out."""
    story = Story()
    compacted = {"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAAA"}
    story.ask([user("Hello")], [said("Hi.", id="msg_1"), compacted], store=False)
    again = (
        {"type": "compaction", "encrypted_content": "gBBBB", "id": "cmp_1"} if kept == "id" else {**compacted}
    )
    if kept != "id":
        del again["id"]
    story.ask([again, user("More")], [said("Here.")], store=False)
    session = story.session()
    assert session.runs[1].lineage.parent_run_id == "run_1"
    assert len(steps(session, "context_compacted")) == 1
    assert requests_of(story)[1]["input"][0]["type"] == "compaction"
