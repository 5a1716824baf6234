"""What is said over a live socket, and what its model gives away, becomes runs and steps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.projection.sockets.tape import START, Tape, connection, steps, turns
from tfclient.projection.happened import Happened
from tfstore.document.converter import from_json, to_json
from tfstore.document.documents import Session
from tfstore.reading.prompts import prompt_of

TOOL = {"type": "function", "name": "weather", "parameters": {}}
LIVE: dict[str, Any] = {
    "id": "live_1",
    "model": "gpt-live-1",
    "status": "active",
    "instructions": "Be kind.",
    "audio": {"format": {"type": "audio/pcm", "rate": 24000}},
    "delegation": {
        "type": "responses",
        "responses": {
            "model": "gpt-5",
            "instructions": "Look things up.",
            "tools": [TOOL],
            "reasoning": {"effort": "low"},
        },
    },
}
USAGE = {"input_tokens": 30, "output_tokens": 12, "total_tokens": 42}


def started(**changed: Any) -> Tape:
    tape = Tape(kind="live").sent("session.start", session={"model": "gpt-live-1"})
    return tape.got("session.started", session={**LIVE, **changed})


def response(name: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    """A snapshot as it comes over such a socket: what it was given and what it gave are left out."""
    return {
        "id": name, "object": "response", "model": "gpt-5-2026", "status": status, "output": [], "tools": [],
        "instructions": None, **more,
    }  # fmt: skip


def called(call_id: str = "call_1") -> dict[str, Any]:
    return {
        "id": f"fc_{call_id}", "type": "function_call", "call_id": call_id, "name": "weather",
        "arguments": '{"city":"Bergen"}', "status": "completed",
    }  # fmt: skip


def said(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}


def looked_up() -> Tape:
    """A question that the model gives away, a tool that is asked for, and the answer."""
    tape = started().heard("Do I need ", 500, 900).heard("an umbrella?", 900, 1600)
    tape.spoke("Let me see.", 1900, 2500)
    delegation = {"id": "dlg_1", "type": "delegation", "target": "responses", "response_id": "resp_1"}
    tape.got("session.delegation.created", delegation=delegation, offset_ms=2500)
    tape.inside("response.created", response=response("resp_1", "in_progress"))
    tape.inside("response.output_item.added", output_index=0, item={**called(), "arguments": ""})
    tape.inside(
        "response.function_call_arguments.delta", output_index=0, item_id="fc_call_1", delta='{"city"'
    )
    tape.inside("response.output_item.done", output_index=0, item=called())
    tape.inside("response.completed", response=response("resp_1", usage=USAGE))
    output = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
    tape.sent("response.item.create", item=output).sent("response.create")
    tape.inside("response.created", response=response("resp_2", "in_progress"))
    tape.inside("response.output_item.added", output_index=0, item={**said(""), "content": []})
    tape.inside(
        "response.output_text.delta", output_index=0, content_index=0, item_id="msg_1", delta="It rains."
    )
    tape.inside("response.output_item.done", output_index=0, item=said("It rains."))
    tape.inside("response.completed", response=response("resp_2", usage=USAGE))
    return tape.spoke("It rains, ", 6000, 6500).spoke("so yes.", 6500, 7000)


def test_speech_becomes_turns() -> None:
    tape = started().heard("Good ", 0, 300).heard("morning.", 300, 800)
    tape.spoke("Good morning! ", 1200, 1800).spoke("How are you?", 1800, 2600)
    session = tape.heard(" Fine.", 3000, 3400).spoke("Good.", 3600, 4000).closed().ended().session()
    first, second = turns(session)
    assert [run.input_text for run in (first, second)] == ["Good morning.", "Fine."]
    assert first.lineage.notes == second.lineage.notes == ["inferred"]
    assert (first.channel, session.channel, session.result) == ("voice", "voice", "completed")
    assert second.lineage.parent_run_id == first.run_id
    prompt = steps(session, "user_message")[0]
    assert (prompt.type, prompt.duration_ms, prompt.payload_completed) == (
        "live.speech",
        800,
        {"speech_ms": 800},
    )
    message = steps(session, "assistant_message")[0]
    assert message.payload_completed == {
        "text": "Good morning! How are you?", "spoken": True, "audio_ms": 1400,
    }  # fmt: skip
    call, other = steps(session, "assistant_call")
    assert (call.model, call.status, call.ending) == ("gpt-live-1", "completed", "completed")
    assert call.latency is not None
    assert (call.latency.first_text_ms, call.latency.events) == (10, 2)
    assert prompt_of(session, other.step_id).instructions == "Be kind."
    assert [item["role"] for item in prompt_of(session, call.step_id).items] == ["user"]
    assert to_json(from_json(to_json(session))) == to_json(session)


def test_history_from_before_the_session() -> None:
    old = [{"role": "user", "content": [{"type": "input_text", "text": "I am Ada."}]}]
    session = started(input=old).heard("Who am I?", 0, 500).spoke("Ada.", 900, 1200).session()
    (context,) = steps(session, "context.snapshot")
    assert context.payload_started["items"] == old
    (call,) = steps(session, "assistant_call")
    assert [item["role"] for item in prompt_of(session, call.step_id).items] == ["user", "user"]


def test_a_greeting_that_nobody_asked_for() -> None:
    (run,) = started().spoke("Welcome!", 0, 500).session().runs
    assert (run.trigger, run.status, run.input_text) == ("system", "in_progress", "Be kind.")


def test_words_that_come_late_are_of_their_own_turn() -> None:
    tape = started().heard("Where is", 0, 500).spoke("In", 1200, 1300).heard(" Bergen?", 500, 900)
    assert [run.input_text for run in tape.session().runs] == ["Where is Bergen?"]
    tape.heard("Thanks.", 3000, 3300).spoke(" Norway.", 1300, 1900)
    session = tape.closed().ended().session()
    assert [run.input_text for run in session.runs] == ["Where is Bergen?", "Thanks."]
    (message,) = steps(session, "assistant_message")
    assert message.payload_completed["text"] == "In Norway."
    assert steps(session, "assistant_call")[0].payload_completed["text"] == "In Norway."


def test_somebody_speaks_over_an_answer() -> None:
    tape = started().heard("A story.", 0, 500).spoke("Once upon a time", 900, 2500)
    session = tape.heard("Stop!", 2000, 2300).spoke("Fine.", 2600, 2900).closed().ended().session()
    first, second = session.runs
    assert first.lineage.notes == ["inferred", "interrupted"]
    assert (session.summary.interruptions, second.lineage.notes) == (1, ["inferred"])
    assert steps(session, "assistant_call")[0].notes == ["interrupted"]


def test_work_that_is_given_away() -> None:
    session = looked_up().closed().ended().session()
    (run,) = session.runs
    assert [step.label for step in run.steps if not step.label.endswith(".snapshot")] == [
        "generic", "user_message", "assistant_call", "assistant_message", "generic", "assistant_call",
        "tool_call", "tool_output", "assistant_call", "assistant_message", "assistant_call", "assistant_message",
    ]  # fmt: skip
    spoken, asks, answers, again = steps(session, "assistant_call")
    assert [each.type for each in (spoken, asks, answers, again)] == [
        "live.answer", "live.response", "live.response", "live.answer",
    ]  # fmt: skip
    assert (asks.model, asks.response_id, asks.usage and asks.usage.total_tokens) == (
        "gpt-5-2026",
        "resp_1",
        42,
    )
    assert asks.payload_started["arguments"] == {"reasoning": {"effort": "low"}}
    assert (asks.payload_started["asked_by"], answers.payload_started["asked_by"]) == ("server", "program")
    prompt = prompt_of(session, answers.step_id)
    assert (prompt.instructions, prompt.tools, prompt.response_id) == ("Look things up.", [TOOL], "resp_1")
    assert [item["type"] for item in prompt.items] == ["function_call_output"]
    (call,) = steps(session, "tool_call")
    assert (call.tool_name, call.status, call.payload_started["arguments"]) == (
        "weather", "completed", {"city": "Bergen"},
    )  # fmt: skip
    delegation = steps(session, "generic")[1]
    assert (delegation.type, delegation.status) == ("live.delegation", "completed")
    assert delegation.step_id in asks.depends_on
    assert answers.payload_completed["text"] == "It rains."
    assert again.payload_completed["text"] == "It rains, so yes."
    assert (session.summary.model_calls, session.summary.usage.total_tokens) == (4, 84)
    assert (session.result, session.summary.unresolved_tool_calls) == ("completed", 0)


def test_a_tool_is_there_before_its_response_is_over() -> None:
    tape = started().heard("Rain?", 0, 500)
    tape.inside("response.created", None, response=response("resp_1", "in_progress"))
    session = tape.inside("response.output_item.done", None, output_index=0, item=called()).session()
    assert [call.call_id for call in steps(session, "tool_call")] == ["call_1"]


def test_events_are_told_once_each() -> None:
    happened, told = Happened(), []
    tape = looked_up()
    for n in range(1, len(tape.entries) + 1):
        part = Tape(kind="live")
        part.entries = tape.entries[:n]
        told += happened.since(part.session())
    told += happened.since(tape.closed().ended().session())
    assert [(each.kind, each.text) for each in told] == [
        ("turn_start", "Do I need"),
        ("tool_call", '{"city":"Bergen"}'),
        ("tool_result", "rain"),
        ("turn_complete", "It rains."),
        ("turn_complete", "It rains, so yes."),
    ]


def test_work_for_the_program_itself() -> None:
    tape = started(delegation={"type": "client"}).heard("Rain?", 0, 500)
    delegation = {"id": "dlg_1", "type": "delegation", "target": "client"}
    tape.got("session.delegation.created", delegation=delegation, offset_ms=600).wait(400)
    tape.sent("session.thinking.append", content="Looking.", delegation_id="dlg_1")
    tape.got("session.thinking.appended", start_ms=700, end_ms=700)
    tape.sent("session.commentary.append", content="It rains.", delegation_id="dlg_1")
    session = tape.spoke("It rains.", 1500, 1900).session()
    _, delegated, thought, said_ = steps(session, "generic")
    assert (delegated.status, delegated.duration_ms) == ("completed", 430)
    assert thought.depends_on == said_.depends_on == [delegated.step_id]
    assert said_.payload_completed["content"] == "It rains."
    assert len(session.runs) == 1


def test_a_decision() -> None:
    decision = {"model": "gpt-d", "answers": [{"type": "predicate", "probability": 0.9}], "usage": USAGE}
    inner = {"type": "decision.completed", "decision": decision}
    tape = started().heard("Hm.", 0, 300)
    tape.got("decision.event", event=inner, delegation_id=None, trigger_id="trg_1")
    step = steps(tape.session(), "generic")[-1]
    assert (step.type, step.model, step.notes) == ("live.decision.event", "gpt-d", [])
    assert step.payload_completed["event"] == inner


def test_errors_name_what_they_are_about() -> None:
    tape = started().heard("Hm.", 0, 300).sent("response.create", event_id="mine")
    error = {"type": "invalid_request_error", "code": "no", "message": "No.", "client_event_id": "mine"}
    session = tape.got("error", error=error).session()
    step = steps(session, "generic")[-1]
    assert (step.type, step.status, step.error and step.error.code) == ("live.error", "failed", "no")
    assert step.payload_started == {"event_id": "mine", "event_type": "response.create", "refused": {}}


@pytest.mark.parametrize(
    ("by", "status", "ending"), [("network", "failed", "cut"), ("program", "cancelled", "left_early")]
)
def test_a_connection_that_ends_under_an_answer(by: str, status: str, ending: str) -> None:
    tape = started().heard("Rain?", 0, 500).spoke("Hm", 800, 900)
    tape.inside("response.created", None, response=response("resp_1", "in_progress"))
    session = tape.closed(by, 1006).ended().session()
    _, call = steps(session, "assistant_call")
    assert (call.status, call.ending) == (status, ending)


def test_words_that_are_cut_off() -> None:
    session = started().heard("Hi", 0, 500).spoke("Hel", 800, 900).closed("network", 1006).ended().session()
    (call,) = steps(session, "assistant_call")
    assert (call.status, call.ending, session.runs[0].status) == ("incomplete", "cut", "incomplete")


def test_a_delegated_response_that_fails() -> None:
    tape = started().heard("Rain?", 0, 500)
    tape.inside("response.created", None, response=response("resp_1", "in_progress"))
    told = response("resp_1", "failed", error={"code": "server_error", "message": "Oh."})
    tape.inside("response.failed", None, response=told)
    tape.inside("response.created", None, response=response("resp_2", "in_progress"))
    session = tape.inside("error", None, code="rate_limit", message="Slow.").session()
    one, other = steps(session, "assistant_call")
    assert (one.status, one.error and one.error.code, one.ending) == (
        "failed",
        "server_error",
        "failed_event",
    )
    assert (other.status, other.error and other.error.message, other.ending) == (
        "failed",
        "Slow.",
        "error_event",
    )


def test_how_a_session_ended_and_what_it_used() -> None:
    tape = started().heard("Hi", 0, 500).got("session.usage.updated", usage={"seconds": 10})
    used = {"seconds": 3600.0}
    session = (
        tape.got("session.closed", reason="expired", session=LIVE, usage=used).closed("server").session()
    )
    step = connection(session)
    assert step.ending == "expired"
    assert step.payload_completed["usage"] == used
    assert step.payload_completed["session_closed"] == "expired"


def test_a_new_connection_knows_nothing_but_a_sideband_does() -> None:
    sessions: list[Session] = []
    for kind in ("live", "sideband"):
        tape = (
            Tape(kind=kind).got("session.started", session=LIVE).heard("One", 0, 500).spoke("Yes", 600, 800)
        )
        tape.closed("network", 1006).opened(kind=kind).heard("Two", 5000, 5500)
        sessions.append(tape.session())
    fresh, same = ([run.lineage.notes for run in turns(each)] for each in sessions)
    assert fresh == [["inferred"], ["lost_context", "inferred"]]
    assert same == [["inferred"], ["inferred"]]


def test_what_is_plain_and_what_is_not_understood() -> None:
    tape = started().heard("Hi", 0, 500).got("session.paused").got("session.new_thing", of="tomorrow")
    tape.sent("response.new_thing", a=1).got("session.input_transcript.delta", delta=None)
    plain, new, sent, odd = steps(tape.session(), "generic")[1:]
    assert (plain.type, plain.notes) == ("live.session.paused", [])
    assert (new.type, new.notes, new.payload_completed) == (
        "live.session.new_thing", ["not_understood"], {"of": "tomorrow"},
    )  # fmt: skip
    assert sent.notes == ["not_understood"]
    assert odd.payload_completed == {"delta": None}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "session.started", "session": 3},
        {"type": "session.delegation.created", "delegation": None},
        {"type": "response.event", "event": {"type": 3}},
        {"type": "response.event", "event": {"type": "response.output_text.delta", "delta": "x"}},
        {"type": "response.event"},
        {"type": "decision.event", "event": None, "delegation_id": ["x"]},
        {"type": "error", "error": None},
    ],
)
def test_odd_messages_stay_whole(event: dict[str, Any]) -> None:
    kind = event.pop("type")
    step = steps(Tape(kind="live").got(kind, **event).session(), "generic")[-1]
    assert step.type == f"live.{kind}"
    assert step.payload_completed == event


def test_a_response_of_which_the_beginning_was_not_seen() -> None:
    tape = started().heard("Rain?", 0, 500)
    tape.inside("response.completed", None, response={**response("resp_1"), "output": [said("Yes.")]})
    tape.inside("response.completed", None, response=response("resp_1"))
    (call,) = steps(tape.session(), "assistant_call")
    assert (call.notes, call.payload_completed["text"]) == (["begin_not_seen"], "Yes.")


def test_a_request_that_did_not_leave_is_not_answered() -> None:
    tape = started().heard("Rain?", 0, 500).sent("response.create").of("socket.unsent", back=1, error={})
    session = tape.inside("response.created", response=response("resp_1", "in_progress")).session()
    (call,) = steps(session, "assistant_call")
    assert call.payload_started["asked_by"] == "server"


BETWEEN: list[tuple[str, dict[str, Any]]] = [
    ("session.usage.updated", {"usage": {"seconds": 7}}),
    ("session.thinking.appended", {"start_ms": 5, "end_ms": 5}),
    ("session.commentary.appended", {"start_ms": 5, "end_ms": 5}),
]


@settings(max_examples=25)
@given(st.lists(st.integers(0, 30), min_size=3, max_size=3), st.permutations(range(3)))
def test_what_is_told_beside_may_come_in_any_order(places: list[int], order: list[int]) -> None:
    def told(where: list[int]) -> Any:
        tape = looked_up().heard("Thanks", 8000, 8400).closed().ended()
        for place, n in sorted(zip(where, order, strict=True), reverse=True):
            kind, event = BETWEEN[n]
            data = json.dumps({"type": kind, **event})
            # After the session has begun, and before the connection is over.
            entry = {**tape.entries[3], "data": data}
            tape.entries.insert(min(4 + place, len(tape.entries) - 2), entry)
        for entry in tape.entries:
            entry["at"] = START
        return to_json(tape.session())

    assert told(places) == told([0, 0, 0])


@settings(max_examples=25)
@given(st.integers(0, 25))
def test_killed_anywhere_all_words_that_came_are_there(count: int) -> None:
    tape = looked_up()
    tape.entries = tape.entries[: 3 + count]
    came = [json.loads(e["data"]) for e in tape.entries if e["type"] == "socket.frame" and e["dir"] == "in"]
    tape.add("session.ended", end_reason="recovered")
    session = tape.session()
    text = json.dumps(to_json(session))
    for way, label in (("input", "user_message"), ("output", "assistant_message")):
        words = "".join(e["delta"] for e in came if e["type"] == f"session.{way}_transcript.delta")
        told = [
            str(s.payload_started.get("text") or s.payload_completed.get("text"))
            for s in steps(session, label)
        ]
        assert "".join(words.split()) in "".join("".join(told).replace("It rains.", "").split())
    assert all(e["event"]["item"]["id"] in text for e in came if "item" in (e.get("event") or {}))
    assert all(run.status not in {"in_progress", "queued"} for run in session.runs)
