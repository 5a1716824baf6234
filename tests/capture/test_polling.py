"""What is asked for again and again: background responses, and the SDK's pollers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.capture import documents, journals
from tests.capture.driver import HTTP, MODEL, Driver
from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tfclient import Recorder


def polled(drive: Driver, client: Any) -> Any:
    response = drive.do(client.responses.create(model=MODEL, input="Hi", background=True))
    assert response.status == "queued"
    while response.status in {"queued", "in_progress"}:
        response = drive.do(client.responses.retrieve(response.id))
    return response


def polled_raw(drive: Driver, client: Any) -> Any:
    response = drive.do(
        client.responses.with_raw_response.create(model=MODEL, input="Hi", background=True)
    ).parse()
    while response.status in {"queued", "in_progress"}:
        response = drive.do(client.responses.with_raw_response.retrieve(response.id)).parse()
    return response


def streamed_and_resumed(drive: Driver, client: Any) -> Any:
    stream = drive.do(client.responses.create(model=MODEL, input="Hi", background=True, stream=True))
    first = drive.events(stream, 3)
    drive.do(stream.close())
    resumed = drive.do(
        client.responses.retrieve(first[0].response.id, stream=True, starting_after=first[-1].sequence_number)
    )
    return drive.events(resumed)[-1].response


def created_and_resumed(drive: Driver, client: Any) -> Any:
    response = drive.do(client.responses.create(model=MODEL, input="Hi", background=True))
    drive.events(drive.do(client.responses.retrieve(response.id, stream=True)))
    return drive.do(client.responses.retrieve(response.id))


@pytest.mark.parametrize("how", [polled, polled_raw, streamed_and_resumed, created_and_resumed])
def test_a_background_response_is_captured_once(
    drive: Driver, recorder: Recorder, server: ScriptedServer, how: Callable[[Driver, Any], Any]
) -> None:
    server.script(answer("Hello there, how are you?"))
    client = drive.traced(recorder)
    response = how(drive, client)
    assert response.status == "completed"
    client.end_session()
    (run,) = documents.session(recorder).runs
    (call,) = [step for step in run.steps if step.label == "assistant_call"]
    assert (call.response_id, call.status) == (response.id, "completed")
    (message,) = [step for step in run.steps if step.label == "assistant_message"]
    assert message.payload_completed["text"] == "Hello there, how are you?"
    assert run.status == "completed"
    assert len(journals.entries(recorder, "call.started")) == len(server.requests)


def test_a_background_response_that_is_cancelled(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.script(answer("Hello!"))
    client = drive.traced(recorder)
    response = drive.do(client.responses.create(model=MODEL, input="Hi", background=True))
    assert drive.do(client.responses.cancel(response.id)).status == "cancelled"
    (run,) = documents.session(recorder).runs
    assert [(s.label, s.status) for s in run.steps] == [
        ("user_message", "completed"),
        ("assistant_call", "cancelled"),
    ]


class Jobs:
    """An API whose jobs are done when they are looked at for the second time."""

    def __init__(self, fields: dict[str, Any], done: str) -> None:
        self.fields, self.done = fields, done
        self.seen: list[tuple[str, str]] = []

    def __call__(self, request: Any) -> Any:
        self.seen.append((request.method, request.url.path))
        looks = sum(method == "GET" for method, _ in self.seen)
        status, left = (self.done, 0) if looks > 1 else ("in_progress", 1)
        job = {**self.fields, "status": status, "file_counts": {"in_progress": left}}
        return HTTP.Response(200, json=job, headers={"openai-poll-after-ms": "1"})


def vector_store_file(client: Any) -> Any:
    return client.vector_stores.files.create_and_poll("file_1", vector_store_id="vs_1", poll_interval_ms=1)


def vector_store_batch(client: Any) -> Any:
    return client.vector_stores.file_batches.create_and_poll("vs_1", file_ids=["file_1"], poll_interval_ms=1)


def video(client: Any) -> Any:
    return client.videos.create_and_poll(prompt="A fjord", poll_interval_ms=1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("poll", "fields", "done"),
    [
        (vector_store_file, {"id": "file_1", "object": "vector_store.file"}, "completed"),
        (
            vector_store_batch,
            {"id": "vsfb_1", "object": "vector_store.file_batch"},
            "completed",
        ),
        (video, {"id": "video_1", "object": "video", "model": "sora-2"}, "completed"),
    ],
)
def test_every_request_of_a_poller_is_recorded(
    drive: Driver,
    recorder: Recorder,
    poll: Callable[[Any], Any],
    fields: dict[str, Any],
    done: str,
) -> None:
    asked = []
    for make in (drive.plain, lambda **options: drive.traced(recorder, **options)):
        jobs = Jobs(fields, done)
        client = make(http_client=drive.mock_client(jobs))
        asked.append((drive.do(poll(client)).to_dict(), jobs.seen))
    assert asked[0] == asked[1]
    sent = journals.entries(recorder, "attempt.sent")
    assert [(entry["method"], HTTP.URL(entry["url"]).path) for entry in sent] == asked[1][1]
    steps = documents.steps(recorder, "generic")
    assert len(steps) == len(sent)
    assert {step.status for step in steps} == {"completed"}
    assert json.loads(journals.body(recorder))["status"] == done
