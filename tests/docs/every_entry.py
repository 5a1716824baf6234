"""The session of `docs/journal.md`: each type of entry comes in it, in the order of the page."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from tests.server.replies import thing
from tests.server.scripted import ScriptedServer
from tests.server.sockets import Close, Got, SocketServer
from tfclient import Recorder, TracedOpenAI

SESSION = "umbrella"
QUESTION = "Do I need an umbrella in Bergen?"


def record_every_entry(server: ScriptedServer, store: Path) -> None:
    """Record the session with what is installed here; to renew the page, give its lines to the page again."""
    asked = {"type": "function_call", "call_id": "call_1", "name": "get_forecast", "arguments": "{}"}
    server.script(thing(id="resp_1", object="response", status="completed", output=[asked]))
    recorder = Recorder(store, audio="hash")
    client = TracedOpenAI(base_url=server.url, api_key="sk-test-key", recorder=recorder)
    with recorder.session(id=SESSION, title="Umbrella", metadata={"ticket": 7}) as session:
        with client.responses.with_streaming_response.create(model="gpt-5-mini", input=QUESTION) as response:
            response.read()
        with contextlib.suppress(UnicodeEncodeError):
            client.responses.create(model="gpt-5-mini", input="And in Oslo?", extra_headers={"x-note": "☂"})
        with client.tool_call(asked) as tool:
            tool.result = "rain"
        session.annotate("ticket", {"moved": True}, call_id="call_1")
        record_sockets(recorder)
    assert session.wait(60)
    client.close()


def record_sockets(recorder: Recorder) -> None:
    """Say something over a socket that the server closes, and once more."""
    with SocketServer() as sockets:
        sockets.script({"type": "session.created", "session": {"model": "gpt-realtime"}}, Got(), Close())
        _talk(TracedOpenAI(base_url=sockets.url, api_key="sk-test-key", recorder=recorder))


def _talk(client: TracedOpenAI) -> None:
    with client.realtime.connect(model="gpt-realtime") as connection:
        connection.recv()
        connection.input_audio_buffer.append(audio="AAAAAAAA")
        with contextlib.suppress(Exception):
            connection.recv()
        for thread in threading.enumerate():
            if thread.name == "tfclient-sound":
                thread.join(60)
        with contextlib.suppress(Exception):
            connection._connection.send('{"type":"response.create"}')
