"""Every other endpoint with a request and a response: one ``api`` run each, with one ``generic`` step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from attrs import define

from tfclient.projection.errors import error_from_body
from tfclient.projection.exchange import body_bytes, parse_json
from tfclient.projection.items import from_responses
from tfclient.projection.lineage import EMPTY, Node
from tfclient.projection.model_call import usage_from
from tfclient.projection.times import iso, milliseconds
from tfstore.documents import Lineage

if TYPE_CHECKING:
    from tfclient.projection.exchange import Call
    from tfclient.projection.lineage import LineageIndex
    from tfclient.projection.payloads import Lightener
    from tfclient.projection.run_state import Book
    from tfclient.projection.tool_steps import ToolSteps


@define
class OtherCalls:
    """Turns calls that are no conversation into runs of their own."""

    book: Book
    index: LineageIndex
    tools: ToolSteps
    lightener: Lightener

    def open(self, call: Call, at: int) -> None:
        """Add the run and its step, in progress."""
        nested = self.tools.running(call.started.get("tool"))
        run = self.book.open_run(at, "api", Lineage(), nested.run if nested else None)
        if nested is not None:
            run.run.lineage.parent_step_id, run.run.lineage.source = nested.step.step_id, "explicit"
        sent = call.attempt.sent
        split = urlsplit(str(sent.get("url") or ""))
        payload: dict[str, Any] = {
            "name": f"openai.{call.endpoint.name}",
            "method": sent.get("method"),
            "host": split.netloc,
            "path": split.path,
        }
        query = parse_qsl(split.query, keep_blank_values=True)
        if query:
            payload["query"] = dict(query)
        arguments = self._body(body_bytes(sent.get("body")), sent.get("body"), _media(sent.get("headers")))
        if arguments is not None:
            payload["arguments"] = arguments
        step = self.book.add(
            run,
            "generic",
            f"api.{call.endpoint.name}",
            call.started_at or at,
            status="in_progress",
            payload_started=payload,
        )
        if isinstance(arguments, dict) and isinstance(arguments.get("model"), str):
            step.model = arguments["model"]
        run.run.input_text = call.endpoint.name
        call.run, call.step = run, step

    def close(self, call: Call, at: int, ending: str) -> None:
        """Fill in what came back."""
        step, run = call.step, call.run
        if step is None or run is None:
            return
        attempt = call.attempt
        data = attempt.body()
        body = self._body(data, None, attempt.headers.get("content-type", ""))
        step.payload_completed = {"status_code": attempt.status, "bytes": attempt.received}
        if body is not None:
            step.payload_completed["body"] = body
        failed = attempt.status is not None and attempt.status >= 400
        step.status = "failed" if failed else "completed"
        step.error = error_from_body(body, attempt.status) if failed else None
        if isinstance(body, dict):
            step.usage = usage_from(body.get("usage"))
            step.model = body["model"] if isinstance(body.get("model"), str) else step.model
        step.ending, step.latency = ending, call.latency(at)
        step.request_id = attempt.headers.get("x-request-id")
        step.ended_at, step.duration_ms = iso(at), milliseconds(call.started_at, at)
        run.run.status = step.status
        self.book.touch(step)
        self.book.activity(run, at)
        if call.endpoint.name == "responses.compact" and isinstance(body, dict) and not failed:
            self._compacted(call, parse_json(data), at)

    def _compacted(self, call: Call, body: Any, at: int) -> None:
        """A compacted context: what the next request re-sends continues from here."""
        step, run = call.step, call.run
        if step is None or run is None or not isinstance(body, dict):
            return
        self.index.nodes += 1
        node = Node(self.index.nodes, step, run, None, EMPTY, response_id=body.get("id"))
        step.response_id = node.response_id
        if isinstance(step.payload_completed.get("body"), dict):
            step.payload_completed["body"] = {
                k: v for k, v in step.payload_completed["body"].items() if k != "output"
            }
        for place, raw in enumerate(body.get("output") or []):
            item = from_responses(raw, place)
            label = "context_compacted" if item.kind == "compaction" else "generic"
            payload = {k: v for k, v in item.raw.items() if k not in {"type", "id"}}
            made = self.book.add(run, label, f"responses.{item.type}", at, payload_completed=payload)
            made.depends_on, made.item_id = [step.step_id], item.item_id
            made.response_id, made.output_index = node.response_id, place
            node.outputs.append(item)
            node.last_step_id = node.last_message_id = made.step_id
        self.index.record(node)
        if node.response_id:
            self.index.by_response[node.response_id] = node

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


def _media(headers: Any) -> str:
    return str(headers.get("content-type", "")) if isinstance(headers, dict) else ""
