"""The prompt of every model call can be put together again, equal to what was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.projection.builders import Story, call, output, project, said, steps, system, the, user
from tests.projection.recorded import json_body, needs_recordings, recordings
from tfclient.projection.api.encrypted import sealed
from tfclient.projection.projector import Projector
from tfstore.document.converter import from_json, to_json
from tfstore.document.documents import Session
from tfstore.reading.prompts import prompt_of

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


def requests_of(session: Session) -> list[Any]:
    """All requests, put together from what was written to disk."""
    read = from_json(json.loads(json.dumps(to_json(session))))
    return [prompt_of(read, step.step_id).request for step in steps(session, "assistant_call")]


def sent_in(story: Story) -> list[Any]:
    return [json.loads(e["body"]["text"]) for e in story.entries if e["type"] == "attempt.sent"]


@needs_recordings
def test_every_recorded_request_can_be_put_together_again() -> None:
    """`prompt_of` gives the request as it was sent, for all recorded model calls."""
    wrong: list[str] = []
    for recording in recordings():
        for sent, step in zip(recording.calls, recording.call_steps, strict=True):
            body = json_body(sent.request_body)
            if not isinstance(body, dict):
                continue
            made = prompt_of(recording.session, step.step_id, recording.blobs.__getitem__).request
            if made != with_sealed_items(body):
                wrong.append(f"{recording.name} {step.step_id}")
    assert not wrong, f"{len(wrong)}: {wrong[:20]}"


def with_sealed_items(body: Any) -> Any:
    """The body with encrypted content as the document has it: by length and digest."""
    if isinstance(body.get("input"), list):
        return {**body, "input": [sealed(item) for item in body["input"]]}
    return body


@BOTH
def test_resent_history_is_referred_to(api: str) -> None:
    """A history that is sent again stands once in the document, and comes out as it was sent."""
    story = Story(api)
    history: list[Any] = [system("Be brief."), user("Question 0 of many")]
    for n in range(1, 9):
        answer = said(f"Answer number {n}, given only once.")
        story.ask(history, [answer], store=False)
        history = [*history, answer, user(f"Question {n} of many")]
    session = story.session()
    assert requests_of(session) == sent_in(story)
    text = json.dumps(to_json(session))
    # Once as the message, once as the call's text.
    assert text.count("Answer number 3, given only once.") == 2
    last = steps(session, "assistant_call")[-1].payload_started["prompt_provenance"]["parts"]
    assert [part["type"] for part in last] == [
        "policy.snapshot",
        "resent",
        "assistant_message",
        "user_message",
    ]


@BOTH
def test_differences_are_kept(api: str) -> None:
    """What a caller writes differently from what it was given comes out as the caller wrote it."""
    story = Story(api)
    story.ask([user("Hello", name="ann")], [call("call_1", "weather", '{"a":  1}')])
    again = call("call_1", "weather", '{"a": 1}', extra_content={"signature": "s1"})
    story.ask(
        [user("Hello", name="ann"), again, output("call_1", [{"type": "text", "text": "7"}])], [said("7.")]
    )
    story.ask([user("Hello", name="bob"), system("Later on.", "developer"), user("More")], [said("8.")])
    assert requests_of(story.session()) == sent_in(story)


def test_forms_of_input() -> None:
    """A bare string, bare strings in a list, typed and easy messages, parts: all come out as sent."""
    story = Story()
    story.ask("Hello", [said("Hi.")])
    story.ask(
        [user([{"type": "input_text", "text": "Hello"}], type="message", id="msg_1", status="completed")]
    )
    story.ask([user([{"type": "input_text", "text": "A"}, {"type": "input_text", "text": "B"}])])
    story.ask(None, [said("Hi.")], previous_response_id="resp_x", instructions=["a", "list"], tools=[])
    story.ask([], conversation={"id": "conv_1"}, instructions="", tools=None, model=None)
    story.ask([user("Hello"), {"role": "assistant", "content": "Hi."}, user(None), 7, "bare"])
    assert requests_of(story.session()) == sent_in(story)


def test_prompt_follows_a_step_that_changes_later() -> None:
    """An answer that was sent back and then is told anew does not change what had been sent."""
    story = Story()
    sent = story.send(story.body([user("Hello")], background=True))
    sent.answer(sent.response([said("Hi the")], status="in_progress"))
    story.ask([user("Hello"), said("Hi the"), user("More")], [said("Here.")])
    story.send(path=f"/v1/responses/{sent.response_id}", method="GET").answer(
        sent.response([said("Hi there.")])
    )
    session = story.session()
    assert steps(session, "assistant_message")[0].payload_completed["text"] == "Hi there."
    assert requests_of(session) == sent_in_with_body(story)


def sent_in_with_body(story: Story) -> list[Any]:
    bodies = [e["body"] for e in story.entries if e["type"] == "attempt.sent" and e["body"]]
    return [json.loads(body["text"]) for body in bodies]


def test_prompt_of_something_else() -> None:
    """Only a model call has a prompt."""
    story = Story()
    story.ask([user("Hello")], [said("Hi.")])
    session = story.session()
    with pytest.raises(ValueError, match="step_1_1 is a user_message"):
        prompt_of(session, "step_1_1")
    with pytest.raises(KeyError):
        prompt_of(session, "step_9_9")


def test_what_the_server_kept_is_named() -> None:
    """With `previous_response_id` the parts name the response whose context came before."""
    story = Story()
    first = story.ask([user("Hello")], [said("Hi.")])
    story.ask([user("More")], [said("Here.")], previous_response_id=first)
    session = story.session()
    prompt = prompt_of(session, steps(session, "assistant_call")[1].step_id)
    assert prompt.response_id == first
    assert prompt.items == [user("More")]


def test_a_long_text_is_found_through_its_blob() -> None:
    """Long texts and images live in blobs; the prompt comes out whole with them, and as references without."""
    story = Story()
    image = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk" + "A" * 200
    parts = [{"type": "input_text", "text": "x" * 100_000}, {"type": "input_image", "image_url": image}]
    story.ask([user(parts), user("y" * 70_000)], [said("I see.")])
    projector = Projector("sess")
    for entry in story.entries:
        projector.feed(entry)
    session = projector.session()
    blobs = {f"sha256:{blob.sha256}": blob.data for blob in projector.take_blobs()}
    step = the(session, "assistant_call")
    assert prompt_of(session, step.step_id, blobs.__getitem__).request == sent_in(story)[0]
    assert "blob" in prompt_of(session, step.step_id).items[1]["content"]
    assert len(json.dumps(to_json(session))) < 10_000


def test_arguments_with_a_long_text_in_them() -> None:
    """Arguments are one text over the wire, whatever of them is kept apart."""
    story = Story()
    arguments = json.dumps({"text": "z" * 70_000}, separators=(",", ":"))
    story.ask([user("Save it")], [call("call_1", "save", arguments)])
    items = [user("Save it"), call("call_1", "save", arguments), output("call_1", "saved")]
    story.ask(items, [said("Done.")])
    projector = Projector("sess")
    for entry in story.entries:
        projector.feed(entry)
    session = projector.session()
    blobs = {f"sha256:{blob.sha256}": blob.data for blob in projector.take_blobs()}
    made = [prompt_of(session, step.step_id, blobs.__getitem__) for step in steps(session, "assistant_call")]
    assert [prompt.request for prompt in made] == sent_in(story)


def test_bodies_that_repeat_an_earlier_one() -> None:
    """A journaled body may say how much it shares with an earlier one of its writer."""
    story = Story()
    long = "z" * 3000
    story.ask([user(long)], [said("Hi.")])
    story.ask([user(long), said("Hi."), user("More")], [said("Here.")])
    first, second = (e for e in story.entries if e["type"] == "attempt.sent")
    wanted = sent_in(story)
    text = second["body"]["text"]
    second["body"] = {"same": [first["exchange_id"], 2500], "text": text[2500:]}
    assert requests_of(project(story.entries)) == wanted
