"""Sockets that are played again: Responses by what is asked for, all else in the order recorded, without a socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

import tfclient
from tests.capture.driver import HTTP, Driver
from tests.capture.sockets.conftest import Talk
from tests.capture.sockets.test_connections import connections as every_connection
from tests.capture.sockets.test_responses import answered, create
from tests.no_sockets import refuse
from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tests.server.sockets import Close, Drop, Got, Refuse, SocketServer, Wait, played, recorded
from tfclient import Recorder
from tfclient.capture.sockets import responses
from tfclient.export.bundle import bundled
from tfclient.export.cassettes import cassette_of
from tfclient.importing.cassette import NotACassette
from tfclient.replaying.again import asked_in, send
from tfclient.replaying.sockets import connections
from tfclient.replaying.tape_of_session import tape_of_session
from tfstore.index.rows import calls_of
from tfstore.store import Store

AUDIO = {"input_audio_buffer.append", "response.output_audio.delta"}

HELLO = {"type": "session.created", "session": {"type": "realtime", "model": "gpt-realtime"}}

Program = Callable[[Talk], Any]


@pytest.fixture
def sockets() -> Iterator[SocketServer]:
    with SocketServer() as server:
        yield server


class Stage(Talk):
    """A program at a socket that is recorded, then played."""

    session_id = ""

    def record(self, program: Program) -> Any:
        said = program(self)
        self.session_id = self.ended()
        return said

    def ended(self) -> str:
        handle = self.recorder.end_session()
        assert handle is not None
        assert handle.wait(60), (handle.error, self.recorder.health)
        return str(handle.id)

    @contextlib.contextmanager
    def replay(self, **options: Any) -> Iterator[tfclient.Playback]:
        """Play what was recorded, in a place without sockets."""
        with pytest.MonkeyPatch.context() as patch:
            refuse(patch)
            with tfclient.replay(self.session_id, store=self.store.paths.root, **options) as playback:
                yield playback

    @property
    def store(self) -> Store:
        return Store(self.recorder.settings.directory)


@pytest.fixture
def stage(drive: Driver, sockets: SocketServer) -> Stage:
    return Stage(drive, sockets, Recorder())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have who waits in vain hear of it at once."""
    monkeypatch.setattr(connections, "ALONE", 0.02)
    monkeypatch.setattr(connections, "PATIENCE", 0.05)


TOOL = {
    "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": "{}",
    "status": "completed",
}  # fmt: skip


def agent(output: str) -> Program:
    """An agent loop over a socket; the tool gives ``output``."""

    def run(stage: Talk) -> Any:
        with stage.connected("responses") as connection:
            stage.send(connection, create(input="Weather?"))
            first = stage.read(connection, 3)
            given = {"type": "function_call_output", "call_id": "call_1", "output": output}
            before = first[-1]["response"]["id"]
            stage.send(connection, create(input=[given], previous_response_id=before))
            return [*first, *stage.read(connection, 3)]

    return run


def script_agent(stage: Stage) -> None:
    stage.sockets.script(Got(), *answered(1, output=[TOOL]), Got(), *answered(2, "resp_1"))


def test_an_agent_loop_is_played(stage: Stage) -> None:
    script_agent(stage)
    first = stage.record(agent("rain"))
    with stage.replay() as playback:
        assert agent("rain")(stage) == first
    assert playback.told() == "played 3 of 3: 3 exact, 0 live"
    recorded, replayed = stage.store.get(stage.session_id), stage.store.get(stage.ended())
    assert [[s.label for s in run.steps] for run in replayed.runs] == [
        [s.label for s in run.steps] for run in recorded.runs
    ]
    assert replayed.replay is not None
    assert (replayed.replay.session_id, replayed.replay.exact, replayed.replay.live) == (
        stage.session_id,
        2,
        0,
    )
    assert not [calls for label, calls in calls_of(replayed) if label == "assistant_call"]
    assert stage.recorder.health.ok


def test_a_changed_tool_output_is_a_miss_that_says_where(stage: Stage) -> None:
    script_agent(stage)
    stage.record(agent("rain"))
    with pytest.raises(tfclient.ReplayMiss) as miss, stage.replay():
        agent("sun")(stage)
    told = str(miss.value)
    assert "No recorded answer to POST /v1/responses. The nearest that is left" in told
    assert 'input[0].output\n    - "rain"\n    + "sun"' in told
    with stage.replay(ignore=["input[*].output"]):
        agent("sun")(stage)


def test_lanes_are_those_that_are_asked_for_now(stage: Stage) -> None:
    one, two = answered(1, stream_id="a"), answered(2, stream_id="b")
    stage.sockets.script(
        Got(), Got(), *[event for pair in zip(one, two, strict=True) for event in pair[::-1]]
    )

    def program(stage: Talk, *names: str, turned: bool = False) -> list[Any]:
        asked = [create(input=text, stream_id=name) for text, name in zip(("One", "Two"), names, strict=True)]
        with stage.connected("responses") as connection:
            stage.send(connection, *(asked[::-1] if turned else asked))
            return stage.read(connection, 6)

    first = stage.record(lambda stage: program(stage, "a", "b"))
    with stage.replay():
        assert program(stage, "a", "b") == first
    with stage.replay():
        assert program(stage, "a", "b", turned=True) == first
    with stage.replay():
        other = program(stage, "c", "d")
    assert [each["stream_id"] for each in other] == ["d", "c"] * 3


@pytest.mark.usefixtures("impatient")
def test_what_steering_made_comes_again(stage: Stage) -> None:
    accepted = {
        "type": "response.steer.accepted",
        "steer": {"id": "steer_1", "previous_response_id": "resp_1"},
    }
    begun, said, done = answered(1)
    stage.sockets.script(Got(), begun, said, Got(), accepted, done, *answered(2, "resp_1"))

    def program(stage: Talk, read: int = 2) -> list[Any]:
        with stage.connected("responses") as connection:
            stage.send(connection, create(input="Plan a day"))
            first = stage.read(connection, read)
            steer = {"type": "response.steer", "previous_response_id": "resp_1", "input": "Make it cheap"}
            stage.send(connection, steer)
            return [*first, *stage.read(connection, 5)]

    first = stage.record(program)
    with stage.replay() as playback:
        assert program(stage) == first
    assert playback.count == 3
    _, second = stage.store.get(stage.ended()).runs
    assert second.input_text == "Make it cheap"
    with (
        pytest.raises(tfclient.ReplayMiss, match=r"the recorded one sent response\.steer here"),
        stage.replay(),
    ):
        program(stage, 3)


def test_an_error_with_a_status_comes_as_it_came(stage: Stage) -> None:
    told = {"type": "invalid_request_error", "code": "previous_response_not_found", "message": "No such one."}
    stage.sockets.script(Got(), {"type": "error", "status": 400, "error": told})

    def program(stage: Talk) -> list[Any]:
        with stage.connected("responses") as connection:
            stage.send(connection, create(input="Hi", previous_response_id="resp_9"))
            return stage.read(connection)

    first = stage.record(program)
    with stage.replay():
        assert program(stage) == first


def test_a_response_that_was_cut_is_cut_again(stage: Stage) -> None:
    read = threading.Event()
    stage.sockets.script(Got(), *answered(1)[:2], Wait(read), Drop())

    def program(stage: Talk) -> Any:
        with stage.connected("responses") as connection:
            stage.send(connection, create(input="Hi"))
            events = stage.read(connection, 2)
            read.set()
            with pytest.raises(Exception, match=r"close|connection") as lost:
                stage.read(connection)
            return events, type(lost.value), lost.value.rcvd  # type: ignore[attr-defined]

    first = stage.record(program)
    with stage.replay():
        assert program(stage) == first


@pytest.mark.usefixtures("impatient")
def test_a_request_whose_answer_nobody_waited_for(stage: Stage) -> None:
    stage.sockets.script(Got(), *answered(1), Got())

    def program(stage: Talk, read: int = 0) -> list[Any]:
        with stage.connected("responses") as connection:
            stage.send(connection, create(input="Hi"))
            got = stage.read(connection, 3)
            stage.send(connection, create(input="And this?"))
            return [*got, *stage.read(connection, read)]

    first = stage.record(program)
    with stage.replay() as playback:
        assert program(stage) == first
    assert playback.told() == "played 3 of 3: 3 exact, 0 live"
    with pytest.raises(tfclient.ReplayMiss, match="the recorded one stopped reading"), stage.replay():
        program(stage, 1)


def test_what_is_connected_again_is(stage: Stage) -> None:
    lost = threading.Event()
    stage.sockets.script(Got(), *answered(1), Wait(lost), Drop())
    stage.sockets.script(*answered(2, "resp_1"))

    def program(stage: Talk) -> list[Any]:
        told: list[Any] = []
        with stage.drive.entered(stage.reconnecting("responses", told)) as connection:
            stage.send(connection, create(input="Hi"))
            events = stage.drive.events(connection, 3)
            lost.set()
            events += stage.drive.events(connection, 3)
        return [told[0].attempt, [each.to_json() for each in events]]

    first = stage.record(program)
    with stage.replay() as playback:
        assert program(stage) == first
    assert playback.count == 3


def test_what_the_program_does_not_send_is_missed(stage: Stage) -> None:
    script_agent(stage)
    stage.record(agent("rain"))

    def program() -> None:
        with stage.connected("responses") as connection:
            stage.send(connection, create(input="Weather?"))
            stage.read(connection, 3)

    with (
        pytest.raises(tfclient.NotAllPlayed, match="1 of 3 recorded requests were never made"),
        stage.replay(),
    ):
        program()
    with stage.replay(unplayed="ignore"):
        program()


def test_all_recordings_are_the_same_frame_by_frame(
    drive: Driver, recordings: Path, sockets: SocketServer, tmp_path: Path
) -> None:
    paths = sorted((recordings / "realtime").glob("*.jsonl"))
    assert len(paths) >= 14
    for n, path in enumerate(paths):
        messages = recorded(path)
        sockets.scripts, sockets.connections = [played(messages)], []
        stage = Stage(drive, sockets, Recorder(tmp_path / str(n)))

        def program(stage: Talk, messages: list[Any] = messages) -> list[Any]:
            got = []
            with stage.connected() as connection:
                for way, data in messages:
                    if way == "sent":
                        stage.send(connection, data)
                    else:
                        got.append(stage.drive.do(connection.recv_bytes()))
            return got

        first = stage.record(program)
        with stage.replay() as playback:
            again = program(stage)
        assert _but_audio(again) == _but_audio(first)
        assert _of_audio(again) == _of_audio(first)
        assert {each.how for each in playback.answers} == {"exact"}
        before, after = stage.store.get(stage.session_id), stage.store.get(stage.ended())
        assert [run.input_text for run in after.runs] == [run.input_text for run in before.runs]
        assert [s.label for run in after.runs for s in run.steps] == [
            s.label for run in before.runs for s in run.steps
        ]
        assert not [each for label, each in calls_of(after) if label == "assistant_call"]
        assert stage.recorder.health.ok


def _but_audio(messages: list[bytes]) -> list[bytes]:
    return [each for each in messages if json.loads(each)["type"] not in AUDIO]


def _of_audio(messages: list[bytes]) -> list[Any]:
    """What is equal of audio: of each item, how many messages and bytes, and where they belong."""
    found: dict[Any, list[int]] = {}
    for event in map(json.loads, messages):
        if event["type"] in AUDIO:
            place = (event["item_id"], event["response_id"], event["output_index"], event["content_index"])
            counted = found.setdefault(place, [0, 0])
            counted[0] += 1
            counted[1] += len(event["delta"].rstrip("=")) * 3 // 4
    return sorted(found.items())


def _item(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": {"type": kind, **fields}}


def tool_round(output: str = "rain", **more: Any) -> Program:
    """A realtime conversation in which a tool is called."""

    def run(stage: Talk) -> list[Any]:
        with stage.connected() as connection:
            got = stage.read(connection)
            stage.send(
                connection, {"type": "session.update", "session": {"instructions": "Be brief.", **more}}
            )
            stage.send(connection, {"type": "response.create"})
            got += stage.read(connection, 2)
            stage.send(connection, _item("function_call_output", call_id="call_1", output=output))
            return [*got, *stage.read(connection)]

    return run


def script_tool_round(stage: Stage) -> None:
    done = [{"type": "response.done", "response": {"id": f"resp_{n}", "output": []}} for n in (1, 2)]
    stage.sockets.script(HELLO, Got(), Got(), {"type": "rate_limits.updated"}, done[0], Got(), done[1])


def test_a_changed_tool_output_of_a_conversation_is_told_as_a_miss(stage: Stage) -> None:
    script_tool_round(stage)
    stage.record(tool_round())
    with pytest.raises(tfclient.ReplayMiss) as miss, stage.replay():
        tool_round("sun")(stage)
    told = str(miss.value)
    assert "No recorded answer to a message over a WebSocket at /v1/realtime." in told
    assert "#1.3 (conversation.item.create), differs in 1 place:" in told
    assert 'item.output\n    - "rain"\n    + "sun"' in told
    with stage.replay(match="nearest") as playback:
        tool_round("sun")(stage)
    assert playback.told() == "played 4 of 4: 3 exact, 1 nearest (item.output), 0 live"


def test_clocks_are_overlooked_where_programs_write(stage: Stage) -> None:
    script_tool_round(stage)
    stage.record(tool_round(audio={"note": 1}, instructions="It is 14:05."))
    with stage.replay() as playback:
        tool_round(audio={"note": 1}, instructions="It is 15:06.")(stage)
    assert playback.told() == "played 4 of 4: 3 exact, 1 alike (session.instructions), 0 live"


def test_another_model_is_another_connection(stage: Stage) -> None:
    stage.sockets.script(HELLO)

    def program(stage: Talk, model: str = "gpt-realtime") -> list[Any]:
        with stage.connected(model=model) as connection:
            return stage.read(connection)

    stage.record(program)
    with (
        pytest.raises(
            tfclient.ReplayMiss, match=r"No recorded answer to a WebSocket at /v1/realtime."
        ) as miss,
        stage.replay(),
    ):
        program(stage, "gpt-other")
    assert 'url.query.model\n    - "gpt-realtime"\n    + "gpt-other"' in str(miss.value)


@pytest.mark.usefixtures("impatient")
def test_who_waits_in_vain_is_told_what_the_recorded_program_did(stage: Stage) -> None:
    script_tool_round(stage)
    stage.record(tool_round())

    def program() -> None:
        with stage.connected() as connection:
            stage.read(connection, 2)

    waited = r"waited 0\.0[25] s .*, and the recorded one sent session.update here"
    with pytest.raises(tfclient.ReplayMiss, match=waited), stage.replay():
        program()


def test_what_was_not_read_is_told_but_for_what_may_stay(stage: Stage) -> None:
    limits, delta = {"type": "rate_limits.updated"}, {"type": "response.output_text.delta", "delta": "a"}
    done = {"type": "response.done", "response": {"id": "resp_1", "output": []}}
    stage.sockets.script(HELLO, done, delta, limits)

    def program(count: int) -> None:
        with stage.connected() as connection:
            stage.read(connection, count)

    stage.record(lambda _stage: program(4))
    with stage.replay():
        program(2)
    with (
        pytest.raises(tfclient.NotAllPlayed, match=r"1 message .* never read: response.done"),
        stage.replay(),
    ):
        program(1)
    with stage.replay(unplayed="ignore") as playback:
        program(2)
    with pytest.raises(
        tfclient.NotAllPlayed, match=r"2 messages .*: response.output_text.delta, rate_limits"
    ):
        playback.assert_consumed(may_stay=())


def test_audio_is_there_or_is_missed(stage: Stage) -> None:
    append = {"type": "input_audio_buffer.append", "audio": "AAAA"}
    stopped = {"type": "input_audio_buffer.speech_stopped", "item_id": "item_1"}
    stage.sockets.script(HELLO, Got(), Got(), stopped)

    def program(stage: Talk, count: int) -> list[Any]:
        with stage.connected() as connection:
            got = stage.read(connection)
            stage.send(connection, *([append] * count))
            return [*got, *stage.read(connection)]

    first = stage.record(lambda stage: program(stage, 2))
    with stage.replay():
        assert program(stage, 5) == first
    stage.sockets.script(HELLO, {"type": "error"})
    stage.sockets.connections.clear()
    stage.sockets.scripts = [[HELLO, stopped]]
    stage.record(lambda stage: program(stage, 0))
    with (
        pytest.raises(tfclient.ReplayMiss, match=r"sends audio .* the recorded one sent none"),
        stage.replay(),
    ):
        program(stage, 1)


@pytest.mark.parametrize(("move", "words"), [(Close(1001, "away"), "1001"), (Close(4000, "no"), "4000")])
def test_a_connection_ends_as_it_ended(stage: Stage, move: Close, words: str) -> None:
    read = threading.Event()
    stage.sockets.script(HELLO, Wait(read), move)

    def program(stage: Talk) -> Any:
        with stage.connected() as connection:
            got = stage.read(connection)
            read.set()
            with pytest.raises(Exception, match=words) as over:
                stage.read(connection)
            with pytest.raises(type(over.value)):
                stage.send(connection, {"type": "response.create"})
            return got, type(over.value), str(over.value)

    first = stage.record(program)
    with stage.replay():
        assert program(stage) == first


def test_a_refused_handshake_is_refused_again(stage: Stage) -> None:
    stage.sockets.script(Refuse(401))

    def program(stage: Talk) -> Any:
        with pytest.raises(Exception, match="401") as refused, stage.connected():
            pass
        return type(refused.value), str(refused.value), refused.value.response.status_code  # type: ignore[attr-defined]

    first = stage.record(program)
    with stage.replay():
        assert program(stage) == first
    (step,) = stage.store.get(stage.ended()).runs[0].steps
    assert step.payload_completed["connections"][0]["status_code"] == 401


def test_what_is_read_into_no_runs_is_played_frame_by_frame(stage: Stage) -> None:
    if not hasattr(stage.client.realtime, "translations"):
        pytest.skip("all that this openai has is read")
    path = "live" if hasattr(stage.client, "live") else "realtime.translations"
    told = {"type": "session.input_transcript.delta", "delta": "Hello"}
    audio = {"type": "session.output_audio.delta", "delta": "AAAA"}
    stage.sockets.script(Got(), told, audio, told)

    def program(stage: Talk) -> list[Any]:
        options = {} if path == "live" else {"model": "gpt-realtime"}
        with stage.connected(path, **options) as connection:
            stage.send(connection, {"type": "session.update", "session": {}})
            return stage.read(connection, 3)

    first = stage.record(program)
    with stage.replay() as playback:
        again = program(stage)
    assert [each["type"] for each in again] == [each["type"] for each in first]
    assert (again[0], again[2]) == (first[0], first[2])
    assert playback.told() == "played 2 of 2: 2 exact, 0 live"


def test_what_was_not_recorded_goes_live_where_that_is_allowed(
    drive: Driver, server: ScriptedServer, sockets: SocketServer
) -> None:
    stage = Stage(drive, sockets, Recorder())
    server.script(answer("Hello!"))
    sockets.script(HELLO)
    over_http = drive.traced(stage.recorder)
    drive.do(over_http.responses.create(model="gpt-5.4-mini", input="Hi"))
    stage.session_id = stage.ended()
    with tfclient.replay(stage.session_id, on_miss="live", unplayed="ignore") as playback:
        with stage.connected() as connection:
            assert stage.read(connection) == [HELLO]
        assert playback.live == 1
    with pytest.raises(tfclient.ReplayMiss, match=r"Nothing that is left of .* went there"), stage.replay():  # noqa: SIM117
        with stage.connected():
            pass
    with stage.connected():
        pass
    stage.session_id = stage.ended()
    with pytest.raises(tfclient.ReplayRefused, match="WebSocket, which cannot go live in its middle"):
        tfclient.replay(stage.session_id, until="1.1")


def test_a_bundle_says_what_of_a_socket_it_holds_and_is_played(stage: Stage, tmp_path: Path) -> None:
    sound = {
        "type": "response.output_audio.delta",
        "item_id": "item_1",
        "response_id": "resp_1",
        "delta": "AAAA",
    }
    stage.sockets.script(HELLO, sound, {**sound, "delta": "AAAAAAAA"}, {"type": "rate_limits.updated"})

    def program(stage: Talk) -> list[Any]:
        with stage.connected() as connection:
            return stage.read(connection, 4)

    first = stage.record(program)
    path = tmp_path / "session.tfbundle"
    with bundled(stage.store, stage.session_id) as made:
        assert (made.replay.level, made.replay.why) == (
            "placeholders", "2 messages of audio were not kept, and silence is played",
        )  # fmt: skip
        made.write(path)
    with tfclient.replay(path):
        again = program(stage)
    assert [each["type"] for each in again] == [each["type"] for each in first]
    sizes = [len(b64decode(each["delta"])) for each in again if "delta" in each]
    assert (len(sizes), sum(sizes)) == (2, 9)
    script_agent(stage)
    stage.sockets.scripts, stage.sockets.connections = stage.sockets.scripts[-1:], []
    stage.ended()
    stage.record(agent("rain"))
    with bundled(stage.store, stage.session_id) as made:
        assert made.replay.level == "exact"


def test_a_cassette_holds_sockets_and_is_played(stage: Stage, tmp_path: Path) -> None:
    sound = {
        "type": "response.output_audio.delta",
        "item_id": "item_1",
        "response_id": "resp_1",
        "delta": "AAAA",
    }
    script_agent(stage)
    script_tool_round(stage)
    stage.sockets.scripts[1].append(sound)

    def program(stage: Talk) -> list[Any]:
        return [*agent("rain")(stage), *tool_round()(stage)]

    first = stage.record(program)
    made = cassette_of(stage.store.journal(stage.session_id)[0])
    assert (made.interactions, made.connections, made.left_out) == ([], 2, [])
    path = tmp_path / "both.yaml"
    path.write_text(made.text(), encoding="utf-8")
    with tfclient.replay(path) as playback:
        assert program(stage) == first
    assert playback.told() == "played 7 of 7: 7 exact, 0 live"
    # What was played becomes no younger.
    sent = {each.recorded.exchange_id: each.recorded.sent_at for each in playback.answers}
    again = cassette_of(stage.store.journal(stage.ended())[0], sent)
    opened = [
        [line["at"] for line in each.sockets if line["type"] == "socket.opened"] for each in (made, again)
    ]
    assert opened[0] == opened[1]


def test_a_cassette_that_somebody_else_wrote_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    line = "type: socket.audio, at: 1, mono: 1, socket: a, n: 1, dir: in, event: e, first_at: 1"
    for sockets in ("{}", "[1]", "[{type: socket.opened}]", f"[{{{line}, frames: 1, bytes: 9999999999}}]"):
        path.write_text(f"interactions: []\nversion: 1\ntfclient: {{sockets: {sockets}}}\n", encoding="utf-8")
        with pytest.raises(NotACassette, match=r"under tfclient.sockets"):
            tfclient.replay(path)


def test_a_request_over_a_socket_is_sent_again_over_http(stage: Stage) -> None:
    script_agent(stage)
    stage.record(agent("rain"))
    tape = tape_of_session(stage.store, stage.session_id)
    step = next(each for name, each in tape.steps.items() if name == tape.attempts[1].exchange_id)
    asked: list[tuple[str, Any]] = []

    def answers(request: Any) -> Any:
        asked.append((str(request.url), json.loads(request.content)["previous_response_id"]))
        return HTTP.Response(200, json={"id": "resp_3", "object": "response", "output": []})

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", stage.sockets.url)
        client = tfclient.TracedOpenAI(
            api_key="k", recorder=stage.recorder, http_client=Driver("").mock_client(answers)
        )
        _, error = send(asked_in(tape, step), client, "again")
    assert error is None
    assert asked == [(f"{stage.sockets.url}/responses", "resp_1")]


def _secret_rounds(stage: Stage, key: str) -> Program:
    said = [
        {"type": "response.output_text.delta", "item_id": "item_1", "delta": each}
        for each in ("It is ", key[:9], key[9:])
    ]
    done = {"type": "response.done", "response": {"id": "resp_1", "output": []}}
    # What may be the beginning of a key is written after what the program sends meanwhile.
    stage.sockets.script(HELLO, Got(), *said[:2], Got(), said[2], done)

    def program(stage: Talk) -> list[Any]:
        with stage.connected() as connection:
            got = stage.read(connection)
            stage.send(connection, {"type": "session.update", "session": {"instructions": f"Use {key}."}})
            got += stage.read(connection, 2)
            stage.send(connection, {"type": "response.create"})
            return [*got, *stage.read(connection, 2)]

    return program


def test_what_was_replaced_matches_and_comes_as_its_placeholder(stage: Stage) -> None:
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    program = _secret_rounds(stage, key)
    first = stage.record(program)
    with stage.replay() as playback:
        again = program(stage)
    assert [each["type"] for each in again] == [each["type"] for each in first]
    text = "".join(each.get("delta", "") for each in again)
    assert "<redacted:" in text
    assert key not in text
    assert playback.placeholders
    assert {each.how for each in playback.answers} == {"exact"}


def test_who_reads_and_who_sends_may_be_two(drive: Driver, sockets: SocketServer) -> None:
    stage = Stage(drive, sockets, Recorder())
    rounds = [{"type": "response.done", "response": {"id": f"resp_{n}", "output": []}} for n in range(3)]
    sockets.script(HELLO, Got(), rounds[0], Got(), rounds[1], Got(), rounds[2])
    ask = [_item("message", role="user", content=[{"type": "input_text", "text": str(n)}]) for n in range(3)]

    def threads(stage: Talk) -> list[Any]:
        got: list[Any] = []
        news = threading.Semaphore(0)

        def read(connection: Any) -> None:
            with contextlib.suppress(ConnectionClosed):
                for _ in range(4):
                    got.append(json.loads(connection.recv_bytes()))
                    news.release()

        with stage.connected() as connection:
            reader = threading.Thread(target=read, args=(connection,))
            reader.start()
            for each in ask:
                assert news.acquire(timeout=60)
                connection.send(each)
            reader.join(60)
        return got

    async def tasks(client: Any) -> list[Any]:
        got: list[Any] = []
        news = asyncio.Semaphore(0)

        async def read(connection: Any) -> None:
            async for event in connection:
                got.append(event.to_dict())
                news.release()

        async with client.realtime.connect(model="gpt-realtime") as connection:
            reader = asyncio.create_task(read(connection))
            for each in ask:
                await news.acquire()
                await connection.send(each)
            await news.acquire()
        # The reader waits for more, and hears that the connection is closed.
        await reader
        return got

    program: Program = (lambda stage: stage.drive.do(tasks(stage.client))) if drive.is_async else threads
    first = stage.record(program)
    assert len(first) == 4
    with stage.replay():
        assert program(stage) == first
    ask.reverse()
    with pytest.raises(tfclient.ReplayMiss), stage.replay():
        program(stage)


def test_plain_clients_that_are_installed_are_played(stage: Stage) -> None:
    script_agent(stage)
    stage.record(agent("rain"))
    tfclient.install(stage.recorder)
    try:
        stage.client = stage.drive.plain(base_url=stage.sockets.url)
        with stage.replay() as playback:
            agent("rain")(stage)
    finally:
        tfclient.uninstall()
    assert playback.told() == "played 3 of 3: 3 exact, 0 live"
    replay = stage.store.get(stage.ended()).replay
    assert replay is not None
    assert replay.exact == 2


def test_who_is_stopped_while_waiting_loses_nothing(drive: Driver, sockets: SocketServer) -> None:
    if not drive.is_async:
        pytest.skip("nobody stops what is not asynchronous")
    stage = Stage(drive, sockets, Recorder())
    gap = threading.Event()
    sockets.script(HELLO, Wait(gap), {"type": "response.done", "response": {"id": "resp_1", "output": []}})

    async def program(client: Any, *, stop: bool) -> list[str]:
        async with client.realtime.connect(model="gpt-realtime") as connection:
            got = [(await connection.recv()).type]
            asyncio.get_running_loop().call_later(0.1, gap.set)
            if stop:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(connection.recv(), 0.02)
            return [*got, (await connection.recv()).type]

    first = stage.record(lambda stage: stage.drive.do(program(stage.client, stop=False)))
    with stage.replay(pace=1):
        assert drive.do(program(stage.client, stop=True)) == first


def test_a_long_event_comes_whole(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "IN_ONE_ENTRY", 100)
    long = {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "é" * 300}
    begun, _, done = answered(1)
    stage.sockets.script(Got(), begun, long, done)

    def program(stage: Talk) -> list[Any]:
        with stage.connected("responses") as connection:
            stage.send(connection, create(input="Hi"))
            return stage.read(connection, 3)

    first = stage.record(program)
    with stage.replay():
        assert program(stage) == first


def test_vcrpy_reads_past_sockets(stage: Stage) -> None:
    serialize = pytest.importorskip("vcr.serialize")
    serializer = pytest.importorskip("vcr.serializers.yamlserializer")
    script_agent(stage)
    stage.record(agent("rain"))
    made = cassette_of(stage.store.journal(stage.session_id)[0])
    assert serialize.deserialize(made.text(), serializer) == ([], [])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("azure", [False, True])
def test_every_connection_of_the_sdk_is_found_again(
    drive: Driver, sockets: SocketServer, *, azure: bool
) -> None:
    stage = Stage(drive, sockets, Recorder())
    sockets.script(HELLO)
    where = {"base_url": sockets.url, "websocket_base_url": sockets.url.replace("http", "ws", 1)}
    if azure:
        kind = tfclient.AsyncTracedAzureOpenAI if drive.is_async else tfclient.TracedAzureOpenAI
        client = drive.made(kind, recorder=stage.recorder, api_version="2025-04-01-preview", **where)
    else:
        client = drive.traced(stage.recorder, default_query={"team": "a b", "beta": True}, **where)

    def program(stage: Talk) -> list[Any]:
        got = []
        for name, manager in every_connection(client):
            with stage.drive.entered(manager) as connection:
                got.append((name, stage.drive.do(connection.recv_bytes())))
        return got

    first = stage.record(program)
    with stage.replay() as playback:
        assert program(stage) == first
    assert {each.how for each in playback.answers} == {"exact"}
    assert len(playback.answers) == len(first) >= 2
