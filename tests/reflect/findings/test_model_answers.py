"""Findings on what models answered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, call, said, user
from tests.projection.wire import as_completion
from tests.reflect.talking import BOTH, Talk, found, the_only
from tfstore.document.documents import Session

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def answered(api: str, items: Any, *, reason: str = "", then: bool = False, **fields: Any) -> Session:
    """A request with these fields, and an answer of these items that ended for this reason."""
    story = Story(api)
    sent = story.send(story.body([user("Go")], **fields))
    if api == "chat":
        parts = [part for item in items for part in item.get("content") or ()]
        refusals = [part for part in parts if part.get("type") == "refusal"]
        body = as_completion(sent.response_id, [said("")] if refusals else items)
        for part in refusals:
            body["choices"][0]["message"] |= {"content": None, "refusal": part["refusal"]}
        if reason:
            body["choices"][0]["finish_reason"] = reason
        sent.answer(body)
    else:
        about = {"status": "incomplete", "incomplete_details": {"reason": reason}} if reason else {}
        sent.answer_items(items, **about)
    if then:
        story.send(story.body([user("Go"), *items, user("Go on")])).answer_items([said("and more")])
    story.end()
    return story.session()


def refused(text: str) -> dict[str, Any]:
    return {**said(""), "content": [{"type": "refusal", "refusal": text}]}


@BOTH
def test_an_answer_that_was_cut_off(api: str) -> None:
    reason = "length" if api == "chat" else "max_output_tokens"
    session = answered(api, [said("It was a dark and")], reason=reason)

    finding = the_only(session, "answer_truncated")
    assert (finding.severity, finding.certainty, finding.data) == ("high", "observed", {"reason": reason})
    assert reason in finding.says
    assert found(session, "refusal") == []


@BOTH
def test_one_that_did_not_end_its_run_is_less(api: str) -> None:
    talk = Talk(api)
    talk.asks("Go")
    sent = talk.story.send(talk.body())
    item = call("call_1", "get_time", {})
    if api == "chat":
        body = as_completion(sent.response_id, [item])
        body["choices"][0]["finish_reason"] = "length"
        sent.answer(body)
    else:
        sent.answer_items([item], status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    talk.history += [item, {"type": "function_call_output", "call_id": "call_1", "output": "14:05"}]
    talk.says()

    assert the_only(talk.session(), "answer_truncated").severity == "medium"


@BOTH
def test_an_answer_that_came_whole_was_not_cut_off(api: str) -> None:
    session = answered(api, [said("It was a dark and stormy night.")])

    assert found(session, "answer_truncated") == []


@BOTH
def test_a_filter_that_stopped_an_answer_is_a_refusal(api: str) -> None:
    session = answered(api, [said("It was")], reason="content_filter")

    assert the_only(session, "refusal").data == {"reason": "content_filter"}
    assert found(session, "answer_truncated") == []


@BOTH
def test_a_refusal(api: str) -> None:
    finding = the_only(answered(api, [refused("I can't help with that.")]), "refusal")

    assert finding.severity == "medium"
    assert "I can't help with that." in finding.says
    assert found(answered(api, [said("I can't help with that.")]), "refusal") == []


@BOTH
def test_an_answer_of_nothing(api: str) -> None:
    assert (
        the_only(answered(api, [said("")] if api == "chat" else []), "empty_answer").severity == "info"
    )  # on trial


@BOTH
@pytest.mark.parametrize("items", [[said("x")], [call("call_1", "get_time", {})], [refused("No.")]])
def test_an_answer_of_something(api: str, items: Any) -> None:
    assert found(answered(api, items), "empty_answer") == []


def test_an_item_of_any_other_kind_is_something() -> None:
    item = {"type": "image_generation_call", "status": "completed", "result": "aGVsbG8="}

    assert found(answered("responses", [item]), "empty_answer") == []


def asked_for_json(api: str, schema: Any = None) -> dict[str, Any]:
    if schema is None:
        kind: dict[str, Any] = {"type": "json_object"}
    elif api == "chat":
        kind = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    else:
        kind = {"type": "json_schema", "name": "place", "schema": schema}
    return {"response_format": kind} if api == "chat" else {"text": {"format": kind}}


@BOTH
@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_json_was_asked_for(api: str, schema: Any) -> None:
    wanted = asked_for_json(api, schema)

    finding = the_only(answered(api, [said("Here: {}")], **wanted), "answer_not_json")
    assert finding.severity == "high"
    assert found(answered(api, [said('{"city": "Oslo"}')], **wanted), "answer_not_json") == []
    assert found(answered(api, [refused("No.")], **wanted), "answer_not_json") == []
    assert found(answered(api, [call("call_1", "get_time", {})], **wanted), "answer_not_json") == []
    assert found(answered(api, [said('{"city": "Os')], reason="length", **wanted), "answer_not_json") == []
    assert found(answered(api, [said("Here: {}")]), "answer_not_json") == []


@BOTH
def test_what_is_said_before_the_answer_need_be_no_json(api: str) -> None:
    wanted = asked_for_json(api, SCHEMA)
    items = [said("Let me look."), call("call_1", "get_time", {})]

    assert found(answered(api, items, **wanted), "answer_not_json") == []
    if api == "responses":
        items = [said("Looking.", phase="commentary"), said('{"city": "Oslo"}', phase="final_answer")]
        assert found(answered(api, items, **wanted), "answer_not_json") == []


@BOTH
def test_an_answer_that_breaks_its_schema(api: str) -> None:
    wanted = asked_for_json(api, SCHEMA)

    finding = the_only(answered(api, [said('{"town": "Oslo"}')], **wanted), "answer_breaks_schema")
    assert finding.severity == "high"
    assert "place" in finding.says
    for text in ('{"city": "Oslo"}', "no JSON at all"):
        assert found(answered(api, [said(text)], **wanted), "answer_breaks_schema") == []
    assert (
        found(answered(api, [said('{"town": "Oslo"}')], **asked_for_json(api)), "answer_breaks_schema") == []
    )
