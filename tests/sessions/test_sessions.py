"""Sessions: implicit, the program's own, their ends, and what follows them."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

import tfclient.sessions.ends
import tfclient.sessions.idle_and_exit
from tests.capture import journals
from tests.capture.driver import MODEL, AsyncDriver, Driver
from tests.capture.fixtures import RecordingFinisher
from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tfclient import Recorder, SessionEnded, SessionStillOpen
from tfstore.errors import InvalidSessionId


@pytest.fixture(autouse=True)
def says_hello(server: ScriptedServer) -> None:
    server.always(lambda seen: answer(f"Hello to {seen.json.get('input')}"))


def ask(drive: Driver, client: Any, text: str = "Hi") -> Any:
    return drive.do(client.responses.create(model=MODEL, input=text))


def asked(recorder: Recorder, session: str) -> list[str]:
    return [str(text) for text in journals.requests(recorder, session)]


def test_one_implicit_session_opened_by_the_first_call(
    drive: Driver, recorder: Recorder, own_environment: Path, finisher: RecordingFinisher
) -> None:
    client = drive.traced(recorder)
    assert recorder.current is None
    assert not own_environment.exists()
    ask(drive, client)
    ask(drive, client.with_options(timeout=9))
    (session,) = journals.sessions(recorder)
    assert recorder.current is not None
    assert recorder.current.id == session
    assert recorder.current.path == own_environment / "sessions" / f"{session}.json"
    assert recorder.current.d2_path.suffix == ".d2"
    assert set(finisher.refreshed) == {session}
    assert finisher.finished == []


def test_clients_without_a_recorder_have_sessions_of_their_own(drive: Driver, own_environment: Path) -> None:
    for _ in range(2):
        ask(drive, drive.made(drive.traced_class))
    assert len(journals.sessions(own_environment)) == 2


def test_the_first_entry_says_what_is_needed(drive: Driver, recorder: Recorder) -> None:
    with recorder.session(title="A title", metadata={"user": "u1", "api_key": "hidden-value"}):
        ask(drive, drive.traced(recorder))
    first = journals.entries(recorder)[0]
    assert first["type"] == "session.started"
    assert (first["journal_version"], first["title"], first["channel"]) == (1, "A title", "text")
    assert first["metadata"]["user"] == "u1"
    assert "hidden-value" not in journals.everything(recorder)
    assert set(first["runtime"]) == {"tfclient", "openai", "python", "platform", "pid"}
    assert first["redaction"] == {"mode": "secrets"}


def test_end_session_gives_the_session_and_a_later_call_opens_another(
    drive: Driver, recorder: Recorder, finisher: RecordingFinisher
) -> None:
    client = drive.traced(recorder)
    assert client.end_session() is None
    ask(drive, client, "one")
    first = client.end_session()
    assert first.ended
    assert first.wait(60)
    first.end()
    assert client.end_session() is None
    ask(drive, client, "two")
    second = client.end_session()
    assert second.id != first.id
    assert finisher.finished == [first.id, second.id]
    assert "one" in asked(recorder, first.id)[0]
    assert "two" in asked(recorder, second.id)[0]
    for session in (first, second):
        (ended,) = journals.entries(recorder, "session.ended", session.id)
        assert ended["end_reason"] == "closed"


@pytest.mark.parametrize("leave", ["close", "with"])
def test_closing_the_client_ends_its_session(leave: str, drive: Driver, recorder: Recorder) -> None:
    client = drive.traced(recorder)
    if leave == "with":
        with drive.entered(client):
            ask(drive, client)
    else:
        ask(drive, client)
        drive.do(client.close())
        drive.do(client.close())
    assert journals.types(recorder)[-1] == "session.ended"
    assert client.is_closed()


def test_closing_a_client_that_did_nothing_makes_nothing(drive: Driver, own_environment: Path) -> None:
    drive.do(drive.made(drive.traced_class).close())
    assert not own_environment.exists()


def test_a_session_of_ones_own(drive: Driver, recorder: Recorder) -> None:
    client = drive.traced(recorder)
    ask(drive, client, "before")
    session = recorder.session(title="Mine", id="mine-1")
    with session:
        assert recorder.current is session
        ask(drive, client, "inside")
    ask(drive, client, "after")
    other = next(each for each in journals.sessions(recorder) if each != "mine-1")
    assert [text for text in asked(recorder, "mine-1") if "inside" in text] == asked(recorder, "mine-1")
    assert len(asked(recorder, other)) == 2
    with pytest.raises(SessionEnded, match="mine-1"), session:
        pass


def test_sessions_in_one_another(drive: Driver, recorder: Recorder) -> None:
    client = drive.traced(recorder)
    with client.session(id="outer"):
        ask(drive, client, "1")
        with client.session(id="inner"):
            ask(drive, client, "2")
        ask(drive, client, "3")
    assert len(asked(recorder, "outer")) == 2
    assert len(asked(recorder, "inner")) == 1


def test_a_session_without_calls_is_one_all_the_same(recorder: Recorder) -> None:
    with recorder.session(id="empty"):
        pass
    assert journals.types(recorder, "empty") == ["session.started", "session.ended"]


def test_a_session_that_exists_is_continued(drive: Driver, recorder: Recorder) -> None:
    client = drive.traced(recorder)
    for text in ("one", "two"):
        with client.session(id="long-lived"):
            ask(drive, client, text)
    assert len(asked(recorder, "long-lived")) == 2


@pytest.mark.parametrize("bad", ["../x", "", "a/b", "x" * 129, ".hidden", "a\nb"])
def test_a_bad_id_is_refused_at_once(bad: str, recorder: Recorder) -> None:
    with pytest.raises(InvalidSessionId):
        recorder.session(id=bad)


def test_two_recorders_have_each_their_current_session(drive: Driver, tmp_path: Path) -> None:
    one, two = Recorder(tmp_path / "one"), Recorder(tmp_path / "two")
    with one.session(id="a"), two.session(id="b"):
        ask(drive, drive.traced(one))
        ask(drive, drive.traced(two))
    assert len(asked(one, "a")) == 1
    assert len(asked(two, "b")) == 1


def test_sessions_in_tasks_share_nothing(recorder: Recorder, server: ScriptedServer) -> None:
    drive = AsyncDriver(server.url)
    client = drive.traced(recorder)

    async def conversation(name: str) -> None:
        async with client.session(id=name):
            for turn in range(5):
                await asyncio.gather(
                    *(client.responses.create(model=MODEL, input=f"{name}:{turn}") for _ in range(2))
                )

    async def run() -> None:
        await asyncio.gather(*(conversation(name) for name in ("alpha", "beta", "gamma")))

    drive.do(run())
    drive.close()
    for name in ("alpha", "beta", "gamma"):
        texts = asked(recorder, name)
        assert len(texts) == 10
        assert all(name in text for text in texts)


def test_sessions_in_threads_share_nothing(recorder: Recorder, server: ScriptedServer) -> None:
    client = Driver(server.url).traced(recorder)

    def conversation(name: str) -> None:
        with client.session(id=name):
            for turn in range(5):
                client.responses.create(model=MODEL, input=f"{name}:{turn}")

    threads = [threading.Thread(target=conversation, args=(name,)) for name in ("alpha", "beta", "gamma")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    for name in ("alpha", "beta", "gamma"):
        texts = asked(recorder, name)
        assert len(texts) == 5
        assert all(name in text for text in texts)


def test_a_thread_with_a_copied_context_belongs_to_the_session(
    recorder: Recorder, server: ScriptedServer
) -> None:
    client = Driver(server.url).traced(recorder)
    with client.session(id="mine"):
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=lambda: context.run(client.responses.create, model=MODEL, input="Hi")
        )
        thread.start()
        thread.join()
    client.close()
    assert len(asked(recorder, "mine")) == 1


def test_a_task_that_outlives_its_session_goes_on_in_another(
    recorder: Recorder, server: ScriptedServer
) -> None:
    drive = AsyncDriver(server.url)
    client = drive.traced(recorder)

    async def run() -> None:
        left = asyncio.Event()

        async def straggler() -> None:
            await left.wait()
            await client.responses.create(model=MODEL, input="late")

        async with client.session(id="short"):
            task = asyncio.create_task(straggler())
            await asyncio.sleep(0)
        left.set()
        await task

    drive.do(run())
    drive.close()
    assert asked(recorder, "short") == []
    assert len(journals.sessions(recorder)) == 2


def test_leaving_in_another_context_is_harmless(recorder: Recorder) -> None:
    session = recorder.session(id="mine")
    contextvars.copy_context().run(session.__enter__)
    session.__exit__(None, None, None)
    assert session.ended


def test_what_arrives_after_the_end_is_kept_and_the_files_are_made_again(
    drive: Driver, recorder: Recorder, server: ScriptedServer, finisher: RecordingFinisher
) -> None:
    server.script(reply := answer("word " * 20, hold_after=4))
    client = drive.traced(recorder)
    stream = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
    drive.events(stream, count=2)
    session = client.end_session()
    reply.gate.set()
    drive.events(stream)
    assert journals.body(recorder).endswith(b"\n\n")
    assert journals.entries(recorder, "attempt.ended")[0]["ending"] == "completed"
    assert finisher.finished == [session.id, session.id]


def test_wait_and_finished(recorder: Recorder, finisher: RecordingFinisher) -> None:
    finisher.held = threading.Event()
    with recorder.session() as session:
        with pytest.raises(SessionStillOpen, match=session.id):
            session.wait()
        with pytest.raises(SessionStillOpen):
            asyncio.run(session.finished())
        assert not session.wait(0.001)
    assert session.ended
    assert not session.wait(0.001)

    async def both() -> list[bool]:
        waiting = asyncio.create_task(session.finished())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        assert finisher.held is not None
        finisher.held.set()
        return [await waiting, await session.finished()]

    assert asyncio.run(both()) == [True, True]
    assert session.wait()


def test_files_that_could_not_be_written_are_told(
    recorder: Recorder, finisher: RecordingFinisher, caplog: pytest.LogCaptureFixture
) -> None:
    finisher.error = OSError("no space for the diagram")
    with recorder.session() as session:
        pass
    assert not session.wait(5)
    assert session.error is finisher.error
    assert recorder.health.by_kind == {"finish": 1}
    assert "no space for the diagram" in caplog.text


def test_idle_sessions_end_by_themselves(drive: Driver, finisher: RecordingFinisher, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, idle_minutes=0.1 / 60)
    client = drive.traced(recorder)
    ask(drive, client)
    session = recorder.current
    assert session is not None
    assert session.wait(60)
    assert journals.entries(recorder, "session.ended")[0]["end_reason"] == "idle_timeout"
    ask(drive, client)
    assert recorder.current is not session
    assert finisher.finished[0] == session.id


def at(moment: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (tfclient.sessions.idle_and_exit, tfclient.sessions.ends):
        monkeypatch.setattr(module, "monotonic", lambda: moment)


def test_idleness_counts_from_the_last_activity(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    with recorder.session() as session:
        session.annotate("note")
        now = monotonic()
        at(now + 29 * 60, monkeypatch)
        tfclient.sessions.idle_and_exit._Sweep.sweep()
        assert not session.ended
        session.annotate("note")
        at(now + 58 * 60, monkeypatch)
        tfclient.sessions.idle_and_exit._Sweep.sweep()
        assert not session.ended
        at(now + 60 * 60, monkeypatch)
        tfclient.sessions.idle_and_exit._Sweep.sweep()
        assert session.ended


def test_zero_is_never_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder(tmp_path, idle_minutes=0).session() as session:
        now = monotonic()
        at(now + 1e9, monkeypatch)
        tfclient.sessions.idle_and_exit._Sweep.sweep()
        assert not session.ended


def test_a_client_that_is_gone_has_its_session_ended(drive: Driver, own_environment: Path) -> None:
    client = drive.traced_class(base_url=drive.plain().base_url, api_key="k")
    ask(drive, client)
    session = client.recorder.current
    drive.do(client._client.aclose() if drive.is_async else client._client.close())
    del client
    gc.collect()
    assert session.wait(60)
    assert journals.types(own_environment)[-1] == "session.ended"


def test_annotations(recorder: Recorder) -> None:
    with recorder.session() as session:
        session.annotate(
            "mood", {"score": 3, "token": "sk-proj-" + "Ab3" * 16}, call_id="call_1", step="step_1_2"
        )
        session.annotate("odd", {1: object(), "self": {1, 2}})
    first, second = journals.entries(recorder, "annotation")
    assert (first["kind"], first["call_id"], first["step"], first["data"]["score"]) == (
        "mood",
        "call_1",
        "step_1_2",
        3,
    )
    assert "Ab3Ab3" not in journals.everything(recorder)
    assert second["data"]["1"].startswith("<object object")
