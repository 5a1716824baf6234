"""Every connection of the SDK is seen, and the program and the server notice nothing."""

from __future__ import annotations

import functools
import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets.asyncio.client
import websockets.sync.client

import tfclient
from tests.capture import journals
from tests.capture.driver import Driver
from tests.capture.sockets.conftest import Talk
from tests.server.sockets import Close, Drop, Got, Refuse, SocketServer, Wait, played, recorded
from tfclient import Recorder

GIVEN = {"model": "gpt-realtime", "session_id": "sess_1", "call_id": "call_1", "fork_id": "fork_1"}

AUDIO = {"input_audio_buffer.append", "response.output_audio.delta"}

HELLO = {"type": "session.created", "session": {"type": "realtime", "model": "gpt-realtime"}}


def connections(resource: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All connection managers that a client's resources make, by the resource's path."""
    for name, member in inspect.getmembers_static(type(resource)):
        cached = isinstance(member, functools.cached_property) or type(member).__name__ == "WatchedResource"
        if name.startswith(("_", "with_")) or not cached:
            continue
        below = getattr(resource, name)
        if connect := getattr(below, "connect", None):
            wanted = inspect.signature(connect).parameters
            needed = [key for key, each in wanted.items() if each.default is each.empty and key in GIVEN]
            yield f"{path}{name}", connect(**{key: GIVEN[key] for key in {*needed, *(GIVEN.keys() & wanted)}})
        yield from connections(below, f"{path}{name}.")


def recordings_of_sockets(recordings: Path) -> list[Path]:
    found = sorted((recordings / "realtime").glob("*.jsonl"))
    assert len(found) >= 14
    return found


def converse(drive: Driver, client: Any, messages: list[tuple[str, Any]]) -> list[Any]:
    """Play the client's side of a recording; return what the program got."""
    got: list[Any] = []
    with drive.entered(client.realtime.connect(model="gpt-realtime")) as connection:
        for direction, data in messages:
            if direction == "sent":
                drive.do(connection.send(data))
            else:
                got.append(drive.do(connection.recv_bytes()))
    return got


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("installed", [False, True])
def test_every_connection_is_seen(
    drive: Driver, recorder: Recorder, sockets: SocketServer, *, installed: bool
) -> None:
    sockets.script(HELLO)
    # Some take no `http` for their address.
    where = {"base_url": sockets.url, "websocket_base_url": sockets.url.replace("http", "ws", 1)}
    if installed:
        client = drive.plain(**where)
        tfclient.install(recorder)
    else:
        client = drive.traced(recorder, **where)
    try:
        found = dict(connections(client))
        assert {"responses", "realtime"} <= found.keys()
        for manager in found.values():
            with drive.entered(manager) as connection:
                drive.do(connection.recv_bytes())
    finally:
        tfclient.uninstall()
    opened = journals.entries(recorder, "socket.opened")
    # Two versions of one resource, as `realtime` and `beta.realtime`, are of one kind.
    assert sorted(each["kind"] for each in opened) == sorted(name.rpartition(".")[2] for name in found)
    assert all(each["status"] == 101 for each in opened)
    assert len(journals.entries(recorder, "socket.closed")) == len(found)
    assert len(journals.entries(recorder, "socket.frame")) == len(found)
    assert recorder.health.faults == 0


def test_recordings_are_the_same_for_program_and_server(
    drive: Driver, recordings: Path, sockets: SocketServer, tmp_path: Path
) -> None:
    for n, path in enumerate(recordings_of_sockets(recordings)):
        messages = recorded(path)
        sockets.scripts, sockets.connections = [played(messages)], []
        recorder = Recorder(tmp_path / str(n))
        plain = converse(drive, drive.plain(base_url=sockets.url), messages)
        traced = converse(drive, drive.traced(recorder, base_url=sockets.url), messages)
        assert sockets.over.acquire(timeout=60)
        assert sockets.over.acquire(timeout=60)
        assert traced == plain
        assert [json.loads(each) for each in traced] == [data for way, data in messages if way == "received"]
        first, second = sockets.connections
        assert second.messages == first.messages
        assert second.path == first.path
        own = {"sec-websocket-key"}
        assert [h for h in second.headers if h[0].lower() not in own] == [
            h for h in first.headers if h[0].lower() not in own
        ]
        frames = journals.entries(recorder, "socket.frame")
        wanted = [(way, data) for way, data in messages if data["type"] not in AUDIO]
        names = {"out": "sent", "in": "received"}
        assert [(names[each["dir"]], json.loads(each["data"])) for each in frames] == wanted
        for way, name, key in (("out", "sent", "audio"), ("in", "received", "delta")):
            audio = [data[key] for d, data in messages if d == name and data["type"] in AUDIO]
            lines = [each for each in journals.entries(recorder, "socket.audio") if each["dir"] == way]
            assert sum(each["frames"] for each in lines) == len(audio)
            assert sum(each["bytes"] for each in lines) == sum(len(a.rstrip("=")) * 3 // 4 for a in audio)
        assert recorder.health.ok


@pytest.mark.parametrize("path", ["live", "realtime.translations"])
def test_live_sessions_and_translations_are_read(path: str, talk: Talk, recorder: Recorder) -> None:
    from tests.capture import documents

    if not hasattr(talk.client, "live"):
        pytest.skip("this openai has none")
    heard = {"type": "session.input_transcript.delta", "delta": "Hello ", "start_ms": 0, "end_ms": 200}
    audio = {"type": "session.output_audio.delta", "delta": "AAAA"}
    talk.sockets.script(heard, audio, heard, {**heard, "type": "session.output_transcript.delta"}, Got())
    options = {} if path == "live" else {"model": "gpt-realtime"}
    with talk.connected(path, **options) as connection:
        talk.read(connection, 4)
        if path == "live":
            talk.send(connection, {"type": "session.output_audio.fixture.play", "audio": "AAAA"})
    assert recorder.health.unseen == []
    assert len(journals.entries(recorder, "socket.frame")) == 3
    session = documents.session(recorder)
    (run,) = session.runs
    assert (run.input_text, session.channel, run.status) == ("Hello Hello", "voice", "completed")
    step = run.steps[0]
    assert step.payload_completed["audio"]["in"]["bytes"] == 3
    # What is played instead of the model's voice is audio, too.
    assert ("out" in step.payload_completed["audio"]) == (path == "live")


def test_types_and_signatures_stay(talk: Talk) -> None:
    talk.sockets.script(HELLO)
    plain = talk.drive.plain()
    for name in ("responses", "realtime"):
        ours, theirs = getattr(talk.client, name).connect, getattr(plain, name).connect
        assert inspect.signature(ours) == inspect.signature(theirs)
        assert (ours.__name__, ours.__doc__) == (theirs.__name__, theirs.__doc__)
        assert type(getattr(talk.client, name)) is type(getattr(plain, name))
    library = websockets.asyncio.client if talk.drive.is_async else websockets.sync.client
    with talk.connected() as connection:
        below = connection._connection
        assert isinstance(below, library.ClientConnection)
        assert type(below).__name__ == "ClientConnection"
        assert inspect.signature(type(below).recv) == inspect.signature(library.ClientConnection.recv)
        assert type(connection).__module__.startswith("openai.")


def test_a_class_of_the_programs_own_is_watched_too(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(HELLO)
    library = websockets.asyncio.client if talk.drive.is_async else websockets.sync.client

    class Own(library.ClientConnection):  # type: ignore[name-defined, misc]
        """The program's."""

    options = {"create_connection": Own}
    with talk.connected(websocket_connection_options=options) as connection:
        assert isinstance(connection._connection, Own)
        talk.read(connection)
    assert options == {"create_connection": Own}
    assert len(journals.entries(recorder, "socket.frame")) == 1


def test_what_cannot_be_subclassed_is_told_and_passes(
    talk: Talk, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    talk.sockets.script(HELLO)
    library = websockets.asyncio.client if talk.drive.is_async else websockets.sync.client

    def made(*args: Any, **kwargs: Any) -> Any:
        return library.ClientConnection(*args, **kwargs)

    with talk.connected(websocket_connection_options={"create_connection": made}) as connection:
        assert talk.read(connection) == [HELLO]
    assert recorder.health.unseen == ["What goes over the WebSocket of realtime"]
    assert "is not recorded" in caplog.text
    assert journals.sessions(recorder) == []


def test_a_handshake_is_kept_without_credentials(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(HELLO)
    secret = "sk-proj-" + "a1B2" * 10
    with talk.connected(extra_query={"api-key": secret}, extra_headers={"x-note": "hi"}) as connection:
        talk.read(connection)
    (opened,) = journals.entries(recorder, "socket.opened")
    assert opened["headers"]["x-note"] == "hi"
    assert "authorization" not in opened["headers"]
    assert "model=gpt-realtime" in opened["url"]
    assert "<redacted:" in opened["url"]
    assert opened["response_headers"]["upgrade"] == "websocket"
    assert secret.encode() not in everything(recorder)


def test_a_refused_handshake_and_no_server_are_kept(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(Refuse(401))
    with pytest.raises(Exception, match="401"), talk.connected():
        pass
    nowhere = talk.drive.traced(recorder, base_url="http://127.0.0.1:1/v1")
    with pytest.raises(OSError), talk.connected(client=nowhere):  # noqa: PT011 - each system has its own
        pass
    refused, *others = journals.entries(recorder, "socket.opened")
    if not hasattr(talk.client.realtime.connect(model="gpt-realtime"), "_connect_ws"):
        # There is no place in which an opening is seen that comes to no handshake.
        assert others == []
        return
    (none,) = others
    assert (refused["status"], refused["error"]["type"]) == (401, "InvalidStatus")
    assert (none["url"], "error" in none) == (None, True)
    assert recorder.health.ok


@pytest.mark.parametrize(
    ("end", "by", "code"),
    [(Close(1000), "server", 1000), (Close(1011, "oh"), "network", 1011), (Drop(), "network", 1006)],
)
def test_how_a_connection_ended(end: Any, by: str, code: int, talk: Talk, recorder: Recorder) -> None:
    read = threading.Event()
    talk.sockets.script(HELLO, Wait(read), end)
    with talk.connected() as connection:
        talk.read(connection)
        read.set()
        with pytest.raises(Exception, match=r"sent|close|connection"):
            talk.read(connection)
    (closed,) = journals.entries(recorder, "socket.closed")
    assert (closed["by"], closed["code"]) == (by, code)
    assert recorder.health.ok


def test_a_reconnect_is_the_same_socket(talk: Talk, recorder: Recorder) -> None:
    read = threading.Event()
    talk.sockets.script(HELLO, Wait(read), Drop())
    talk.sockets.script(HELLO, Got())
    told: list[Any] = []
    with talk.drive.entered(talk.reconnecting("realtime", told)) as connection:
        events = talk.drive.events(connection, 1)
        read.set()
        events += talk.drive.events(connection, 1)
        talk.send(connection, {"type": "response.create"})
    assert len(events) == 2
    assert len(told) == 1
    opened = journals.entries(recorder, "socket.opened")
    assert [each["n"] for each in opened] == [1, 2]
    assert len({each["socket"] for each in opened}) == 1
    frames = journals.entries(recorder, "socket.frame")
    assert [(each["n"], each["dir"]) for each in frames] == [(1, "in"), (2, "in"), (2, "out")]
    assert [each["by"] for each in journals.entries(recorder, "socket.closed")] == ["network", "program"]


def test_what_waits_for_the_connection_is_written_when_it_leaves(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(HELLO, Got())
    manager = talk.client.realtime.connect(model="gpt-realtime")
    if not hasattr(manager, "send"):
        pytest.skip("this openai sends nothing before the connection is there")
    manager.send({"type": "response.create", "event_id": "event_1"})
    assert journals.sessions(recorder) == []
    with talk.drive.entered(manager) as connection:
        talk.read(connection)
    frames = journals.entries(recorder, "socket.frame")
    assert [json.loads(each["data"]).get("event_id") for each in frames if each["dir"] == "out"] == [
        "event_1"
    ]


def test_two_connections_of_one_client_are_two_sockets(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(HELLO)
    with talk.connected() as one, talk.connected() as other:
        talk.read(one)
        talk.read(other)
    assert len({each["socket"] for each in journals.entries(recorder, "socket.frame")}) == 2


def test_calls_and_sockets_of_a_client_are_one_session(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(HELLO)
    with recorder.session(id="both"), talk.connected() as connection:
        talk.read(connection)
        with recorder.session(id="other"):
            talk.send(connection, {"type": "response.create"})
    assert len(journals.entries(recorder, "socket.frame", session="both")) == 2
    assert journals.entries(recorder, "socket.frame", session="other") == []


def test_a_wait_that_is_given_up_loses_nothing(talk: Talk, recorder: Recorder) -> None:
    import asyncio

    go = threading.Event()
    talk.sockets.script(Wait(go), HELLO)
    with talk.connected() as connection:
        for _ in range(3):
            if talk.drive.is_async:
                with pytest.raises(TimeoutError):
                    talk.drive.do(asyncio.wait_for(connection._connection.recv(), 0.001))
            else:
                with pytest.raises(TimeoutError):
                    connection._connection.recv(0.001)
        go.set()
        assert talk.read(connection) == [HELLO]
    assert len(journals.entries(recorder, "socket.frame")) == 1
    assert recorder.health.ok


def test_pieces_given_to_be_sent_are_not_read(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(Got())
    with talk.connected() as connection:
        talk.drive.do(connection._connection.send(iter(['{"type":', ' "response.create"}'])))
    talk.seen()
    assert talk.sockets.connections[0].events == [{"type": "response.create"}]
    (frame,) = journals.entries(recorder, "socket.frame")
    assert frame["data"] == {"unread": "iterator"}


def test_a_message_taken_in_pieces_is_one(talk: Talk, recorder: Recorder) -> None:
    talk.sockets.script(HELLO)
    with talk.connected() as connection:
        pieces = talk.drive.events(connection._connection.recv_streaming())
    assert json.loads("".join(pieces)) == HELLO
    (frame,) = journals.entries(recorder, "socket.frame")
    assert json.loads(frame["data"]) == HELLO


def test_nothing_is_imported_where_no_socket_is_opened() -> None:
    code = (
        "import sys, tfclient; c = tfclient.TracedOpenAI(api_key='x'); c.responses, c.realtime\n"
        "names = [m for m in sys.modules if m.startswith(('websockets', 'tfclient.capture.sockets.'))]\n"
        "assert names == ['tfclient.capture.sockets.seam'], names\n"
        "c.realtime.connect(model='m'); assert not any(m.startswith('websockets') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)  # noqa: S603 - our own


def test_an_open_socket_keeps_its_session_open(talk: Talk, recorder: Recorder) -> None:
    from tfclient.sessions.idle_and_exit import _Sweep

    talk.sockets.script(HELLO)
    with talk.connected() as connection:
        talk.read(connection)
        (state,) = recorder.sessions.open()
        state.idle_seconds, state.last_activity = 60, -1e9
        _Sweep.sweep()
        assert not state.ended
    state.last_activity = -1e9
    _Sweep.sweep()
    assert state.ended


def test_without_the_library_the_sdk_says_so(
    talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("websockets", "openai.lib._websocket"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "websockets", None)
    with pytest.raises(Exception, match=r"openai\[realtime\]"), talk.connected():
        pass
    assert recorder.health.faults == 0


def everything(recorder: Recorder) -> bytes:
    """All that is on the disk."""
    root = Path(recorder.settings.directory)
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
