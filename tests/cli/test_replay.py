"""`tfclient replay`: a program in a process of its own, and what is said of it behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.making import run
from tests.no_sockets import IN_A_PROGRAM
from tests.server.replies import answer, rate_limited
from tests.server.sockets import Got, SocketServer
from tfclient import Recorder, TracedOpenAI
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.scripted import ScriptedServer

PROGRAM = """\
import datetime, subprocess, sys
from openai import OpenAI

client = OpenAI(base_url=sys.argv[1], timeout=1)
for text in sys.argv[2:]:
    client.responses.create(model="gpt-5-mini", input=text, instructions=f"It is {datetime.datetime.now()}.")
"""


@pytest.fixture
def recorded(server: ScriptedServer, own_environment: Path) -> tuple[str, Path]:
    server.script(rate_limited(), answer("Hello!"), answer("Bye."))
    with TracedOpenAI(base_url=server.url, api_key="sk-test-key", recorder=Recorder()) as client:
        for text in ("Hi", "Bye"):
            client.responses.create(
                model="gpt-5-mini", input=text, instructions="It is 2026-09-02 14:05:00.123."
            )
        session = client.end_session()
    assert session is not None
    assert session.wait(60)
    server.stop()
    program = own_environment.parent / "program.py"
    program.write_text(IN_A_PROGRAM + PROGRAM, encoding="utf-8")
    return str(session.id), program


def test_a_program_of_plain_clients(
    recorded: tuple[str, Path], server: ScriptedServer, own_environment: Path
) -> None:
    session, program = recorded
    # The options stand between the session and the program; what follows is the program's own.
    told = run("replay", session, "--json", "--store", own_environment, program, server.url, "Hi", "Bye")
    assert told.code == 0, told.err
    counts = {"played": 3, "count": 3, "exact": 0, "alike": 3, "nearest": 0, "live": 0, "exit_status": 0}
    others = {
        "recording": session,
        "differing": ["instructions"],
        "missed": [],
        "unplayed": [],
        "unread": [],
        "placeholders": [],
    }
    assert told.json == {**others, **counts, "sessions": told.json["sessions"]}
    (second,) = told.json["sessions"]
    last = told.err.splitlines()[-1]
    assert last == f"played 3 of 3: 0 exact, 3 alike (instructions), 0 live → session {second}"
    replay = Store(own_environment).get(second).replay
    assert replay is not None
    assert (replay.session_id, replay.alike, replay.unplayed) == (session, 3, 0)


def test_what_is_left_over_and_what_misses(
    recorded: tuple[str, Path], server: ScriptedServer, own_environment: Path
) -> None:
    session, program = recorded
    there = ("--store", own_environment)
    left = run("replay", session, *there, program, server.url, "Hi")
    assert left.code == 1
    assert "1 of 3 recorded requests were never made: …-2.1 (step_2_3)." in left.err
    missed = run("replay", session, *there, "--json", program, server.url, "Hi", "Something else")
    assert missed.code == 1
    assert (missed.json["exit_status"], len(missed.json["missed"])) == (1, 1)
    assert '+ "Something else"' in missed.err
    assert "The program ended with exit status 1." in missed.err
    careless = "for text in sys.argv[2:]:\n    try:\n        client.responses.create(model='m', input=text)\n"
    careless = PROGRAM.partition("for text")[0] + careless + "    except Exception:\n        pass\n"
    program.write_text(IN_A_PROGRAM + careless, encoding="utf-8")
    swallowed = run("replay", session, *there, "--json", program, server.url, "Something else")
    assert swallowed.code == 1
    assert (swallowed.json["exit_status"], len(swallowed.json["missed"])) == (0, 1)
    assert '+ "Something else"' in swallowed.err


def test_a_child_of_the_program_is_played_too(
    recorded: tuple[str, Path], server: ScriptedServer, own_environment: Path
) -> None:
    session, program = recorded
    traced = PROGRAM.replace("from openai import OpenAI", "from tfclient import TracedOpenAI as OpenAI")
    program.with_name("child.py").write_text(IN_A_PROGRAM + traced, encoding="utf-8")
    program.write_text(
        "import subprocess, sys\nsubprocess.run([sys.executable, *sys.argv[1:]], check=True)\n"
    )
    command = (program, program.with_name("child.py"), server.url, "Hi", "Bye")
    told = run("replay", session, "--json", "--store", own_environment, *command)
    assert told.code == 0, told.err
    assert (told.json["played"], told.json["alike"], len(told.json["sessions"])) == (3, 3, 1)


def test_what_cannot_be_run_is_one_sentence(recorded: tuple[str, Path], own_environment: Path) -> None:
    session, program = recorded
    cassette = own_environment.parent / "wrong.yaml"
    cassette.write_text("interactions: 1", encoding="utf-8")
    bundle = own_environment.parent / "wrong.tfbundle"
    bundle.write_text("no zip", encoding="utf-8")
    for arguments, words in (
        (("nothing.yaml", program), "nothing.yaml cannot be replayed: there is no such file."),
        (("nothing.tfbundle", program), "nothing.tfbundle cannot be replayed: there is no such file."),
        ((bundle, program), f"{bundle} was not opened: it is no zip file, or was cut off."),
        ((session, "nothing.py"), "There is no program at nothing.py."),
        ((session, "-m", "no_such_module"), "There is no module 'no_such_module' to run."),
        (("nobody", program), "No session 'nobody'"),
        ((cassette, program), "is not a cassette: it has no list of interactions."),
        ((session, "--ignore", "..", program), "ignore='..' cannot be used"),
        ((session, "--until", "7.1", program), "no request was made in that run up to that step"),
    ):
        told = run("replay", *arguments[:1], "--store", own_environment, *arguments[1:])
        assert told.code == 2, arguments
        assert words in told.err
        assert len(told.err.splitlines()) == 1


def test_a_session_that_cannot_be_played_is_one_sentence(
    recorded: tuple[str, Path], own_environment: Path
) -> None:
    session, program = recorded
    with Recorder(redact="content").session(id="content") as content:
        content.annotate("note", 1)
    assert content.wait(60)
    active = Recorder().session(id="active")
    active.__enter__()
    for name, words in (
        ("content", "it was recorded with redact='content', so that your program would be given hashes"),
        ("active", "it is still active: end it first (client.end_session())."),
        (session, "only its document is left, and what was answered is in its journal."),
    ):
        if name == session:
            Store(own_environment).paths.archived(session).unlink()
        told = run("replay", name, "--store", own_environment, program)
        assert (told.code, told.out) == (2, "")
        assert told.err.startswith(f"{name} cannot be replayed: ")
        assert words in told.err
        assert len(told.err.splitlines()) == 1
    active.end()


def test_a_store_that_is_not_there_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.touch()
    (tmp_path / "file").touch()
    for place in ("nowhere", "file"):
        told = run("replay", "last", "--store", tmp_path / place, program)
        assert (told.code, told.out) == (2, "")
        assert str(tmp_path / place) in told.err


def test_a_program_that_never_calls_and_one_that_does_not_begin(
    recorded: tuple[str, Path], own_environment: Path
) -> None:
    session, program = recorded
    program.write_text("print('Hello')\n", encoding="utf-8")
    told = run("replay", session, "--store", own_environment, program)
    left, last = told.err.splitlines()
    assert told.code == 1
    assert left.startswith("3 of 3 recorded requests were never made: ")
    assert left.endswith(" or that have playback.http_client().")
    assert last == "played 0 of 3: 0 exact, 0 live"
    program.write_text("no python", encoding="utf-8")
    told = run("replay", session, "--store", own_environment, program)
    assert told.code == 1
    assert told.err.splitlines()[-2:] == ["The program ended with exit status 1.", last]
    assert "never made" not in told.err


TALKING = """\
import sys
from openai import OpenAI

with OpenAI(base_url=sys.argv[1]).realtime.connect(model="gpt-realtime") as connection:
    connection.recv()
    connection.conversation.item.create(item={"type": "function_call_output", "call_id": "c", "output": sys.argv[2]})
    if sys.argv[2:3] == sys.argv[-1:]:
        print(connection.recv().type)
"""


def test_a_program_that_talks_over_a_socket(own_environment: Path) -> None:
    done = {"type": "response.done", "response": {"id": "resp_1", "output": []}}
    item = {"type": "function_call_output", "call_id": "c", "output": "rain"}
    with SocketServer() as sockets:
        sockets.script({"type": "session.created", "session": {"type": "realtime"}}, Got(), done)
        with (
            TracedOpenAI(base_url=sockets.url, api_key="sk-test-key", recorder=Recorder()) as client,
            client.realtime.connect(model="gpt-realtime") as connection,
        ):
            connection.recv()
            connection.conversation.item.create(item=item)  # type: ignore[arg-type]
            connection.recv()
            connection.close()
            session = client.end_session()
        url = sockets.url
    assert session is not None
    assert session.wait(60)
    program = own_environment.parent / "talking.py"
    program.write_text(IN_A_PROGRAM + TALKING, encoding="utf-8")
    told = run("replay", session.id, "--store", own_environment, program, url, "rain")
    assert told.code == 0, told.err
    assert "played 2 of 2: 2 exact, 0 live → session" in told.err
    told = run("replay", session.id, "--store", own_environment, program, url, "rain", "and leave")
    assert told.code == 1
    assert "1 message that came over a WebSocket was never read: response.done." in told.err
    told = run("replay", session.id, "--store", own_environment, program, url, "sun")
    assert told.code == 1
    assert "(conversation.item.create), differs in 1 place:\n  item.output" in told.err
    assert "a WebSocket cannot go live in its middle" in told.err
