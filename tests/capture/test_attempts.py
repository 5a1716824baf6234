"""What is journaled of calls and their attempts, and when."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from typing import Any

import openai
import pytest

from tests.capture import journals
from tests.capture.driver import HTTP, MODEL, AsyncDriver, Driver
from tests.server.replies import HangUp, Raw, Refused, Silence, answer, rate_limited, server_error
from tests.server.scripted import ScriptedServer
from tfclient import Recorder


def ask(drive: Driver, client: Any, **more: Any) -> Any:
    return drive.do(client.responses.create(model=MODEL, input="Hi", **more))


def test_the_request_is_in_the_journal_before_it_leaves(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    when_asked: list[list[str]] = []

    def reply(_seen: Any) -> Any:
        when_asked.append(journals.types(recorder))
        return answer("Hello!")

    server.script(reply)
    ask(drive, drive.traced(recorder))
    assert when_asked == [["session.started", "call.started", "attempt.sent"]]
    assert journals.types(recorder)[-1] == "attempt.answered"


def test_an_exchange_is_kept_whole(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(answer("Hello!"))
    response = ask(drive, drive.traced(recorder), metadata={"tag": "x"})
    started, sent, answered = journals.entries(recorder)[1:]
    assert (started["method"], started["path"], started["stream"], started["cast_to"]) == (
        "POST",
        "/responses",
        False,
        "Response",
    )
    assert sent["call"] == started["call"]
    assert sent["exchange_id"] == answered["exchange_id"] == f"{started['call']}.1"
    assert sent["url"] == f"{server.url}/responses"
    assert sent["body"]["text"].encode() == server.requests[0].body
    wire = {name.lower(): value for name, value in server.requests[0].headers}
    del wire["authorization"]
    assert sent["headers"] == wire
    assert answered["status"] == 200
    assert answered["headers"]["x-request-id"].startswith("req_")
    assert json.loads(answered["body"]["text"])["id"] == response.id
    assert "sk-test-key" not in journals.everything(recorder)


def test_sdk_retries_are_attempts_of_one_call(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(rate_limited(), server_error(503), answer("Hello!"))
    ask(drive, drive.traced(recorder, max_retries=2))
    (started,) = journals.entries(recorder, "call.started")
    attempts = journals.entries(recorder, "attempt.sent")
    assert [(each["call"], each["n"]) for each in attempts] == [(started["call"], n) for n in (1, 2, 3)]
    assert [each["headers"]["x-stainless-retry-count"] for each in attempts] == ["0", "1", "2"]
    assert [each["status"] for each in journals.entries(recorder, "attempt.answered")] == [429, 503, 200]
    assert len(set(journals.requests(recorder))) == 1
    assert not journals.entries(recorder, "call.ended")


def test_an_error_answer_ends_the_call(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(Refused(400, "bad_thing", "That was wrong."))
    with pytest.raises(openai.BadRequestError):
        ask(drive, drive.traced(recorder))
    (answered,) = journals.entries(recorder, "attempt.answered")
    (ended,) = journals.entries(recorder, "call.ended")
    assert answered["status"] == 400
    assert "That was wrong." in answered["body"]["text"]
    assert ended["ending"] == "http_error"
    assert ended["error"]["type"] == "BadRequestError"


def test_a_connection_that_is_closed_at_once(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(HangUp(), HangUp())
    with pytest.raises(openai.APIConnectionError):
        ask(drive, drive.traced(recorder, max_retries=1))
    assert [e["ending"] for e in journals.entries(recorder, "attempt.ended")] == ["no_response"] * 2
    (ended,) = journals.entries(recorder, "call.ended")
    assert (ended["ending"], ended["error"]["type"]) == ("no_response", "APIConnectionError")
    assert ended["error"]["cause"].startswith("RemoteProtocolError")


def test_a_timeout(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(Silence())
    with pytest.raises(openai.APITimeoutError):
        ask(drive, drive.traced(recorder, max_retries=0, timeout=0.1))
    (attempt,) = journals.entries(recorder, "attempt.ended")
    assert (attempt["ending"], attempt["error"]["type"]) == ("no_response", "ReadTimeout")
    assert journals.entries(recorder, "call.ended")[0]["error"]["type"] == "APITimeoutError"


def test_a_body_that_the_sdk_cannot_read(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(Raw(b"{ this is not JSON"))
    with pytest.raises(json.JSONDecodeError):
        ask(drive, drive.traced(recorder))
    assert journals.body(recorder) == b"{ this is not JSON"
    (ended,) = journals.entries(recorder, "call.ended")
    assert (ended["ending"], ended["error"]["type"]) == ("completed", "JSONDecodeError")


def test_a_call_that_never_became_a_request(drive: Driver, recorder: Recorder) -> None:
    with pytest.raises(TypeError):
        drive.do(
            drive.traced(recorder).chat.completions.create(model=MODEL, messages=[{"content": object()}])
        )
    assert journals.types(recorder) == ["session.started", "call.started", "call.ended"]
    assert journals.entries(recorder, "call.ended")[0]["ending"] == "no_response"


@pytest.mark.parametrize("drive", ["async"], indirect=True)
def test_a_cancelled_task(drive: AsyncDriver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(Silence())
    client = drive.traced(recorder)

    async def run() -> None:
        task = asyncio.create_task(client.responses.create(model=MODEL, input="Hi"))
        while not server.requests:  # noqa: ASYNC110 - another thread's list
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    drive.do(run())
    assert journals.entries(recorder, "attempt.ended")[0]["ending"] == "cancelled"
    assert journals.entries(recorder, "call.ended")[0]["ending"] == "cancelled"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_passes_as_it_is(error: type[BaseException], drive: Driver, recorder: Recorder) -> None:
    raised = error("now")

    def handler(_request: Any) -> Any:
        raise raised

    client = drive.traced(recorder, http_client=drive.mock_client(handler))
    with pytest.raises(error) as caught:
        ask(drive, client)
    assert caught.value is raised
    assert journals.entries(recorder, "attempt.ended")[0]["ending"] == "cancelled"
    assert journals.entries(recorder, "call.ended")[0]["ending"] == "cancelled"


def test_a_coroutine_that_is_closed_where_it_waits(recorder: Recorder, server: ScriptedServer) -> None:
    server.script(Silence())
    drive = AsyncDriver(server.url)
    client = drive.traced(recorder)

    async def start() -> Any:
        waiting = client.responses.create(model=MODEL, input="Hi")
        waiting.send(None)
        return waiting

    # Begun in one context, closed in another: the context variable cannot be reset there.
    waiting = drive.do(start())
    waiting.close()
    assert journals.entries(recorder, "call.ended")[0]["ending"] == "cancelled"
    drive.close()


def test_calls_in_threads_do_not_mix(recorder: Recorder, server: ScriptedServer) -> None:
    server.always(lambda seen: answer(f"You said {seen.json['input']}"))
    client = Driver(server.url).traced(recorder)
    threads = [
        threading.Thread(target=lambda n=n: client.responses.create(model=MODEL, input=f"number {n}"))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    said = {
        e["exchange_id"]: json.loads(e["body"]["text"])["input"]
        for e in journals.entries(recorder, "attempt.sent")
    }
    assert sorted(said.values()) == sorted(f"number {n}" for n in range(12))
    for entry in journals.entries(recorder, "attempt.answered"):
        assert f"You said {said[entry['exchange_id']]}" in entry["body"]["text"]
    calls = [entry["call"] for entry in journals.entries(recorder, "call.started")]
    assert len(set(calls)) == 12


def test_gathered_calls_do_not_mix(recorder: Recorder, server: ScriptedServer) -> None:
    server.always(lambda seen: answer(f"You said {seen.json['input']}"))
    drive = AsyncDriver(server.url)
    client = drive.traced(recorder)

    async def run() -> None:
        await asyncio.gather(*(client.responses.create(model=MODEL, input=f"number {n}") for n in range(12)))

    drive.do(run())
    drive.close()
    said = {
        e["exchange_id"]: json.loads(e["body"]["text"])["input"]
        for e in journals.entries(recorder, "attempt.sent")
    }
    for entry in journals.entries(recorder, "attempt.answered"):
        assert f"You said {said[entry['exchange_id']]}" in entry["body"]["text"]
    assert len(set(said.values())) == 12


def test_redirects_are_told(drive: Driver, recorder: Recorder) -> None:
    def handler(request: Any) -> Any:
        if request.url.path.endswith("/responses"):
            return HTTP.Response(307, headers={"location": "https://elsewhere.example/v1/moved"})
        return HTTP.Response(200, json={"id": "resp_1", "object": "response", "output": []})

    client_class = HTTP.AsyncClient if drive.is_async else HTTP.Client
    http_client = client_class(transport=HTTP.MockTransport(handler), follow_redirects=True)
    ask(drive, drive.traced(recorder, http_client=http_client))
    (answered,) = journals.entries(recorder, "attempt.answered")
    assert [hop["status"] for hop in answered["history"]] == [307]


def test_a_long_answer_is_kept_in_pieces(drive: Driver, recorder: Recorder) -> None:
    whole = json.dumps(
        {"id": "resp_1", "object": "response", "output": [], "padding": "é" * 2_000_000}
    ).encode()

    def handler(_request: Any) -> Any:
        return HTTP.Response(200, content=whole, headers={"content-type": "application/json"})

    ask(drive, drive.traced(recorder, http_client=drive.mock_client(handler)))
    assert len(journals.entries(recorder, "stream.chunk")) > 1
    assert journals.body(recorder) == whole
    (ended,) = journals.entries(recorder, "attempt.ended")
    assert (ended["ending"], ended["bytes"]) == ("completed", len(whole))


def test_binary_answers_are_kept(drive: Driver, recorder: Recorder) -> None:
    sound = bytes(range(256)) * 40

    def handler(_request: Any) -> Any:
        return HTTP.Response(200, content=sound, headers={"content-type": "audio/mpeg"})

    client = drive.traced(recorder, http_client=drive.mock_client(handler))
    speech = drive.do(client.audio.speech.create(model="tts-1", voice="alloy", input="Hi"))
    assert speech.content == sound
    assert journals.body(recorder) == sound


def test_the_same_response_object_twice(drive: Driver, recorder: Recorder) -> None:
    """Mock libraries may do that: each is an exchange of its own."""
    once = HTTP.Response(200, json={"id": "resp_1", "object": "response", "output": []})
    client = drive.traced(recorder, http_client=drive.mock_client(lambda _request: once))
    ask(drive, client)
    ask(drive, client)
    assert len(journals.entries(recorder, "attempt.answered")) == 2
    assert all(entry["complete"] for entry in journals.entries(recorder, "attempt.answered"))


def test_nothing_of_a_call_is_held_after_it(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("Hello!"))
    client = drive.traced(recorder)
    ask(drive, client)
    ask(drive, client)
    gc.collect()
    live = [each for each in gc.get_objects() if isinstance(each, HTTP.Response | HTTP.Request)]
    assert len(live) <= 1
