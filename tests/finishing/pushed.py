"""Sessions that are sent as they close, and what their recorder tells of that."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from tests.capture.driver import MODEL
from tests.server.replies import answer
from tfclient import Recorder, TracedOpenAI

if TYPE_CHECKING:
    import pytest

    from tests.server.scripted import ScriptedServer


def one_session(server: ScriptedServer, recorder: Recorder, words: str = "Hello") -> str:
    """Record a session of one call; return its id once it is finished."""
    server.script(answer("Hi."))
    with TracedOpenAI(base_url=server.url, api_key="sk-none", recorder=recorder) as client:
        with client.session() as session:
            client.responses.create(model=MODEL, input=words)
        assert session.wait(60)
        return str(session.id)


def fault_told(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Event:
    """Return what is set once a fault of this recorder was counted."""
    fault, told = recorder.health.fault, Event()

    def heard(kind: str, error: BaseException | str, doing: str) -> None:
        fault(kind, error, doing)
        told.set()

    monkeypatch.setattr(recorder.health, "fault", heard)
    return told
