"""Findings on what tools were called with."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, call, said, user
from tests.reflect.talking import BOTH, Talk, found, labels_of, the_only

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}},
    "required": ["city"],
    "additionalProperties": False,
}


def tools(api: str, *names: str, **more: Any) -> list[Any]:
    """Functions as each API has them."""
    made = [{"name": name, "description": "", "parameters": CITY} for name in names]
    if api == "chat":
        return [{"type": "function", "function": each} for each in made]
    return [{"type": "function", **each, **more} for each in made]


def called(api: str, name: str, arguments: Any, offered: Any = None, prompt: str = "Go") -> Talk:
    talk = Talk(api, fields={} if offered is None else {"tools": offered})
    talk.asks(prompt)
    talk.calls((name, arguments, "fine"))
    talk.says()
    return talk


@BOTH
def test_arguments_that_are_no_json(api: str) -> None:
    session = called(api, "get_weather", '{"city": "Oslo').session()

    finding = the_only(session, "arguments_not_json")
    assert (finding.severity, labels_of(session, finding)) == ("high", ["tool_call"])


@BOTH
@pytest.mark.parametrize("arguments", ["", "{}", '{"city": "Oslo"}', "[1]"])
def test_arguments_that_are_json(api: str, arguments: str) -> None:
    assert found(called(api, "get_weather", arguments).session(), "arguments_not_json") == []


def test_arguments_that_were_cut_with_their_answer_are_told_as_such() -> None:
    story = Story()
    sent = story.send(story.body([user("Go")]))
    sent.answer_items(
        [call("call_1", "get_weather", '{"city": "Os')],
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
    )
    session = story.session()

    assert found(session, "arguments_not_json") == []
    assert the_only(session, "answer_truncated").data == {"reason": "max_output_tokens"}


@pytest.mark.parametrize("api", ["responses"])
def test_a_custom_tool_is_given_a_text(api: str) -> None:
    story = Story(api)
    item = {"type": "custom_tool_call", "call_id": "call_1", "name": "sql", "input": "select 1"}
    story.ask([user("Go")], [item])

    assert found(story.session(), "arguments_not_json") == []


@BOTH
@pytest.mark.parametrize(
    "arguments", [{"town": "Oslo"}, {"city": 7}, {"city": "Oslo", "days": 9}, {"city": "Oslo", "unit": "C"}]
)
def test_arguments_that_break_the_schema(api: str, arguments: Any) -> None:
    session = called(api, "get_weather", arguments, tools(api, "get_weather")).session()

    finding = the_only(session, "arguments_break_schema")
    assert finding.severity == "info"  # on trial
    assert labels_of(session, finding) == ["tool_call", "tool.schemas.snapshot"]


@BOTH
def test_arguments_that_keep_it(api: str) -> None:
    for arguments, offered in (
        ({"city": "Oslo", "days": 3}, tools(api, "get_weather")),
        ({"town": "Oslo"}, None),
        ({"town": "Oslo"}, tools(api, "get_time")),
    ):
        assert found(called(api, "get_weather", arguments, offered).session(), "arguments_break_schema") == []


@BOTH
def test_a_schema_of_an_unknown_make_breaks_nothing(api: str) -> None:
    for schema in ({"type": "objekt"}, {"$ref": "https://example.com/schema.json"}, {"$ref": "#/nowhere"}):
        offered = tools(api, "get_weather")
        (offered[0].get("function") or offered[0])["parameters"] = schema
        session = called(api, "get_weather", {"city": "Oslo"}, offered).session()

        assert found(session, "arguments_break_schema") == []


@BOTH
def test_a_tool_that_was_not_offered(api: str) -> None:
    offered = tools(api, "get_time", "get_tide")
    session = called(api, "get_weather", {"city": "Oslo"}, offered).session()

    finding = the_only(session, "tool_unknown")
    assert (finding.severity, finding.data) == ("info", {"tool": "get_weather"})  # on trial
    assert labels_of(session, finding) == ["tool_call", "tool.schemas.snapshot"]


@BOTH
def test_tools_that_were_offered(api: str) -> None:
    for offered in (
        tools(api, "get_weather"),
        None,
        [*tools(api, "get_time"), {"type": "mcp", "server_label": "x"}],
    ):
        session = called(api, "get_weather", {"city": "Oslo"}, offered).session()
        assert found(session, "tool_unknown") == []


def test_a_tool_that_a_tool_search_may_bring() -> None:
    offered = [*tools("responses", "get_time"), {"type": "tool_search"}]

    assert found(called("responses", "get_weather", {}, offered).session(), "tool_unknown") == []


@BOTH
@pytest.mark.parametrize("value", ["order-10023", "ada@example.com", "credit_card_563423", "HAT0012"])
def test_an_identifier_from_nowhere(api: str, value: str) -> None:
    session = called(api, "get_order", {"id": value, "n": 1}, prompt="Where is my order?").session()

    finding = the_only(session, "argument_unsourced")
    assert (finding.severity, finding.certainty) == ("info", "heuristic")  # on trial
    assert (labels_of(session, finding), finding.data["value"]) == (["tool_call"], value)


@BOTH
@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        ("Where is order-10023?", "order-10023"),
        ("Where is ORDER-10023?", "order-10023"),
        ("Where is number 10023?", "N10023"),
        ("The list: xorder-10023x", "order-10023"),
        ("Anything", "2026-09-02"),
        ("Anything", "1,250.00"),
        ("Anything", "https://example.com/123456"),
        ("Anything", "sofia"),
        ("Anything", "a text of 12345 words"),
    ],
)
def test_identifiers_with_a_source_and_what_is_none(api: str, prompt: str, value: str) -> None:
    assert found(called(api, "get_order", {"id": value}, prompt=prompt).session(), "argument_unsourced") == []


@BOTH
def test_an_identifier_that_a_tool_gave(api: str) -> None:
    talk = Talk(api, instructions="The shop is shop_77123.")
    talk.asks("Go")
    talk.calls(("list_orders", {"shop": "shop_77123"}, {"orders": [{"id": "A-10023"}]}))
    talk.calls(("get_order", {"order_id": "A-10023"}, "fine"))
    talk.says()

    assert found(talk.session(), "argument_unsourced") == []


def test_where_the_beginning_is_unknown_nothing_is_from_nowhere() -> None:
    picture = {"type": "input_image", "image_url": "https://example.com/order.png"}
    for fields, items in (
        ({"previous_response_id": "resp_elsewhere"}, user("Go")),
        ({"conversation": "conv_1"}, user("Go")),
        ({"store": True}, user([{"type": "input_text", "text": "Go"}, picture])),
    ):
        story = Story()
        asked = story.send(story.body([items], **fields))
        asked.answer_items([call("call_1", "get_order", {"id": "order-10023"})])
        story.ask([user("Thanks")], [said("Bye")])

        assert found(story.session(), "argument_unsourced") == []


@BOTH
def test_so_many_identifiers_are_made_by_the_program(api: str) -> None:
    for count, told in ((50, 50), (60, 0)):
        talk = Talk(api)
        talk.asks("Go")
        talk.calls(*[("get_order", {"id": f"order-10{n:03}"}, "fine") for n in range(count)])
        talk.says()

        assert len(found(talk.session(), "argument_unsourced")) == told
