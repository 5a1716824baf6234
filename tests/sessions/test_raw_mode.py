"""Raw mode: two switches, bodies as they were on the wire, and no credential of a header in any file."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.redaction.secrets import IN_CONTEXT, SAMPLES
from tests.server.replies import Refused, answer, cut
from tests.server.scripted import ScriptedServer
from tfclient import Recorder, TracedOpenAI, open_store, settings
from tfclient.health import Health
from tfclient.sessions import raw_bodies
from tfclient.sessions.raw_bodies import RawBodies
from tfstore.disk.raw_folder import RawPart, expire, raw_parts, raw_sessions
from tfstore.keeping.doctor import examine
from tfstore.store import Store

KEY = "sk-proj-abcdefghij0123456789abcdefghij"
OWN = "sk-own-0123456789abcdefghijklmnopqrstuv"
SECRETS = [each for some in SAMPLES.values() for each in some if "\n" not in each]


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THOUGHTFLOW_ALLOW_RAW", "1")


@pytest.fixture(autouse=True)
def finisher() -> None:
    """Have the real one: what lies on the disk in the end is what these tests are about."""


@pytest.fixture(autouse=True)
def nothing_said_yet() -> Iterator[None]:
    before = set(settings._told)
    settings._told.clear()
    yield
    settings._told.clear()
    settings._told.update(before)


def record(server: ScriptedServer, store: Path, *calls: dict[str, Any], **how: Any) -> list[RawPart]:
    """Make calls that need not succeed, in one session; return what is raw of it."""
    recorder = Recorder(store, **{"capture_raw": True, **how})
    client = TracedOpenAI(base_url=server.url, api_key=OWN, recorder=recorder, max_retries=0)
    with recorder.session(id="one") as session:
        for call in calls:
            try:
                made: Any = client.responses.create(**{"model": "gpt-5-mini", "input": "Hello", **call})
                if call.get("stream"):
                    list(made)
            except openai.OpenAIError:
                pass
            except Exception:
                # Earlier SDKs let errors of the HTTP library pass.
                if not call.get("stream"):
                    raise
    assert session.wait(60)
    client.close()
    drained(recorder)
    return raw_parts(Store(store).paths, "one")


def drained(recorder: Recorder) -> None:
    """Wait until the finisher has looked for what is old, too."""
    recorder.sessions.ends._made_finisher().drain(60)


def everything_in(store: Path) -> bytes:
    """All that lies in a store, archives unpacked."""
    found = b"\n".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    return found + json.dumps(Store(store).journal("one")[0]).encode()


@pytest.mark.usefixtures("allowed")
def test_bodies_are_as_they_were_and_the_journal_is_redacted_as_ever(
    server: ScriptedServer, own_environment: Path
) -> None:
    server.script(answer(f"Yes: {KEY}"), answer(f"Yes: {KEY}"), Refused(401, "invalid_api_key", f"Not {KEY}"))

    parts = record(server, own_environment, {"input": KEY}, {"input": KEY, "stream": True}, {"input": "x"})

    assert [each.kind for each in parts] == ["request", "response"] * 2 + ["error", "request", "response"]
    sent = [each.content() for each in parts if each.kind == "request"]
    assert sent == [each.body for each in server.requests]
    whole, streamed, refused = (each.content() for each in parts if each.kind == "response")
    assert f"Yes: {KEY}" in whole.decode()
    assert streamed.startswith(b"event: response.created")
    assert streamed.rstrip().endswith(b"}")
    assert json.loads(refused)["error"]["message"] == f"Not {KEY}"
    assert [each.about["status"] for each in parts if each.kind == "response"] == [200, 200, 401]

    (error,) = (each.about for each in parts if each.kind == "error")
    assert "Not <redacted:openai_key>" in error["message"]
    assert any(frame.endswith("in record") for frame in error["stack"])
    store = open_store(own_environment)
    assert store.get("one").raw is True
    assert store.raw("one") == parts
    assert KEY not in json.dumps(store.journal("one")[0])
    assert KEY not in store.text("one").decode()


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("redact", ["secrets", "content", None])
def test_no_credential_of_a_header_is_in_any_file_log_or_traceback(
    redact: Any, server: ScriptedServer, own_environment: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.script(answer("Hello!"), Refused(401), answer("Hello!"))
    headers = {"x-api-key": f"custom {KEY}", "cookie": f"a={KEY}", "x-note": f"{KEY}"}
    illegal = {"authorization": f"Bearer {KEY}\n"}
    with caplog.at_level(logging.DEBUG, "tfclient"):
        calls = [{"extra_headers": headers}, {"extra_headers": headers}, {"extra_headers": illegal}]
        parts = record(server, own_environment, *calls, redact=redact)

    assert len([each for each in parts if each.kind == "error"]) >= 2
    kept = everything_in(own_environment) + caplog.text.encode()
    for secret in (KEY, OWN):
        assert secret.encode() not in kept


@pytest.mark.usefixtures("allowed")
def test_no_shape_of_a_secret_is_in_a_file_of_headers(server: ScriptedServer, own_environment: Path) -> None:
    told = [
        (text, secret) for some in IN_CONTEXT.values() for text, secret in some if "\n" not in text + secret
    ]
    headers = {f"x-told-{n}": f"it is {each} there" for n, each in enumerate(SECRETS)}
    headers |= {f"x-context-{n}": text.format(secret) for n, (text, secret) in enumerate(told)}
    server.script(answer("Hello!"), answer("Hello!"))

    found = record(server, own_environment, {"extra_headers": headers}, redact=None)

    kept = json.dumps([each.about for each in found])
    sent = next(each for each in found if each.kind == "request")
    assert len(sent.about["headers"]) > len(headers)
    assert [each for each in (*SECRETS, *(secret for _, secret in told)) if each in kept] == []


def test_one_switch_alone_records_nothing_raw_and_says_so_once(
    server: ScriptedServer,
    own_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.script(answer("Hello!"))
    assert record(server, own_environment, {}) == []
    Recorder(own_environment, capture_raw=True)
    (told,) = [each.getMessage() for each in caplog.records]
    assert told.startswith(
        "capture_raw=True alone records nothing raw: that takes THOUGHTFLOW_ALLOW_RAW=1 too."
    )

    caplog.clear()
    monkeypatch.setenv("THOUGHTFLOW_ALLOW_RAW", "1")
    for _ in range(2):
        assert Recorder(own_environment).settings.capture_raw is False
    (told,) = [each.getMessage() for each in caplog.records]
    assert told.startswith("THOUGHTFLOW_ALLOW_RAW=1 alone records nothing raw")
    assert not (own_environment / "raw").exists()
    assert open_store(own_environment).get("one").raw is False
    assert b'"raw"' not in open_store(own_environment).text("one")


def test_a_doubt_is_no_permission(own_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THOUGHTFLOW_ALLOW_RAW", "perhaps")

    assert Recorder(own_environment, capture_raw=True).settings.capture_raw is False


def test_without_both_nothing_of_it_is_imported() -> None:
    program = (
        "import sys, tfclient, tempfile; tfclient.Recorder(tempfile.mkdtemp()).session();"
        "print([each for each in sys.modules if 'raw_bodies' in each])"
    )
    ran = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert ran.stdout.strip() == "[]"


@pytest.mark.usefixtures("allowed")
def test_a_stream_that_breaks_off_is_kept_as_far_as_it_came(
    server: ScriptedServer, own_environment: Path
) -> None:
    server.script(cut(3, "Hello there, how are you?"))

    parts = record(server, own_environment, {"stream": True})

    (response,) = (each for each in parts if each.kind == "response")
    assert response.content().count(b"event: ") >= 3
    assert "incomplete" not in response.about
    assert [each.kind for each in parts if each.kind == "error"] != []


def test_what_there_is_no_room_for_is_left_out_and_said(
    own_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_bodies, "HELD", 10)
    health = Health()
    bodies = RawBodies(own_environment, health)
    bodies.response("one", "c-1.1", {"status": 200}, None)
    for data in (b"0123456", b"too long to wait", b"more"):
        bodies.piece("one", "c-1.1", data)
    bodies.wait(60)

    (part,) = raw_parts(Store(own_environment, create=True).paths, "one")
    assert part.content() == b"0123456"
    assert part.about == {"status": 200, "incomplete": True}
    assert health.by_kind == {"raw": 1}


def test_a_folder_that_cannot_be_written_harms_no_call(own_environment: Path) -> None:
    own_environment.mkdir(parents=True)
    (own_environment / "raw").write_text("in the way", encoding="utf-8")
    health = Health()
    bodies = RawBodies(own_environment, health)
    bodies.request("one", "c-1.1", {"method": "POST"}, b"hello")
    bodies.wait(60)

    assert health.by_kind["raw"] >= 1
    assert "raw" in str(health.last_error)


@pytest.mark.usefixtures("allowed")
def test_what_is_old_goes_when_a_session_is_finished(
    server: ScriptedServer, own_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfclient.finishing import raw_age

    server.script(answer("Hello!"), answer("Hello!"))
    assert record(server, own_environment, {}) != []
    monkeypatch.setenv("THOUGHTFLOW_RAW_DAYS", "1e-9")
    raw_age._LOOKED.clear()
    recorder = Recorder(own_environment)
    with recorder.session(id="two") as session:
        session.annotate("note", "hello")
    assert session.wait(60)
    drained(recorder)

    assert raw_sessions(Store(own_environment).paths) == []


@pytest.mark.usefixtures("allowed")
def test_killed_in_the_middle_it_leaves_nothing_that_is_not_found(
    server: ScriptedServer, own_environment: Path
) -> None:
    """The session is recovered with what there is; without its journal, the doctor names it and prune takes it."""
    program = (
        "import os, signal, sys\n"
        "from tfclient import Recorder, TracedOpenAI\n"
        "recorder = Recorder(sys.argv[1], capture_raw=True)\n"
        "client = TracedOpenAI(base_url=sys.argv[2], api_key='sk-x', recorder=recorder)\n"
        "recorder.session(id='killed').__enter__()\n"
        "for event in client.responses.create(model='m', input='Hello', stream=True):\n"
        "    recorder.sessions.raw.wait(60)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    server.script(answer("Hello there!"))
    ran = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program, str(own_environment), server.url], timeout=60, check=False
    )
    assert ran.returncode == -9

    store = open_store(own_environment)
    assert store.get("killed").raw is True
    assert [each.kind for each in store.raw("killed")] == ["request", "response"]
    assert list(examine(store)) == []
    shutil.rmtree(store.paths.archive)
    shutil.rmtree(store.paths.journal)
    store.paths.document("killed").unlink()
    left = [each for each in examine(Store(own_environment)) if each.path == store.paths.raw_of("killed")]
    assert [each.kind for each in left] == ["leftover_file"]
    assert expire(store.paths, timedelta(0)).files == 4
    assert raw_sessions(store.paths) == []
