"""Responses over a socket are exchanges: as over HTTP, with lanes, steering, errors and reconnects."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from tests.capture import documents, journals
from tests.capture.driver import MODEL, Driver
from tests.capture.sockets.conftest import Talk
from tests.server.scripted import ScriptedServer
from tests.server.sockets import Close, Drop, Got, SocketServer, Wait
from tfclient import Recorder
from tfstore.document.documents import Session


def answered(n: int, before: str | None = None, output: list[Any] | None = None, **more: Any) -> list[Any]:
    """The events of a response."""
    said = [{"type": "output_text", "text": f"Answer {n}", "annotations": []}]
    message = {
        "type": "message",
        "id": f"msg_{n}",
        "role": "assistant",
        "status": "completed",
        "content": said,
    }
    whole = {
        "id": f"resp_{n}",
        "object": "response",
        "status": "completed",
        "model": MODEL,
        "previous_response_id": before,
        "output": [message] if output is None else output,
        "usage": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11},
    }
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    return [
        {"type": "response.created", "sequence_number": 0, "response": begun, **more},
        {
            "type": "response.output_text.delta",
            "sequence_number": 1,
            "output_index": 0,
            "content_index": 0,
            "item_id": f"msg_{n}",
            "delta": f"Answer {n}",
            **more,
        },
        {"type": "response.completed", "sequence_number": 2, "response": whole, **more},
    ]


def create(**body: Any) -> dict[str, Any]:
    return {"type": "response.create", "model": MODEL, **body}


def calls_of(session: Session) -> list[Any]:
    return [step for run in session.runs for step in run.steps if step.label == "assistant_call"]


def flow(session: Session) -> list[Any]:
    """What there is of a session, without what differs from one way to another."""
    steps = [step for run in session.runs for step in run.steps if step.label != "generic"]
    places = {step.step_id: n for n, step in enumerate(steps)}
    told = [(s.label, s.status, [places[d] for d in s.depends_on], s.ending, s.usage) for s in steps]
    runs = [(r.trigger, r.status, r.lineage.source, r.lineage.parent_run_id) for r in session.runs]
    return [runs, told]


def ask(connection: Any, talk: Talk, event: dict[str, Any], count: int = 3) -> list[Any]:
    talk.send(connection, event)
    return talk.read(connection, count)


def test_they_are_journaled_as_calls_are(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(Got(), *answered(1), Got(), *answered(2, "resp_1"))
    with talk.connected("responses") as connection:
        ask(connection, talk, create(input="Hi"))
        ask(connection, talk, create(input="More", previous_response_id="resp_1", stream_id="lane_1"))
    of_a_call = ["call.started", "attempt.sent", "attempt.answered", "stream.chunk", "attempt.ended"]
    assert journals.types(recorder) == [
        "session.started",
        "socket.opened",
        *of_a_call,
        *of_a_call,
        "socket.closed",
    ]
    first, second = journals.entries(recorder, "attempt.sent")
    assert (first["transport"], first["lane"], second["lane"]) == ("websocket", None, "lane_1")
    assert json.loads(first["body"]["text"]) == {"model": MODEL, "input": "Hi"}
    (opened,) = journals.entries(recorder, "socket.opened")
    assert first["socket"] == opened["socket"]
    assert first["url"] == opened["url"]
    assert recorder.stats().calls == 2
    session = documents.session(recorder)
    assert [run.lineage.source for run in session.runs] == ["root", "previous_response_id"]
    assert [call.payload_completed["text"] for call in calls_of(session)] == ["Answer 1", "Answer 2"]
    assert session.summary.usage.total_tokens == 22
    assert session.channel == "text"
    (socket,) = [step for step in session.runs[0].steps if step.type == "websocket.connection"]
    assert socket.payload_completed["frames"] == {"out": 2, "in": 6}
    assert (socket.status, socket.ending) == ("completed", "closed")
    assert recorder.health.ok


def test_an_agent_loop_is_the_same_flow_as_over_http(
    talk: Talk, drive: Driver, server: ScriptedServer, recorder: Recorder, tmp_path: Any
) -> None:
    call = {
        "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": "{}",
        "status": "completed",
    }  # fmt: skip
    output = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
    asked = [create(input="Weather?"), create(input=[output], previous_response_id="resp_1")]
    rounds = [answered(1, output=[call]), answered(2, "resp_1")]
    talk.sockets.script(Got(), *rounds[0], Got(), *rounds[1])
    with talk.connected("responses") as connection:
        for event in asked:
            ask(connection, talk, event)
    over_socket = documents.session(recorder)

    other = Recorder(tmp_path / "http")
    client = drive.traced(other)
    from tests.server.replies import Raw

    for events in rounds:
        text = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
        server.script(Raw(text.encode(), 200, "text/event-stream"))
    for event in asked:
        body = {k: v for k, v in event.items() if k != "type"}
        drive.events(drive.do(client.responses.create(stream=True, **body)))
    over_http = documents.session(other)
    assert flow(over_socket) == flow(over_http)
    assert len(over_http.runs) == 1


def test_lanes_are_told_apart(talk: Talk, recorder: Recorder) -> None:
    one, two = answered(1, stream_id="a"), answered(2, stream_id="b")
    mixed = [event for pair in zip(one, two, strict=True) for event in reversed(pair)]
    talk.sockets.script(Got(), Got(), *mixed)
    with talk.connected("responses") as connection:
        talk.send(connection, create(input="One", stream_id="a"), create(input="Two", stream_id="b"))
        talk.read(connection, 6)
    session = documents.session(recorder)
    assert [(run.input_text, run.status) for run in session.runs] == [
        ("One", "completed"),
        ("Two", "completed"),
    ]
    assert [call.payload_completed["text"] for call in calls_of(session)] == ["Answer 1", "Answer 2"]


def test_an_error_with_a_status_is_that_of_http(talk: Talk, recorder: Recorder) -> None:
    told = {"type": "invalid_request_error", "code": "previous_response_not_found", "message": "No such one."}
    talk.sockets.script(Got(), {"type": "error", "status": 400, "error": told}, Got(), *answered(2))
    with talk.connected("responses") as connection:
        ask(connection, talk, create(input="Hi", previous_response_id="resp_9"), 1)
        ask(connection, talk, create(input="Hello"))
    session = documents.session(recorder)
    failed, well = calls_of(session)
    assert (failed.status, failed.ending, failed.error.class_) == ("failed", "http_error", "validation")
    assert (failed.error.code, failed.error.http_status) == ("previous_response_not_found", 400)
    assert well.status == "completed"
    assert session.summary.retries == 0


def test_a_response_that_is_cut_by_the_network(talk: Talk, recorder: Recorder) -> None:
    read = threading.Event()
    talk.sockets.script(Got(), *answered(1)[:2], Wait(read), Drop())
    with talk.connected("responses") as connection:
        ask(connection, talk, create(input="Hi"), 2)
        read.set()
        with pytest.raises(Exception, match=r"close|connection"):
            talk.read(connection)
    (call,) = calls_of(documents.session(recorder))
    assert (call.status, call.ending) == ("failed", "cut")
    assert call.payload_completed["text"] == "Answer 1"


def test_a_response_that_the_program_leaves(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(Got(), *answered(1)[:2])
    with talk.connected("responses") as connection:
        ask(connection, talk, create(input="Hi"), 2)
    (call,) = calls_of(documents.session(recorder))
    assert (call.status, call.ending) == ("cancelled", "left_early")


def test_what_steering_makes_is_a_call_of_its_own(talk: Talk, recorder: Recorder) -> None:
    steered = answered(1)
    steered[2] = {
        "type": "response.incomplete", "sequence_number": 3,
        "response": {
            **steered[2]["response"], "status": "incomplete", "incomplete_details": {"reason": "steered"},
        },
    }  # fmt: skip
    accepted = {
        "type": "response.steer.accepted", "sequence_number": 2,
        "steer": {"id": "steer_1", "previous_response_id": "resp_1"},
    }  # fmt: skip
    talk.sockets.script(Got(), *steered[:2], Got(), accepted, steered[2], *answered(2, "resp_1"))
    with talk.connected("responses") as connection:
        ask(connection, talk, create(input="Plan a day"), 2)
        steer = {"type": "response.steer", "previous_response_id": "resp_1", "input": "Make it cheap"}
        ask(connection, talk, steer, 5)
    session = documents.session(recorder)
    first, second = calls_of(session)
    assert (first.status, first.finish_reason) == ("incomplete", "steered")
    assert second.notes == ["automatic"]
    assert [run.input_text for run in session.runs] == ["Plan a day", "Make it cheap"]
    assert session.runs[1].lineage.parent_response_id == "resp_1"


def test_steering_that_is_given_back_has_failed(talk: Talk, recorder: Recorder) -> None:
    back = {
        "type": "response.steer.failed", "sequence_number": 9,
        "error": {"type": "invalid_request_error", "code": "response_already_completed", "message": "Too late."},
        "steer": {"previous_response_id": "resp_1", "input": "Make it cheap"},
    }  # fmt: skip
    talk.sockets.script(Got(), *answered(1), Got(), back)
    with talk.connected("responses") as connection:
        ask(connection, talk, create(input="Plan a day"))
        steer = {"type": "response.steer", "previous_response_id": "resp_1", "input": "Make it cheap"}
        ask(connection, talk, steer, 1)
    session = documents.session(recorder)
    (step,) = [s for run in session.runs for s in run.steps if s.type == "responses.steer"]
    assert step.error is not None
    assert (step.status, step.error.code) == ("failed", "response_already_completed")
    assert step.payload_started["text"] == "Make it cheap"
    assert len(session.runs) == 1


def test_what_the_server_forgot_with_the_connection_is_noted(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(Got(), *answered(1), Drop())
    talk.sockets.script(Got(), *answered(2, "resp_1"))
    with talk.drive.entered(talk.reconnecting("responses", [])) as connection:
        talk.send(connection, create(input="Hi", store=False))
        talk.drive.events(connection, 3)
        # Nothing comes before the program asks again: the reconnect happens while it waits.
        if talk.drive.is_async:
            talk.drive.do(connection._reconnect(_lost(connection, talk)))
        else:
            connection._reconnect(_lost(connection, talk))
        talk.send(connection, create(input="More", previous_response_id="resp_1"))
        talk.read(connection, 3)
    session = documents.session(recorder)
    assert session.runs[1].lineage.notes == ["lost_context"]
    (socket,) = [s for run in session.runs for s in run.steps if s.type == "websocket.connection"]
    assert socket.payload_completed["reconnects"] == 1


def _lost(connection: Any, talk: Talk) -> Exception:
    with pytest.raises(Exception, match=r"close|connection") as found:
        talk.drive.do(connection._connection.recv())
    return found.value


def test_a_socket_that_only_says_hello_has_a_step(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(Close(1001, "going \x1b[31maway"))
    with talk.connected("responses") as connection, pytest.raises(Exception, match="1001"):
        talk.read(connection)
    session = documents.session(recorder)
    (run,) = session.runs
    (step,) = run.steps
    assert (run.trigger, step.type, step.ending) == ("api", "websocket.connection", "closed")
    assert step.payload_completed["connections"][0]["code"] == 1001


def test_a_response_without_output_is_a_call(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(Got(), *answered(1, output=[])[::2], Got(), *answered(2, "resp_1"))
    with talk.connected("responses") as connection:
        ask(connection, talk, create(input="Hi", generate=False), 2)
        ask(connection, talk, create(previous_response_id="resp_1"))
    session = documents.session(recorder)
    assert [run.input_text for run in session.runs] == ["Hi"]
    assert [call.notes for call in calls_of(session)] == [["no_generation"], []]


def test_a_history_that_is_sent_again_is_written_once(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(Got(), *answered(1), Got(), *answered(2))
    history = [{"role": "user", "content": "How is the weather? " * 200}]
    with talk.connected("responses") as connection:
        ask(connection, talk, create(input=history))
        history += [{"role": "assistant", "content": "Answer 1"}, {"role": "user", "content": "And now?"}]
        ask(connection, talk, create(input=history))
    _, second = journals.entries(recorder, "attempt.sent")
    assert "same" in second["body"]
    session = documents.session(recorder)
    assert [run.lineage.source for run in session.runs] == ["root", "prefix"]


def test_the_server_of_these_tests_plays_what_it_is_told() -> None:
    from websockets.sync.client import connect

    with SocketServer() as server:
        server.script({"a": 1}, Got(lambda text: [f"{text}!"]), Close(1001, "bye"))
        with connect(server.url.replace("http", "ws"), compression=None) as client:
            assert json.loads(client.recv()) == {"a": 1}
            client.send("hello")
            assert client.recv() == "hello!"
        assert server.connections[0].messages == ["hello"]
