"""A store that is deleted under a running program: what the commands say of what was begun anew."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture.driver import MODEL
from tests.cli.making import run
from tests.server.replies import answer
from tfclient import Recorder, TracedOpenAI
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.server.scripted import ScriptedServer
    from tfstore.document.documents import Session

LONG = "x y " * 5000


@pytest.fixture(params=["unseen", "seen"])
def begin(request: pytest.FixtureRequest, tmp_path: Path, server: ScriptedServer) -> Callable[..., Any]:
    """Record a call, delete the store, go on; the document was there before that, or was not yet."""

    def record(going_on: Callable[[TracedOpenAI], None]) -> tuple[Store, Session]:
        server.always(answer("Hello!"))
        recorder = Recorder(tmp_path / "store", redact="content", deltas=True, max_payload=1000)
        with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder) as client:
            with client.session(title="The title", metadata={"user": "ada"}) as handle:
                client.responses.create(model=MODEL, input="Before it")
                pause = threading.Event()
                while request.param == "seen" and not handle.path.exists():
                    pause.wait(0.01)
                # At once: a document may be just being written.
                (tmp_path / "store").rename(tmp_path / "gone")
                shutil.rmtree(tmp_path / "gone")
                going_on(client)
            assert handle.wait(60)
        store = Store(tmp_path / "store")
        return store, store.get(handle.id)

    return record


def goes_on(client: TracedOpenAI) -> None:
    with client.responses.create(model=MODEL, input=LONG, stream=True) as stream:
        for _ in stream:
            pass


def ends(client: TracedOpenAI) -> None:
    """Nothing more is recorded but the end."""


def kinds(store: Store) -> list[str]:
    found = run("doctor", "--json", "--store", store.paths.root).json["problems"]
    return [each["kind"] for each in found]


def test_the_session_is_shown_as_it_was_to_be(begin: Callable[..., Any]) -> None:
    store, session = begin(goes_on)

    entries, _ = store.journal(session.session_id)
    assert [each["type"] for each in entries[:3]] == ["call.started", "attempt.sent", "session.started"]
    assert (session.redaction.mode, session.redaction.max_payload) == ("content", 1000)
    assert session.title.startswith("<sha256:")
    assert set(session.metadata) == {"user"}
    assert (session.status, session.end_reason, session.result) == ("closed", "closed", "completed")
    last = session.runs[-1]
    assert len(last.input_text or "") < 1000
    assert session.runs == [last], "what was deleted does not come back"
    (call,) = (step for step in last.steps if step.label == "assistant_call")
    assert call.payload_completed["deltas"]


@pytest.mark.parametrize("then", [goes_on, ends])
def test_what_is_lost_is_told_and_nothing_else_is_wrong(
    begin: Callable[..., Any], then: Callable[[TracedOpenAI], None]
) -> None:
    store, session = begin(then)
    named = (session.session_id, "--store", store.paths.root)

    assert kinds(store) == ["removed"]
    assert "is gone" in run("verify", *named).out
    assert run("recover", "--store", store.paths.root).out == "Nothing to recover.\n"
    assert run("doctor", "--fix", "--store", store.paths.root).code == 1
    tailed = run("tail", "--json", *named).out.splitlines()[-1]
    assert '"ended"' in tailed
    assert '"end_reason":"closed"' in tailed
    assert store.get(session.session_id) == session


@pytest.mark.parametrize("then", [goes_on, ends])
def test_made_again_it_tells_what_the_journal_does(
    begin: Callable[..., Any], then: Callable[[TracedOpenAI], None]
) -> None:
    store, before = begin(then)
    named = (before.session_id, "--store", store.paths.root)
    count = len(store.journal(before.session_id)[0])

    assert run("rebuild", *named).out.endswith("the same as before\n")
    assert store.get(before.session_id) == before
    assert len(store.journal(before.session_id)[0]) == count
    assert before.integrity.entries == count
    assert len(before.notes) == 1
    assert "that were in it are gone" in before.notes[0]
