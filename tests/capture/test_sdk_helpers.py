"""Everything in the SDK that loops, polls or follows a stream by itself: each of its requests is one run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import openai
import pydantic
import pytest

from tests.capture import documents
from tests.capture.driver import MODEL, Driver
from tests.server.replies import Events, Raw, answer, incomplete, thing

if TYPE_CHECKING:
    from tests.server.scripted import ScriptedServer, Seen
    from tfclient import Recorder

USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
RUN = {
    "id": "run_1",
    "object": "thread.run",
    "thread_id": "thread_1",
    "assistant_id": "asst_1",
    "model": MODEL,
    "created_at": 1,
}
MESSAGE = {
    "id": "msg_1",
    "object": "thread.message",
    "thread_id": "thread_1",
    "role": "assistant",
    "content": [],
}
HELLO = {"content": [{"index": 0, "type": "text", "text": {"value": "Hello", "annotations": []}}]}
TOLD = [
    {"event": "thread.run.created", "data": {**RUN, "status": "queued"}},
    {"event": "thread.message.created", "data": {**MESSAGE, "created_at": 1}},
    {"event": "thread.message.delta", "data": {"id": "msg_1", "delta": HELLO}},
    {"event": "thread.run.completed", "data": {**RUN, "status": "completed", "usage": USAGE}},
]
OUTPUTS = [{"tool_call_id": "call_1", "output": "7"}]
PARTS = {"filename": "a.txt", "bytes": 10, "mime_type": "text/plain", "purpose": "assistants"}


class Weather(pydantic.BaseModel):
    city: str


class Api:
    """Whatever is not there yet is ready when it is looked at for the second time."""

    def __init__(self) -> None:
        self.looks: dict[str, int] = {}

    def __call__(self, seen: Seen) -> Raw | Events:
        path, _, query = seen.path.partition("?")
        ready = seen.method == "GET" and self._looks(path) > 1
        status = "completed" if ready else "in_progress"
        if path.startswith("/v1/threads"):
            if seen.method == "POST" and seen.json.get("stream"):
                return Events(TOLD)
            return thing(**RUN, status=status, usage=USAGE if ready else None)
        if path.endswith("/jobs"):
            page = "2" if "after" in query else "1"
            return thing(object="list", data=[{"id": f"ftjob-{page}"}], has_more=page == "1")
        if re.search("/files(/|$)", path) and "vector_stores" not in path:
            return thing(id="file-1", object="file", status="processed" if ready else "uploaded")
        name = path.split("/")[2].rstrip("s")
        counts = {"in_progress": int(not ready), "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
        return thing(id=f"{name}_1", object=name, status=status, file_counts=counts, model="sora-2")

    def _looks(self, path: str) -> int:
        self.looks[path] = self.looks.get(path, 0) + 1
        return self.looks[path]


def read(drive: Driver, manager: Any) -> Any:
    """The text of an assistant's stream."""
    with drive.entered(manager) as stream:
        return drive.events(stream.text_deltas)


HELPERS: dict[str, Callable[[Driver, Any], Any]] = {
    "runs.create_and_poll": lambda _, c: c.beta.threads.runs.create_and_poll(
        thread_id="thread_1", assistant_id="asst_1", poll_interval_ms=1
    ),
    "runs.poll": lambda _, c: c.beta.threads.runs.poll("run_1", "thread_1"),
    "runs.submit_tool_outputs_and_poll": lambda _, c: c.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id="run_1", thread_id="thread_1", tool_outputs=OUTPUTS
    ),
    "threads.create_and_run_poll": lambda _, c: c.beta.threads.create_and_run_poll(assistant_id="asst_1"),
    "runs.stream": lambda d, c: read(
        d, c.beta.threads.runs.stream(thread_id="thread_1", assistant_id="asst_1")
    ),
    "runs.create_and_stream": lambda d, c: read(
        d, c.beta.threads.runs.create_and_stream(thread_id="thread_1", assistant_id="asst_1")
    ),
    "threads.create_and_run_stream": lambda d, c: read(
        d, c.beta.threads.create_and_run_stream(assistant_id="asst_1")
    ),
    "runs.submit_tool_outputs_stream": lambda d, c: read(
        d,
        c.beta.threads.runs.submit_tool_outputs_stream(
            run_id="run_1", thread_id="thread_1", tool_outputs=OUTPUTS
        ),
    ),
    "vector_stores.files.upload_and_poll": lambda _, c: c.vector_stores.files.upload_and_poll(
        vector_store_id="vs_1", file=("a.txt", b"abc"), poll_interval_ms=1
    ),
    "vector_stores.files.poll": lambda _, c: c.vector_stores.files.poll("file-1", vector_store_id="vs_1"),
    "vector_stores.file_batches.upload_and_poll": lambda _, c: c.vector_stores.file_batches.upload_and_poll(
        "vs_1", files=[("a.txt", b"abc")], file_ids=["file-2"], poll_interval_ms=1
    ),
    "vector_stores.file_batches.poll": lambda _, c: c.vector_stores.file_batches.poll(
        "vsfb_1", vector_store_id="vs_1"
    ),
    "files.wait_for_processing": lambda _, c: c.files.wait_for_processing("file-1", poll_interval=0.001),
    "uploads.upload_file_chunked": lambda _, c: c.uploads.upload_file_chunked(
        file=b"0123456789", part_size=4, **PARTS
    ),
    "videos.create_and_poll": lambda _, c: c.videos.create_and_poll(prompt="A fjord", poll_interval_ms=1),
    "videos.poll": lambda _, c: c.videos.poll("video_1"),
    "pagination": lambda d, c: [job.id for job in d.events(c.fine_tuning.jobs.list(limit=1))],
}


def asked(requests: list[Seen]) -> list[tuple[str, str, Any]]:
    """What requests ask; forms have a boundary of their own each time."""
    made = []
    for seen in requests:
        kind = seen.header("content-type") or ""
        boundary = re.search("boundary=(.+)", kind)
        body = seen.body.replace(boundary[1].encode(), b"") if boundary else seen.body
        made.append((seen.method, seen.path, body))
    return made


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("helper", HELPERS)
def test_each_request_of_a_helper_is_one_run(
    drive: Driver, recorder: Recorder, server: ScriptedServer, helper: str
) -> None:
    results = []
    for client in (drive.plain(), drive.traced(recorder)):
        server.always(Api())
        given = drive.do(HELPERS[helper](drive, client))
        results.append(given if isinstance(given, list) else given.to_dict())
    assert results[0] == results[1]
    half = len(server.requests) // 2
    ours = server.requests[half:]
    assert asked(server.requests[:half]) == asked(ours)
    assert half > 1 or helper.endswith("stream")
    runs = documents.session(recorder).runs
    assert [run.trigger for run in runs] == ["api"] * half
    steps = [step for run in runs for step in run.steps]
    assert [(s.label, s.status) for s in steps] == [("generic", "completed")] * half
    for seen, step in zip(ours, steps, strict=True):
        started, path = step.payload_started, seen.path.partition("?")[0]
        assert (started["method"], started["path"]) == (seen.method, path)
        assert started.get("bytes") == (len(seen.body) or None)
        if seen.header("content-type") == "application/json" and seen.body:
            assert started["arguments"] == json.loads(seen.body)
    if helper.endswith("stream"):
        (step,) = steps
        events = step.payload_completed["body"]["events"]
        assert [event["event"] for event in events] == [event["event"] for event in TOLD]
        assert (step.model, step.usage and step.usage.total_tokens) == (MODEL, 12)
    assert recorder.health.ok, recorder.health


SESSION = "asess_1"
TURN = {"id": "turn_1", "object": "agent.session.turn", "session_id": SESSION, "subagent_id": None}
CALL = {
    "id": "item_1",
    "type": "function_call",
    "call_id": "call_1",
    "turn_id": "turn_1",
    "name": "weather",
    "arguments": '{"city":"Oslo"}',
    "status": "completed",
}
HAPPENED: list[tuple[str, dict[str, Any]]] = [
    ("turn.created", {"turn": TURN}),
    ("turn.item.added", {"item": CALL}),
    ("turn.completed", {"turn": TURN}),
    ("idle", {}),
    ("environment.ready", {}),
]
EVENTS = [
    {
        "type": f"agent.session.{kind}",
        "event_id": f"event_{n}",
        "session_id": SESSION,
        "turn_id": "turn_1",
        **more,
    }
    for n, (kind, more) in enumerate(HAPPENED)
]


def agents(seen: Seen) -> Any:
    if seen.path.endswith("/responses"):
        return answer("Inside.")
    if seen.method == "GET" and seen.path.endswith("/events"):
        return Events(EVENTS)
    return thing(id=SESSION, object="agent.session", status="idle")


@pytest.mark.parametrize("decorated", [False, True])
def test_a_turn_of_an_agents_session(
    drive: Driver, recorder: Recorder, server: ScriptedServer, *, decorated: bool
) -> None:
    """The helper follows events, serves the agent's tools and sends what they give; then it leaves the events."""
    pytest.importorskip("openai.resources.beta.agents")
    server.always(agents)
    client = drive.traced(recorder)

    def weather(arguments: dict[str, Any]) -> str:
        client.responses.create(model=MODEL, input=f"What of {arguments['city']}?")
        return "fine"

    async def weather_async(arguments: dict[str, Any]) -> str:
        await client.responses.create(model=MODEL, input=f"What of {arguments['city']}?")
        return "fine"

    tool: Any = weather_async if drive.is_async else weather
    handlers = {"weather": client.tool(tool, name="weather") if decorated else tool}
    with drive.entered(
        client.beta.agents.sessions.stream(SESSION, input="Hi", tool_handlers=handlers)
    ) as stream:
        assert [event.event_id for event in drive.events(stream)] == [f"event_{n}" for n in range(4)]
    session = documents.session(recorder)
    asks = [s for run in session.runs for s in run.steps if s.type.startswith("api.")]
    assert [(s.type, s.status) for s in asks] == [
        ("api.agents.sessions.retrieve", "completed"),
        ("api.agents.sessions.events.list", "completed"),
        ("api.agents.sessions.events.create", "completed"),
        ("api.agents.sessions.events.create", "completed"),
    ]
    assert len(server.requests) == len(asks) + 1
    told = asks[1].payload_completed["body"]["events"]
    assert [event["event_id"] for event in told][:4] == [f"event_{n}" for n in range(4)]
    (inner,) = [run for run in session.runs if run.trigger != "api"]
    tools = [s for run in session.runs for s in run.steps if s.type == "tool.weather"]
    if decorated:
        (ran,) = tools
        assert (ran.timing, ran.status, ran.payload_completed) == (
            "measured",
            "completed",
            {"result": "fine"},
        )
        assert (inner.trigger, inner.lineage.parent_step_id) == ("tool", ran.step_id)
    else:
        assert (inner.trigger, tools) == ("user_message", [])
    assert recorder.health.ok, recorder.health


def decision(chosen: str) -> Raw:
    answered = {"type": "choice", "name": "next_action", "choice": chosen, "confidence": 0.9}
    return thing(
        id="decision_1",
        object="decision",
        model=MODEL,
        answers=[{**answered, "probabilities": [{"value": chosen, "probability": 0.9}]}],
        usage={
            "input_tokens": 1,
            "output_tokens": 1,
            "total_tokens": 2,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    )


def test_the_decisions_runner(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    runners: Any = pytest.importorskip("openai.lib.decisions_tool_runner")
    server.script(decision("look"), answer("Inside."), decision("done"))
    client = drive.traced(recorder)

    def look() -> None:
        client.responses.create(model=MODEL, input="What is there?")

    async def look_async() -> None:
        await client.responses.create(model=MODEL, input="What is there?")

    execute = client.tool(look_async if drive.is_async else look, name="look")
    choices = [
        {"id": "look", "description": "Look around", "execute": execute},
        {"id": "done", "description": "It is done", "done": True},
    ]

    async def observe() -> str:
        return "A room"

    async def candidates(_observation: Any) -> Any:
        return choices

    if drive.is_async:
        runner = runners.AsyncDecisionsToolRunner(observe=observe, candidates=candidates)
    else:
        runner = runners.DecisionsToolRunner(observe=lambda: "A room", candidates=lambda _: choices)
    params = {"model": MODEL, "input": "Find the door"}
    done = drive.do(runner.run(client, params, on_diagnostic=client.tool_diagnostics))
    assert done["status"] == "unverified"
    first, inner, last = documents.session(recorder).runs
    assert [s.type for s in first.steps] == ["api.decisions.create", "tool.look"]
    assert (inner.trigger, inner.lineage.parent_step_id) == ("tool", first.steps[1].step_id)
    assert [s.type for s in last.steps] == ["api.decisions.create"]
    assert recorder.health.ok, recorder.health


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_an_answer_that_the_sdk_cannot_parse_is_an_error(
    api: str, drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(answer("Seven degrees."))
    client = drive.traced(recorder)
    messages = [{"role": "user", "content": "Hi"}]

    def ask() -> Any:
        if api == "responses":
            return client.responses.parse(model=MODEL, input="Hi", text_format=Weather)
        return client.chat.completions.parse(model=MODEL, messages=messages, response_format=Weather)

    with pytest.raises(pydantic.ValidationError):
        drive.do(ask())
    (step,) = documents.steps(recorder, "assistant_call")
    assert (step.status, step.ending) == ("completed", "completed")
    assert step.error is not None
    assert (step.error.class_, step.error.code) == ("validation", "ValidationError")
    assert documents.session(recorder).summary.errors == 1


def test_a_chat_cut_at_its_length_cannot_be_parsed_either(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    server.always(incomplete("{"))
    messages = [{"role": "user", "content": "Hi"}]
    with pytest.raises(openai.LengthFinishReasonError):
        drive.do(
            drive.traced(recorder).chat.completions.parse(
                model=MODEL, messages=messages, response_format=Weather
            )
        )
    (step,) = documents.steps(recorder, "assistant_call")
    assert step.error is not None
    assert (step.error.class_, step.error.code) == ("validation", "LengthFinishReasonError")
    assert documents.session(recorder).runs[0].status == "failed"
