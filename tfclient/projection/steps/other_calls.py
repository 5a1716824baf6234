"""Every other endpoint with a request and a response: one ``api`` run each, with one ``generic`` step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field

from tfclient.projection.api.api_results import is_last, last_words, result_summary, tells_json
from tfclient.projection.api.call_errors import error_from_body
from tfclient.projection.api.encrypted import sealed_within
from tfclient.projection.api.model_call import usage_from
from tfclient.projection.wire.bodies import body_bytes, parse_json
from tfclient.projection.wire.hosts import place_of
from tfclient.projection.wire.own_headers import own_headers
from tfclient.projection.wire.response_stream import ResponseStream
from tfclient.projection.wire.sse import events_of
from tfstore.document.documents import Lineage
from tfstore.document.times import iso, milliseconds

if TYPE_CHECKING:
    from tfclient.projection.lineage.book import Book, RunState
    from tfclient.projection.steps.call_state import Call
    from tfclient.projection.steps.tool_steps import ToolSteps
    from tfclient.projection.weight.lightener import Lightener
    from tfclient.projection.wire.attempt import AttemptState
    from tfstore.document.documents import Step
    from tfstore.document.labels import Ending
    from tfstore.journal.entries import AttemptSent


RETRIEVE = "responses.retrieve"

_ENCRYPTED = b"encrypted_content"

_MEDIA = ("audio/", "image/", "video/")


@define
class _Retrieved:
    """The step of a response that was created elsewhere and is looked at here, again and again perhaps."""

    run: RunState
    step: Step
    opened: int
    looks: int = 0


@define
class OtherCalls:
    """Turns calls that are no conversation into runs of their own."""

    book: Book
    tools: ToolSteps
    lightener: Lightener
    _retrieved: dict[str, _Retrieved] = field(factory=dict[str, "_Retrieved"])

    def open(self, call: Call, at: int, text: str | None = None) -> None:
        """Add the run and its step, in progress; polling a response that was created elsewhere adds none."""
        known = self._retrieved_before(call)
        if known is not None:
            call.run, call.step = known.run, known.step
            return
        self._add(call, at, text)
        if call.endpoint.name == RETRIEVE and call.endpoint.resource_id and call.run and call.step:
            self._retrieved[call.endpoint.resource_id] = _Retrieved(
                call.run, call.step, call.started_at or at
            )

    def _retrieved_before(self, call: Call) -> _Retrieved | None:
        if call.endpoint.name != RETRIEVE:
            return None
        return self._retrieved.get(call.endpoint.resource_id or "")

    def _add(self, call: Call, at: int, text: str | None) -> None:
        at = call.started_at or at
        sent = call.attempt.sent
        media = _media(sent["headers"])
        data = text.encode("utf-8", "surrogatepass") if text is not None else body_bytes(sent["body"])
        arguments = self._body(data, sent["body"], media)
        lineage, parent = Lineage(), None
        nested = self.tools.running(call.started.get("tool"))
        if nested is not None:
            parent = nested.run
            lineage.parent_step_id, lineage.source = nested.step.step_id, "explicit"
        payload = where_of(call)
        if (size := _size(sent, data)) is not None:
            payload["bytes"] = size
        if arguments is not None:
            payload["arguments"] = sealed_within(arguments) if _ENCRYPTED in data else arguments
        run = self.book.open_run(at, "api", lineage, parent)
        name = call.endpoint.name
        step = self.book.add(
            run,
            "generic",
            f"api.{name}",
            at,
            status="in_progress",
            payload_started=payload,
        )
        step.model = _model_of(arguments)
        if call.endpoint.resource_id is not None and name.startswith("conversations."):
            run.run.conversation_id = call.endpoint.resource_id
        run.run.input_text = name
        call.run, call.step = run, step

    def close(self, call: Call, at: int, ending: Ending) -> Ending:
        """Fill in what came back; return how it ended: a stream that said its last word has, whoever left it then."""
        attempt, before = call.attempt, self._retrieved_before(call)
        if before is not None and before.looks and not _brought_something(attempt):
            # What an earlier look brought stays as it is.
            self._add(call, call.attempts[0].sent_at, None)
            before = None
        step, run = call.step, call.run
        if step is None or run is None:
            return ending
        data, media = attempt.body(), attempt.headers.get("content-type", "")
        body = self._body(data, attempt.unread, media)
        if isinstance(attempt.stream, ResponseStream):
            body = attempt.stream.body()
        said_last: dict[str, Any] = body if isinstance(body, dict) else {}
        events = events_of(body) if attempt.is_events and isinstance(body, str) else None
        if events is not None and ("event-stream" in media or tells_json(events["events"])):
            body, said_last = events, last_words(events["events"])
            ending = "completed" if is_last(events["events"]) else ending
        step.payload_completed = {"status_code": attempt.status, "bytes": attempt.received}
        said = result_summary(call.endpoint.name, body, media)
        if said_last is not body and isinstance(said_last.get("text"), str):
            said = said_last["text"]
        if said:
            step.payload_completed["result"] = said
        if body is not None:
            # Of a stream the body was not kept, and a list of vectors is not worth walking through.
            may_be_sealed = _ENCRYPTED in data or attempt.stream is not None
            step.payload_completed["body"] = sealed_within(body) if may_be_sealed else body
        failed = attempt.status is not None and attempt.status >= 400
        step.status = "failed" if failed else "completed"
        step.error = error_from_body(body, attempt.status) if failed else None
        # A resource may have an error of its own; a body that is nothing else is one.
        is_resource = said_last is body and {"id", "object", "data"} & said_last.keys()
        if (
            isinstance(said_last.get("error"), dict | str)
            and said_last["error"]
            and not failed
            and not is_resource
        ):
            step.status, step.error, ending = "failed", error_from_body(said_last, None), "error_event"
        step.usage = usage_from(said_last.get("usage"))
        step.model = said_last["model"] if isinstance(said_last.get("model"), str) else step.model
        if call.endpoint.name == "conversations.create" and isinstance(said_last.get("id"), str):
            run.run.conversation_id = said_last["id"]
        step.ending, step.latency = ending, call.latency(at)
        step.request_id = attempt.request_id
        step.ended_at, step.duration_ms = iso(at), milliseconds(call.started_at, at)
        if before is not None:
            before.looks += 1
            step.payload_completed["looks"] = before.looks
            step.duration_ms = milliseconds(before.opened, at)
        run.run.status = step.status
        self.book.touch(step)
        self.book.activity(run, at)
        return ending

    def _body(self, data: bytes, body: Any, media: str) -> Any:
        if isinstance(body, dict) and "unread" in body:
            return body
        if not data:
            return None
        if media.startswith(_MEDIA):
            # Also where its bytes happen to be text.
            return self.lightener.put(data, media.partition(";")[0], "")
        parsed = parse_json(data)
        if parsed is not None:
            return parsed
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return self.lightener.put(data, media.partition(";")[0] or "application/octet-stream", "")


def where_of(call: Call) -> dict[str, Any]:
    """Return what a call was and where it went: name, method, host, provider, path, query, headers of its own."""
    sent = call.attempt.sent
    named = {"name": f"openai.{call.endpoint.name}", "method": sent["method"]}
    own = own_headers(sent["headers"], sent.get("redactions"), beta=False)
    return named | place_of(str(sent["url"] or "")) | ({"headers": own} if own else {})


def _brought_something(attempt: AttemptState) -> bool:
    good = attempt.status is not None and attempt.status < 400
    return good and (attempt.stream is not None or bool(attempt.body()))


def _size(sent: AttemptSent, data: bytes) -> int | None:
    """Return how many bytes the request's body had: as its head says, else as many as were kept."""
    body, headers = sent["body"], sent["headers"]
    told = headers.get("content-length") if isinstance(headers, dict) else None
    if isinstance(told, str) and told.isascii() and told.isdigit():
        return int(told) or None
    known = body.get("bytes") if isinstance(body, dict) else None
    return known if isinstance(known, int) else len(data) or None


def _model_of(arguments: Any) -> str | None:
    """Return the model that was asked for: a field of the JSON, or a part of the form."""
    if not isinstance(arguments, dict):
        return None
    parts = arguments.get("parts")
    for part in [arguments, *(parts if isinstance(parts, list) else [])]:
        if isinstance(part, dict):
            model = part.get("value") if part.get("name") == "model" else part.get("model")
            if isinstance(model, str):
                return model
    return None


def _media(headers: Any) -> str:
    return str(headers.get("content-type", "")) if isinstance(headers, dict) else ""
