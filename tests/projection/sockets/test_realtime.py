"""What is said over a realtime socket becomes runs and steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.projection.sockets.tape import CONFIG, START, Tape, connection, interruption, spoken, steps, turns
from tests.server.sockets import recorded
from tfclient.projection.projector import Projector
from tfstore.document.converter import from_json, to_json
from tfstore.document.documents import Session
from tfstore.reading.prompts import prompt_of


def taped(path: Path) -> Tape:
    """A recording as the entries that would be written of it, audio by audio."""
    tape = Tape()
    for direction, data in recorded(path):
        way = "out" if direction == "sent" else "in"
        if data["type"] in {"input_audio_buffer.append", "response.output_audio.delta"}:
            tape.of(
                "socket.audio", dir=way, event=data["type"], item_id=data.get("item_id"), ms=1,
                response_id=data.get("response_id"), first_at=tape.at, frames=1, bytes=33,
            )  # fmt: skip
        else:
            tape.of("socket.frame", dir=way, data=json.dumps(data))
    return tape.closed().ended()


def test_recordings(recordings: Path) -> None:
    sessions = [taped(path).session() for path in sorted((recordings / "realtime").glob("*.jsonl"))]
    assert len(sessions) == 14
    assert sum(len(turns(each)) for each in sessions) == 16
    assert sum(each.summary.model_calls for each in sessions) == 22
    assert sum(each.summary.tool_calls for each in sessions) == 6
    assert sum(each.summary.unresolved_tool_calls for each in sessions) == 0
    assert {each.result for each in sessions} == {"completed"}
    assert sum(each.channel == "voice" for each in sessions) == 5
    for path, session in zip(sorted((recordings / "realtime").glob("*.jsonl")), sessions, strict=True):
        told = [d["response"] for _, d in recorded(path) if d["type"] == "response.done"]
        assert session.summary.usage.total_tokens == sum(each["usage"]["total_tokens"] for each in told)
        audio = sum(each["usage"]["output_token_details"].get("audio_tokens", 0) for each in told)
        assert session.summary.usage.audio_output_tokens == audio
        assert all(run.input_text not in {"", "[speech]"} for run in turns(session))
        # What the document holds is what a reader gets back.
        assert to_json(from_json(to_json(session))) == to_json(session)
        for call in steps(session, "assistant_call"):
            assert prompt_of(session, call.step_id).unknown is not None
    unread = [s.type for each in sessions for s in steps(each, "generic") if s.type != "websocket.connection"]
    assert unread == []


def test_a_spoken_turn() -> None:
    tape = Tape().configured().speaks("item_1").begins("resp_1").tells("resp_1", "item_2", "Hel", "lo!")
    session = (
        tape.sounds("item_2", "resp_1", 900)
        .done("resp_1", "item_2", "Hello!")
        .hears("item_1", "Hi.")
        .session()
    )
    (run,) = session.runs
    assert (run.trigger, run.channel, run.status, run.input_text) == (
        "user_message",
        "voice",
        "completed",
        "Hi.",
    )
    assert session.channel == "voice"
    (prompt,) = steps(session, "user_message")
    assert prompt.payload_started == {"text": "Hi."}
    assert prompt.payload_completed["speech_ms"] == 800
    assert prompt.payload_completed["transcription_usage"]["total_tokens"] == 5
    (call,) = steps(session, "assistant_call")
    assert call.payload_started["asked_by"] == "voice_activity"
    assert (call.model, call.finish_reason) == ("gpt-realtime", "completed")
    assert call.usage is not None
    assert (call.usage.cached_tokens, call.usage.audio_input_tokens, call.usage.audio_output_tokens) == (
        4,
        12,
        7,
    )
    assert call.payload_completed["usage"]["output_token_details"] == {"text_tokens": 3, "audio_tokens": 7}
    assert call.latency is not None
    # From the end of the speech: committed, created, item, the first word, the second, the sound.
    assert (call.latency.first_event_ms, call.latency.first_text_ms, call.latency.first_audio_ms) == (
        20,
        40,
        50,
    )
    (message,) = steps(session, "assistant_message")
    assert message.payload_completed == {"text": "Hello!", "spoken": True, "audio_ms": 900}
    assert [step.label for step in run.steps] == [
        "generic", "user_message", "policy.snapshot", "assistant_call", "assistant_message",
    ]  # fmt: skip


def test_turns_follow_each_other() -> None:
    tape = Tape().configured().speaks("item_1", "One").answers("resp_1", "First.")
    session = tape.speaks("item_2", "Two").answers("resp_2", "Second.").session()
    first, second = session.runs
    assert second.lineage.source == "conversation"
    assert second.lineage.parent_run_id == first.run_id
    assert second.lineage.parent_response_id == "resp_1"
    assert {run.thread_id for run in session.runs} == {"thread_1"}


def test_a_late_transcript_is_of_its_own_turn() -> None:
    tape = Tape().configured().speaks("item_1").answers("resp_1", "First.").speaks("item_2")
    session = tape.hears("item_2", "Two").begins("resp_2").hears("item_1", "One").session()
    assert [run.input_text for run in session.runs] == ["One", "Two"]


def test_what_was_heard_so_far_is_shown() -> None:
    kind = "conversation.item.input_audio_transcription.delta"
    tape = Tape().configured().speaks("item_1").got(kind, item_id="item_1", delta="My na")
    assert tape.session().runs[0].input_text == "My na"
    tape.got(kind, item_id="item_1", delta="me is")
    assert tape.session().runs[0].input_text == "My name is"
    assert tape.hears("item_1", "My name is Ada.").session().runs[0].input_text == "My name is Ada."


def test_an_interruption_with_what_was_heard() -> None:
    session = interruption().closed().ended().session()
    first, second = turns(session)
    assert (first.status, second.status, session.result) == ("incomplete", "completed", "completed")
    assert first.lineage.notes == ["interrupted"]
    assert session.summary.interruptions == 1
    call, _ = steps(session, "assistant_call")
    assert (call.status, call.finish_reason, call.notes) == ("cancelled", "turn_detected", ["interrupted"])
    message = steps(session, "assistant_message")[0]
    assert message.payload_completed["text"] == "Once upon a time there was"
    assert (message.payload_completed["heard_ms"], message.payload_completed["audio_ms"]) == (1500, 5000)
    assert [step.label for step in steps(session, "generic")] == ["generic"]


def test_playback_that_is_stopped_after_the_answer_is_whole() -> None:
    tape = Tape().configured().speaks("item_1", "Hi").begins("resp_1").sounds("item_2", "resp_1", 5000)
    tape.done("resp_1", "item_2", "A long answer")
    tape.sent("conversation.item.truncate", item_id="item_2", content_index=0, audio_end_ms=700)
    session = tape.ended().session()
    assert session.summary.interruptions == 1
    assert session.runs[0].status == "completed"


def test_a_response_that_the_program_cancels_is_cancelled() -> None:
    tape = Tape().configured().says("Hi").begins("resp_1").sent("response.cancel")
    told = {"type": "cancelled", "reason": "client_cancelled"}
    session = tape.done("resp_1", status="cancelled", status_details=told).ended().session()
    assert (session.runs[0].status, session.summary.interruptions) == ("cancelled", 0)


def test_typed_turns_and_history() -> None:
    old = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "I am Ada."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello Ada."}]},
    ]
    tape = Tape().configured()
    for item in old:
        tape.sent("conversation.item.create", item=item)
    tape.says("Who am I?", response={"instructions": "Answer.", "metadata": {"a": "b"}}, event_id="event_1")
    session = tape.answers("resp_1", "Ada.").session()
    (run,) = session.runs
    assert (run.input_text, run.channel, session.channel) == ("Who am I?", "text", "text")
    (context,) = steps(session, "context.snapshot")
    assert context.payload_started["items"] == old
    (policy,) = steps(session, "policy.snapshot")
    assert policy.payload_started["text"] == "Answer."
    (call,) = steps(session, "assistant_call")
    assert call.payload_started["asked_by"] == "program"
    assert call.payload_started["arguments"] == {"metadata": {"a": "b"}}
    prompt = prompt_of(session, call.step_id)
    assert prompt.instructions == "Answer."
    assert [item["role"] for item in prompt.items] == ["user", "assistant", "user"]


def test_names_that_the_server_gives_come_late() -> None:
    item = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hi"}],
        "id": "item_1",
    }
    tape = Tape().configured().says("Hi").begins("resp_1").got("conversation.item.added", item=item)
    session = tape.got("conversation.item.done", item=item).done("resp_1", "item_2", "Hello").session()
    (prompt,) = steps(session, "user_message")
    assert prompt.item_id == "item_1"
    assert len(session.runs) == 1


def test_what_somebody_else_says_in_a_sideband() -> None:
    item = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hi"}],
        "id": "item_1",
    }
    session = Tape().got("conversation.item.added", item=item).answers("resp_1", "Hello").session()
    (run,) = session.runs
    assert (run.trigger, run.input_text) == ("user_message", "Hi")
    (call,) = steps(session, "assistant_call")
    assert (call.payload_started["asked_by"], call.model) == ("server", "gpt-realtime")


def test_a_function_is_called_and_answered_before_the_response_is_done() -> None:
    tape = (
        Tape().configured().says("Weather?").begins("resp_1").calls("resp_1", "call_1", arguments='{"a":1}')
    )
    output = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
    tape.sent("conversation.item.create", item=output)
    called = {
        "type": "function_call",
        "call_id": "call_1",
        "name": "look",
        "arguments": '{"a":1}',
        "id": "item_call_1",
    }
    tape.got("response.done", response={"id": "resp_1", "status": "completed", "output": [called]})
    tape.sent("response.create").got("conversation.item.added", item={**output, "id": "item_3"})
    session = tape.answers("resp_2", "Rain.").session()
    (run,) = session.runs
    assert [step.label for step in run.steps if step.label not in {"generic", "policy.snapshot"}] == [
        "user_message", "assistant_call", "tool_call", "tool_output", "assistant_call", "assistant_message",
    ]  # fmt: skip
    (call,) = steps(session, "tool_call")
    assert (call.status, call.payload_started["arguments"]) == ("completed", {"a": 1})
    (given_back,) = steps(session, "tool_output")
    assert (given_back.item_id, given_back.depends_on) == ("item_3", [call.step_id])
    assert steps(session, "assistant_call")[1].payload_started["input"] == [given_back.step_id]


def test_an_output_for_a_call_that_nobody_made() -> None:
    output = {"type": "function_call_output", "call_id": "call_9", "output": "rain"}
    session = Tape().configured().sent("conversation.item.create", item=output).session()
    (call,) = steps(session, "tool_call")
    assert (call.notes, call.call_id) == (["inferred"], "call_9")


def test_a_greeting_is_of_the_system() -> None:
    session = Tape().configured().sent("response.create").answers("resp_1", "Welcome!").session()
    (run,) = session.runs
    assert (run.trigger, run.input_text) == ("system", "Be brief.")


def test_a_response_out_of_band_is_a_run_of_its_own() -> None:
    aside = {"conversation": "none", "metadata": {"topic": "mood"}, "input": []}
    tape = Tape().configured().says("Hi").begins("resp_1").sent("response.create", response=aside)
    tape.begins("resp_2", metadata={"topic": "mood"}).done("resp_2", "item_3", "happy")
    session = tape.done("resp_1", "item_2", "Hello").says("And?").answers("resp_3", "So.").session()
    main, own, later = session.runs
    assert (own.trigger, own.lineage.notes, own.lineage.parent_run_id) == ("api", ["out_of_band"], None)
    assert own.steps[-1].payload_completed["text"] == "happy"
    assert (later.lineage.parent_response_id, later.lineage.parent_run_id) == ("resp_1", main.run_id)


def test_manual_turns() -> None:
    manual = {"input": {"turn_detection": None}}
    tape = Tape().configured(audio=manual).sent("input_audio_buffer.commit")
    tape.got("input_audio_buffer.committed", item_id="item_1").sent("response.create")
    session = tape.hears("item_1", "Hi").answers("resp_1", "Hello").session()
    (run,) = session.runs
    assert (run.input_text, run.channel) == ("Hi", "voice")
    assert steps(session, "assistant_call")[0].payload_started["asked_by"] == "program"


def test_silence_that_the_server_breaks() -> None:
    tape = Tape().configured().got("input_audio_buffer.timeout_triggered", item_id="item_1")
    session = tape.answers("resp_1", "Are you there?").session()
    (run,) = session.runs
    assert (run.trigger, run.input_text) == ("system", "[speech]")


def test_a_transcription_that_failed() -> None:
    kind = "conversation.item.input_audio_transcription.failed"
    tape = (
        Tape()
        .configured()
        .speaks("item_1")
        .got(kind, item_id="item_1", error={"code": "audio_unintelligible"})
    )
    session = tape.answers("resp_1", "Pardon?").session()
    (prompt,) = steps(session, "user_message")
    assert prompt.error is not None
    assert (prompt.error.code, prompt.payload_started["text"]) == ("audio_unintelligible", "[speech]")


def test_tools_and_voices_that_change() -> None:
    tape = Tape().configured().says("Hi").answers("resp_1", "Hello")
    tool = {"type": "function", "name": "look", "parameters": {}}
    tape.got("session.updated", session={**CONFIG, "tools": [tool], "output_modalities": ["text"]})
    session = tape.says("Look").answers("resp_2", "Well").session()
    (schemas,) = steps(session, "tool.schemas.snapshot")
    assert (schemas.run_id, schemas.payload_started["names"]) == ("run_2", ["look"])
    (changed,) = [s for s in steps(session, "generic") if s.type == "realtime.session.updated"]
    assert changed.payload_completed == {"session": {"output_modalities": ["text"]}}


def test_a_refused_greeting_leaves_the_next_response_its_own() -> None:
    tape = (
        Tape().configured().sent("response.create", event_id="event_1", response={"instructions": "Greet!"})
    )
    told = {"type": "invalid_request_error", "code": "invalid_value", "message": "No.", "event_id": "event_1"}
    session = tape.got("error", error=told).says("Hi").answers("resp_1", "Hello").session()
    (policy,) = steps(session, "policy.snapshot")
    assert policy.payload_started["text"] == "Be brief."
    (refused,) = [s for s in steps(session, "generic") if s.type == "realtime.error"]
    assert refused.error is not None
    assert (refused.status, refused.error.code, refused.notes) == ("failed", "invalid_value", [])
    assert refused.payload_started["refused"] == {"instructions": "Greet!"}
    assert session.summary.errors == 1


def test_an_error_without_a_name_is_of_the_latest_request() -> None:
    busy = {
        "type": "invalid_request_error",
        "code": "conversation_already_has_active_response",
        "event_id": None,
    }
    tape = Tape().configured().says("Hi").begins("resp_1").sent("response.create").got("error", error=busy)
    tape.done("resp_1", "item_2", "Hello").says("And?").answers("resp_2", "So.")
    session = tape.ended().session()
    (refused,) = [s for s in steps(session, "generic") if s.type == "realtime.error"]
    assert refused.notes == ["inferred"]
    assert [run.status for run in session.runs] == ["completed", "completed"]
    assert session.result == "completed"


def test_a_response_that_fails() -> None:
    error = {"type": "server_error", "code": "overloaded", "message": "Try later."}
    told = {"type": "failed", "error": error}
    session = (
        Tape()
        .configured()
        .says("Hi")
        .begins("resp_1")
        .done("resp_1", status="failed", status_details=told)
        .session()
    )
    (call,) = steps(session, "assistant_call")
    assert call.error is not None
    assert (call.status, call.ending, call.error.code) == ("failed", "failed_event", "overloaded")
    assert call.error.message == "Try later."


def test_an_answer_that_is_too_long() -> None:
    told = {"type": "incomplete", "reason": "max_output_tokens"}
    session = (
        Tape()
        .configured()
        .says("Hi")
        .begins("resp_1")
        .done("resp_1", status="incomplete", status_details=told)
        .session()
    )
    (call,) = steps(session, "assistant_call")
    assert (call.status, call.finish_reason) == ("incomplete", "max_output_tokens")


def test_tools_of_a_server() -> None:
    call = {
        "id": "item_2", "type": "mcp_call", "server_label": "files", "name": "find", "arguments": "{}",
        "output": "[]", "status": "completed",
    }  # fmt: skip
    asked = {
        "id": "item_3",
        "type": "mcp_approval_request",
        "server_label": "files",
        "name": "rm",
        "arguments": "{}",
    }
    tape = (
        Tape()
        .configured()
        .says("Find")
        .begins("resp_1")
        .got("response.mcp_call.in_progress", response_id="resp_1")
    )
    tape.got("response.done", response={"id": "resp_1", "status": "completed", "output": [call, asked]})
    given_back = {"type": "mcp_approval_response", "approval_request_id": "item_3", "approve": True}
    tape.sent("conversation.item.create", item=given_back).sent("response.create")
    session = tape.answers("resp_2", "Done.").session()
    (tool,) = steps(session, "tool_call")
    assert (tool.tool_name, tool.status) == ("find", "completed")
    (request,) = steps(session, "approval_request")
    (response,) = steps(session, "approval_response")
    assert response.depends_on == [request.step_id]
    assert len(session.runs) == 1


def test_limits_are_told_of_the_last_call() -> None:
    tape = Tape().configured().says("Hi").answers("resp_1", "Hello")
    session = tape.got("rate_limits.updated", rate_limits=[{"name": "tokens"}]).session()
    (call,) = steps(session, "assistant_call")
    assert call.payload_completed["rate_limits"] == [{"name": "tokens"}]


def test_what_nobody_knows_is_kept_whole() -> None:
    tape = Tape().configured().says("Hi").answers("resp_1", "Hello")
    tape.got("conversation.item.retrieved", item={"id": "item_1"}).got("hologram.rotated", degrees=7)
    session = tape.sent("output_audio_buffer.clear").session()
    kept = {
        s.type: s.payload_completed for s in steps(session, "generic") if s.type != "websocket.connection"
    }
    assert kept == {
        "realtime.conversation.item.retrieved": {"item": {"id": "item_1"}},
        "realtime.hologram.rotated": {"degrees": 7},
        "realtime.output_audio_buffer.clear": {},
    }


def test_a_message_that_did_not_leave_asks_for_nothing() -> None:
    tape = Tape().configured().sent("response.create", response={"instructions": "Greet!"})
    tape.of("socket.unsent", back=1, error={"type": "ConnectionClosedError", "message": "gone"})
    session = tape.says("Hi").answers("resp_1", "Hello").session()
    (policy,) = steps(session, "policy.snapshot")
    assert policy.payload_started["text"] == "Be brief."
    assert connection(session).payload_completed["unsent"] == 1


@pytest.mark.parametrize(
    ("by", "code", "status", "ending", "socket"),
    [
        ("program", 1000, "cancelled", "left_early", "closed"),
        ("server", 1001, "failed", "cut", "closed"),
        ("network", 1006, "failed", "cut", "lost"),
    ],
)
def test_an_answer_under_way_when_the_connection_ends(
    by: str, code: int, status: str, ending: str, socket: str
) -> None:
    tape = Tape().configured().says("Hi").begins("resp_1").tells("resp_1", "item_2", "Hel", "lo")
    session = tape.closed(by, code).session()
    (call,) = steps(session, "assistant_call")
    assert (call.status, call.ending, call.payload_completed["text"]) == (status, ending, "Hello")
    step = connection(session)
    assert step.ending == socket
    assert step.payload_completed["connections"][0]["code"] == code
    assert (step.status == "failed") is (socket == "lost")


def test_a_process_that_died() -> None:
    tape = Tape().configured().says("Hi").begins("resp_1").tells("resp_1", "item_2", "Hel", "lo")
    session = tape.ended().session()
    (call,) = steps(session, "assistant_call")
    assert (call.status, call.ending, call.payload_completed["text"]) == ("failed", "unknown", "Hello")
    assert connection(session).ending == "unknown"


def test_sixty_minutes() -> None:
    tape = Tape().configured().says("Hi").answers("resp_1", "Hello").wait(59 * 60 * 1000)
    told = {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes."}
    session = tape.got("error", error=told).closed("server", 1001).ended().session()
    assert connection(session).ending == "expired"
    assert session.result == "completed"
    late = Tape().configured().wait(60 * 60 * 1000).closed("server", 1001).session()
    assert connection(late).ending == "expired"


def test_after_a_reconnect_the_server_knows_nothing() -> None:
    tape = Tape().configured().says("Hi").answers("resp_1", "Hello").closed("network", 1006)
    session = tape.opened().configured().says("Again").answers("resp_2", "Who?").closed().session()
    first, second = session.runs
    assert (second.lineage.source, second.lineage.notes) == ("root", ["lost_context"])
    assert second.lineage.parent_run_id is None
    assert first.thread_id == second.thread_id == "thread_1"
    assert connection(session).payload_completed["reconnects"] == 1
    assert connection(session).status == "completed"


@pytest.mark.parametrize(
    ("status", "error", "class_"),
    [
        (401, "InvalidStatus", "auth"),
        (429, "InvalidStatus", "rate_limit"),
        (503, "InvalidStatus", "provider"),
        (None, "gaierror", "transport"),
        (None, "SSLCertVerificationError", "transport"),
        (None, "TimeoutError", "timeout"),
    ],
)
def test_a_handshake_that_is_refused(status: int | None, error: str, class_: str) -> None:
    tape = Tape()
    tape.entries[-1] |= {"status": status, "error": {"type": error, "message": "It was refused."}}
    step = connection(tape.ended().session())
    assert (step.status, step.ending) == ("failed", "no_response")
    assert step.payload_completed["connections"][0].get("status_code") == status
    assert step.error is not None
    assert (step.error.class_, step.error.http_status, step.error.code) == (class_, status, error)


def test_events_before_the_session_and_two_responses_at_once() -> None:
    tape = Tape().says("One").says("Two").begins("resp_1").begins("resp_2")
    session = tape.done("resp_2", "item_2", "Second").done("resp_1", "item_1", "First").session()
    told = [call.payload_completed["text"] for call in steps(session, "assistant_call")]
    assert told == ["First", "Second"]


def test_a_response_of_which_only_the_end_is_seen() -> None:
    tape = Tape().configured().says("Hi").done("resp_1", "item_2", "Hello").done("resp_1", "item_2", "Hello")
    session = tape.session()
    (call,) = steps(session, "assistant_call")
    assert (call.notes, call.payload_completed["text"]) == (["begin_not_seen"], "Hello")


def conversation() -> Tape:
    tape = Tape().configured().speaks("item_1").begins("resp_1").tells("resp_1", "item_2", "Hel", "lo")
    tape.sounds("item_2", "resp_1").done("resp_1", "item_2", "Hello")
    tape.says("More").begins("resp_2").calls("resp_2", "call_1")
    output = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    tape.sent("conversation.item.create", item=output).done("resp_2").sent("response.create")
    return tape.answers("resp_3", "Well.").closed().ended()


@given(st.integers(0, 60))
def test_killed_anywhere_nothing_that_came_is_missing(count: int) -> None:
    tape = conversation()
    tape.entries = tape.entries[: 2 + count]
    came = [json.loads(e["data"]) for e in tape.entries if e["type"] == "socket.frame" and e["dir"] == "in"]
    tape.add("session.ended", end_reason="recovered")
    session = tape.session()
    text = json.dumps(to_json(session))
    for event in came:
        for part in (event.get("transcript"), *(i.get("call_id") for i in [event.get("item") or {}])):
            assert part is None or str(part) in text
    deltas = "".join(
        e["delta"] for e in came if e["type"].endswith("_transcript.delta") and e["item_id"] == "item_2"
    )
    said = [s.payload_completed for s in steps(session, "assistant_call") if s.response_id == "resp_1"]
    assert [each.get("text", "") for each in said] == [deltas] * len(said)
    assert all(run.status not in {"in_progress", "queued"} for run in session.runs)


LOOSE = [
    {"type": "rate_limits.updated", "rate_limits": [{"name": "tokens"}]},
    {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": "item_1",
        "transcript": "Hi.",
    },
    {
        "type": "conversation.item.added",
        "item": {"id": "item_9", "type": "function_call_output", "call_id": "call_1", "output": "x"},
    },
    {"type": "conversation.item.added", "item": spoken("item_2", "")},
]


@given(st.lists(st.integers(0, 5), min_size=4, max_size=4), st.permutations(range(4)))
def test_what_comes_between_may_come_in_any_order(places: list[int], order: list[int]) -> None:
    def told(where: list[int], loose: list[Any]) -> Session:
        tape = conversation()
        # Behind what they speak of: from the second answer on.
        first = next(n for n, e in enumerate(tape.entries) if "resp_3" in str(e.get("data")))
        for place, event in sorted(zip(where, loose, strict=True), key=lambda pair: -pair[0]):
            entry = {**tape.entries[first], "dir": "in", "data": json.dumps(event)}
            tape.entries.insert(min(first + place, len(tape.entries) - 2), entry)
        for entry in tape.entries:
            entry["at"] = START
        return tape.session()

    expected = to_json(told([0, 0, 0, 0], LOOSE))
    got = to_json(told(places, [LOOSE[n] for n in order]))
    for document in (expected, got):
        for run in document["runs"]:
            for step in run["steps"]:
                # Limits are those of the last call, whichever that is.
                step["payload_completed"].pop("rate_limits", None)
                step.pop("sha256", None)
    assert got == expected


def test_looking_on_changes_nothing() -> None:
    tape = conversation()
    projector, again = Projector("sess_1"), Projector("sess_1")
    for entry in tape.entries:
        projector.feed(entry)
        projector.session()
        again.feed(entry)
    assert to_json(projector.session()) == to_json(again.session())


def _listing() -> Tape:
    listed = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "files", "tools": [{"name": "find"}]}
    tape = Tape().configured().got("mcp_list_tools.in_progress", item_id="mcpl_1")
    tape.got("conversation.item.added", item={**listed, "tools": []})
    tape.got("conversation.item.done", item=listed).got("mcp_list_tools.completed", item_id="mcpl_1")
    return tape.got("conversation.item.done", item=listed)


@pytest.mark.parametrize("tape", [_listing().says("Hi").answers("resp_1", "Hello"), _listing().closed()])
def test_what_tools_another_server_has(tape: Tape) -> None:
    (run,) = tape.session().runs
    (step,) = [each for each in run.steps if each.type == "mcp_list_tools"]
    assert step.item_id == "mcpl_1"
    assert step.payload_completed == {"server_label": "files", "tools": [{"name": "find"}]}


def test_a_picture_sent_while_somebody_speaks_is_of_their_turn() -> None:
    tape = Tape().configured().got("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=0)
    picture = [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]
    message = {"type": "message", "role": "user", "content": picture}
    tape.sent("conversation.item.create", item=message)
    tape.got("input_audio_buffer.speech_stopped", item_id="item_1", audio_end_ms=900)
    tape.got("input_audio_buffer.committed", item_id="item_1").hears("item_1", "What is that?")
    session = tape.answers("resp_1", "A cat.").speaks("item_3", "Thanks").answers("resp_2", "Yes").session()
    first, second = turns(session)
    assert (first.input_text, second.input_text) == ("What is that?\n\n[image]", "Thanks")
    assert [step.label for step in first.steps].count("assistant_call") == 1
    (call,) = [step for step in first.steps if step.label == "assistant_call"]
    prompts = [step.step_id for step in first.steps if step.label == "user_message"]
    assert call.payload_started["input"] == prompts
    assert call.payload_started["asked_by"] == "voice_activity"


def test_what_is_typed_and_asked_meanwhile_is_a_turn_of_its_own() -> None:
    tape = Tape().configured().speaks("item_1", "Say one").says("Say two").begins("resp_1")
    session = tape.done("resp_1", "item_2", "one").begins("resp_2").done("resp_2", "item_3", "two").session()
    said = [
        (run.input_text, [s.payload_completed["text"] for s in run.steps if s.label == "assistant_message"])
        for run in turns(session)
    ]
    assert said == [("Say one", ["one"]), ("Say two", ["two"])]


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("beside", ["", "Translate this"])
def test_the_words_of_audio_that_was_sent_as_an_item(early: bool, beside: str) -> None:  # noqa: FBT001
    audio = {"type": "input_audio", "audio": "AAAA"}
    content = [audio] if not beside else [{"type": "input_text", "text": beside}, audio]
    item = {"type": "message", "role": "user", "content": content}
    tape = Tape().configured().sent("conversation.item.create", item=item)
    added = {
        **item,
        "id": "item_1",
        "content": [each if each is not audio else {"type": "input_audio"} for each in content],
    }
    tape = tape.got("conversation.item.added", item=added) if early else tape
    tape.sent("response.create").begins("resp_1")
    tape = tape if early else tape.got("conversation.item.added", item=added)
    session = tape.hears("item_1", "Guten Tag").done("resp_1", "item_2", "Good day").session()
    (run,) = session.runs
    (prompt,) = steps(session, "user_message")
    text = f"{beside}\nGuten Tag" if beside else "Guten Tag"
    assert (run.input_text, prompt.payload_started["text"]) == (text, text)
    assert not [each for each in steps(session, "generic") if "transcription" in each.type]


def test_speech_that_began_without_a_name() -> None:
    tape = Tape().configured().got("input_audio_buffer.speech_started", item_id=None, audio_start_ms=1)
    tape.got("input_audio_buffer.speech_stopped", item_id=None, audio_end_ms=5)
    tape.got("input_audio_buffer.committed", item_id="item_1").hears("item_1", "Hi")
    session = tape.answers("resp_1", "Hello").session()
    (run,) = turns(session)
    assert run.input_text == "Hi"
    # Somebody spoke, whichever way the sound went.
    assert (session.channel, run.channel) == ("voice", "voice")
