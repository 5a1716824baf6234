"""Sessions to be exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.builders import a_chat, a_run, a_session, a_step
from tests.projection.recorded import project_recording
from tfclient.importing.cassette import read_cassette
from tfclient.otlp.options import Options
from tfclient.otlp.span import Span
from tfclient.otlp.tree import spans_of
from tfstore.document.documents import Integrity, Session, Step
from tfstore.store import Store

CASSETTES = Path(__file__).parents[2] / "cassettes"
STORE_ID = "00000000-0000-4000-8000-000000000001"


def from_cassette(name: str) -> Session:
    """Return the session of one of our own cassettes."""
    return project_recording(name, read_cassette(CASSETTES / f"{name}.yaml")).session


def a_closed(session_id: str, question: str = "Hello", head: str = "") -> Session:
    session = a_session(a_chat(question, response_id=f"resp_{session_id}"), session_id=session_id)
    session.started_at = "2026-09-02T09:14:00.000Z"
    session.integrity = Integrity(entries=1, head=head or f"head of {session_id}")
    return session


def closed_sessions(folder: Path, count: int) -> Store:
    store = Store(folder, create=True)
    for number in range(1, count + 1):
        session = a_closed(f"sess_{number}")
        session.started_at = f"2026-09-02T09:14:{number:02d}.000Z"
        store.put(session)
    return store


def spans(session: Session, **options: Any) -> list[Span]:
    return list(spans_of(session, STORE_ID, Options(**options)))


def said(span: Span, attribute: str) -> Any:
    """Return what a span says as JSON."""
    return json.loads(str(span.attributes[attribute]))


@frozen
class Conversation:
    """A conversation that a program sends again with every turn, as its document has it."""

    turns: int
    words: str = "Tell me more, please."

    def session(self) -> Session:
        """One run a turn, each of which sends all that was said before it."""
        runs = []
        for turn in range(1, self.turns + 1):
            parts: list[dict[str, Any]] = [
                {"type": "user_message", "step_id": f"step_{turn}_1", "form": "item"}
            ]
            if turn > 1:
                before = f"step_{turn - 1}_2"
                again = {"type": "resent", "step_id": before, "items": 2 * turn - 3, "from": 0}
                answer = {"type": "assistant_message", "step_id": f"step_{turn - 1}_3", "form": "easy"}
                parts = [again, answer, *parts]
            call = a_step(
                "assistant_call",
                model="gpt-4.1",
                response_id=f"resp_{turn}",
                started={
                    "model": "gpt-4.1",
                    "input": [f"step_{turn}_1"],
                    "prompt_provenance": {"parts": parts},
                },
            )
            steps: list[Step] = [a_step("user_message", f"{turn}: {self.words}"), call]
            steps.append(
                a_step("assistant_message", f"Answer {turn}. {self.words}", response_id=f"resp_{turn}")
            )
            runs.append(a_run(*steps, after=turn - 1 or None))
        session = a_session(*runs, session_id="sess_long")
        session.started_at = "2026-09-02T09:14:00.000Z"
        return session
