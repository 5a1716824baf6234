"""``tfclient tail``: a session as it happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_run, a_session, a_step
from tests.cli.making import GOING_ON, WEATHER, a_store, entries, journal, run
from tfclient.cli.lines.flow import Flow
from tfstore.journal.segment import Segment
from tfstore.reading.changes import Follower

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tfstore.document.documents import Session, Step
    from tfstore.store import Store

MAIN = "from tfclient.cli import main; main()"


def told(follower: Follower, session: Session) -> list[tuple[str, str, str]]:
    return [(news.event, news.step.step_id, news.text) for news in follower.news(session)]


def a_call(said: str = "", **fields: Any) -> Step:
    return a_step("assistant_call", completed={"text": said} if said else {}, **fields)


def start(*arguments: object) -> subprocess.Popen[bytes]:
    clean = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR", "THOUGHTFLOW_DIR"}}
    command = [sys.executable, "-u", "-c", MAIN, *map(str, arguments)]
    return subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**clean, "COLUMNS": "80"}
    )


@pytest.mark.parametrize("before", ["a store", "nothing"])
def test_waits_for_a_session_and_follows_a_real_one_to_its_end(before: str, tmp_path: Path) -> None:
    root = tmp_path / "store"
    if before == "a store":
        a_store(root)
    following = start("tail", "--store", root, "--json")
    playing = start("demo", "--store", root, "--json")

    out, err = following.communicate(timeout=100)
    assert playing.wait(100) == 0
    playing.communicate()

    assert (following.returncode, err) == (0, b"")
    news = [json.loads(line) for line in out.splitlines()]
    document = json.loads(run("show", "last", "--store", root, "--json").out)
    steps = {step["step_id"]: step for each in document["runs"] for step in each["steps"]}
    # Everything is told once: each step, and each message that was told while it was written.
    seen = [each["step_id"] for each in news if each["event"] == "step"]
    assert len(seen) == len(set(seen))
    written = {each["step_id"] for each in news if each["event"] == "text"}
    assert written == {"step_2_7", "step_3_4"}
    assert set(steps) - set(seen) == {"step_2_8", "step_3_5"}
    for call, message in (("step_2_7", "step_2_8"), ("step_3_4", "step_3_5")):
        pieces = [each["text"] for each in news if each["event"] == "text" and each["step_id"] == call]
        assert "".join(pieces) == steps[message]["payload_completed"]["text"]
    assert seen.index("step_4_5") < seen.index("step_4_6")
    assert news[-1] == {
        "event": "ended",
        "session_id": document["session_id"],
        "status": "closed",
        "result": "failed",
        "end_reason": document["end_reason"],
    }


def test_text_is_told_as_it_grows_and_its_message_not_again() -> None:
    follower = Follower()
    prompt, call = a_step("user_message", "Hi"), a_call(status="in_progress")
    session = a_session(a_run(prompt, call, status="in_progress"), status="active", result=None)

    assert told(follower, session) == [("step", "step_1_1", "Hi"), ("step", "step_1_2", "")]
    assert told(follower, session) == []
    call.payload_completed = {"text": "Take the"}
    assert told(follower, session) == [("text", "step_1_2", "Take the")]
    call.payload_completed, call.status = {"text": "Take the umbrella."}, "completed"
    message = a_step("assistant_message", "Take the umbrella.", after=("step_1_2",))
    message.step_id = "step_1_3"
    session.runs[0].steps.append(message)
    assert told(follower, session) == [("text", "step_1_2", " umbrella."), ("answered", "step_1_2", "")]
    assert told(follower, session) == []


def test_a_message_that_came_at_once_is_a_step() -> None:
    session = a_session(a_run(a_step("user_message", "Hi"), a_call(), a_step("assistant_message", "Hello")))

    assert told(Follower(), session) == [
        ("step", "step_1_1", "Hi"),
        ("step", "step_1_2", ""),
        ("answered", "step_1_2", ""),
        ("step", "step_1_3", "Hello"),
    ]


def test_a_tool_call_that_nobody_will_answer_is_told() -> None:
    follower, call = Follower(), a_step("tool_call", tool_name="look_up", status="in_progress")
    session = a_session(a_run(call))
    assert [event for event, _, _ in told(follower, session)] == ["step"]

    call.status = "unresolved"

    assert told(follower, session) == [("unanswered", "step_1_1", "")]


def test_the_run_that_goes_on_is_where_it_begins() -> None:
    follower = Follower()
    session = a_session(a_run(a_step("user_message", "one")), a_run(a_step("user_message", "two")))

    follower.skip(session)

    assert told(follower, session) == [("step", "step_2_1", "two")]


def test_a_session_that_has_ended_is_shown_from_its_last_run(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store")
    journal(store, WEATHER, ended=True)

    outcome = run("tail", "last", "--store", store.paths.root)

    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert "1.1    USER Hello" in lines
    assert "1.3    ASSISTANT Hi" in lines
    assert lines[-2].startswith(WEATHER)


def sleeping(sleep: Callable[[float], None]) -> SimpleNamespace:
    """The module with another way to sleep: for the command alone, since other threads sleep too."""
    return SimpleNamespace(**{**vars(time), "sleep": sleep})


def test_one_that_has_just_begun_and_whose_writer_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store(tmp_path / "store")
    monkeypatch.setattr("tfclient.cli.commands.tail.GRACE", 0.0)
    segment = Segment.open(store.paths, GOING_ON)
    segment.append(*entries(ended=False))

    def dies(_seconds: float) -> None:
        segment.close()

    monkeypatch.setattr("tfclient.cli.commands.tail.time", sleeping(dies))
    outcome = run("tail", GOING_ON, "--store", store.paths.root)

    assert outcome.code == 1
    assert "1.3    ASSISTANT Hi" in outcome.out
    assert f"Nobody writes to session {GOING_ON} any more" in outcome.err


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    reason="Ctrl-C is ignored here, as in what a shell runs in the background",
)
def test_ctrl_c_is_clean(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store")
    with Segment.open(store.paths, GOING_ON) as segment:
        segment.append(*entries(ended=False))
        following = start("tail", "--store", store.paths.root)
        assert following.stdout is not None
        lines = iter(following.stdout.readline, b"")
        assert any(b"ASSISTANT Hi" in line for line in lines)

        following.send_signal(signal.SIGINT)

        _, err = following.communicate(timeout=100)
    assert following.returncode == 0
    assert err == b"Left; the session goes on.\n"


def test_ctrl_c_while_waiting(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tfclient.cli.commands.tail.time", sleeping(interrupted))

    outcome = run("tail", "--store", store.paths.root)

    assert outcome.code == 0
    assert f"Waiting for a session to begin in {store.paths.root} (Ctrl-C ends)." in outcome.err


@pytest.mark.parametrize("cut", range(1, 30, 4))
def test_text_flows_into_the_same_lines_however_it_is_cut(cut: int) -> None:
    text = "One two  three\n\nfour\x1b[31m five 東京東京 averylongword\nend"
    whole, flow = Flow(20, "  "), Flow(20, "  ")
    wanted = whole.feed(text) + whole.rest()

    pieces = [text[place : place + cut] for place in range(0, len(text), cut)]

    assert "".join(flow.feed(piece) for piece in pieces) + flow.rest() == wanted
    assert all(len(line) <= 25 for line in wanted.split("\n"))
    assert "\x1b" not in wanted
