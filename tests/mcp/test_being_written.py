"""A store that somebody writes to while models look at it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tests.cli.making import a_store, journal, weather
from tests.mcp.talking import ask, talk, told
from tests.server.replies import answer
from tfclient import Recorder, TracedOpenAI

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client

    from tests.server.scripted import ScriptedServer


def test_a_session_is_there_as_soon_as_it_has_ended(tmp_path: Path, server: ScriptedServer) -> None:
    root = tmp_path / "store"
    recorder = Recorder(root)
    client = TracedOpenAI(api_key="k", base_url=server.url, recorder=recorder)
    server.script(answer("Bring an umbrella."), answer("It rains."))

    async def look(reader: Client) -> tuple[str, str, str]:
        with client.session(id="sess_20261101T080000Z_00000001", title="Bergen") as session:
            client.responses.create(model="gpt-5", input="Do I need an umbrella?")
            during = await told(reader, "list_sessions")
            client.responses.create(model="gpt-5", input="Why?")
        assert session.wait(60)
        after = await told(reader, "read_session")
        found = await told(reader, "search", text="UMBRELLA")
        return during.text, after.text, found.text

    during, after, found = talk(root, look)
    client.close()

    assert "SESSIONS 0" in during or "active" in during
    assert after.startswith("SESSION sess_20261101T080000Z_00000001 completed")
    assert "It rains." in after
    assert "[1.1] user_message" in found


def test_what_a_dead_process_left_is_finished_first(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", weather())
    root = store.paths.root

    async def look(client: Client) -> str:
        await told(client, "list_sessions")
        # Its writer dies after the server has begun.
        journal(store, "sess_20260902T120000Z_dead0000")
        return (await told(client, "read_session", session="dead0000")).text

    assert talk(root, look).startswith("SESSION sess_20260902T120000Z_dead0000 ")


def test_reading_goes_on_while_sessions_come_and_go(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", weather())
    root = store.paths.root
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            session = weather()
            session.session_id = f"sess_20260902T1{written % 10}0000Z_{written:08x}"
            store.put(session)
            written += 1

    writer = threading.Thread(target=write)
    writer.start()

    async def look(client: Client) -> list[Any]:
        tools = ("list_sessions", "read_session", "why", "findings", "learnings")
        found = [await told(client, tool) for _ in range(2) for tool in tools]
        return [*found, await told(client, "search", text="bergen")]

    try:
        answers = talk(root, look)
    finally:
        stop.set()
        writer.join(60)

    assert written > 0
    assert [each.text for each in answers if each.failed] == []
    assert not ask(root, "read_session").failed
