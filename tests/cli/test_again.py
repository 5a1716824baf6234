"""`tfclient again`: one recorded request sent once more, and what is different of it and of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.making import run
from tests.server.replies import Call, Refused, answer, calls
from tfclient import Recorder, TracedOpenAI
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.scripted import ScriptedServer


@pytest.fixture
def recorded(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> str:
    server.script(calls(Call("look", {"city": "Oslo"})), answer("It rains."))
    with TracedOpenAI(base_url=server.url, api_key="sk-test-key", recorder=Recorder()) as client:
        first = client.responses.create(
            model="gpt-5-mini", input="What is the weather in Oslo?", instructions="Be brief."
        )
        (call,) = [item for item in first.output if item.type == "function_call"]
        given = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
        client.responses.create(model="gpt-5-mini", input=[given], previous_response_id=first.id)  # type: ignore[list-item]
        session = client.end_session()
    assert session is not None
    assert session.wait(60)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
    server.requests.clear()
    return str(session.id)


def test_another_prompt_and_another_model(
    recorded: str, server: ScriptedServer, own_environment: Path
) -> None:
    server.script(answer("The sun shines."), answer("It snows."))
    prompt = own_environment.parent / "prompt.txt"
    prompt.write_text("What is the weather in Bergen?", encoding="utf-8")
    there = ("--store", own_environment)
    options = ("--model", "gpt-5", "--set", "temperature=0", "--prompt-file", prompt, "-n", 2)
    told = run("again", recorded, "1.3", *options, *there)
    assert told.code == 0, told.err
    assert [seen.json for seen in server.requests] == [
        {
            "model": "gpt-5",
            "instructions": "Be brief.",
            "input": "What is the weather in Bergen?",
            "temperature": 0,
        }
    ] * 2
    for line in (
        '- "gpt-5-mini"',
        '+ "gpt-5"',
        '+ "What is the weather in Bergen?"',
        "temperature",
        "(nothing)",
    ):
        assert line in told.out
    assert "The sun shines." in told.out
    assert "It snows." in told.out
    assert "rain" not in told.out
    made = [row for row in Store(own_environment).list() if row.session_id != recorded]
    assert [(row.replay, row.played_calls, row.all_played) for row in made] == [("again", 0, False)] * 2
    replay = Store(own_environment).get(made[0].session_id).replay
    assert replay is not None
    assert (replay.session_id, replay.until, replay.live) == (recorded, "step_1_3", 1)


def test_the_step_of_an_answer_means_its_call(
    recorded: str, server: ScriptedServer, own_environment: Path
) -> None:
    server.script(answer("The sun shines."))
    last = Store(own_environment).get(recorded).runs[0].steps[-1]
    told = run(
        "again",
        recorded,
        last.step_id,
        "--set",
        'input[0].output="sun"',
        "--store",
        own_environment,
        "--json",
    )
    assert told.code == 0, told.err
    assert told.json["request"] == [{"place": "input[0].output", "before": "rain", "after": "sun"}]
    (row,) = told.json["again"]
    assert [each["changes"] for each in row["changes"] if each["label"] == "assistant_message"] == [
        [{"field": "text", "before": "It rains.", "after": "The sun shines."}]
    ]
    assert server.requests[0].json["previous_response_id"]


def test_a_tool_that_it_asks_for_again_is_no_difference(
    recorded: str, server: ScriptedServer, own_environment: Path
) -> None:
    server.script(calls(Call("look", {"city": "Oslo"})))
    told = run("again", recorded, "1.3", "--store", own_environment)
    assert told.code == 0, told.err
    assert told.out.count("  The same.") == 2


def test_what_the_api_refuses_is_told(recorded: str, server: ScriptedServer, own_environment: Path) -> None:
    server.script(Refused(400, "unsupported_value", "No such temperature."))
    told = run("again", recorded, "1.3", "--set", "temperature=9", "--store", own_environment)
    assert told.code == 1
    assert "No such temperature." in told.err


def test_what_cannot_be_sent(
    recorded: str, server: ScriptedServer, own_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = own_environment.parent / "binary"
    binary.write_bytes(b"\xff")
    for arguments, words in (
        (("1.3", "--set", "temperature"), "--set='temperature' cannot be used: give PATH=JSON"),
        (("1.3", "--set", "input[7].content=x"), "there is no input[7].content to be set in its request."),
        (("1.3", "--prompt-file", own_environment / "none"), "cannot be read (No such file or directory)"),
        (("1.3", "--prompt-file", binary), "cannot be read (it is no text in UTF-8)"),
        (("9.9",), "has no step"),
        (("1",), "is no step: give a model call"),
    ):
        told = run("again", recorded, *arguments, "--store", own_environment)
        assert (told.code, words in told.err) == (2, True), told.err
    monkeypatch.delenv("OPENAI_API_KEY")
    told = run("again", recorded, "1.3", "--store", own_environment)
    assert (told.code, told.err) == (2, "This sends a request to the API: set OPENAI_API_KEY.\n")
    assert not server.requests


def test_the_key_goes_to_nobody_whom_the_recording_names(
    recorded: str, own_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tfclient.replaying.again as module

    monkeypatch.setattr(module, "_HOSTS", ("api.openai.com",))
    told = run("again", recorded, "1.3", "--store", own_environment)
    assert told.code == 2
    assert "it was sent to 127.0.0.1: set OPENAI_BASE_URL to that, if your key is to go there." in told.err
