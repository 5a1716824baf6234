"""A cap on payloads: what is longer is cut and says so, and nothing else of a session changes."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.projection.builders import Json, Story, call, merged, output, project, said, steps, the, user
from tests.projection.recorded import needs_recordings, recordings
from tfclient.projection.projector import Projector
from tfclient.projection.weight.lightener import LONG_STRING, Lightener
from tfstore.document.converter import from_json, to_json
from tfstore.document.documents import RedactionMark, Session
from tfstore.reading.prompts import prompt_of
from tfstore.reading.step_text import text_of

CAP = 1000
SMALL = 300
"""Recorded payloads are seldom long."""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


def capped(cap: int = CAP, **more: Any) -> Story:
    story = Story(**more)
    story.begin(max_payload=cap, redaction={"mode": "secrets"})
    return story


def projected(story: Story) -> tuple[Session, dict[str, bytes]]:
    projector = Projector("sess")
    for entry in story.entries:
        projector.feed(entry)
    session = projector.session()
    return session, {f"sha256:{blob.sha256}": blob.data for blob in projector.take_blobs()}


def beginning(text: str, kept: int = CAP) -> Json:
    data = text.encode()
    whole = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {
        "text": data[:kept].decode(),
        "bytes": kept,
        "media_type": "text/plain",
        "truncated": whole,
    }


@BOTH
@pytest.mark.parametrize("kind", ["whole", "streamed"])
def test_a_long_output_and_a_long_answer(api: str, kind: str) -> None:
    long = "all about it " * 5000
    story = capped(api=api, stream=kind == "streamed")
    story.ask([user("Look it up")], [call("call_1", "look", {"about": long})])
    story.ask(
        [user("Look it up"), call("call_1", "look", {"about": long}), output("call_1", long)], [said(long)]
    )
    session = story.session()
    assert the(session, "tool_call").payload_started["arguments"] == {"about": beginning(long)}
    assert the(session, "tool_output").payload_completed["output"] == beginning(long)
    answer = the(session, "assistant_message")
    assert answer.payload_completed["text"] == beginning(long)
    mark = RedactionMark("payload_completed.text", "max_payload", "truncated", len(long))
    assert answer.redactions == [mark]
    assert text_of(answer) == f"{long[:CAP]}… [cut]"
    marks = [mark for step in steps(session) for mark in step.redactions]
    assert session.redaction.marks == len(marks) > 3
    assert session.redaction.max_payload == CAP


def test_what_is_no_longer_than_the_cap_is_whole() -> None:
    story = capped()
    story.ask([user("x" * CAP)], [said("ø" * (CAP // 2))])
    story.ask([user("x" * (CAP + 1))], [said("ø" * (CAP // 2 + 1))])
    session = story.session()
    texts = [step.payload_started["text"] for step in steps(session, "user_message")]
    assert texts == ["x" * CAP, beginning("x" * (CAP + 1))]
    texts = [step.payload_completed["text"] for step in steps(session, "assistant_message")]
    assert texts == ["ø" * (CAP // 2), beginning("ø" * (CAP // 2 + 1))]


def test_without_a_cap_nothing_is_cut() -> None:
    story = Story()
    story.begin(redaction={"mode": "secrets"})
    story.ask([user("x" * 70_000)], [said("y" * 60_000)])
    document = json.dumps(to_json(story.session()))
    assert "truncated" not in document
    assert "max_payload" not in document


@given(st.text(min_size=250, max_size=1500))
def test_a_text_ends_with_a_whole_character(text: str) -> None:
    lightener = Lightener(cap=CAP)
    light = lightener.lighten(text)
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= CAP:
        assert light == text
    else:
        kept = light["text"].encode("utf-8", "surrogatepass")
        assert data.startswith(kept)
        assert text.startswith(light["text"])
        assert CAP - 4 < len(kept) <= CAP
        assert light["bytes"] == len(kept)
        assert light["truncated"] == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        assert lightener.lighten(light, "data") == light


def test_the_kept_part_of_a_very_long_text_is_a_blob() -> None:
    cap = LONG_STRING + 100
    long = "z" * (cap + 1)
    story = capped(cap)
    story.ask([user("Tell me")], [said(long)])
    session, blobs = projected(story)
    kept = the(session, "assistant_message").payload_completed["text"]
    assert blobs[kept["blob"]] == long[:cap].encode()
    assert (kept["bytes"], kept["truncated"]["bytes"]) == (cap, cap + 1)
    assert kept["truncated"]["sha256"] == hashlib.sha256(long.encode()).hexdigest()


def test_binary_content_and_rows_of_numbers() -> None:
    story = capped()
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    row = [n / 7 for n in range(300)]
    story.ask(
        [user([{"type": "input_text", "text": "?"}, {"type": "input_image", "image_url": url}])], [said("A.")]
    )
    story.send({"model": "e", "input": "x"}, path="/v1/embeddings").answer({"data": [{"embedding": row}]})
    sent = story.send({"input": "Say it"}, path="/v1/audio/speech")
    told = {"base64": base64.b64encode(PNG).decode(), "bytes": len(PNG)}
    headers = {"content-type": "audio/mpeg"}
    story.tell(
        type="attempt.answered",
        exchange_id=sent.exchange,
        status=200,
        headers=headers,
        body=told,
        complete=True,
    )
    session, blobs = projected(story)
    image = the(session, "user_message").payload_started["content"][1]["image_url"]
    vectors, audio = (step.payload_completed["body"] for step in steps(session, "generic"))
    numbers = vectors["data"][0]["embedding"]
    whole = {"bytes": len(PNG), "sha256": hashlib.sha256(PNG).hexdigest()}
    assert blobs[image["blob"]] == blobs[audio["blob"]] == PNG[:CAP]
    assert image["truncated"] == audio["truncated"] == whole
    kept = json.loads(blobs[numbers["blob"]])
    assert kept == row[: len(kept)]
    assert len(blobs[numbers["blob"]]) <= CAP
    assert numbers["truncated"]["bytes"] == len(json.dumps(row))
    assert session.redaction.marks == sum(len(step.redactions) for step in steps(session)) == 3


def test_where_only_text_can_stand() -> None:
    """The prompt of a run, and the message of an error."""
    story = capped()
    first = story.ask([user("x" * 5000)], [call("call_1", "look")])
    story.ask(
        [output("call_1", json.dumps({"error": "é" * 5000}))], [said("Sorry.")], previous_response_id=first
    )
    story.ask([user("Once more")], [said("Here.")])
    session = story.session()
    assert session.runs[0].input_text == f"{'x' * 120}… [5000 characters, the beginning in the user_message]"
    failed = the(session, "tool_error")
    assert failed.error is not None
    assert failed.error.message == "é" * (CAP // 2)
    assert RedactionMark("error.message", "max_payload", "truncated", 10_000) in failed.redactions


@pytest.mark.parametrize("opening", [{}, {"max_payload": CAP}], ids=["aside", "cut"])
def test_what_redaction_changed_is_marked_in_a_long_text_too(opening: Any) -> None:
    """Also where the redacted place is not among what is kept in the document."""
    story = Story()
    story.begin(redaction={"mode": "secrets"}, **opening)
    story.ask([user(f"{'x' * 70_000} <redacted:openai_key>")], [said("Hi.")])
    sent = next(entry for entry in story.entries if entry["type"] == "attempt.sent")
    sent["redactions"] = [{"path": "request.body", "rule": "openai_key", "action": "replaced"}]
    session = story.session()
    mark = RedactionMark("payload_started.text", "openai_key", "replaced")
    assert mark in the(session, "user_message").redactions
    assert session.redaction.marks == 1 + bool(opening)


def test_lineage_does_not_change() -> None:
    """A cap changes what is kept, never what came of what."""

    def told(story: Story) -> Any:
        document = to_json(story.session())
        for run in document["runs"]:
            del run["input_text"]
            for step in run["steps"]:
                for key in ("payload_started", "payload_completed", "redactions", "sha256"):
                    step.pop(key, None)
        return document["runs"], document["summary"]

    def a_story(**opening: Any) -> Story:
        story = Story()
        story.begin(**opening)
        history: list[Any] = []
        for n in range(3):
            history.append(user(f"{'q' * 2000} {n}"))
            story.ask(
                history, [call(f"call_{n}", "look", {"at": "w" * 2000 + str(n)})], instructions="i" * 2000
            )
            history += [
                call(f"call_{n}", "look", {"at": "w" * 2000 + str(n)}),
                output(f"call_{n}", f"{'o' * 2000} {n}"),
            ]
            story.ask(history, [said(f"{'a' * 2000} {n}")], instructions="i" * 2000)
            history.append(said(f"{'a' * 2000} {n}"))
        story.ask(history[:-1], [said("Again.")], instructions="i" * 2000)
        return story

    assert told(a_story(max_payload=CAP)) == told(a_story())


def test_the_prompt_says_what_was_cut() -> None:
    story = capped()
    story.ask([user("short"), user("x" * 5000)], [said("Hi.")], instructions="i" * 70_000, user="u" * 2000)
    session, blobs = projected(story)
    read = from_json(json.loads(json.dumps(to_json(session))))
    prompt = prompt_of(read, the(session, "assistant_call").step_id, blobs.__getitem__)
    assert prompt.items == [user("short"), user(beginning("x" * 5000))]
    assert prompt.instructions == beginning("i" * 70_000)
    assert prompt.request["user"] == beginning("u" * 2000)


def test_the_prompt_has_what_was_kept_in_a_blob() -> None:
    cap = LONG_STRING + 100
    story = capped(cap)
    story.ask([user("x" * 100_000)], [said("Hi.")])
    session, blobs = projected(story)
    prompt = prompt_of(session, the(session, "assistant_call").step_id, blobs.__getitem__)
    assert prompt.items == [user(beginning("x" * 100_000, cap))]


def test_of_several_writers_the_one_that_keeps_least_decides() -> None:
    one, other = capped(5000, writer="w1"), capped(2000, writer="w2")
    one.ask([user("a" * 3000)], [said("Hi.")])
    other.ask([user("b" * 3000)], [said("Hi.")])
    session = project(merged(one, other))
    texts = [step.payload_started["text"] for step in steps(session, "user_message")]
    assert texts == [beginning("a" * 3000, 2000), beginning("b" * 3000, 2000)]
    assert session.redaction.max_payload == 2000


@pytest.mark.parametrize("cap", [0, -5, "1KB", None, [], 1.5])
def test_a_cap_that_is_none_is_ignored(cap: Any) -> None:
    story = Story()
    story.begin(max_payload=cap)
    story.ask([user("x" * 5000)], [said("Hi.")])
    assert the(story.session(), "user_message").payload_started["text"] == "x" * 5000


@needs_recordings
def test_recordings_are_cut_and_nothing_else_changes() -> None:
    """Looked at after every entry or in the end, the document is the same, and every value is short or marked."""
    cut = 0
    for recording in recordings()[::4]:
        opening, *rest = recording.entries
        entries = [{**opening, "max_payload": SMALL}, *rest]
        slowly, at_once = Projector(recording.name), Projector(recording.name)
        for entry in entries:
            slowly.feed(entry)
            slowly.session()
            at_once.feed(entry)
        session = at_once.session()
        document = to_json(session)
        assert to_json(slowly.session()) == document, recording.name
        found = list(_cut_values([(s.payload_started, s.payload_completed) for s in steps(session)]))
        errors = sum(mark.path == "error.message" for s in steps(session) for mark in s.redactions)
        assert session.redaction.marks == len(found) + errors, recording.name
        assert all(value["bytes"] <= SMALL < value["truncated"]["bytes"] for value in found)
        assert all(len(text.encode()) <= SMALL for text in _texts([run["steps"] for run in document["runs"]]))
        assert [s.call_id for s in steps(session)] == [s.call_id for s in steps(recording.session)]
        assert [s.depends_on for s in steps(session)] == [s.depends_on for s in steps(recording.session)]
        cut += len(found)
    assert cut > 100


def _cut_values(value: Any) -> Any:
    if isinstance(value, dict) and "truncated" in value and "media_type" in value:
        yield value
    elif isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _cut_values(each)


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
