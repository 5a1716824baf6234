"""Every other endpoint with a request and a response: one ``api`` run each, with one ``generic`` step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define

from tfclient.projection.api_results import events_of, last_words, result_summary
from tfclient.projection.bodies import body_bytes, parse_json
from tfclient.projection.compacting import Compacting
from tfclient.projection.errors import error_from_body
from tfclient.projection.hosts import place_of
from tfclient.projection.model_call import usage_from
from tfclient.projection.times import iso, milliseconds
from tfstore.documents import Lineage

if TYPE_CHECKING:
    from tfclient.projection.exchange import Call
    from tfclient.projection.payloads import Lightener
    from tfclient.projection.run_state import Book
    from tfclient.projection.tool_steps import ToolSteps


@define
class OtherCalls:
    """Turns calls that are no conversation into runs of their own."""

    book: Book
    tools: ToolSteps
    lightener: Lightener
    compacting: Compacting

    def open(self, call: Call, at: int, text: str | None = None) -> None:
        """Add the run and its step, in progress."""
        sent = call.attempt.sent
        media = _media(sent.get("headers"))
        data = text.encode("utf-8", "surrogatepass") if text is not None else body_bytes(sent.get("body"))
        arguments = self._body(data, sent.get("body"), media)
        lineage, parent = Lineage(), None
        nested = self.tools.running(call.started.get("tool"))
        if nested is not None:
            parent = nested.run
            lineage.parent_step_id, lineage.source = nested.step.step_id, "explicit"
        payload = where_of(call)
        if (size := _size(sent, data)) is not None:
            payload["bytes"] = size
        if call.endpoint.name == "responses.compact" and isinstance(arguments, dict):
            parent = self.compacting.begin(call, arguments, payload, lineage) or parent
        elif arguments is not None:
            payload["arguments"] = arguments
        run = self.book.open_run(at, "api", lineage, parent)
        name = call.endpoint.name
        step = self.book.add(
            run,
            "generic",
            f"api.{name}",
            call.started_at or at,
            status="in_progress",
            payload_started=payload,
        )
        step.model = _model_of(arguments)
        if call.endpoint.resource_id is not None and name.startswith("conversations."):
            run.run.conversation_id = call.endpoint.resource_id
        run.run.input_text = name
        call.run, call.step = run, step

    def close(self, call: Call, at: int, ending: str) -> None:
        """Fill in what came back."""
        step, run, attempt = call.step, call.run, call.attempt
        if step is None or run is None:
            return
        data, media = attempt.body(), attempt.headers.get("content-type", "")
        body = self._body(data, None, media)
        said_last: dict[str, Any] = body if isinstance(body, dict) else {}
        if "event-stream" in media and isinstance(body, str):
            body = events_of(body)
            said_last = last_words(body["events"])
        step.payload_completed = {"status_code": attempt.status, "bytes": attempt.received}
        said = result_summary(call.endpoint.name, body, media)
        if said_last is not body and isinstance(said_last.get("text"), str):
            said = said_last["text"]
        if said:
            step.payload_completed["result"] = said
        if body is not None:
            step.payload_completed["body"] = body
        failed = attempt.status is not None and attempt.status >= 400
        step.status = "failed" if failed else "completed"
        step.error = error_from_body(body, attempt.status) if failed else None
        if said_last is not body and said_last.get("error") and not failed:
            step.status, step.error = "failed", error_from_body(said_last, None)
        step.usage = usage_from(said_last.get("usage"))
        step.model = said_last["model"] if isinstance(said_last.get("model"), str) else step.model
        if call.endpoint.name == "conversations.create" and isinstance(said_last.get("id"), str):
            run.run.conversation_id = said_last["id"]
        step.ending, step.latency = ending, call.latency(at)
        step.request_id = attempt.request_id
        step.ended_at, step.duration_ms = iso(at), milliseconds(call.started_at, at)
        run.run.status = step.status
        self.book.touch(step)
        self.book.activity(run, at)
        if call.endpoint.name == "responses.compact" and isinstance(body, dict) and not failed:
            self.compacting.end(call, step, run, body, at)

    def _body(self, data: bytes, body: Any, media: str) -> Any:
        if isinstance(body, dict) and "unread" in body:
            return body
        if not data:
            return None
        parsed = parse_json(data)
        if parsed is not None:
            return parsed
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return self.lightener.put(data, media.partition(";")[0] or "application/octet-stream", "")


def where_of(call: Call) -> dict[str, Any]:
    """Return what a call was and where it went: name, method, host, provider, path, query."""
    sent = call.attempt.sent
    named = {"name": f"openai.{call.endpoint.name}", "method": sent.get("method")}
    return named | place_of(str(sent.get("url") or ""))


def _size(sent: dict[str, Any], data: bytes) -> int | None:
    """Return how many bytes the request's body had: as its head says, else as many as were kept."""
    body, headers = sent.get("body"), sent.get("headers")
    told = headers.get("content-length") if isinstance(headers, dict) else None
    if isinstance(told, str) and told.isascii() and told.isdigit():
        return int(told) or None
    if isinstance(body, dict) and isinstance(body.get("bytes"), int):
        return int(body["bytes"])
    return len(data) or None


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
