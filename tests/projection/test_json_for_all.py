"""Whatever JSON comes, however deep and with whichever numbers: there is a document, and any reader reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.projection.builders import Story, call, output, said, steps, the, user
from tfclient.projection.projector import Projector
from tfstore.document.converter import from_json, to_json
from tfstore.document.depth import DEPTH, parsed, unfolded
from tfstore.document.json_text import compact, readable
from tfstore.document.text import pieces_of
from tfstore.reading.prompts import prompt_of

DEEP = 600


def strictly(text: bytes | str) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def document(story: Story) -> tuple[Any, dict[str, bytes]]:
    """The document as it is on disk, and the blobs."""
    projector = Projector("sess_20260101T000000Z_00000000")
    for entry in story.entries:
        projector.feed(entry)
    text = b"".join(pieces_of(projector.session()))
    return strictly(text), {f"sha256:{blob.sha256}": blob.data for blob in projector.take_blobs()}


def nested(levels: int) -> str:
    return '{"a":' * levels + "[1]" + "}" * levels


@pytest.mark.parametrize(
    "where", ["input", "tools", "metadata", "output", "arguments", "answer", "event", "other"]
)
@pytest.mark.parametrize("levels", [150, DEEP, 100_000])
def test_depth_is_folded(where: str, levels: int) -> None:
    story = Story()
    deep = nested(levels)
    body = ""
    if where in {"input", "tools", "metadata"}:
        wanted = {"input": [user("HERE")], "tools": [{"type": "function", "x": "HERE"}], "metadata": "HERE"}[
            where
        ]
        body = json.dumps({"model": "m", "input": [user("Hello")], where: wanted}).replace('"HERE"', deep)
        story.send({})
        story.entries[-1]["body"] = {"text": body}
    elif where == "other":
        story.send({"a": 1}, path="/v1/embeddings").answer(
            json.dumps({"data": "HERE"}).replace('"HERE"', deep)
        )
    elif where == "event":
        made = story.send(story.body([user("Hello")]))
        made.head()
        made.chunk(f"data: {json.dumps({'type': 'x', 'x': 'HERE'})}\n\n".replace('"HERE"', deep))
        made.over("completed")
    elif where == "output":
        story.ask([user("Hello")], [call("c1", "f")])
        story.ask([output("c1", deep)], [said("Done.")], previous_response_id="resp_w1-1")
    else:
        asked = [call("c1", "f", deep)] if where == "arguments" else [said("Hi.", extra="HERE")]
        made = story.send(story.body([user("Hello")]))
        made.answer(json.dumps(made.response(asked)).replace('"HERE"', deep))
    story.end()
    read, blobs = document(story)
    session = from_json(read)
    assert session.runs
    if where in {"input", "tools", "metadata"} and levels <= DEEP:
        made_of = prompt_of(session, the(session, "assistant_call").step_id, blobs.__getitem__).request
        assert json.dumps(made_of, sort_keys=True) == json.dumps(json.loads(body), sort_keys=True)
        assert '"nested"' in json.dumps(read) or levels == 150


@pytest.mark.parametrize("levels", [DEPTH, 2 * DEPTH + 1, DEEP])
def test_folding_loses_nothing(levels: int) -> None:
    text = nested(levels)
    assert json.dumps(unfolded(parsed(text)), separators=(",", ":")) == text
    assert '"nested"' not in json.dumps(parsed(nested(150)))


def test_numbers_that_json_does_not_have() -> None:
    """Log-probabilities of local servers, arguments that a model wrote, what a program sent itself."""
    story = Story("chat")
    sent = '{"model": "m", "bias": -Infinity, "rows": [%s], "messages": [{"role": "user", "content": "Hi"}]}'
    sent %= ", ".join(["0.5"] * 80 + ["NaN"])
    made = story.send({})
    story.entries[-1]["body"] = {"text": sent}
    body = made.response([call("c1", "f", '{"x": NaN, "y": 1e999}')])
    body["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": float("-inf")}]}
    made.answer(json.dumps(body))
    read, blobs = document(story)
    session = from_json(read)
    arguments = the(session, "tool_call").payload_started["arguments"]
    assert arguments == {"x": {"number": "NaN"}, "y": {"number": "Infinity"}}
    assert '{"number": "-Infinity"}' in json.dumps(read)
    for data in blobs.values():
        strictly(data)
    made_of = prompt_of(session, the(session, "assistant_call").step_id, blobs.__getitem__).request
    assert json.dumps(made_of, sort_keys=True) == json.dumps(json.loads(sent), sort_keys=True)
    # Old documents may still hold them: what is printed does not.
    assert (
        strictly(readable({"x": float("nan")}))
        == strictly(compact({"x": float("nan")}))
        == {"x": {"number": "NaN"}}
    )
    assert to_json(session) == read
    assert len(steps(session)) > 2
