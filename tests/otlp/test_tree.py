"""Sessions as spans: which there are, what they say, and how they hang together."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.builders import a_chat, a_run, a_session, a_step, tokens
from tests.cli.making import hostile, weather
from tests.noting import noted
from tests.otlp.making import STORE_ID, Conversation, a_closed, from_cassette, said, spans
from tests.projection.recorded import needs_recordings, recordings
from tests.projection.sockets.tape import Tape
from tfclient.otlp.options import Options
from tfclient.otlp.span import Span
from tfclient.otlp.tree import spans_of
from tfstore.document.documents import ErrorInfo, Lineage, Session
from tfstore.reading.calls.contexts import Contexts

CHAT = "gen_ai.input.messages"
TOKENS = "gen_ai.usage.input_tokens"


def by_name(found: list[Span], name: str) -> list[Span]:
    return [each for each in found if each.name.startswith(name)]


@pytest.fixture(scope="module")
def demo() -> list[Span]:
    return spans(from_cassette("demo"))


def test_a_run_is_a_trace_and_its_calls_hang_below_it(demo: list[Span]) -> None:
    roots = [each for each in demo if each.parent_id is None]
    traces = {each.trace_id for each in demo}

    assert [each.name for each in roots] == ["invoke_agent"] * 4
    assert len(traces) == 4
    assert {each.parent_id for each in demo if each.parent_id} == {each.span_id for each in roots}
    assert len({each.span_id for each in demo}) == len(demo)
    assert [each.status for each in roots] == ["ok", "ok", "ok", "error"]
    for each in demo:
        root = next(one for one in roots if one.trace_id == each.trace_id)
        assert root.start <= each.start <= each.end <= root.end


def test_what_a_model_call_says(demo: list[Span]) -> None:
    first = by_name(demo, "chat")[0]
    told = first.attributes

    assert (first.name, first.kind, first.status) == ("chat gpt-5.4-mini", "client", "ok")
    assert {name: told[name] for name in told if name.startswith(("gen_ai.", "openai.", "server."))} | {
        "gen_ai.conversation.id": "demo",
        "gen_ai.system_instructions": "",
        "gen_ai.input.messages": "",
        "gen_ai.output.messages": "",
        "gen_ai.tool.definitions": "",
    } == {
        "gen_ai.conversation.id": "demo",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "openai.api.type": "responses",
        "server.address": "api.openai.com",
        "gen_ai.request.model": "gpt-5.4-mini",
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.response.id": told["gen_ai.response.id"],
        "gen_ai.response.model": "gpt-5.4-mini-2026-03-17",
        "gen_ai.response.finish_reasons": ["completed"],
        "openai.response.service_tier": "default",
        "gen_ai.usage.input_tokens": 365,
        "gen_ai.usage.output_tokens": 262,
        "gen_ai.usage.reasoning.output_tokens": 232,
        "gen_ai.system_instructions": "",
        "gen_ai.input.messages": "",
        "gen_ai.output.messages": "",
        "gen_ai.tool.definitions": "",
    }
    assert told["session.id"] == told["thoughtflow.session.id"] == "demo"
    assert [each["name"] for each in said(first, "gen_ai.tool.definitions")][:2] == [
        "get_forecast",
        "opening_hours",
    ]
    assert said(first, "gen_ai.system_instructions")[0]["content"].startswith("You are a travel agent")
    [question] = said(first, CHAT)
    assert question["role"] == "user"
    assert question["parts"][0]["content"].startswith("I am in Lisbon")
    [answer] = said(first, "gen_ai.output.messages")
    assert [part["type"] for part in answer["parts"]] == ["reasoning", "tool_call", "tool_call", "tool_call"]
    assert answer["finish_reason"] == "tool_call"
    assert answer["parts"][1]["arguments"] == {"city": "Lisbon", "day": "Saturday"}


def test_what_the_server_kept_is_what_the_model_saw(demo: list[Span]) -> None:
    third = by_name(demo, "chat")[2]

    assert [(each["role"], len(each["parts"])) for each in said(third, CHAT)] == [
        ("user", 1),
        ("assistant", 4),
        ("tool", 1),
        ("tool", 1),
        ("tool", 1),
        ("assistant", 1),
        ("tool", 1),
    ]


def test_what_a_tool_says(demo: list[Span]) -> None:
    good, _, failed = by_name(demo, "execute_tool")[:3]

    assert (good.name, good.kind, good.status) == ("execute_tool get_forecast", "internal", "ok")
    assert said(good, "gen_ai.tool.call.arguments") == {"city": "Lisbon", "day": "Saturday"}
    assert good.attributes["input.value"] == good.attributes["gen_ai.tool.call.arguments"]
    assert said(good, "gen_ai.tool.call.result")["sky"] == "sunny"
    assert good.attributes["gen_ai.tool.type"] == "function"
    assert (failed.status, failed.attributes["error.type"]) == (
        "error",
        failed.events[0].attributes["exception.type"],
    )
    assert "did not answer" in failed.message


def test_attempts_that_failed_are_events(demo: list[Span]) -> None:
    retried = [each for each in by_name(demo, "chat") if each.attributes.get("thoughtflow.retries")]
    told = [
        event.attributes for each in retried for event in each.events if event.name.endswith("attempt.failed")
    ]

    assert [each["thoughtflow.attempt"] for each in told] == [1, 1, 2]
    assert all(isinstance(each["http.response.status_code"], int) for each in told)


def test_two_runs_that_go_on_from_one_call_link_to_it() -> None:
    found = spans(from_cassette("fork"))
    calls = {each.span_id for each in by_name(found, "chat")}
    links = [link for each in found for link in each.links]

    assert sorted(str(link.attributes["thoughtflow.link"]) for link in links) == ["continues", "fork"]
    assert len({link.span_id for link in links}) == 1
    assert {link.span_id for link in links} <= calls


def test_a_link_leads_into_another_session() -> None:
    run = a_chat("And now?", lineage=Lineage(parent_response_id="resp_0", source="previous_response_id"))
    asked: list[str] = []

    def find(response_id: str) -> tuple[bytes, bytes]:
        asked.append(response_id)
        return b"t" * 16, b"s" * 8

    root = spans(a_session(run), find_span=find)[0]

    assert asked == ["resp_0"]
    assert [(link.trace_id, link.span_id) for link in root.links] == [(b"t" * 16, b"s" * 8)]


def test_a_run_inside_a_tool_hangs_there_in_the_same_trace() -> None:
    outer = a_run(
        a_step("user_message", "Ask the expert"),
        a_step("assistant_call", model="gpt-4.1", response_id="resp_1"),
        a_step("tool_call", "{}", tool_name="expert", call_id="call_1"),
    )
    nested = Lineage(parent_run_id="run_1", parent_step_id="step_1_3", source="nested")
    inner = a_chat("What of it?", response_id="resp_2", trigger="tool", lineage=nested)
    found = spans(a_session(outer, inner))
    tool, agent = by_name(found, "execute_tool")[0], by_name(found, "invoke_agent")[1]

    assert agent.parent_id == tool.span_id
    assert len({each.trace_id for each in found}) == 1
    assert not agent.links


def test_runs_that_claim_to_run_in_each_other_are_all_there() -> None:
    first = a_run(a_step("assistant_call"), lineage=Lineage(parent_run_id="run_2"), trigger="tool")
    second = a_run(a_step("assistant_call"), lineage=Lineage(parent_run_id="run_1"), trigger="tool")

    assert len(by_name(spans(a_session(first, second)), "chat")) == 2


def test_a_tool_of_the_provider_hangs_below_its_call() -> None:
    run = a_run(
        a_step("assistant_call", model="gpt-4.1"),
        a_step("tool_call", "{}", tool_name="web_search", started={"type": "web_search_call"}),
    )
    _, chat, tool = spans(a_session(run))

    assert (tool.parent_id, tool.attributes["gen_ai.tool.type"]) == (chat.span_id, "extension")


def test_another_endpoint_alone_is_a_root_itself() -> None:
    step = a_step(
        "generic",
        type="api.embeddings.create",
        model="text-embedding-3-small",
        usage=tokens(12, 0),
        started={"name": "openai.embeddings.create", "arguments": {"input": "Hello"}},
        completed={"result": "1 vector"},
    )
    [only] = spans(a_session(a_run(step, trigger="api")))

    assert (only.name, only.parent_id, only.kind) == ("embeddings text-embedding-3-small", None, "client")
    assert "gen_ai.usage.input_tokens" not in only.attributes
    assert (only.attributes["input.value"], only.attributes["output.value"]) == (
        '{"input":"Hello"}',
        "1 vector",
    )


def test_what_was_spoken_is_told_in_words() -> None:
    tape = Tape().configured().speaks("item_1").begins("resp_1").tells("resp_1", "item_2", "Hel", "lo!")
    found = spans(tape.done("resp_1", "item_2", "Hello!").closed().ended().session())

    assert [each.name for each in found if each.parent_id is None] == ["invoke_agent"]
    [chat] = by_name(found, "chat")
    assert said(chat, "gen_ai.output.messages")[0]["parts"] == [{"type": "text", "content": "Hello!"}]
    assert chat.attributes[TOKENS] == 20


def test_an_annotation_is_an_event_of_its_run() -> None:
    run = a_run(a_step("user_message", "Hello"), a_step("generic", type="order", completed={"id": 4711}))
    [event] = spans(a_session(run))[0].events

    assert event.name == "thoughtflow.annotation"
    assert event.attributes["thoughtflow.annotation.data"] == '{"id":4711}'


def test_status_says_ok_error_or_nothing() -> None:
    cancelled = a_run(a_step("assistant_call", status="cancelled"), status="cancelled")
    failed = a_run(
        a_step(
            "assistant_call",
            status="failed",
            error=ErrorInfo("rate_limit", "Quota.", "insufficient_quota", 429),
        ),
        status="failed",
    )
    found = spans(a_session(cancelled, failed))

    assert [each.status for each in found] == ["unset", "unset", "error", "error"]
    assert found[0].attributes["langfuse.observation.level"] == "WARNING"
    assert [each.message for each in found[2:]] == ["Quota.", "Quota."]
    assert found[3].attributes["error.type"] == "insufficient_quota"


def test_no_key_begins_as_langfuse_takes_for_its_old_prompts(demo: list[Span]) -> None:
    names = {name for each in [*demo, *spans(weather()), *spans(hostile())] for name in each.attributes}

    assert not [name for name in names if re.match(r"gen_ai\.(prompt|completion)", name)]
    assert all("input.value" not in each.attributes for each in by_name(demo, "chat"))


def test_ids_are_those_of_store_session_and_beginning() -> None:
    def ids(store_id: str, session: Session) -> set[bytes]:
        return {each.span_id for each in spans_of(session, store_id)}

    first = ids(STORE_ID, a_closed("sess_1"))
    later = a_closed("sess_1")
    later.started_at = "2026-09-03T09:14:00.000Z"

    assert first == ids(STORE_ID, a_closed("sess_1"))
    assert not first & ids("another", a_closed("sess_1"))
    assert not first & ids(STORE_ID, a_closed("sess_2"))
    assert not first & ids(STORE_ID, later)


def test_new_sends_each_text_once_and_none_sends_none() -> None:
    session = Conversation(4).session()
    new = by_name(spans(session, content="new"), "chat")
    full = by_name(spans(session), "chat")

    assert [len(said(each, CHAT)) for each in full] == [1, 3, 5, 7]
    assert [[part["parts"][0]["content"][:2] for part in said(each, CHAT)] for each in new] == [
        ["1:"],
        ["2:"],
        ["3:"],
        ["4:"],
    ]
    assert spans(session, content="new")[0].attributes["thoughtflow.content"] == "new"
    text = str([(each.attributes, each.events, each.message) for each in spans(session, content="none")])
    assert "Tell me more" not in text


def test_no_text_at_all_means_none(demo: list[Span]) -> None:
    session = from_cassette("demo")
    session.metadata = {"secret": "of the house"}
    told = str(spans(session, content="none"))

    assert "Lisbon" in str(demo)
    for words in ("Lisbon", "sunny", "You are a travel agent", "did not answer", "of the house"):
        assert words not in told


def test_a_long_history_keeps_the_system_message_and_the_newest() -> None:
    session = Conversation(60, "x" * 10_000).session()
    first = session.runs[0]
    first.steps[1].payload_started["prompt_provenance"]["parts"].insert(
        0, {"type": "policy.snapshot", "step_id": "step_1_9", "form": "item"}
    )
    policy = a_step("policy.snapshot", "Be brief.", after=(), started={"sources": ["system"]})
    policy.step_id = "step_1_9"
    first.steps.append(policy)
    for number, run in enumerate(session.runs[1:], start=2):
        run.steps[1].payload_started["prompt_provenance"]["parts"][0]["items"] = 2 * number - 2

    last = by_name(spans(session), "chat")[-1]
    told = said(last, CHAT)

    assert len(str(last.attributes[CHAT])) < 300_000
    assert told[0] == {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]}
    assert told[-1]["parts"][0]["content"].startswith("60: ")
    assert len(told) + last.attributes["thoughtflow.input.omitted_messages"] == 120  # type: ignore[operator]


def test_a_whole_session_may_be_one_trace() -> None:
    found = spans(from_cassette("demo"), whole_session=True)

    assert len({each.trace_id for each in found}) == 1
    assert [each.name for each in found if each.parent_id is None] == ["session"]


def test_nul_and_halves_of_characters_do_not_leave() -> None:
    run = a_run(
        a_step("user_message", "a\x00b\ud800c"),
        a_step("assistant_call", model="m\x00", after=(1,)),
        a_step("tool_call", tool_name="t\ud800", started={"arguments": {"k\x00": ["\ud800"]}}),
    )
    session = a_session(run)
    session.metadata = {"user": "ada\x00", "k\ud800": "v"}

    text = str([(each.name, each.attributes) for each in spans(session)])

    assert "\\x00" not in text
    assert "\\ud800" not in text
    assert "\\u0000" not in text


def test_tokens_that_cannot_be_are_passed_on() -> None:
    usage = tokens(10, 5)
    usage.cached_tokens = 20
    run = a_run(a_step("assistant_call", model="gpt-4.1", usage=usage))
    chat = spans(a_session(run), price=lambda _: None)[1]

    assert chat.attributes["gen_ai.usage.cache_read.input_tokens"] == 20
    assert "gen_ai.usage.cost" not in chat.attributes


def test_a_price_stands_under_both_names() -> None:
    run = a_run(a_step("assistant_call", model="gpt-4.1", usage=tokens(10, 5)))
    root, chat = spans(a_session(run), price=lambda _: 0.25)

    assert (chat.attributes["gen_ai.usage.cost"], chat.attributes["llm.cost.total"]) == (0.25, 0.25)
    assert "gen_ai.usage.input_tokens" not in root.attributes


@pytest.mark.parametrize(
    "times",
    [
        {},
        {"started_at": "2026-09-02T09:14:10.000Z"},
        {"ended_at": "2026-09-02T09:14:10.000Z"},
        {"started_at": "2026-09-02T09:14:10.000Z", "ended_at": "2026-09-02T09:14:05.000Z"},
        {"started_at": "yesterday", "ended_at": "\ud800"},
    ],
)
def test_times_that_are_missing_or_backwards_are_the_runs(times: dict[str, Any]) -> None:
    run = a_run(a_step("assistant_call", **times), started_at="2026-09-02T09:14:00.000Z")
    root, chat = spans(a_session(run))

    assert root.start <= chat.start <= chat.end <= root.end


@needs_recordings
def test_every_recording_has_its_calls_runs_and_tokens_as_spans() -> None:
    for recording in recordings():
        session = recording.session
        found = spans(session)
        steps = [step for run in session.runs for step in run.steps]
        chats = [
            each
            for each in found
            if each.attributes.get("gen_ai.operation.name") in {"chat", "text_completion"}
        ]

        assert len(chats) == sum(step.label == "assistant_call" for step in steps), recording.name
        assert len(by_name(found, "execute_tool")) == sum(
            step.label == "tool_call" or (step.type.startswith("tool.") and step.label == "generic")
            for step in steps
        )
        total = sum(value for each in found if isinstance(value := each.attributes.get(TOKENS, 0), int))
        assert total == session.summary.usage.input_tokens, recording.name
        assert len({each.span_id for each in found}) == len(found)
        assert all(0 < each.start <= each.end for each in found)


def test_options_are_by_default_all_that_the_model_saw() -> None:
    assert Options().content == "full"


@pytest.mark.parametrize("content", ["new", "full"])
def test_a_conversation_that_is_sent_again_is_put_into_words_once(
    content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = noted(monkeypatch, Contexts, "item")

    assert len(spans(Conversation(200).session(), content=content)) == 400
    # A question and an answer for each turn, and the answer again as it came.
    assert len(looked) <= 3 * 200


@pytest.mark.parametrize(
    "part", [{"items": 10**9}, {"from": -5, "items": -1}, {"step_id": "step_1_2"}, {"items": "x"}, {}]
)
def test_whatever_a_document_says_of_what_was_sent_again(part: dict[str, Any]) -> None:
    session = Conversation(3).session()
    again = session.runs[2].steps[1].payload_started["prompt_provenance"]["parts"][0]
    again.clear()
    again.update({"type": "resent", "step_id": "step_3_2"} | part)

    for content in ("full", "new", "none"):
        assert len(spans(session, content=content)) == 6
