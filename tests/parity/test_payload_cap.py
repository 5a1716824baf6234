"""A cap on payloads, through the real clients and the store: cut in the document, whole in the journal."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.making import run
from tests.parity.test_attachments import MODEL, have
from tests.projection.builders import Story, said
from tests.server.replies import Call, answer, calls
from tfclient import Recorder, TracedOpenAI, open_store
from tfclient.finishing.rebuilding import rebuild
from tfstore.journal.segment import Segment
from tfstore.keeping.verifying import verify
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.scripted import ScriptedServer
    from tfstore.document.documents import Step

LONG = "The weather in Bergen, hour by hour. " * 140_000
"""Five megabytes."""

CAP = 256_000


def only(label: str, session_id: str) -> Step:
    (step,) = open_store().steps(label=label, session_id=session_id)
    return step


def looked_up(server: ScriptedServer, output: str, **settings: Any) -> str:
    """Have a session in which a tool gave this output; return its id."""
    server.script(calls(Call("look", {"at": "Bergen"}, call_id="call_1")), answer("Take an umbrella."))
    with TracedOpenAI(api_key="k", base_url=server.url, recorder=Recorder(**settings)) as client:
        first = client.responses.create(model=MODEL, input="Umbrella?")
        told: Any = [{"type": "function_call_output", "call_id": "call_1", "output": output}]
        client.responses.create(model=MODEL, input=told, previous_response_id=first.id)
        session = client.end_session()
    assert session is not None
    assert session.wait(60)
    return session.id


def test_an_output_of_five_megabytes(server: ScriptedServer, own_environment: Path) -> None:
    session_id = looked_up(server, LONG, max_payload="256KB")
    output = only("tool_output", session_id).payload_completed["output"]
    store = open_store()
    assert output["truncated"] == {"bytes": len(LONG), "sha256": hashlib.sha256(LONG.encode()).hexdigest()}
    assert store.blobs.get(output).decode() == LONG[:CAP]
    assert server.requests[1].json["input"][0]["output"] == LONG
    sizes = [path.stat().st_size for path in own_environment.rglob("*") if path.is_file()]
    assert max(sizes) < 400_000


def test_the_journal_keeps_all_and_gives_the_same_document(server: ScriptedServer) -> None:
    session_id = looked_up(server, LONG[:50_000], max_payload=2000)
    store = open_store()
    before = store.paths.document(session_id).read_bytes()
    assert LONG[:3000].encode() not in before
    entries, _ = store.journal(session_id)
    assert any(LONG[:50_000] in str(entry.get("body")) for entry in entries)
    assert verify(store, session_id).sound
    store.paths.document(session_id).unlink()
    rebuild(store, session_id)
    assert store.paths.document(session_id).read_bytes() == before


def test_a_session_that_nobody_finished_is_cut_too(own_environment: Path) -> None:
    """The cap is in the journal: whoever recovers a session needs no setting."""
    story = Story()
    story.begin(max_payload=1000, redaction={"mode": "secrets"})
    story.ask("Hello", [said("a" * 5000)])
    store = Store(own_environment, create=True)
    with Segment.open(store.paths, "sess_1") as segment:
        segment.append(*({"mono": 0, **entry} for entry in story.entries))
    assert run("recover", "--store", own_environment).code == 0
    session = store.get("sess_1")
    (answered,) = (step for step in session.runs[0].steps if step.label == "assistant_message")
    assert (session.end_reason, answered.payload_completed["text"]["text"]) == ("recovered", "a" * 1000)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_environment_says_so_too(
    kind: str, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THOUGHTFLOW_MAX_PAYLOAD", "1KB")
    server.script(answer("a" * 5000), answer("b" * 5000))
    session = have(kind, server, Recorder(), "Tell me", "More")
    answers = [s.payload_completed["text"] for s in open_store().steps(label="assistant_message")]
    assert [(each["text"], each["truncated"]["bytes"]) for each in answers] == [
        ("a" * 1000, 5000),
        ("b" * 1000, 5000),
    ]
    assert open_store().get(session.id).redaction.max_payload == 1000


def test_a_stream_is_cut_as_a_whole_answer_is(server: ScriptedServer) -> None:
    server.script(answer("word " * 1000), answer("word " * 1000))
    recorder = Recorder(max_payload=1000)
    with TracedOpenAI(api_key="k", base_url=server.url, recorder=recorder) as client:
        client.responses.create(model=MODEL, input="Tell me")
        list(client.responses.create(model=MODEL, input="Tell me", stream=True))
        session = client.end_session()
    assert session is not None
    assert session.wait(60)
    whole, streamed = open_store().steps(label="assistant_message")
    assert whole.payload_completed == streamed.payload_completed
    assert whole.redactions == streamed.redactions != []


def test_what_was_cut_is_told_wherever_it_is_shown(server: ScriptedServer, tmp_path: Path) -> None:
    session_id = looked_up(server, LONG[:5000], max_payload=1000)
    folder = open_store().paths.root
    given = ("--store", folder)
    step = only("tool_output", session_id).step_id
    call = list(open_store().steps(label="assistant_call", session_id=session_id))[1].step_id
    shown = run("show", session_id, *given)
    assert "1 cut" in shown.out
    assert "redacted or cut" in shown.out
    details = run("show", session_id, "--step", step, *given)
    assert "payload_completed.output · max_payload · truncated · 5.0 kB" in details.out
    assert "… [cut: the first 1.0 kB of 5.0 kB]" in details.out
    assert "… [cut]" in run("show", session_id, "--prompt", call, *given).out
    assert run("search", "hour by hour", *given).code == 0
    assert run("d2", session_id, *given).code == 0
    assert run("diff", session_id, session_id, *given).code == 0
    page = tmp_path / "page.html"
    assert run("html", session_id, "--output", page, *given).code == 0
    assert "truncated" in page.read_text(encoding="utf-8")
