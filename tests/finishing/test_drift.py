"""Which responses a journal shows: looked for in the bytes of each body, not by the projection."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from tests.projection.builders import Story, said, user
from tfclient.finishing.drift import Responses
from tfclient.finishing.finisher import Finisher
from tfstore.disk.paths import StorePaths
from tfstore.journal.segment import Segment

if TYPE_CHECKING:
    from pathlib import Path


def ids(entries: list[dict[str, Any]]) -> list[str]:
    seen = Responses()
    for entry in entries:
        seen.feed(entry)
    return list(seen.found)


def test_plain_and_streamed_of_both_apis() -> None:
    for api in ("responses", "chat"):
        for stream in (False, True):
            story = Story(api=api, stream=stream)
            made = [story.ask([user("Oslo?")], [said("Sun.")]), story.ask([user("Bergen?")], [said("Rain.")])]
            assert ids(story.entries) == made
            assert Responses(dict.fromkeys(made)).missing_in(story.session()) == []


def test_an_event_that_names_no_response_is_none() -> None:
    """Azure's first one is about the prompt."""
    story = Story(api="chat")
    sent = story.send(story.body([user("Oslo?")]))
    sent.head()
    sent.chunk('data: {"id": "", "choices": [], "prompt_filter_results": []}\n\n')
    sent.chunk('data: {"id": "chatcmpl_1", "choices": []}\n\n')
    sent.over("completed")

    assert ids(story.entries) == ["chatcmpl_1"]


def test_a_body_in_pieces() -> None:
    """Whole or broken off, plain or zipped, with an event cut in two."""
    text = json.dumps({"id": "resp_1", "output": ["long " * 40_000]})
    events = f"data: {json.dumps({'response': {'id': 'resp_2'}})}\n\n".encode()
    zipped = gzip.compress(events)
    story = Story()
    sent = story.send(story.body("Hi"))
    for start in range(0, len(text), 50_000):
        sent.chunk(text[start : start + 50_000])
    sent.over("completed")
    sent = story.send(story.body("Hi"))
    zipping = {"content-encoding": "gzip"}
    story.tell(
        type="attempt.answered", exchange_id=sent.exchange, status=200, headers=zipping, complete=False
    )
    for piece in (zipped[:30], zipped[30:]):
        story.tell(type="stream.chunk", exchange_id=sent.exchange, data={"base64": b64encode(piece).decode()})

    assert ids(story.entries) == ["resp_1", "resp_2"]


def test_a_stream_that_came_whole() -> None:
    story = Story()
    story.send(story.body("Hi")).answer(f"event: x\ndata: {json.dumps({'response': {'id': 'resp_1'}})}\n\n")

    assert ids(story.entries) == ["resp_1"]


def test_what_is_no_model_call_or_failed_makes_no_response() -> None:
    story = Story()
    story.send({"input": "x"}, path="/v1/embeddings").answer({"id": "emb_1"})
    story.send(story.body("Hi")).fails()

    assert ids(story.entries) == []


def test_ids_of_failures_are_no_lost_responses() -> None:
    for api in ("responses", "chat"):
        story = Story(api=api)
        story.send(story.body([user("Oslo?")])).answer({"id": "err_1", "error": {"message": "no"}}, 400)
        # A success that is no response of this API: what it calls itself stands in its step.
        story.send(story.body([user("Bergen?")])).answer({"id": "x", "base_resp": {"status_msg": "no"}})
        seen = Responses()
        for entry in story.entries:
            seen.feed(entry)
        assert list(seen.found) == ["x"]
        assert seen.missing_in(story.session()) == []


def test_entries_that_were_written_and_are_gone_are_told(tmp_path: Path) -> None:
    """As when one is written to a segment that is being removed: no gap shows it, since nothing follows."""
    paths = StorePaths(tmp_path)
    segment = Segment.open(paths, "mine")
    segment.append({"at": 1, "mono": 1, "type": "session.ended", "end_reason": "closed"})
    whole = segment.path.read_bytes()
    segment.append({"at": 2, "mono": 2, "type": "annotation", "kind": "late", "data": None})
    segment.close()
    segment.path.write_bytes(whole)
    told: list[tuple[Exception | None, int]] = []
    finisher = Finisher(paths)
    finisher.write_files("mine", lambda *what: told.append(what))
    finisher.drain(60)

    assert told == [(None, 1)]
