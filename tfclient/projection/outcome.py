"""A response becomes steps: the ``assistant_call`` is filled in, and each output item has its own step.

An item's identity is its response and its ``output_index``: seeing a response again (retrieved, polled, streamed
anew) updates those steps and adds none.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from attrs import define

from tfclient.projection.items import Item, only_text, parse_arguments
from tfclient.projection.times import iso, milliseconds

if TYPE_CHECKING:
    from tfclient.projection.exchange import Call
    from tfclient.projection.lineage import LineageIndex, Node
    from tfclient.projection.model_call import ModelResponse
    from tfclient.projection.run_state import Book
    from tfclient.projection.tool_steps import ToolSteps
    from tfstore.documents import Step

_MESSAGE_APART = frozenset({"type", "id", "role", "status", "content", "refusal"})


@define
class Outcome:
    """Turns responses into steps."""

    book: Book
    index: LineageIndex
    tools: ToolSteps

    def close(self, call: Call, response: ModelResponse, at: int, ending: str) -> None:
        """Fill in the call's step and its items' steps from a response, whole or as far as it got."""
        step, node, run = call.step, call.node, call.run
        if step is None or node is None or run is None:
            return
        _fill(step, response)
        step.ending = ending
        if call.attempts:
            step.latency = call.latency(at)
            step.request_id = step.request_id or _request_id(call)
        if response.status not in {"queued", "in_progress"} or ending not in {"completed", "incomplete"}:
            step.ended_at, step.duration_ms = iso(at), milliseconds(call.started_at, at)
        node.response_id = response.id or node.response_id
        step.response_id = node.response_id
        # A conversation that the server keeps is named by the response where the request did not.
        run.run.conversation_id = run.run.conversation_id or response.conversation_id
        self._items(call, node, response, at)
        node.outputs = response.outputs
        self.index.record(node)
        if node.response_id:
            self.index.by_response[node.response_id] = node
        if response.conversation_id or run.run.conversation_id:
            self.index.by_conversation[str(response.conversation_id or run.run.conversation_id)] = node
        self.book.touch(step)
        self.book.activity(run, at)

    def announce(self, call: Call, response_id: str | None) -> None:
        """Take a response's id as soon as a stream tells it, so that a later chain to it holds."""
        node = call.node
        if node is None or response_id is None or node.response_id is not None:
            return
        node.response_id = node.step.response_id = response_id
        node.contexts = node.contexts or [node.before]
        self.index.by_response[response_id] = node

    def _items(self, call: Call, node: Node, response: ModelResponse, at: int) -> None:
        siblings: list[Step] = []
        for place, item in enumerate(response.outputs):
            known = call.outputs.get(place)
            if known is not None:
                self._update(known, item)
                siblings.append(known)
                continue
            step = self._item(item, at, node, siblings)
            step.response_id, step.output_index = node.response_id, place
            call.outputs[place] = step
            siblings.append(step)
        if siblings:
            node.last_step_id = siblings[-1].step_id
        else:
            node.last_step_id = node.step.step_id
        messages = [s for s in siblings if s.label == "assistant_message"]
        node.last_message_id = messages[-1].step_id if messages else node.last_step_id

    def _item(self, item: Item, at: int, node: Node, siblings: list[Step]) -> Step:
        run = node.run
        depends = [node.step.step_id]
        if item.kind == "call":
            return self.tools.call(run, item, at, node, depends)
        if item.kind == "output":
            return self.tools.output_item(run, item, at, node, siblings)
        label, kind = {
            "message": ("assistant_message", "assistant.output"),
            "reasoning": ("reasoning", "responses.reasoning"),
            "approval_request": ("approval_request", "responses.mcp_approval_request"),
            "compaction": ("context_compacted", "responses.compaction"),
        }.get(item.kind, ("generic", item.type))
        step = self.book.add(run, label, kind, at, depends_on=depends, item_id=item.item_id)
        if label == "approval_request":
            self.tools.approvals[str(item.item_id)] = step
        self._fill_item(step, item)
        return step

    def _update(self, step: Step, item: Item) -> None:
        step.item_id = step.item_id or item.item_id
        if step.label in {
            "assistant_message",
            "reasoning",
            "generic",
            "approval_request",
            "context_compacted",
        }:
            self._fill_item(step, item)
        elif step.label == "tool_call" and item.kind == "call":
            step.payload_started["arguments"] = parse_arguments(item.arguments)[0]
            step.call_id = step.call_id or item.call_id
        self.book.touch(step)

    def _fill_item(self, step: Step, item: Item) -> None:
        if step.label == "assistant_message":
            step.payload_completed = _message_payload(item)
            if item.status in {"incomplete", "in_progress"}:
                step.status = "incomplete"
        elif step.label == "reasoning":
            step.payload_completed = _reasoning_payload(item)
        elif step.label == "approval_request":
            payload = {k: v for k, v in item.raw.items() if k not in {"type", "id", "status"}}
            payload["arguments"] = parse_arguments(item.arguments)[0]
            step.payload_started, step.tool_name = payload, item.name
        else:
            raw = {k: v for k, v in item.raw.items() if k not in {"type", "id"}}
            step.payload_completed = _without_secrets_of_provider(raw)


def _fill(step: Step, response: ModelResponse) -> None:
    step.status = response.status if response.status != "in_progress" else step.status
    if response.status in {"queued", "in_progress"}:
        step.status = response.status
    step.model = response.model or step.model
    step.usage = response.usage or step.usage
    step.finish_reason = response.finish_reason or step.finish_reason
    step.error = response.error
    texts = [
        item.text
        for item in response.outputs
        if item.kind == "message" and item.role == "assistant" and item.text
    ]
    calls = [
        {"name": i.name, "arguments": parse_arguments(i.arguments)[0], "call_id": i.call_id}
        for i in response.outputs
        if i.kind == "call" and i.answered_by_caller
    ]
    payload: dict[str, Any] = {"text": "\n\n".join(texts)} if texts else {}
    if calls:
        payload["function_calls"] = calls
    if response.id:
        payload["response_id"] = response.id
    payload["status"] = response.status
    if response.incomplete_details:
        payload["incomplete_details"] = response.incomplete_details
    if response.raw_usage:
        payload["usage"] = response.raw_usage
    if response.rest:
        payload["response"] = response.rest
    if response.body not in (None, ""):
        payload["body"] = response.body
    step.payload_completed = payload


def _request_id(call: Call) -> str | None:
    headers = call.attempt.headers
    return headers.get("x-request-id") or headers.get("apim-request-id")


def _message_payload(item: Item) -> dict[str, Any]:
    raw = item.raw
    payload: dict[str, Any] = {"text": item.text}
    content = raw.get("content")
    parts = content if isinstance(content, list) else []
    refusals = [p["refusal"] for p in parts if isinstance(p, dict) and isinstance(p.get("refusal"), str)]
    if isinstance(raw.get("refusal"), str) and raw["refusal"]:
        refusals.append(raw["refusal"])
    if refusals:
        spoken = [str(p["text"]) for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str)]
        payload["text"] = "\n".join(spoken) if parts else item.text
        payload["refusal"] = "\n".join(refusals)
    annotations = [a for p in parts if isinstance(p, dict) for a in p.get("annotations") or []]
    if annotations:
        payload["annotations"] = annotations
    rows = [row for p in parts if isinstance(p, dict) for row in p.get("logprobs") or []]
    if rows:
        payload["logprobs"] = rows
    if not only_text(
        [{k: v for k, v in p.items() if k in {"type", "text"} or v} for p in parts if isinstance(p, dict)]
    ):
        payload["content"] = content
        payload.pop("annotations", None)
        payload.pop("logprobs", None)
    elif len(parts) > 1:
        payload["content"] = content
    if item.choice:
        payload["choice"] = item.choice
    payload.update({k: v for k, v in raw.items() if k not in _MESSAGE_APART and v not in (None, [], "")})
    if raw.get("role") not in (None, "assistant"):
        payload["role"] = raw["role"]
    return payload


def _reasoning_payload(item: Item) -> dict[str, Any]:
    raw = item.raw
    payload: dict[str, Any] = {"text": item.text} if item.text else {}
    if raw.get("summary"):
        payload["summary"] = raw["summary"]
    if raw.get("content"):
        payload["content"] = raw["content"]
    rest = {
        k: v
        for k, v in raw.items()
        if k not in {"type", "id", "status", "summary", "content"} and v is not None
    }
    payload.update(_without_secrets_of_provider(rest))
    if payload.get("reasoning_content") == item.text:
        payload.pop("reasoning_content")
    return payload


def _without_secrets_of_provider(raw: dict[str, Any]) -> dict[str, Any]:
    """Encrypted content says nothing to a reader: its length and digest stand for it."""
    if not isinstance(raw.get("encrypted_content"), str):
        return raw
    data = raw["encrypted_content"].encode("utf-8", "surrogatepass")
    kept = {k: v for k, v in raw.items() if k != "encrypted_content"}
    return {**kept, "encrypted": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}}
