"""A program that is played again opens no socket: that is refused, with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

import tfclient
from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tfclient import Recorder, ReplayRefused, TracedOpenAI


def test_a_replay_refuses_sockets(server: ScriptedServer, tmp_path: Path) -> None:
    server.script(answer("Hello!"))
    recorder = Recorder(tmp_path / "store")
    client = TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder)
    with client.session(id="one") as session:
        client.responses.create(model="gpt-5.4-mini", input="Hi")
    assert session.wait(20)
    played = tfclient.replay("one", store=tmp_path / "store", unplayed="ignore")
    with played, pytest.raises(ReplayRefused, match="A WebSocket cannot be replayed"):
        client.realtime.connect(model="gpt-realtime")
