"""The tee: everything that arrives is journaled as it comes, and nobody else can tell."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest

from tests.capture import documents, journals
from tests.capture.driver import HTTP, MODEL, AsyncDriver, Driver
from tests.server.replies import Call, Refused, Think, answer, cut
from tests.server.scripted import ScriptedServer
from tfclient import Recorder

TEXT = "The quick brown fox jumps over the lazy dog. " * 4


def opened(drive: Driver, client: Any) -> Any:
    return drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))


def ending(recorder: Recorder) -> str:
    (entry,) = journals.entries(recorder, "attempt.ended")
    return str(entry["ending"])


def test_a_stream_read_to_its_end(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(answer(TEXT))
    events = drive.events(opened(drive, drive.traced(recorder)))
    assert journals.types(recorder)[1:] == [
        "call.started",
        "attempt.sent",
        "attempt.answered",
        "stream.chunk",
        "attempt.ended",
    ]
    (ended,) = journals.entries(recorder, "attempt.ended")
    body = journals.body(recorder)
    assert (ended["ending"], ended["bytes"]) == ("completed", len(body))
    assert body.count(b"event: ") == len(events)


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/octet-stream"])
def test_chunks_pass_in_the_same_sizes(content_type: str, drive: Driver, tmp_path: Any) -> None:
    chunks = [b"data: {}\n\n", b"da", b'ta: {"a":1}', b"\n\n", b"", b"data: [DONE]\n\n"]

    class Stream(HTTP.SyncByteStream, HTTP.AsyncByteStream):  # type: ignore[name-defined, misc]
        def __iter__(self) -> Iterator[bytes]:
            yield from chunks

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

    def handler(_request: Any) -> Any:
        return HTTP.Response(200, headers={"content-type": content_type}, stream=Stream())

    def sizes(client: Any) -> list[bytes]:
        asked = client.responses.with_streaming_response.create(model=MODEL, input="Hi")
        with drive.entered(asked) as response:
            iterate = response.http_response.aiter_raw if drive.is_async else response.http_response.iter_raw
            return drive.events(iterate())

    mock = drive.mock_client(handler)
    recorder = Recorder(tmp_path)
    assert sizes(drive.traced(recorder, http_client=mock)) == sizes(drive.plain(http_client=mock))
    assert journals.body(recorder) == b"".join(chunks)


def test_what_has_arrived_is_in_the_journal_before_the_program_has_it(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(reply := answer(TEXT, hold_after=6))
    stream = opened(drive, drive.traced(recorder))
    first = drive.events(stream, count=6)
    assert journals.body(recorder).count(b"event: ") == len(first)
    reply.gate.set()
    drive.do(stream.close())


def test_a_stream_left_early(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(reply := answer(TEXT, hold_after=5))
    stream = opened(drive, drive.traced(recorder))
    drive.events(stream, count=3)
    drive.do(stream.close())
    reply.gate.set()
    assert ending(recorder) == "left_early"


def test_a_stream_never_read(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(answer(TEXT))
    drive.do(opened(drive, drive.traced(recorder)).close())
    assert ending(recorder) == "never_read"


@pytest.mark.parametrize("count", [0, 3])
def test_a_stream_that_is_forgotten(
    count: int, drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(answer(TEXT))
    stream = opened(drive, drive.traced(recorder))
    if count:
        drive.events(stream, count=count)
    del stream
    gc.collect()
    drive.do(asyncio.sleep(0.01) if drive.is_async else None)
    gc.collect()
    handle = recorder.end_session()
    assert handle is not None
    assert ending(recorder) == ("left_early" if count else "never_read")
    assert journals.types(recorder)[-1] == "session.ended"


def test_a_stream_cut_in_the_middle_of_an_event(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(cut(4, TEXT))
    stream = opened(drive, drive.traced(recorder))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each major has its own
        drive.events(stream)
    server.script(cut(4, TEXT))
    plain = opened(drive, drive.plain())
    with pytest.raises(type(caught.value)) as expected:
        drive.events(plain)
    assert str(caught.value) == str(expected.value)
    (ended,) = journals.entries(recorder, "attempt.ended")
    assert (ended["ending"], ended["error"]["type"]) == ("cut", "RemoteProtocolError")
    body = journals.body(recorder)
    assert body.count(b"event: ") == 5
    assert not body.endswith(b"\n\n")


def test_an_unstreamed_answer_cut_in_the_middle(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(cut(20, TEXT))
    with pytest.raises(openai.APIConnectionError):
        drive.do(drive.traced(recorder, max_retries=0).responses.create(model=MODEL, input="Hi"))
    (ended,) = journals.entries(recorder, "attempt.ended")
    assert (ended["ending"], ended["error"]["type"]) == ("no_response", "RemoteProtocolError")


def test_an_error_answer_to_a_streamed_request(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(Refused(503, retry_after=0.01), Refused(400, "bad", "No."))
    with pytest.raises(openai.BadRequestError, match="No"):
        opened(drive, drive.traced(recorder, max_retries=1))
    assert [e["status"] for e in journals.entries(recorder, "attempt.answered")] == [503, 400]
    assert [e["ending"] for e in journals.entries(recorder, "attempt.ended")] == ["http_error"] * 2
    assert b"No." in journals.body(recorder)


@pytest.mark.parametrize("drive", ["async"], indirect=True)
def test_a_task_cancelled_while_it_reads(
    drive: AsyncDriver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(answer(TEXT, hold_after=4))
    client = drive.traced(recorder)
    got: list[Any] = []

    async def read() -> None:
        async with await client.responses.create(model=MODEL, input="Hi", stream=True) as stream:
            async for event in stream:
                got.append(event)  # noqa: PERF401 - another task watches it grow

    async def run() -> None:
        task = asyncio.create_task(read())
        while len(got) < 4:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    drive.do(run())
    assert ending(recorder) == "cancelled"


@pytest.mark.parametrize("drive", ["sync"], indirect=True)
def test_an_interrupt_while_the_program_works_on_an_event(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(answer(TEXT))

    def read() -> None:
        with opened(drive, drive.traced(recorder)) as stream:
            next(iter(stream))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read()
    assert ending(recorder) == "cancelled"


def test_after_done_the_sdk_closes_what_it_has_not_read(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    """Chat streams end with ``[DONE]``; what the SDK does then differs between versions, and all of it is fine."""
    server.script(answer(TEXT))
    messages = [{"role": "user", "content": "Hi"}]
    stream = drive.do(
        drive.traced(recorder).chat.completions.create(model=MODEL, messages=messages, stream=True)
    )
    drive.events(stream)
    assert journals.body(recorder).rstrip().endswith(b"data: [DONE]")
    assert ending(recorder) in {"completed", "left_early"}


@pytest.mark.parametrize("streamed", [True, False])
def test_compressed_answers_are_journaled_as_text(
    streamed: bool,  # noqa: FBT001 - a parameter of the test
    drive: Driver,
    recorder: Recorder,
    server: ScriptedServer,
) -> None:
    secret = "sk-proj-" + "Ab3" * 16
    server.script(answer(f"{TEXT} {secret}", gzip=True))
    client = drive.traced(recorder)
    result = drive.do(client.responses.create(model=MODEL, input="Hi", stream=streamed))
    if streamed:
        assert drive.events(result)[-1].response.output_text.endswith(secret)
    else:
        assert result.output_text.endswith(secret)
    assert b"quick brown fox" in journals.body(recorder) or b'"quick' in journals.body(recorder).replace(
        b" ", b""
    )
    assert secret not in journals.everything(recorder)


def test_the_tee_is_a_stream_of_the_library_and_forwards_the_rest(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(answer(TEXT))
    stream = opened(drive, drive.traced(recorder))
    inner = stream.response.stream
    assert isinstance(inner, HTTP.AsyncByteStream if drive.is_async else HTTP.SyncByteStream)
    assert not hasattr(inner, "no_such_thing")
    drive.events(stream)
    assert stream.response.elapsed.total_seconds() > 0


def test_the_tee_keeps_nobody_alive(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(answer(TEXT))
    stream = opened(drive, drive.traced(recorder))
    tee = stream.response.stream
    referents = [tee]
    for _ in range(4):
        referents = [deep for each in referents for deep in gc.get_referents(each)]
        assert not any(
            isinstance(each, HTTP.Response | openai.Stream | openai.AsyncStream) for each in referents
        )
        referents = [
            each for each in referents if type(each).__module__.split(".")[0] in {"tfclient", "builtins"}
        ]
        referents = [each for each in referents if not isinstance(each, type)]
    drive.do(stream.close())


def test_a_body_that_is_read_by_hand(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(answer(TEXT))
    asked = drive.traced(recorder).responses.with_streaming_response.create(model=MODEL, input="Hi")
    with drive.entered(asked) as response:
        data = drive.do(response.read())
    assert journals.body(recorder) == data
    assert ending(recorder) == "completed"


def test_downloads_to_a_file(drive: Driver, recorder: Recorder, tmp_path: Any) -> None:
    content = bytes(range(256)) * 1000

    def handler(_request: Any) -> Any:
        return HTTP.Response(200, stream=HTTP.ByteStream(content), headers={"content-type": "audio/mpeg"})

    client = drive.traced(recorder, http_client=drive.mock_client(handler))
    asked = client.audio.speech.with_streaming_response.create(model="tts-1", voice="alloy", input="Hi")
    with drive.entered(asked) as response:
        drive.do(response.stream_to_file(tmp_path / "speech.mp3"))
    assert (tmp_path / "speech.mp3").read_bytes() == content
    assert journals.body(recorder) == content


@pytest.mark.skipif(HTTP.__name__ == "httpx", reason="here the legacy library is the only one")
def test_a_legacy_http_client(recorder: Recorder, server: ScriptedServer) -> None:
    httpx = pytest.importorskip("httpx", reason="the legacy library is not installed")
    server.script(answer(TEXT))
    drive = Driver(server.url)
    with httpx.Client() as http_client:
        events = drive.events(opened(drive, drive.traced(recorder, http_client=http_client)))
    assert journals.body(recorder).count(b"event: ") == len(events)


def test_two_readers_in_two_threads_are_journaled_apart(recorder: Recorder, server: ScriptedServer) -> None:
    server.always(lambda seen: answer(f"{seen.json['input']} " * 20))
    drive = Driver(server.url)
    client = drive.traced(recorder)

    def read(word: str) -> None:
        drive.events(client.responses.create(model=MODEL, input=word, stream=True))

    threads = [threading.Thread(target=read, args=(word,)) for word in ("alpha", "omega")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drive.close()
    for entry, text in zip(
        journals.entries(recorder, "attempt.sent"), journals.requests(recorder), strict=True
    ):
        word, other = ("alpha", "omega") if "alpha" in str(text) else ("omega", "alpha")
        body = journals.body(recorder, entry["exchange_id"]).decode()
        assert word in body
        assert other not in body


def test_background_responses_and_resumed_streams(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(answer(TEXT))
    client = drive.traced(recorder)
    made = drive.do(client.responses.create(model=MODEL, input="Hi", background=True))
    while drive.do(client.responses.retrieve(made.id)).status != "completed":
        pass
    events = drive.events(drive.do(client.responses.retrieve(made.id, stream=True, starting_after=2)))
    assert events
    paths = [entry["path"] for entry in journals.entries(recorder, "call.started")]
    assert paths[0] == "/responses"
    assert set(paths[1:]) == {f"/responses/{made.id}"}
    assert ending(recorder) == "completed"


def test_no_exception_escapes_from_a_dropped_stream(
    recorder: Recorder, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    escaped: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", escaped.append)
    server.script(answer(TEXT))
    drive = Driver(server.url)
    stream = opened(drive, drive.traced(recorder))
    handle = recorder.current
    assert handle is not None
    monkeypatch.setattr(handle._state.writer, "leave", lambda _entry: 1 / 0)
    del stream
    gc.collect()
    assert not escaped
    assert recorder.health.by_kind == {"capture": 1}
    drive.close()


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_a_documents_stream_tells_its_times_and_deltas(
    drive: Driver, server: ScriptedServer, api: str
) -> None:
    """Time to first event and first text, number of events, largest gap; on request every delta, of reasoning too."""
    gate = threading.Event()
    server.script(
        answer(Think(("Let me", "think.")), "Hello there", Call("f", {"a": 1}), hold_after=4, gate=gate)
    )
    recorder = Recorder(deltas=True)
    client = drive.traced(recorder)
    if api == "responses":
        stream = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
    else:
        messages = [{"role": "user", "content": "Hi"}]
        stream = drive.do(client.chat.completions.create(model=MODEL, messages=messages, stream=True))
    events = drive.events(stream, 4)
    time.sleep(0.05)
    gate.set()
    events += drive.events(stream)
    (call,) = documents.steps(recorder, "assistant_call")
    latency = call.latency
    assert latency is not None
    assert latency.events == len(events)
    assert latency.first_event_ms is not None
    assert latency.first_text_ms is not None
    assert latency.total_ms is not None
    assert latency.largest_gap_ms is not None
    assert latency.largest_gap_ms >= 50
    assert latency.first_event_ms <= latency.first_text_ms <= latency.total_ms
    deltas = call.payload_completed["deltas"]
    if api == "responses":
        seen = [event for event in events if event.type.endswith(".delta")]
        assert [(d["type"], d["delta"]) for d in deltas] == [(e.type, e.delta) for e in seen]
        kinds = {event.type.split(".")[1] for event in seen}
        assert kinds == {"reasoning_summary_text", "output_text", "function_call_arguments"}
    else:
        assert [d["choices"] for d in deltas] == [
            [choice.to_dict() for choice in chunk.choices] for chunk in events
        ]
    times = [delta["at_ms"] for delta in deltas]
    assert times == sorted(times)


def test_a_resumed_streams_deltas_go_on(drive: Driver, server: ScriptedServer) -> None:
    server.script(answer("Hello there, how are you?"))
    recorder = Recorder(deltas=True)
    client = drive.traced(recorder)
    stream = drive.do(client.responses.create(model=MODEL, input="Hi", background=True, stream=True))
    first = drive.events(stream, 6)
    drive.do(stream.close())
    resumed = drive.do(
        client.responses.retrieve(first[0].response.id, stream=True, starting_after=first[-1].sequence_number)
    )
    drive.events(resumed)
    drive.do(client.responses.retrieve(first[0].response.id))
    (call,) = documents.steps(recorder, "assistant_call")
    deltas = call.payload_completed["deltas"]
    assert "".join(delta["delta"] for delta in deltas) == "Hello there, how are you?"
    times = [delta["at_ms"] for delta in deltas]
    assert times == sorted(times)
