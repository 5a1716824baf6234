"""What goes over sockets is a whole document as it was reviewed, with both kinds of client."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.capture.driver import AsyncDriver, Driver
from tests.golden.sockets import CASES, FOLDER, text_of
from tests.projection.sockets.tape import Tape, steps
from tests.projection.sockets.test_realtime import taped
from tests.server.sockets import SocketServer, recorded

MEANT = "if this is meant: python -m tests.golden.sockets, and review the difference"


@pytest.fixture(params=[Driver, AsyncDriver], ids=["sync", "async"])
def drive(request: pytest.FixtureRequest) -> Iterator[Driver]:
    driver = request.param("http://127.0.0.1:1/v1")
    yield driver
    driver.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_talk(case: Callable[[], Tape], drive: Driver, tmp_path: Path) -> None:
    if case.__name__.startswith("live") and not hasattr(drive.plain(), "live"):
        pytest.skip("this openai has no live sessions")
    if case.__name__ == "translation" and not hasattr(drive.plain().realtime, "translations"):
        pytest.skip("this openai has no translations")
    if case.__name__ == "reconnected":
        connect = drive.plain().realtime.connect
        if "on_reconnecting" not in inspect.signature(connect).parameters:
            pytest.skip("this openai does not connect again")
    with SocketServer() as sockets:
        text = text_of(case(), drive, sockets, tmp_path)
    assert text == (FOLDER / f"{case.__name__}.yaml").read_text(encoding="utf-8"), MEANT


def told_of(messages: list[tuple[str, dict[str, Any]]]) -> list[tuple[Any, ...]]:
    """What a conversation was, read from its messages alone: each response, what it said and asked for, its tokens."""
    found: list[tuple[Any, ...]] = []
    for _, event in messages:
        if event["type"] == "response.done":
            response = event["response"]
            said = [
                part.get("transcript") or part.get("text")
                for item in response["output"]
                for part in item.get("content") or []
            ]
            asked = [item["call_id"] for item in response["output"] if item["type"] == "function_call"]
            details = response["usage"]["output_token_details"]
            found.append(
                (response["id"], response["status"], said, asked, response["usage"]["total_tokens"],
                 details.get("audio_tokens", 0))
            )  # fmt: skip
    return found


def test_real_conversations(recordings: Path) -> None:
    paths = sorted((recordings / "realtime").glob("*.jsonl"))
    assert len(paths) == 14
    for path in paths:
        messages, session = recorded(path), taped(path).session()
        calls, every = steps(session, "assistant_call"), [s for run in session.runs for s in run.steps]
        told = []
        for call in calls:
            own = [step for step in every if step.response_id == call.response_id and step is not call]
            said = [s.payload_completed["text"] for s in own if s.label == "assistant_message"]
            asked = [s.call_id for s in own if s.label == "tool_call"]
            assert call.usage is not None
            audio = call.usage.audio_output_tokens or 0
            told.append((call.response_id, call.status, said, asked, call.usage.total_tokens, audio))
        assert told == told_of(messages), path.name
        # What the user said, and what tools gave, in order.
        transcripts = [
            e["transcript"].strip()
            for _, e in messages
            if e["type"].endswith("input_audio_transcription.completed")
        ]
        spoken = [s.payload_started["text"] for s in every if s.type == "realtime.speech"]
        assert [text for text in spoken if text != "[speech]"] == transcripts, path.name
        items = [
            e["item"] for way, e in messages if way == "sent" and e["type"] == "conversation.item.create"
        ]
        outputs = [(i["call_id"], i["output"]) for i in items if i["type"] == "function_call_output"]
        given = [(s.call_id, s.payload_completed["output"]) for s in steps(session, "tool_output")]
        assert given == [(name, parsed(output)) for name, output in outputs], path.name


def parsed(output: str) -> Any:
    try:
        return json.loads(output)
    except ValueError:
        return output
