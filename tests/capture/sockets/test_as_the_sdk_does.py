"""What the SDK lets a program do with a connection, it does with one that is recorded."""

from __future__ import annotations

import json
import pickle
import threading
from typing import Any

import openai
import pytest

import tfclient
from tests.capture import documents, journals
from tests.capture.driver import Driver
from tests.capture.sockets.conftest import Talk
from tests.capture.sockets.test_connections import HELLO, everything
from tests.server.sockets import Close, Drop, Got, SocketServer, Wait
from tfclient import Recorder

KEY = "0123456789abcdef" * 2
"""As Azure's keys are: no shape tells them."""


def test_events_are_the_sdks_own(talk: Talk) -> None:
    talk.sockets.script(HELLO, HELLO)
    plain = talk.drive.plain(base_url=talk.sockets.url)
    with talk.connected() as ours, talk.connected(client=plain) as theirs:
        event, other = talk.drive.do(ours.recv()), talk.drive.do(theirs.recv())
        assert type(ours) is type(theirs)
        assert isinstance(ours, type(theirs))
        assert type(event) is type(other)
        assert type(event).__module__.startswith("openai.types.realtime")
        assert event == other == pickle.loads(pickle.dumps(event))  # noqa: S301 - our own


def test_handlers_are_called_with_what_is_recorded(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(HELLO, {"type": "response.created", "response": {}}, HELLO, Close())
    got: list[tuple[str, str]] = []
    with talk.connected() as connection:
        if not hasattr(connection, "dispatch_events"):
            pytest.skip("this openai calls no handlers")
        connection.on("session.created", lambda event: got.append(("on", event.type)))
        connection.once("session.created", lambda event: got.append(("once", event.type)))
        connection.on("event", lambda event: got.append(("event", event.type)))
        talk.drive.do(connection.dispatch_events())
    assert got == [
        ("on", "session.created"), ("once", "session.created"), ("event", "session.created"),
        ("event", "response.created"), ("on", "session.created"), ("event", "session.created"),
    ]  # fmt: skip
    frames = journals.entries(recorder, "socket.frame")
    assert [json.loads(each["data"])["type"] for each in frames] == [
        "session.created", "response.created", "session.created",
    ]  # fmt: skip
    (closed,) = journals.entries(recorder, "socket.closed")
    assert (closed["by"], closed["code"]) == ("server", 1000)


def test_an_error_without_a_handler_is_raised_as_ever(talk: Talk, recorder: Recorder) -> None:
    error = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "No."},
        "event_id": "event_1",
    }
    talk.sockets.script(error, Got())
    with talk.connected() as connection:
        if not hasattr(connection, "dispatch_events"):
            pytest.skip("this openai calls no handlers")
        with pytest.raises(openai.OpenAIError, match="WebSocket error"):
            talk.drive.do(connection.dispatch_events())
    assert len(journals.entries(recorder, "socket.frame")) == 1
    assert recorder.health.ok


def test_what_is_sent_while_nothing_is_connected_leaves_once(talk: Talk, recorder: Recorder) -> None:
    read, sent = threading.Event(), []
    talk.sockets.script(HELLO, Wait(read), Drop())
    talk.sockets.script(HELLO, Got(), Got(), HELLO)
    told: list[Any] = []
    manager = talk.reconnecting("realtime", told)
    if not hasattr(manager, "send"):
        pytest.skip("this openai keeps nothing for later")

    with talk.drive.entered(manager) as connection:
        talk.drive.events(connection, 1)

        # Between two connections there is none to send by: it waits in the SDK's queue.
        def reconnecting(event: Any) -> None:
            told.append(event)
            for name in ("one", "two"):
                sent.append(name)
                manager_send(connection, {"type": "response.create", "event_id": name})

        connection._on_reconnecting = reconnecting
        read.set()
        talk.drive.events(connection, 2)
    assert sent == ["one", "two"]
    frames = [
        (each["n"], json.loads(each["data"])["event_id"])
        for each in journals.entries(recorder, "socket.frame")
        if each["dir"] == "out"
    ]
    assert frames == [(2, "one"), (2, "two")]
    assert [event["event_id"] for event in talk.sockets.connections[1].events] == ["one", "two"]
    assert journals.entries(recorder, "socket.unsent") == []


def manager_send(connection: Any, event: dict[str, Any]) -> None:
    """What a program's own code does while it is being connected again."""
    connection._send_queue.enqueue(json.dumps(event))


def test_ids_that_come_again_or_are_none(talk: Talk, recorder: Recorder) -> None:
    begun = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}
    done = {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "output": []}}
    nameless = {"type": "response.created", "response": {"id": None}}
    item = {"type": "conversation.item.added", "item": {"id": None, "type": "message", "role": "user"}}
    talk.sockets.script(begun, begun, done, done, nameless, item, {**done, "response": {"id": None}})
    with talk.connected() as connection:
        talk.read(connection, 7)
    assert len(journals.entries(recorder, "socket.frame")) == 7
    assert len(documents.steps(recorder, "assistant_call")) == 1
    kept = [step.type for step in documents.steps(recorder, "generic")]
    assert kept.count("realtime.response.created") == kept.count("realtime.response.done") == 1
    assert recorder.health.ok


AZURE = {False: tfclient.TracedAzureOpenAI, True: tfclient.AsyncTracedAzureOpenAI}


@pytest.mark.parametrize("where", ["header", "query"])
def test_azures_sockets_are_seen_and_its_key_is_nowhere(
    where: str, drive: Driver, sockets: SocketServer, recorder: Recorder
) -> None:
    sockets.script(HELLO, Got())
    ws = sockets.url.replace("http", "ws", 1).removesuffix("/v1") + "/openai"
    client = drive.made(
        AZURE[drive.is_async], recorder=recorder, api_key=KEY, api_version="2026-01-01", websocket_base_url=ws,
        base_url=None, azure_endpoint=sockets.url,
    )  # fmt: skip
    query = {"extra_query": {"api-key": KEY}} if where == "query" else {}
    with drive.entered(client.realtime.connect(model="gpt-realtime", **query)) as connection:
        drive.do(connection.recv_bytes())
        drive.do(connection.send({"type": "response.create"}))
    assert sockets.over.acquire(timeout=60)
    (seen,) = sockets.connections
    # The server had it.
    assert KEY in (seen.path if where == "query" else dict(seen.headers).get("api-key", ""))
    (opened,) = journals.entries(recorder, "socket.opened")
    assert (opened["kind"], opened["status"]) == ("realtime", 101)
    assert "/openai/realtime?" in opened["url"]
    assert len(journals.entries(recorder, "socket.frame")) == 2
    assert KEY.encode() not in everything(recorder)
    assert recorder.health.ok
