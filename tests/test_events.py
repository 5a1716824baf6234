"""``Recorder(on_event=…)``: what happens in a session, told in order, once each, and never in the caller's way."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from tests.projection.sockets.tape import Tape
from tests.server.replies import Call, answer, calls
from tests.server.scripted import ScriptedServer
from tests.server.sockets import Got, SocketServer
from tfclient import Event, Recorder, SessionSummary, TracedOpenAI
from tfclient.projection.happened import Happened
from tfclient.projection.projector import Projector

MODEL = "gpt-5.4-mini"


def told(events: list[Event]) -> list[tuple[Any, ...]]:
    return [(each.kind, each.turn, each.text) for each in events]


def an_agent(server: ScriptedServer, client: TracedOpenAI) -> None:
    server.script(calls(Call("look", {"city": "Oslo"}, "call_1")), answer("Rain."), answer("Bye."))
    asked = client.responses.create(model=MODEL, input="Weather?")
    output: Any = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
    client.responses.create(model=MODEL, input=[output], previous_response_id=asked.id)
    client.responses.create(model=MODEL, input="Thanks")


AGENT = [
    ("turn_start", 1, "Weather?"),
    ("tool_call", 1, '{"city":"Oslo"}'),
    ("tool_result", 1, "rain"),
    ("turn_complete", 1, "Rain."),
    ("turn_start", 2, "Thanks"),
    ("turn_complete", 2, "Bye."),
]


def test_an_agent_over_http(server: ScriptedServer) -> None:
    events: list[Event] = []
    where: list[str] = []

    def tell(event: Event) -> None:
        events.append(event)
        where.append(threading.current_thread().name)

    recorder = Recorder(on_event=tell)
    with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder) as client:
        an_agent(server, client)
        session = client.end_session()
        assert session is not None
        assert session.wait(60)
        came_to = session.summary()
    assert (came_to.turns, came_to.tool_calls, came_to.errors, came_to.interruptions) == (2, 1, 0, 0)
    assert came_to.usage.total_tokens > 0
    assert told(events) == AGENT
    assert threading.current_thread().name not in where
    called, given = events[1], events[2]
    assert (called.tool_name, called.call_id) == (given.tool_name, given.call_id) == ("look", "call_1")
    assert (given.status, given.session_id) == ("completed", session.id)
    assert events[3].reason == "completed"
    with pytest.raises(FrozenInstanceError):
        called.turn = 2  # type: ignore[misc]


def test_they_are_told_while_the_session_goes_on(server: ScriptedServer) -> None:
    server.script(answer("Hello!"))
    complete = threading.Event()
    recorder = Recorder(on_event=lambda event: complete.set() if event.kind == "turn_complete" else None)
    client = TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder)
    client.responses.create(model=MODEL, input="Hi")
    assert complete.wait(60)
    client.close()


def test_what_it_raises_is_counted(server: ScriptedServer) -> None:
    def broken(event: Event) -> None:
        raise ValueError(event.kind)

    recorder = Recorder(on_event=broken)
    with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder) as client:
        an_agent(server, client)
        session = client.end_session()
        assert session is not None
        assert session.wait(60)
    assert recorder.health.by_kind == {"event": len(AGENT)}
    assert session.path.exists()


def test_a_session_of_nothing_comes_to_nothing() -> None:
    session = Recorder(enabled=False).end_session()
    assert session is not None
    assert session.summary() == SessionSummary()


def test_only_a_function_will_do() -> None:
    with pytest.raises(TypeError, match="on_event must be a function"):
        Recorder(on_event=3)  # type: ignore[arg-type]


def test_a_voice_is_told_of_as_well() -> None:
    events: list[Event] = []
    recorder = Recorder(on_event=events.append)
    tape = Tape().configured().speaks("item_1", "Weather?").begins("resp_1").calls("resp_1", "call_1")
    tape.done("resp_1").answers("resp_2", "Rain.")
    moves = [entry["data"] for entry in tape.entries if entry["type"] == "socket.frame"]
    with SocketServer() as sockets:
        sockets.script(*moves, Got())
        client = TracedOpenAI(base_url=sockets.url, api_key="k", recorder=recorder)
        with client.session() as session, client.realtime.connect(model="gpt-realtime") as connection:
            for _ in moves:
                connection.recv_bytes()
        assert session.wait(60)
    assert [(each.kind, each.turn) for each in events] == [
        ("turn_start", 1), ("tool_call", 1), ("turn_start", 2), ("turn_complete", 2),
    ]  # fmt: skip


def happening(tape: Tape, *, often: bool) -> list[Event]:
    projector, happened, events = Projector("sess_1"), Happened(), []
    for entry in tape.entries:
        projector.feed(entry)
        if often:
            events += happened.since(projector.session())
    return events + happened.since(projector.session())


@pytest.mark.parametrize("often", [False, True])
def test_an_interruption(often: bool) -> None:  # noqa: FBT001
    tape = Tape().configured().speaks("item_1", "A story").begins("resp_1")
    tape.got("input_audio_buffer.speech_started", item_id="item_3")
    told_of = {"type": "cancelled", "reason": "turn_detected"}
    tape.done("resp_1", "item_2", "Once upon", "cancelled", status_details=told_of)
    tape.got("input_audio_buffer.committed", item_id="item_3").hears("item_3", "Stop").answers(
        "resp_2", "Fine."
    )
    events = happening(tape.closed().ended(), often=often)
    complete = [(e.turn, e.status, e.reason, e.text) for e in events if e.kind == "turn_complete"]
    assert complete == [(1, "incomplete", "interrupted", "Once upon"), (2, "completed", "completed", "Fine.")]
    assert [e.turn for e in events if e.kind == "turn_start"] == [1, 2]


def test_at_exit_what_is_due_is_told(server: ScriptedServer, tmp_path: Path) -> None:
    server.script(answer("Hello!"))
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, tfclient\n"
        "import tfclient.sessions.idle_and_exit as at_exit; at_exit.EXIT_SECONDS = 60\n"
        "r = tfclient.Recorder(sys.argv[1], on_event=lambda e: print(e.kind, flush=True))\n"
        "c = tfclient.TracedOpenAI(base_url=sys.argv[2], api_key='k', recorder=r)\n"
        "c.responses.create(model='gpt-5.4-mini', input='Hi')\n"
    )
    command = [sys.executable, str(program), str(tmp_path / "store"), server.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    assert done.stdout.split() == ["turn_start", "turn_complete"]
