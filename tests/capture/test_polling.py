"""What is asked for again and again: background responses, and the SDK's pollers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.capture import documents, journals
from tests.capture.driver import HTTP, MODEL, Driver
from tests.server.replies import Think, answer
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


def looked_at(drive: Driver, client: Any, response_id: str) -> Any:
    response = drive.do(client.responses.retrieve(response_id))
    while response.status in {"queued", "in_progress"}:
        response = drive.do(client.responses.retrieve(response_id))
    return response


def followed(drive: Driver, client: Any, response_id: str) -> Any:
    return drive.events(drive.do(client.responses.retrieve(response_id, stream=True)))[-1].response


def looked_at_and_followed(drive: Driver, client: Any, response_id: str) -> Any:
    drive.do(client.responses.retrieve(response_id))
    followed(drive, client, response_id)
    return looked_at(drive, client, response_id)


def looked_at_until_it_is_gone(drive: Driver, client: Any, response_id: str) -> Any:
    response = looked_at(drive, client, response_id)
    drive.do(drive.plain().responses.delete(response_id))
    with pytest.raises(openai.NotFoundError):
        drive.do(client.responses.retrieve(response_id))
    return response


@pytest.mark.parametrize(
    ("how", "after"),
    [(looked_at, 0), (followed, 0), (looked_at_and_followed, 0), (looked_at_until_it_is_gone, 1)],
)
def test_a_response_that_was_created_elsewhere_is_one_step_however_it_is_looked_at(
    drive: Driver, recorder: Recorder, server: ScriptedServer, how: Callable[..., Any], after: int
) -> None:
    server.script(answer(Think(("Hm.",), encrypted="c2VjcmV0"), "Hello there, how are you?"))
    created = drive.do(drive.plain().responses.create(model=MODEL, input="Hi", background=True))
    client = drive.traced(recorder)
    response = how(drive, client, created.id)
    first, *more = documents.session(recorder).runs
    (step,) = first.steps
    assert (step.type, step.status) == ("api.responses.retrieve", "completed")
    body = {key: value for key, value in response.to_dict().items() if key != "output"}
    kept = step.payload_completed["body"]
    assert {key: value for key, value in kept.items() if key != "output"} == body
    assert kept["output"][1]["content"][0]["text"] == "Hello there, how are you?"
    assert kept["output"][0]["encrypted"]["bytes"] == 8
    assert step.usage is not None
    looks = journals.entries(recorder, "call.started")
    assert step.payload_completed["looks"] == len(looks) - after
    assert [run.status for run in more] == ["failed"] * after
    assert recorder.health.ok, recorder.health
