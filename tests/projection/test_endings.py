"""How calls end: each way has its word, its status, its error, and keeps what had come."""

from __future__ import annotations

import typing
from typing import Any

import openai.types.responses
import pytest

from tests.projection.builders import START, Story, call, project, said, steps, system, the, user
from tests.projection.events import sse
from tfclient.projection.wire.event_growth import GROWERS, SILENT
from tfclient.projection.wire.response_stream import TERMINAL
from tfstore.document.documents import Session

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def sent(api: str = "responses", **fields: Any) -> Any:
    story = Story(api)
    return story.send(story.body([user("Hello")], **fields))


@BOTH
@STREAMED
def test_completed(api: str, stream: bool) -> None:  # noqa: FBT001
    story = Story(api, stream=stream)
    story.ask([user("Hello")], [said("Hi.")])
    session = story.session()
    made = the(session, "assistant_call")
    assert (made.ending, made.status, made.error) == ("completed", "completed", None)
    assert made.payload_completed["text"] == "Hi."
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.cached_tokens, made.usage.reasoning_tokens) == (100, 10, 5)
    assert made.finish_reason == ("completed" if api == "responses" else "stop")
    assert made.ended_at is not None


@BOTH
def test_a_run_and_its_prompt_begin_with_the_call_that_opens_them(api: str) -> None:
    story = Story(api)
    story.ask([system("Be brief."), user("Hello")], [said("Hi.")])
    session = story.session()
    made, (run,) = the(session, "assistant_call"), session.runs
    begun = {step.started_at for step in run.steps if step.seq <= made.seq}
    assert begun == {run.started_at}
    assert run.duration_ms == made.duration_ms


def test_the_run_of_another_endpoint_begins_with_its_call() -> None:
    story = Story()
    story.send({"input": "Hello"}, path="/v1/embeddings").answer({"data": []})
    (run,) = story.session().runs
    assert (run.started_at, run.duration_ms) == (run.steps[0].started_at, run.steps[0].duration_ms)


@STREAMED
def test_failed_event(stream: bool) -> None:  # noqa: FBT001
    """`response.failed`, or a whole response whose status says so."""
    made = sent()
    made.story.stream = stream
    made.answer_items([], status="failed", error={"code": "server_error", "message": "It broke."}, usage=None)
    step = the(made.story.session(), "assistant_call")
    assert (step.ending, step.status) == ("failed_event", "failed")
    assert step.error is not None
    assert (step.error.class_, step.error.code, step.error.message) == (
        "provider",
        "server_error",
        "It broke.",
    )


@BOTH
def test_error_event(api: str) -> None:
    """An error inside a stream: what came before it stays."""
    made = sent(api, stream=True)
    events = made.events(made.response([said("Good morning to you.")]))
    error = {"error": {"type": "server_error", "code": "overloaded", "message": "Too busy."}}
    made.stream(
        [*events[: 6 if api == "responses" else 3], {**error, "type": "error"}], "cut", type="APIError"
    )
    made.raised("APIError", "Too busy.", "error_event")
    session = made.story.session()
    step = the(session, "assistant_call")
    assert (step.ending, step.status) == ("error_event", "failed")
    assert step.error is not None
    assert (step.error.message, step.error.code) == ("Too busy.", "overloaded")
    assert the(session, "assistant_message").payload_completed["text"]


@STREAMED
def test_incomplete(stream: bool) -> None:  # noqa: FBT001
    made = sent()
    made.story.stream = stream
    made.answer_items([said("One")], status="incomplete", incomplete_details={"reason": "content_filter"})
    step = the(made.story.session(), "assistant_call")
    assert (step.ending, step.status, step.finish_reason) == ("incomplete", "incomplete", "content_filter")
    assert step.error is None


@BOTH
@pytest.mark.parametrize(
    ("ending", "status", "error"),
    [
        ("cut", "failed", {"type": "RemoteProtocolError", "message": "peer closed"}),
        ("left_early", "cancelled", {}),
        ("never_read", "cancelled", {}),
        ("cancelled", "cancelled", {"type": "CancelledError", "message": ""}),
        ("unknown", "failed", {}),
    ],
)
def test_streams_that_were_given_up(api: str, ending: str, status: str, error: Any) -> None:
    made = sent(api, stream=True)
    made.head()
    made.over(ending, **error)
    session = made.story.session()
    step = the(session, "assistant_call")
    assert (step.ending, step.status, session.runs[0].status) == (ending, status, status)
    assert (step.error is not None) == (status == "failed")
    # The HTTP status said that all was well: it is not that of the error.
    assert step.error is None or step.error.http_status is None


@BOTH
def test_stream_without_a_last_word(api: str) -> None:
    """The bytes ended in good order, but the stream never said that it was done."""
    made = sent(api, stream=True)
    events = made.events(made.response([said("Hi.")]))
    made.head()
    for event in events[:2]:
        made.chunk(sse(event))
    made.chunk('data: {"half": ')
    made.over("completed")
    step = the(made.story.session(), "assistant_call")
    assert (step.ending, step.status) == ("cut", "failed")
    assert step.payload_completed["response"]["cut_event"] == 'data: {"half": '


@BOTH
@pytest.mark.parametrize(
    ("status", "code", "class_"),
    [
        (400, "invalid_request_error", "validation"),
        (401, "invalid_api_key", "auth"),
        (403, "forbidden", "auth"),
        (404, "model_not_found", "validation"),
        (408, "timeout", "timeout"),
        (409, "conflict", "validation"),
        (422, "unprocessable", "validation"),
        (429, "rate_limit_exceeded", "rate_limit"),
        (500, "server_error", "provider"),
        (503, "overloaded", "provider"),
    ],
)
def test_http_error(api: str, status: int, code: str, class_: str) -> None:
    made = sent(api)
    made.fails(status, code, "It failed.")
    session = made.story.session()
    step = the(session, "assistant_call")
    assert (step.ending, step.status, session.runs[0].status) == ("http_error", "failed", "failed")
    assert step.error is not None
    assert (step.error.class_, step.error.code, step.error.http_status) == (class_, code, status)
    assert step.error.message == "It failed."
    assert step.attempts[0].error == f"{status} {code}"


@BOTH
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<html>Bad Gateway</html>", "HTTP 502: <html>Bad Gateway</html>"),
        ("", "HTTP 502, with an empty body"),
        ({"error": "as a string"}, "as a string"),
        ({"detail": "as detail"}, "as detail"),
        ([1, 2], "HTTP 502"),
    ],
)
def test_error_bodies_of_all_kinds(api: str, body: Any, message: str) -> None:
    made = sent(api)
    made.answer(body, 502)
    step = the(made.story.session(), "assistant_call")
    assert step.error is not None
    assert step.error.message == message
    assert step.error.class_ == "provider"


@BOTH
def test_answer_that_is_no_json(api: str) -> None:
    """HTML of a proxy with status 200: a failed call that shows the body."""
    made = sent(api)
    made.answer("<html>Login</html>")
    made.raised("APIResponseValidationError", "not JSON", "completed")
    step = the(made.story.session(), "assistant_call")
    assert step.status == "failed"
    assert step.payload_completed["body"] == "<html>Login</html>"


@BOTH
@pytest.mark.parametrize(
    ("kind", "class_"),
    [
        ("ConnectError", "transport"),
        ("ReadTimeout", "timeout"),
        ("APITimeoutError", "timeout"),
        ("APIConnectionError", "transport"),
        ("RemoteProtocolError", "transport"),
        ("OSError", "transport"),
    ],
)
def test_no_response(api: str, kind: str, class_: str) -> None:
    made = sent(api)
    made.over("no_response", type=kind, message="it failed")
    made.raised("APIConnectionError", "Connection error.")
    step = the(made.story.session(), "assistant_call")
    assert (step.ending, step.status) == ("no_response", "failed")
    assert step.error is not None
    assert (step.error.class_, step.error.http_status) == (class_, None)
    assert step.payload_completed["exception"]["type"] == "APIConnectionError"


@BOTH
@pytest.mark.parametrize("kind", ["CancelledError", "KeyboardInterrupt"])
def test_cancelled_before_an_answer(api: str, kind: str) -> None:
    made = sent(api)
    made.over("cancelled", type=kind, message="")
    made.raised(kind, "", "cancelled")
    session = made.story.session()
    step = the(session, "assistant_call")
    assert (step.ending, step.status, session.runs[0].status) == ("cancelled", "cancelled", "cancelled")
    assert step.error is None or step.error.class_ == "cancelled"


def test_the_exception_after_a_good_answer() -> None:
    """The answer was fine, the caller's parsing was not: failed, with the answer kept."""
    made = sent()
    made.answer_items([said("{not json")])
    made.raised("ValidationError", "Invalid JSON", "failed")
    step = the(made.story.session(), "assistant_call")
    assert step.status == "failed"
    assert step.error is not None
    assert step.error.class_ == "validation"
    assert step.payload_completed["text"] == "{not json"


@BOTH
@STREAMED
def test_a_whole_answer_that_the_sdk_could_not_parse(api: str, stream: bool) -> None:  # noqa: FBT001
    """The response is what it is; the program got an exception, and that is an error of the run."""
    story = Story(api, stream=stream)
    made = story.send(story.body([user("Hello")]))
    made.answer_items([said("{not json")])
    made.raised("ValidationError", "Invalid JSON", "completed")
    story.end()
    session = story.session()
    step = the(session, "assistant_call")
    assert (step.status, step.ending) == ("completed", "completed")
    assert step.error is not None
    assert (step.error.class_, step.error.code, step.error.message, step.error.http_status) == (
        *("validation", "ValidationError", "Invalid JSON"),
        None,
    )
    assert step.payload_completed["exception"] == {"type": "ValidationError", "message": "Invalid JSON"}
    assert step.payload_completed["text"] == "{not json"
    assert (session.runs[0].status, session.result, session.summary.errors) == ("failed", "failed", 1)


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("chat", "LengthFinishReasonError"),
        ("chat", "ContentFilterFinishReasonError"),
        # Of the program's own type: whatever its validator raises, the answer had come.
        ("responses", "RuntimeError"),
    ],
)
def test_any_exception_after_a_whole_answer_is_one_of_validation(api: str, kind: str) -> None:
    made = sent(api)
    made.answer_items([said("{")])
    made.raised(kind, "no", "completed")
    session = made.story.session()
    step = the(session, "assistant_call")
    assert step.error is not None
    assert (step.error.class_, step.error.code, session.runs[0].status) == ("validation", kind, "failed")


def test_the_same_prompt_after_an_answer_that_could_not_be_parsed_is_a_retry() -> None:
    made = sent()
    made.answer_items([said("{")])
    made.raised("ValidationError", "no", "completed")
    made.story.ask([user("Hello")], [said("{}")])
    made.story.end()
    session = made.story.session()
    (run,) = session.runs
    first, again = [step for step in run.steps if step.label == "assistant_call"]
    assert (first.error is not None, again.error, again.notes) == (True, None, ["retry"])
    assert (run.status, session.result, session.summary.errors) == ("completed", "completed", 1)


def test_looking_at_a_response_again_does_not_undo_the_exception() -> None:
    made = sent()
    made.answer_items([said("{")])
    made.raised("ValidationError", "no", "completed")
    path = f"/v1/responses/{made.response_id}"
    made.story.send(path=path, method="GET").answer(made.response([said("{")]))
    session = made.story.session()
    step = the(session, "assistant_call")
    assert step.error is not None
    assert step.payload_completed["exception"]["message"] == "no"
    assert (step.status, session.runs[0].status) == ("completed", "failed")


def test_call_that_never_left() -> None:
    """A mistake in the arguments: one `api` run that says so."""
    story = Story()
    story.tell(type="call.started", call="w1-1", method="POST", path="/responses")
    story.tell(
        type="call.ended", call="w1-1", ending="no_response", error={"type": "TypeError", "message": "bad"}
    )
    session = story.session()
    (run,) = session.runs
    (step,) = run.steps
    assert (run.trigger, run.status, step.status) == ("api", "failed", "failed")
    assert step.payload_completed["sent"] is False
    assert step.error is not None
    assert step.error.class_ == "validation"


@pytest.mark.parametrize("reason", ["closed", "idle_timeout", "process_exit", "recovered"])
def test_session_ends(reason: str) -> None:
    story = Story()
    story.begin(title="A trial", metadata={"a": 1}, runtime={"pid": 1}, redaction={"mode": "content"})
    story.ask([user("Hello")], [said("Hi.")])
    story.end(reason)
    session = story.session()
    assert (session.status, session.end_reason, session.result) == ("closed", reason, "completed")
    assert (session.title, session.metadata, session.runtime) == ("A trial", {"a": 1}, {"pid": 1})
    assert session.redaction.mode == "content"
    assert session.ended_at is not None


def test_one_writer_ends_the_session_before_another_is_done() -> None:
    """A call after the end makes the session active again, until its own end."""
    story = Story()
    story.ask([user("Hello")], [said("Hi.")])
    story.end()
    story.ask([user("More")], [said("Here.")])
    assert (story.session().status, story.session().end_reason, story.session().result) == (
        "active",
        None,
        None,
    )
    story.end("process_exit")
    assert (story.session().status, story.session().end_reason) == ("closed", "process_exit")


def test_result_failed_beats_cancelled_beats_completed() -> None:
    story = Story()
    story.ask([user("Hello")], [said("Hi.")])
    made = story.send(story.body([user("Wait")], stream=True))
    made.head()
    made.over("left_early")
    story.end()
    assert story.session().result == "cancelled"
    story.entries.pop()
    story.send(story.body([user("Break")])).fails(500)
    story.end()
    assert story.session().result == "failed"


def test_empty_session() -> None:
    """A session in which nothing happened has no result and zeros."""
    story = Story()
    story.begin()
    story.end()
    session = story.session()
    assert (session.result, session.summary.steps, session.runs, session.title) == (None, 0, [], "")


def test_latency() -> None:
    """Time to the first event, to the first text, the largest gap, the number of events, the server's own time."""
    made = sent(stream=True)
    events = made.events(made.response([said("Good day.")]))
    made.head()
    made.story.wait(99)
    made.chunk(sse(events[0]))
    for event in events[1:4]:
        made.chunk(sse(event))
    made.story.wait(299)
    for event in events[4:]:
        made.chunk(sse(event))
    made.over("completed")
    latency = the(made.story.session(), "assistant_call").latency
    assert latency is not None
    assert latency.first_event_ms == 101
    assert latency.first_text_ms == 404
    assert latency.largest_gap_ms == 300
    assert latency.events == len(events)
    assert latency.provider_ms is None


def test_running_stream_shows_what_has_come() -> None:
    """`cat` shows a live session: a stream under way shows its text so far."""
    made = sent(stream=True)
    events = made.events(made.response([said("Good morning.")]))
    made.stream(events[:6], None)
    session = made.story.session()
    step = the(session, "assistant_call")
    assert (step.status, session.runs[0].status, session.status) == ("in_progress", "in_progress", "active")
    assert step.payload_completed["text"]
    assert step.ended_at is None
    assert not steps(session, "assistant_message")


def test_output_of_a_shell_as_it_was_streamed() -> None:
    """Before the item is done, what the commands wrote so far; the outputs of a command when it is over."""
    story = Story()
    sent = story.send(story.body("List it", stream=True))
    item = {"type": "shell_call_output", "id": "sho_1", "call_id": "call_1", "output": []}
    place = {"item_id": "sho_1", "output_index": 0}
    name = "response.shell_call_output_content"
    ended = {"stdout": "a\nb\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}
    sent.stream(
        [
            {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": f"{name}.delta", **place, "command_index": 0, "delta": {"stdout": "a\n"}},
            {"type": f"{name}.delta", **place, "command_index": 0, "delta": {"stdout": "b\n", "stderr": ""}},
            {"type": f"{name}.done", **place, "command_index": 0, "output": [ended]},
            {"type": f"{name}.delta", **place, "command_index": 1, "delta": {"stdout": "c"}},
            {"type": f"{name}.delta", **place, "command_index": 1, "delta": {"stdout": "d"}},
        ],
        "cut",
        type="ReadError",
    )
    assert the(story.session(), "tool_output").payload_completed["output"] == [ended, {"stdout": "cd"}]
    assert "other_events" not in the(story.session(), "assistant_call").payload_completed


def test_every_event_that_the_sdk_names_is_known() -> None:
    """None of them is kept as something strange, but for audio, which has no item that it belongs to."""
    union = openai.types.responses.response_stream_event.ResponseStreamEvent
    kinds = {
        kind
        for model in typing.get_args(typing.get_args(union)[0])
        for kind in typing.get_args(model.model_fields["type"].annotation)
    }
    assert len(kinds) > 40
    whole = {"response.created", "response.in_progress", "response.queued", "error"} | TERMINAL
    unknown = kinds - set(GROWERS) - SILENT - whole
    assert {kind for kind in unknown if not kind.startswith("response.audio.")} == set()


DAY = 86_400_000_000


@pytest.mark.parametrize("days", [-400, 400])
@pytest.mark.parametrize("entry", range(1, 10))
def test_a_clock_that_jumps_changes_no_duration(days: int, entry: int) -> None:
    """Durations are those of the monotonic clock, wherever the other one is set; it says when."""
    told: list[Session] = []
    for jump in (0, days):
        story = Story("chat", stream=True)
        story.begin()
        story.ask([user("Weather?")], [call("call_1", "weather")])
        story.tell(type="tool.started", tool="t1", call_id="call_1", name="weather")
        story.wait(70)
        story.tell(type="tool.ended", tool="t1", call_id="call_1", name="weather", result="7")
        story.end()
        for n, each in enumerate(story.entries):
            each |= {"mono": each["at"] - START + 5, "writer": "w1"}
            each["at"] += jump * DAY * (n >= entry)
        told.append(story.session())
    assert durations(told[0]) == durations(told[1])
    assert any(durations(told[0]))
    assert told[1].ended_at != told[0].ended_at


@pytest.mark.parametrize("days", [-400, 400])
@pytest.mark.parametrize("same", [True, False], ids=["one machine", "started anew"])
def test_a_clock_that_jumps_between_two_writers(days: int, same: bool) -> None:  # noqa: FBT001
    """Processes of one machine have one monotonic clock, which their journals name; across its starts there is none."""
    told: list[Session] = []
    for jump in (0, days):
        entries: list[Any] = []
        now = START
        for n, writer in enumerate(["w1", "w2"]):
            story = Story("chat", stream=True, writer=writer, now=now)
            story.begin(clock="boot" if same else f"boot {n}")
            story.ask([user(f"Weather {n}?")], [call(f"call_{n}", "weather")])
            story.wait(70)
            story.tell(type="tool.ended", tool="t1", call_id=f"call_{n}", name="weather", result="7")
            now = story.now
            for each in story.entries:
                each |= {"mono": each["at"] - START + 5 + n * (not same) * DAY, "writer": writer}
                each["at"] += jump * DAY * n
            entries += story.entries
        # In the order in which they are read.
        told.append(project(sorted(entries, key=lambda each: each["at"])))
    plain, jumped = told
    # What one writer wrote is told by its own clock at any rate.
    assert sorted(map(str, durations(jumped)[1:])) == sorted(map(str, durations(plain)[1:]))
    assert any(durations(plain)[1:])
    assert (jumped.duration_ms == plain.duration_ms) is same
    assert (jumped.started_at == plain.started_at) is (same or days > 0)


def durations(session: Session) -> list[Any]:
    runs = [run.duration_ms for run in session.runs]
    rows = [
        (step.duration_ms, step.latency, [a.duration_ms for a in step.attempts]) for step in steps(session)
    ]
    return [session.duration_ms, *runs, *rows]
