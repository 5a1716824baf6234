"""Golden documents of what goes over sockets. ``python -m tests.golden.sockets`` writes them anew.

Each is a conversation that a program and a server have over a real socket, and it is the same for both kinds of client.
Beside the document stands what ``on_event`` was told.
"""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.capture.driver import Driver
from tests.golden.documents import GOLDEN, Plain, as_text
from tests.projection.sockets.tape import CONFIG, Tape, interruption
from tests.projection.sockets.test_live import looked_up, started
from tests.projection.sockets.test_translation import begun, heard, said
from tests.server.sockets import Close, Drop, Got, Refuse, SocketServer
from tfclient import Event, Recorder, open_store
from tfstore.document.converter import to_json

FOLDER = GOLDEN / "sockets"

_LEFT_OUT = frozenset({"opened_at", "closed_at", "socket", "url", "host", "depth"})
"""What differs from one talk to the next, or says nothing."""


_QUIET = {"realtime": "input_audio_buffer.clear", "live": "session.input_audio.mute"}
"""A message that makes no step, for each kind."""


def refused_greeting() -> Tape:
    tape = Tape().configured().speaks("item_1", "Hi")
    tape.sent("response.create", response={"instructions": "Greet."}, event_id="greet").begins("resp_1")
    error = {
        "type": "invalid_request_error",
        "code": "conversation_already_has_active_response",
        "message": "Busy.",
    }
    tape.sent("response.create", response={"instructions": "Greet again."}, event_id="again")
    tape.got("error", error={**error, "event_id": "again"}).done("resp_1", "item_2", "Hello!")
    return tape.says("And now?").answers("resp_2", "Now this.")


def failed_response() -> Tape:
    error = {"type": "server_error", "code": "overloaded", "message": "Too much."}
    tape = Tape().configured().says("Hi").begins("resp_1")
    tape.done("resp_1", status="failed", status_details={"type": "failed", "error": error})
    return tape.says("Again?").answers("resp_2", "Here I am.")


def manual_turns() -> Tape:
    tape = Tape().configured(audio={"input": {"turn_detection": None}}).sent("input_audio_buffer.commit")
    tape.got("input_audio_buffer.committed", item_id="item_1").sent("response.create")
    return tape.hears("item_1", "Hi").answers("resp_1", "Hello")


def tools_changed() -> Tape:
    tool = {"type": "function", "name": "look", "parameters": {}}
    tape = (
        Tape()
        .configured()
        .says("Hi")
        .answers("resp_1", "Hello")
        .sent("session.update", session={"tools": [tool]})
    )
    tape.got("session.updated", session={**CONFIG, "tools": [tool], "output_modalities": ["text"]})
    tape.says("Look").begins("resp_2").calls("resp_2", "call_1", arguments='{"at": "it"}')
    tape.got("response.done", response={"id": "resp_2", "status": "completed", "output": []})
    output = {"type": "function_call_output", "call_id": "call_1", "output": "a cat"}
    return (
        tape.sent("conversation.item.create", item=output).sent("response.create").answers("resp_3", "A cat.")
    )


def failed_transcription() -> Tape:
    error = {"type": "transcription_error", "code": "audio_unintelligible", "message": "Noise."}
    tape = Tape().configured().speaks("item_1")
    tape.got("conversation.item.input_audio_transcription.failed", item_id="item_1", error=error)
    return tape.answers("resp_1", "Pardon?")


def sixty_minutes() -> Tape:
    error = {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes are over."}
    tape = Tape().configured().says("Hi").answers("resp_1", "Hello").got("error", error=error)
    return tape.closed("server", 1001, "bye")


def network_gone() -> Tape:
    return (
        Tape()
        .configured()
        .says("Hi")
        .begins("resp_1")
        .tells("resp_1", "item_2", "Hel")
        .closed("network", 1006)
    )


def reconnected() -> Tape:
    tape = Tape().configured().says("I am Ada").answers("resp_1", "Hello Ada").closed("network", 1006)
    return tape.opened().configured().says("Who am I?").answers("resp_2", "I do not know.")


def refused_handshake() -> Tape:
    return Tape().closed("refused", 401)


def out_of_band() -> Tape:
    aside = {"conversation": "none", "metadata": {"topic": "mood"}, "input": []}
    tape = Tape().configured().says("Hi").begins("resp_1").sent("response.create", response=aside)
    tape.begins("resp_2", metadata={"topic": "mood"}).done("resp_2", "item_3", "happy").done(
        "resp_1", "item_2", "Hello"
    )
    return tape.says("And?").answers("resp_3", "So.")


def live() -> Tape:
    return looked_up().heard("Thank", 6800, 7200).spoke("You are welcome.", 7400, 8000)


def live_for_the_program() -> Tape:
    delegation = {"id": "dlg_1", "type": "delegation", "target": "client"}
    tape = started(delegation={"type": "client"}).heard("Rain?", 0, 500)
    tape.got("session.delegation.created", delegation=delegation, offset_ms=600)
    tape.sent("session.commentary.append", content="It rains.", delegation_id="dlg_1")
    tape.spoke("It rains.", 1500, 1900).sent("session.close")
    return tape.got("session.closed", reason="close_requested", usage={"seconds": 2}, session={}).closed(
        "server", 1000
    )


def translation() -> Tape:
    tape = said(heard(said(heard(begun(), "Good ", 200), "Guten ", 600), "morning.", 800), "Morgen.", 1400)
    return said(heard(tape, "How are you?", 5000), "Wie geht es?", 6000).got("session.closed")


CASES: list[Callable[[], Tape]] = [
    interruption, refused_greeting, failed_response, manual_turns, tools_changed, failed_transcription, sixty_minutes,
    network_gone, reconnected, refused_handshake, out_of_band, live, live_for_the_program, translation,
]  # fmt: skip


def text_of(tape: Tape, drive: Driver, sockets: SocketServer, store: Path) -> str:
    """Have a conversation over a socket, and return its document and events as text."""
    talks = list(_talks(tape))
    sockets.scripts = [_moves(talk) for talk in talks]
    events: list[Event] = []
    recorder = Recorder(store, on_event=events.append)
    client = drive.traced(recorder, base_url=sockets.url)
    quiet = _QUIET.get(tape.kind, "session.update")
    with (
        recorder.session(id="talk") as session,
        contextlib.suppress(Exception),
        drive.entered(_manager(client, tape)) as connection,
    ):
        for n, talk in enumerate(talks, 1):
            _talk(drive, connection, talk, quiet, is_last=n == len(talks))
    assert session.wait(60)
    assert recorder.health.ok, recorder.health
    document = Plain().of(to_json(open_store(store).get("talk")))
    # A turn that goes on is complete again: whether it was looked at before that is a matter of chance.
    events = [e for n, e in enumerate(events) if not any(_is_same(e, later) for later in events[n + 1 :])]
    told = [
        [
            each.kind,
            each.turn,
            None if each.kind == "turn_start" else each.text,
            each.tool_name,
            each.call_id,
            each.status,
        ]
        for each in events
    ]
    return as_text(_without(document) | {"events": told})


def _is_same(one: Event, other: Event) -> bool:
    return one.kind == other.kind == "turn_complete" and one.turn == other.turn


def _manager(client: Any, tape: Tape) -> Any:
    if tape.kind == "live":
        return client.live.connect()
    resource = client.realtime.translations if tape.kind == "translations" else client.realtime
    # Where a connection is lost, another one is made only in a talk that has another.
    again = (
        {"on_reconnecting": lambda _event: None, "initial_delay": 0.001, "max_delay": 0.001}
        if tape.n > 1
        else {}
    )
    return resource.connect(model="gpt-realtime", **again)


def _talks(tape: Tape) -> Iterator[list[Any]]:
    """Give what goes over each connection, and how it ends."""
    talk: list[Any] = []
    for entry in tape.entries[2:]:
        if entry["type"] == "socket.frame":
            talk.append((entry["dir"], json.loads(entry["data"])))
        elif entry["type"] == "socket.audio":
            sound = base64.b64encode(bytes(entry["bytes"])).decode()
            about = {"item_id": entry["item_id"], "response_id": entry["response_id"]}
            talk.append((entry["dir"], {"type": entry["event"], **about, "delta": sound}))
        elif entry["type"] == "socket.closed":
            ends = {
                "server": Close(entry["code"], entry["reason"]),
                "network": Drop(),
                "refused": Refuse(401),
            }
            talk.append(("end", ends[entry["by"]]))
        elif entry["type"] == "socket.opened":
            yield talk
            talk = []
    yield talk


def _moves(talk: list[Any]) -> list[Any]:
    moves: list[Any] = [Got() if way == "out" else event for way, event in talk]
    if moves and isinstance(moves[-1], Close | Drop):
        # Not before the program has had all that came: what is lost with a connection is a matter of chance.
        moves.insert(-1, Got())
    return moves


def _talk(drive: Driver, connection: Any, talk: list[Any], quiet: str, *, is_last: bool) -> None:
    for way, event in talk:
        if way == "out":
            drive.do(connection.send(event))
        elif way == "in":
            drive.events(connection, 1)
        else:
            drive.do(connection.send({"type": quiet}))
            if is_last:
                drive.events(connection, 1)


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        # What a lost connection says of itself is the library's own words.
        return {
            k: _without(v) for k, v in value.items()
            if k not in _LEFT_OUT and not (k == "error" and "by" in value)
        }  # fmt: skip
    return [_without(each) for each in value] if isinstance(value, list) else value


def _write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        drive = Driver("")
        with SocketServer() as sockets, tempfile.TemporaryDirectory() as store:
            text = text_of(case(), drive, sockets, Path(store))
            drive.close()
        (FOLDER / f"{case.__name__}.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _write()
