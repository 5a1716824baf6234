"""The cassettes of this repository: recorded again they are the same, and they play against api.openai.com."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest
import vcr
from vcr.record_mode import RecordMode

from tests import agents
from tests.record_cassettes import CASSETTES, SCENARIOS, record
from tfclient.importing.cassette import read_cassette
from tfclient.redaction import Redactor


@pytest.mark.skipif(openai.__version__ < "3", reason="openai 2 writes the members of a body in another order")
@pytest.mark.parametrize("name", SCENARIOS)
def test_recording_again_gives_the_same_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    assert record(name, tmp_path).read_bytes() == (CASSETTES / f"{name}.yaml").read_bytes()


def test_no_other_cassette_lies_about() -> None:
    assert {path.stem for path in CASSETTES.glob("*.yaml")} == SCENARIOS.keys()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_cassette_holds_no_credential_and_no_trace_of_the_server(name: str) -> None:
    redactor = Redactor.from_setting("secrets")
    for interaction in read_cassette(CASSETTES / f"{name}.yaml"):
        assert interaction.url.startswith("https://api.openai.com/v1/")
        for body in (interaction.request_body, interaction.body):
            assert redactor.body(body, None, "body")[1] == []
        for headers in (interaction.request_headers, interaction.headers):
            assert redactor.headers(headers.items())[1] == []
    assert "127.0.0.1" not in (CASSETTES / f"{name}.yaml").read_text(encoding="utf-8")


def play(name: str) -> Any:
    recorder = vcr.VCR(record_mode=RecordMode.NONE, match_on=["method", "uri", "body"])
    with (
        recorder.use_cassette(str(CASSETTES / f"{name}.yaml")) as cassette,
        openai.OpenAI(api_key="none") as client,
    ):
        result = getattr(agents, name)(client)
        assert cassette.all_played
    return result


@pytest.mark.parametrize("name", ["agent_loop", "streamed_agent_loop"])
def test_the_loops_end_with_the_answer(name: str) -> None:
    assert play(name).output_text == "It is 14 °C in Oslo. I could not find the time in Atlantis."


def test_the_chat_loop_ends_with_the_answer() -> None:
    assert play("chat_agent_loop").choices[0].message.content.startswith("It is 14 °C in Oslo.")


def test_the_fork_has_two_children() -> None:
    first, *children = play("fork")
    assert {child.previous_response_id for child in children} == {first.id}


def test_the_retry_is_invisible_to_the_program() -> None:
    assert play("retried").output_text == "Hello again."
    assert [interaction.status for interaction in read_cassette(CASSETTES / "retried.yaml")] == [429, 200]
