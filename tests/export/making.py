"""A session to be passed on: recorded from a scripted server, with what a journal can hold."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from tests.capture.driver import MODEL
from tests.server.replies import Call, Raw, answer, calls, cut, rate_limited
from tests.server.scripted import ScriptedServer
from tfclient import Recorder, TracedOpenAI, open_store
from tfstore.store import Store

WHO = "Ada, ada@example.com, keeps it in /home/ada/notes.txt"


def recorded(server: ScriptedServer, folder: Path) -> tuple[Store, str]:
    """Record a stream, tools, a retry, a history sent again, a stream that broke off, an answer that is no text."""
    call = Call("read", {"path": "/home/ada/notes.txt"}, call_id="call_1")
    server.script(
        answer("Write to ada@example.com about /home/ada/notes.txt, she knows."),
        rate_limited(),
        calls(call),
        answer("Done, ada@example.com."),
        cut(16, "It breaks off at ada@example.com, and there are more words behind that."),
        Raw(b"\x00\xff\xfe" * 40, content_type="audio/mpeg"),
    )
    recorder = Recorder(folder)
    client = TracedOpenAI(base_url=server.url, api_key="sk-none", max_retries=1, recorder=recorder)
    history: list[Any] = [{"role": "user", "content": WHO + " and so on" * 200}]
    with client.session(title=WHO, metadata={"cwd": "/home/ada/work"}) as session:
        with client.responses.create(model=MODEL, input=WHO, stream=True) as stream:
            list(stream)
        first: Any = client.responses.create(model=MODEL, input=history)
        with client.tool_call(first.output[0]) as tool:
            tool.result = {"text": "by ada@example.com"}
        output: Any = {"type": "function_call_output", "call_id": "call_1", "output": "by ada@example.com"}
        client.responses.create(model=MODEL, input=[*history, first.output[0], output])
        with (
            contextlib.suppress(Exception),
            client.responses.create(model=MODEL, input="again", stream=True) as stream,
        ):
            list(stream)
        client.audio.speech.create(model="tts-1", voice="alloy", input="ada@example.com").read()
        session.annotate("note", {"mail": "ada@example.com"})
    assert session.wait(60)
    client.close()
    return open_store(folder), session.id
