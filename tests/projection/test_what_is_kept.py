"""What a projector keeps of a closed call is small, and does not grow with what was sent."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from tests.projection.builders import Story, call, output, said, user
from tfclient.projection.api.sent_prompts import KEPT
from tfclient.projection.calls import REMEMBERED
from tfclient.projection.projector import Projector
from tfclient.projection.weight.lightener import Lightener
from tfstore.reading.prompts import whole


def fed(story: Story) -> Projector:
    projector = Projector("sess")
    for entry in story.entries:
        projector.feed(entry)
    return projector


def test_closed_calls_let_go_of_their_bodies() -> None:
    story = Story(stream=True)
    history: list[Any] = []
    for n in range(20):
        history += [user(f"Question {n}"), call(f"call_{n}", "look"), output(f"call_{n}", "found")]
        story.ask(history[:-2], [history[-2]])
        story.ask(history, [said(f"Answer {n}")])
        history.append(said(f"Answer {n}"))
    calls = fed(story)._calls
    assert not calls.open
    attempts = [attempt for made in calls._closed.values() for attempt in made.attempts]
    assert len(attempts) == 40
    assert all(a.settled and not a._pieces and a.stream is None for a in attempts)
    assert not any(a.sent["body"] or a.sent["headers"] or a.sent.get("redactions") for a in attempts)


def test_calls_are_forgotten_in_the_end() -> None:
    story = Story()
    for n in range(REMEMBERED + 100):
        story.ask([user(f"Question {n}")], [said("Answer")])
    projector = fed(story)
    assert len(projector._calls._closed) == len(projector._calls._exchanges) == REMEMBERED
    assert len(projector._calls.opening.provenance.sent._kept) == KEPT
    assert projector.session().summary.model_calls == REMEMBERED + 100


def test_one_conversation_keeps_one_prompt() -> None:
    """A conversation that goes on lets go of the shorter list that it repeats."""
    story = Story("chat")
    history: list[Any] = []
    for n in range(30):
        history.append(user(f"Question {n}"))
        story.ask(history, [said(f"Answer {n}")])
        history.append(said(f"Answer {n}"))
    kept = fed(story)._calls.opening.provenance.sent._kept
    assert len(kept) == 1


def test_the_document_grows_with_what_is_new() -> None:
    """Twice the turns of a re-sent conversation is twice the document, not four times."""
    import json

    from tfstore.document.converter import to_json

    def size(turns: int) -> int:
        story = Story()
        history: list[Any] = []
        for n in range(turns):
            history.append(user(f"Question {n:04} with some words to it"))
            story.ask(history, [said(f"Answer {n:04} with some more words to it")])
            history.append(said(f"Answer {n:04} with some more words to it"))
        return len(json.dumps(to_json(story.session())))

    assert size(80) < 2.1 * size(40)


def test_words_that_come_again_are_held_once() -> None:
    story = Story()
    for n in range(2):
        story.ask([user(f"Question {n}")], [said("Answer")], truncation="disabled")
    first, second = (
        step.payload_started["arguments"]
        for run in story.session().runs
        for step in run.steps
        if step.label == "assistant_call"
    )
    assert [id(key) for key in first] == [id(key) for key in second]
    assert first["truncation"] is second["truncation"]


def test_no_traffic_makes_a_document_too_long_to_be_read() -> None:
    """A request of the shortest items that there are makes the longest document for its bytes."""
    from tfstore.disk.session_folder import SWELL
    from tfstore.document.converter import to_json
    from tfstore.document.json_text import compact, readable

    items: list[Any] = [1, "", {}, []]
    for shortest in items:
        story = Story()
        story.ask([shortest] * 2000)
        assert len(readable(to_json(story.session()))) < SWELL * sum(map(len, map(compact, story.entries)))


@pytest.mark.parametrize(
    "vector",
    [
        base64.b64encode(struct.pack("<256f", *range(256))).decode(),
        [0.5] * 256,
        [[n, 0.5] for n in range(100)],
    ],
    ids=["base64", "numbers", "pairs"],
)
def test_vectors_stand_in_blobs(vector: Any) -> None:
    """An embedding as the SDK asks for it, as numbers, and rows that are long together."""
    lightener = Lightener()
    body = {"data": [{"object": "embedding", "index": 0, "embedding": vector}], "short": [[1, 2], [3]]}
    light = lightener.lighten(body)
    (blob,) = lightener.blobs.values()
    assert light["data"][0]["embedding"]["blob"] == f"sha256:{blob.sha256}"
    assert light["short"] == [[1, 2], [3]]
    assert whole(light, lambda _: blob.data) == body
