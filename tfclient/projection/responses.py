"""The Responses API: requests, responses and event streams read into ``ModelRequest`` and ``ModelResponse``.

Everything is read from the raw JSON, by ``type``: real traffic holds fields, items and events that no SDK names
yet. The final ``response`` of a stream is the truth; what was streamed before it counts only when it never came,
and then by ``output_index``, because ids change within a stream at some providers.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import define, field

from tfclient.projection.errors import error_from_body
from tfclient.projection.items import from_responses, text_of_content
from tfclient.projection.model_call import ModelRequest, ModelResponse, Policy, usage_from

APART = frozenset(
    {"input", "instructions", "tools", "model", "previous_response_id", "conversation", "prompt"}
)

RESPONSE_APART = frozenset(
    {"id", "status", "model", "output", "usage", "incomplete_details", "error", "conversation", "object"}
)

TERMINAL = frozenset({"response.completed", "response.failed", "response.incomplete", "response.cancelled"})


def read_request(body: dict[str, Any], name: str = "openai.responses.create") -> ModelRequest:
    """Return a Responses API request, its items, policies and tools told apart."""
    request = ModelRequest(name, "responses.request")
    model = body.get("model")
    request.model = model if isinstance(model, str) else None
    request.arguments = {k: v for k, v in body.items() if k not in APART}
    request.previous_response_id = _id(body.get("previous_response_id"))
    request.conversation_id = _id(body.get("conversation"))
    prompt = body.get("prompt")
    if isinstance(prompt, dict):
        request.template = prompt
    elif prompt is not None:
        request.arguments["prompt"] = prompt
    instructions = body.get("instructions")
    if instructions:
        request.policies.append(Policy("instructions", text_of_content(instructions), instructions))
    tools = body.get("tools")
    request.tools = tools if isinstance(tools, list) else []
    if tools is not None and not isinstance(tools, list):
        request.arguments["tools"] = tools
    given = body.get("input")
    listed = given if isinstance(given, list) else [] if given is None else [given]
    for index, raw in enumerate(listed):
        item = from_responses(raw, index)
        if item.kind == "policy":
            request.policies.append(Policy(str(item.role), item.text, raw))
        request.items.append(item)
    return request


def read_response(body: Any, status_code: int | None = None) -> ModelResponse:
    """Return a Responses API response; an error body becomes a failed response with its error."""
    if not isinstance(body, dict) or not (
        "output" in body or body.get("object") in {"response", "response.compaction"}
    ):
        failed = ModelResponse(status="failed", body=body)
        failed.error = error_from_body(body, status_code)
        return failed
    response = ModelResponse(id=_id(body.get("id")), model=_id(body.get("model")))
    response.status = str(body.get("status") or "completed")
    for index, raw in enumerate(body.get("output") or []):
        response.outputs.append(from_responses(raw, index))
    response.raw_usage = body.get("usage") if isinstance(body.get("usage"), dict) else None
    response.usage = usage_from(body.get("usage"))
    response.incomplete_details = body.get("incomplete_details")
    response.conversation_id = _id(body.get("conversation"))
    response.finish_reason = response.status
    if isinstance(response.incomplete_details, dict):
        response.finish_reason = str(response.incomplete_details.get("reason") or response.status)
    if body.get("error"):
        response.error = error_from_body({"error": body["error"]}, None)
    response.rest = {k: v for k, v in body.items() if k not in RESPONSE_APART}
    return response


def _id(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and value else None


@define
class ResponseStream:
    """The state of one Responses event stream: feed it events, ask for the response so far."""

    events: int = 0
    response_id: str | None = None
    final: dict[str, Any] | None = None
    terminal: str | None = None
    error: Any = None
    unread: list[str] = field(factory=list[str])
    _latest: dict[str, Any] = field(factory=dict[str, Any])
    _items: dict[int, dict[str, Any]] = field(factory=dict[int, dict[str, Any]])

    @property
    def ended(self) -> bool:
        """Whether the stream has said its last word."""
        return self.terminal is not None

    def feed(self, name: str | None, data: str) -> None:
        """Take one server-sent event."""
        if data.strip() == "[DONE]":
            return
        self.events += 1
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            self.unread.append(data)
            return
        if not isinstance(event, dict):
            self.unread.append(data)
            return
        kind = str(event.get("type") or name or "")
        if kind in {"error", "response.error"} or (not kind and "error" in event):
            self.error = event.get("error") or {k: v for k, v in event.items() if k != "type"}
            return
        response = event.get("response")
        if isinstance(response, dict):
            self._latest = response
            self.response_id = self.response_id or _id(response.get("id"))
            if kind in TERMINAL:
                self.final, self.terminal = response, kind
                self.response_id = _id(response.get("id")) or self.response_id
            return
        self._grow(kind, event)

    def _grow(self, kind: str, event: dict[str, Any]) -> None:
        index = event.get("output_index")
        if not isinstance(index, int):
            return
        if isinstance(event.get("item"), dict):
            self._items[index] = json.loads(json.dumps(event["item"]))
            return
        item = self._items.setdefault(index, {"type": _guess(kind), "id": event.get("item_id")})
        grow = _GROWERS.get(kind)
        if grow is not None:
            grow(item, event)

    def response(self) -> ModelResponse:
        """Return the response as far as the stream has told it."""
        if self.final is not None:
            body = self.final
            if not body.get("output") and self._items and self.terminal != "response.completed":
                body = {**body, "output": self._partial()}
            return read_response(body)
        status = "in_progress" if self.error is None else "failed"
        body = {"object": "response", **self._latest, "output": self._partial()}
        if self.response_id:
            body["id"] = self.response_id
        body["status"] = status if self.error is not None else body.get("status") or status
        response = read_response(body)
        if self.error is not None:
            response.error = error_from_body({"error": self.error}, None)
        return response

    def _partial(self) -> list[dict[str, Any]]:
        return [self._items[index] for index in sorted(self._items)]


def _guess(kind: str) -> str:
    if "function_call" in kind:
        return "function_call"
    if "reasoning" in kind:
        return "reasoning"
    for stem in (
        "mcp_call",
        "custom_tool_call",
        "code_interpreter_call",
        "image_generation_call",
        "web_search_call",
    ):
        if stem in kind:
            return stem
    return "message"


def _part(item: dict[str, Any], where: str, index: Any, kind: str) -> dict[str, Any]:
    parts = item.setdefault(where, [])
    if not isinstance(parts, list):
        parts = item[where] = []
    place = index if isinstance(index, int) and 0 <= index <= len(parts) else len(parts)
    if place == len(parts):
        parts.append({"type": kind, "refusal" if kind == "refusal" else "text": ""})
    part = parts[place]
    return part if isinstance(part, dict) else {}


def _text_delta(where: str, kind: str, key: str, position: str) -> Any:
    def grow(item: dict[str, Any], event: dict[str, Any]) -> None:
        if where == "content" and kind in {"output_text", "refusal"}:
            item.setdefault("role", "assistant")
        part = _part(item, where, event.get(position), kind)
        delta = event.get("delta")
        if isinstance(delta, str):
            part[key] = str(part.get(key) or "") + delta
        elif isinstance(event.get(key), str):
            part[key] = event[key]

    return grow


def _field_delta(name: str) -> Any:
    def grow(item: dict[str, Any], event: dict[str, Any]) -> None:
        delta = event.get("delta")
        if isinstance(delta, str):
            item[name] = str(item.get(name) or "") + delta
        elif isinstance(event.get(name), str):
            item[name] = event[name]

    return grow


def _annotation(item: dict[str, Any], event: dict[str, Any]) -> None:
    part = _part(item, "content", event.get("content_index"), "output_text")
    part.setdefault("annotations", []).append(event.get("annotation"))


def _content_part(item: dict[str, Any], event: dict[str, Any]) -> None:
    given = event.get("part")
    if not isinstance(given, dict):
        return
    where, position = (
        ("summary", "summary_index") if "summary" in str(event.get("type")) else ("content", "content_index")
    )
    part = _part(item, where, event.get(position), str(given.get("type") or "output_text"))
    part.update(json.loads(json.dumps(given)))


_GROWERS: dict[str, Any] = {
    "response.content_part.added": _content_part,
    "response.content_part.done": _content_part,
    "response.reasoning_part.added": _content_part,
    "response.reasoning_part.done": _content_part,
    "response.reasoning_summary_part.added": _content_part,
    "response.reasoning_summary_part.done": _content_part,
    "response.output_text.annotation.added": _annotation,
}
for _stem, _grower in {
    "response.output_text": _text_delta("content", "output_text", "text", "content_index"),
    "response.refusal": _text_delta("content", "refusal", "refusal", "content_index"),
    "response.reasoning_text": _text_delta("content", "reasoning_text", "text", "content_index"),
    "response.reasoning_summary_text": _text_delta("summary", "summary_text", "text", "summary_index"),
    "response.function_call_arguments": _field_delta("arguments"),
    "response.mcp_call_arguments": _field_delta("arguments"),
    "response.custom_tool_call_input": _field_delta("input"),
    "response.code_interpreter_call_code": _field_delta("code"),
}.items():
    _GROWERS[f"{_stem}.delta"] = _grower
    _GROWERS[f"{_stem}.done"] = _grower
