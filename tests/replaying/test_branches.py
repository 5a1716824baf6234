"""A replay that goes live from somewhere on, and sessions that cannot be played."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import tfclient
from tests.capture.driver import MODEL, Driver
from tests.cli.making import run
from tests.no_sockets import IN_A_PROGRAM
from tests.server.replies import Call, answer, calls, rate_limited
from tfclient import Recorder
from tfstore.errors import UnknownSession
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.server.scripted import ScriptedServer


@pytest.fixture
def drive(server: ScriptedServer) -> Iterator[Driver]:
    driver = Driver(server.url)
    yield driver
    driver.close()


def agent(weather: str) -> Callable[[Any], str]:
    """Asks, looks, answers, and asks once more."""

    def program(client: Any) -> str:
        first = client.responses.create(model=MODEL, input="What is the weather in Oslo?")
        given = {"type": "function_call_output", "call_id": first.output[0].call_id, "output": weather}
        second = client.responses.create(model=MODEL, input=[given], previous_response_id=first.id)
        third = client.responses.create(model=MODEL, input="Thanks.", previous_response_id=second.id)
        return f"{second.output_text} {third.output_text}"

    return program


@pytest.fixture
def recorded(drive: Driver, server: ScriptedServer) -> str:
    server.script(calls(Call("look", {"city": "Oslo"})), answer("It rains."), answer("Bye."))
    client = drive.traced(Recorder())
    assert agent("rain")(client) == "It rains. Bye."
    session = client.end_session()
    assert session.wait(60)
    server.requests.clear()
    return str(session.id)


def branched(
    drive: Driver, weather: str, recorded: str, **options: Any
) -> tuple[str, str, tfclient.Playback]:
    recorder = Recorder()
    with tfclient.replay(recorded, **options) as playback:
        told = agent(weather)(drive.traced(recorder))
    session = recorder.end_session()
    assert session is not None
    assert session.wait(60)
    return told, session.id, playback


def test_what_misses_goes_live_and_what_follows_from_it(
    drive: Driver, recorded: str, server: ScriptedServer, own_environment: Path
) -> None:
    server.script(rate_limited(), answer("The sun shines."), answer("Ciao."))
    told, session_id, playback = branched(drive, "sun", recorded, on_miss="live")
    assert told == "The sun shines. Ciao."
    assert [seen.json["input"] for seen in server.requests][1:] == [
        [
            {
                "type": "function_call_output",
                "call_id": server.requests[0].json["input"][0]["call_id"],
                "output": "sun",
            }
        ],
        "Thanks.",
    ]
    assert (len(playback.answers), playback.live) == (1, 3)
    store = Store(own_environment)
    branch = store.get(session_id)
    assert branch.replay is not None
    assert (branch.replay.kind, branch.replay.session_id) == ("branch", recorded)
    assert (branch.replay.exact, branch.replay.live, branch.replay.unplayed) == (1, 3, 2)
    changed = run("diff", recorded, session_id, "--store", own_environment).out
    assert "It rains." in changed
    assert "The sun shines." in changed
    totals = run("stats", "--store", own_environment, "--json").json["total"]
    assert (totals["sessions"], totals["model_calls"]) == (2, 3 + 2)
    made = [step.response_id for each in branch.runs for step in each.steps if step.label == "assistant_call"]
    found = [store.find_response(str(each)) for each in made]
    assert [each and each[0] for each in found] == [recorded, session_id, session_id]


def test_a_step_up_to_which_it_is_played(
    drive: Driver, recorded: str, server: ScriptedServer, own_environment: Path
) -> None:
    document = Store(own_environment).get(recorded)
    (asked, _), *_ = [
        [step.step_id for step in each.steps if step.label == "assistant_call"] for each in document.runs
    ]
    server.script(answer("It rains again."), answer("Bye bye."))
    told, session_id, playback = branched(drive, "rain", recorded, until=asked)
    assert told == "It rains again. Bye bye."
    assert (len(server.requests), len(playback.answers), playback.count) == (2, 1, 1)
    replay = Store(own_environment).get(session_id).replay
    assert replay is not None
    assert (replay.kind, replay.until, replay.live) == ("branch", asked, 2)


def closed(program: Callable[[Any], Any], recorder: Recorder, drive: Driver) -> str:
    client = drive.traced(recorder)
    program(client)
    session = client.end_session()
    assert session.wait(60)
    return str(session.id)


@pytest.mark.parametrize(
    ("redact", "words"), [("content", "given hashes"), (lambda _, text: text, "function of its own")]
)
def test_sessions_without_their_texts_are_refused(
    redact: Any, words: str, drive: Driver, server: ScriptedServer
) -> None:
    server.script(answer("Hello!"))
    session = closed(
        lambda client: client.responses.create(model=MODEL, input="Hi"), Recorder(redact=redact), drive
    )
    with pytest.raises(tfclient.ReplayRefused, match=words):
        tfclient.replay(session)


def test_what_is_active_or_empty_or_gone_is_refused(
    drive: Driver, server: ScriptedServer, own_environment: Path
) -> None:
    server.script(answer("Hello!"), answer("Hello!"))
    recorder = Recorder()
    client = drive.traced(recorder)
    client.responses.create(model=MODEL, input="Hi")
    assert recorder.current is not None
    with pytest.raises(tfclient.ReplayRefused, match="still active"):
        tfclient.replay(recorder.current.id)
    session = client.end_session()
    assert session.wait(60)
    Store(own_environment).paths.archived(session.id).unlink()
    with pytest.raises(tfclient.ReplayRefused, match="only its document is left"):
        tfclient.replay(session.id)
    with recorder.session(id="empty") as nothing:
        nothing.annotate("note", 1)
    assert nothing.wait(60)
    with pytest.raises(tfclient.ReplayRefused, match="no request was recorded"):
        tfclient.replay("empty")
    with pytest.raises(UnknownSession, match="no-such"):
        tfclient.replay("no-such")


def test_killed_while_replaying_it_is_recovered_and_still_marked(
    drive: Driver, recorded: str, own_environment: Path
) -> None:
    program = (
        f"{IN_A_PROGRAM}import os, signal, sys, tfclient\n"
        "with tfclient.replay(sys.argv[1]):\n"
        "    client = tfclient.TracedOpenAI(api_key='unused', base_url=sys.argv[2])\n"
        f"    client.responses.create(model={MODEL!r}, input='What is the weather in Oslo?')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    url = str(drive.plain().base_url)
    environ = {**os.environ, "THOUGHTFLOW_DIR": str(own_environment)}
    killed = subprocess.run([sys.executable, "-c", program, recorded, url], env=environ, check=False)  # noqa: S603
    assert killed.returncode == -signal.SIGKILL
    found = [each for each in tfclient.open_store(own_environment).list() if each.session_id != recorded]
    assert [(each.end_reason, each.replay, each.played_calls) for each in found] == [
        ("recovered", "replay", 1)
    ]
    assert tfclient.replay("last").tape.session_id == recorded


def test_a_client_that_is_not_played_imports_nothing_of_it() -> None:
    script = (
        "import sys, tfclient; tfclient.TracedOpenAI\n"
        "sys.exit(any(name.startswith('tfclient.replaying') for name in sys.modules))"
    )
    assert subprocess.call([sys.executable, "-c", script]) == 0  # noqa: S603
