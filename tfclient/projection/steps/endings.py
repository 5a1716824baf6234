"""What came of a call: its attempt read as a response, with the way it ended."""

from __future__ import annotations

from attrs import define

from tfclient.projection.api import chat, responses
from tfclient.projection.api.call_errors import error_from_exception
from tfclient.projection.api.model_call import ModelResponse
from tfclient.projection.lineage.book import ANSWERED
from tfclient.projection.lineage.nodes import Node
from tfclient.projection.steps.call_state import Call
from tfclient.projection.steps.other_calls import OtherCalls
from tfclient.projection.steps.response_steps import Outcome
from tfclient.projection.wire.attempt import AttemptState
from tfclient.projection.wire.bodies import json_or_text
from tfclient.projection.wire.chat_stream import ChatStream
from tfclient.projection.wire.response_stream import ResponseStream
from tfstore.document.documents import ErrorInfo
from tfstore.document.labels import OPEN_STATUSES, Ending, Status
from tfstore.document.times import milliseconds

LEFT: frozenset[Ending] = frozenset({"left_early", "never_read", "cancelled"})
"""Endings that the program chose: what it left is cancelled, not failed."""

GAVE_UP = LEFT | frozenset[Ending]({"cut", "no_response", "unknown"})

_ENDINGS: dict[str, Ending] = {
    "response.completed": "completed",
    "response.failed": "failed_event",
    "response.incomplete": "incomplete",
    "response.cancelled": "cancelled",
}

_ENDED_AS: dict[Status, Ending] = {
    "incomplete": "incomplete",
    "cancelled": "cancelled",
    "failed": "failed_event",
}


@define
class Closing:
    """Closes calls: reads what came and hands it on to be made into steps."""

    outcome: Outcome
    other: OtherCalls

    def close(self, call: Call, at: int, ending: Ending, *, session_ended: bool) -> None:
        """Bring the call's step to what is known now; more may still come (a retry, an exception)."""
        attempt = call.attempt
        if call.step is None and call.node is not None:
            self._seen_again(call, at, ending)
        elif call.node is not None and call.step is not None:
            response, ending = _response_of(call, attempt, ending)
            self.outcome.close(call.node, response, at, ending)
            self._measure(call, at)
        elif call.step is not None:
            ending = self.other.close(call, at, "http_error" if (attempt.status or 0) >= 400 else ending)
            if ending in GAVE_UP and not (ending == "left_early" and _is_subscription(attempt)):
                call.step.status = "cancelled" if ending in LEFT else "failed"
                call.step.error = call.step.error or (None if ending in LEFT else _error_of(attempt, ending))
                call.step.ending = ending
            if attempt.stream is not None:
                self._measure(call, at)
        call.settle()
        if call.step is not None:
            call.show_attempts(call.step)
        self.settle_run(call, session_ended=session_ended)

    def settle_run(self, call: Call, *, session_ended: bool) -> None:
        """Bring the status of the call's run up to date."""
        if call.run is not None:
            call.run.run.status = call.run.status(session_ended=session_ended)

    def _measure(self, call: Call, at: int) -> None:
        step, attempt = call.step, call.attempt
        if step is None:
            return
        step.latency = call.latency(at)
        step.request_id = attempt.request_id
        stream = attempt.stream
        if stream is not None and stream.unread:
            step.payload_completed["unread_events"] = stream.unread
        if stream is not None and stream.strange:
            step.payload_completed["other_events"] = stream.strange
        if attempt.deltas:
            step.payload_completed["deltas"] = attempt.deltas
        if attempt.comments:
            step.payload_completed["comments"] = attempt.comments

    def _seen_again(self, call: Call, at: int, ending: Ending) -> None:
        """A retrieved, polled, cancelled or resumed response: the same step, brought up to date."""
        node, attempt = call.node, call.attempt
        if node is None:
            return
        stream = attempt.stream
        body = json_or_text(attempt.body())
        whole = isinstance(body, dict) and body.get("object") == "response"
        if (attempt.status or 0) >= 400 or attempt.status is None or not (whole or stream is not None):
            call.node = call.run = None
            self.other.open(call, int(call.attempts[0].sent_at))
            self.other.close(call, at, "http_error" if (attempt.status or 0) >= 400 else ending)
            return
        if stream is not None and not stream.ended:
            self._resumed(call, at, ending)
            return
        response = stream.response() if stream is not None else responses.read_response(body, attempt.status)
        if response.status in OPEN_STATUSES and node.step.status not in OPEN_STATUSES:
            return
        ending = _ENDED_AS.get(response.status, "completed")
        step = node.step
        kept = {k: v for k, v in step.payload_completed.items() if k in _OF_STREAMS}
        raised = step.error if step.status in ANSWERED else None
        if raised is not None:
            kept["exception"] = step.payload_completed.get("exception")
        self.outcome.close(node, response, at, ending)
        step.payload_completed |= kept
        # That the program did not get its answer stays true however often the response is looked at.
        step.error = step.error or raised
        _add_deltas(node, attempt)

    def _resumed(self, call: Call, at: int, ending: Ending) -> None:
        """A resumed stream that broke off too: its items, and an ending where none was known."""
        node, attempt = call.node, call.attempt
        if node is None or attempt.stream is None:
            return
        if node.step.status == "completed":
            return
        response = attempt.stream.response()
        self.outcome.partial(node, response, at)
        _add_deltas(node, attempt)
        if node.step.status not in OPEN_STATUSES:
            node.step.ending = ending if ending in GAVE_UP else node.step.ending


_OF_STREAMS = frozenset({"deltas", "unread_events", "other_events", "comments"})
"""What a stream leaves in its call's step besides the response."""


def _add_deltas(node: Node, attempt: AttemptState) -> None:
    """Add the deltas of a stream that was resumed, but those that came before; times count from the call's start."""
    if attempt.deltas:
        before = node.step.payload_completed.get("deltas") or []
        known = {delta.get("sequence_number") for delta in before} - {None}
        later = milliseconds(node.started_at, attempt.sent_at) or 0
        told = [delta for delta in attempt.deltas if delta.get("sequence_number") not in known]
        told = [{**delta, "at_ms": later + delta["at_ms"]} for delta in told]
        node.step.payload_completed["deltas"] = [*before, *told]


def _is_subscription(attempt: AttemptState) -> bool:
    """Return whether these are events of something that goes on elsewhere: they have no end of their own."""
    return attempt.sent["method"] == "GET" and attempt.is_events


def _response_of(call: Call, attempt: AttemptState, ending: Ending) -> tuple[ModelResponse, Ending]:
    if attempt.unread is not None and attempt.status is not None:
        return _unread(attempt, ending)
    read = responses.read_response if call.endpoint.family == "responses" else chat.read_response
    stream = attempt.stream
    if attempt.status is not None and attempt.status >= 400:
        response = read(json_or_text(attempt.body()), attempt.status)
        response.status, response.error = "failed", response.error or _error_of(attempt, "http_error")
        return response, ending if ending in GAVE_UP else "http_error"
    if stream is not None:
        return _streamed(stream, attempt, ending)
    body = None if attempt.status is None else json_or_text(attempt.body())
    if attempt.status is None or (ending in GAVE_UP and not isinstance(body, dict)):
        left = ending in LEFT
        response = ModelResponse(status="cancelled" if left else "failed", body=body)
        response.error = None if left else _error_of(attempt, ending)
        return response, ending
    response = read(body, attempt.status)
    if response.status == "failed" and response.error is None:
        said = (
            "an answer with an empty body"
            if not body
            else "the response says that it failed, without an error"
        )
        response.error = ErrorInfo("provider", said, None, attempt.status)
    if response.status == "failed" and response.id is not None:
        return response, "failed_event"
    return response, "incomplete" if response.status == "incomplete" else "completed"


def _unread(attempt: AttemptState, ending: Ending) -> tuple[ModelResponse, Ending]:
    """An answer that came and was not kept: its status says whether it was good, and nothing says what it was."""
    response = ModelResponse(body=attempt.unread)
    if (attempt.status or 0) >= 400:
        response.status, response.error = "failed", _error_of(attempt, "http_error")
        return response, ending if ending in GAVE_UP else "http_error"
    if ending in LEFT:
        response.status = "cancelled"
    elif ending in {"cut", "no_response"}:
        response.status, response.error = "failed", _error_of(attempt, ending)
    return response, ending


def _streamed(
    stream: ResponseStream | ChatStream, attempt: AttemptState, ending: Ending
) -> tuple[ModelResponse, Ending]:
    response = stream.response()
    terminal = stream.terminal
    if terminal is not None:
        return response, _ENDINGS.get(terminal, "completed")
    if stream.error is not None:
        response.status = "failed"
        return response, "error_event"
    if stream.unread and ending == "left_early":
        # The SDK raised at it: it was not the program that had enough.
        response.status = "failed"
        head = " ".join(stream.unread[-1].split())[:200]
        response.error = ErrorInfo("provider", f"an event of the stream is not JSON: {head}")
        return response, "error_event"
    if response.error is not None and response.status == "failed":
        return response, "failed_event"
    if stream.finished and ending not in {"cut", "unknown"}:
        return response, "incomplete" if response.status == "incomplete" else "completed"
    if ending == "completed" and response.status != "queued":
        # The bytes ended in good order, but the stream never said that it was done.
        ending = "cut"
    left = ending in LEFT
    response.status = "cancelled" if left else "failed"
    if not left:
        response.error = _error_of(attempt, ending)
    if attempt.cut_event:
        response.rest["cut_event"] = attempt.cut_event
    return response, ending


def _error_of(attempt: AttemptState, ending: Ending) -> ErrorInfo:
    if attempt.error is not None:
        return error_from_exception(attempt.error)
    words: dict[Ending, str] = {
        "cut": "the stream ended before the response was complete",
        "unknown": "the process ended before the response was complete",
        "no_response": "no response came",
        "http_error": f"HTTP {attempt.status}",
    }
    # That a response had begun well says nothing of how it broke off.
    status = attempt.status if ending == "http_error" else None
    return ErrorInfo("transport", words.get(ending, ending), None, status)
