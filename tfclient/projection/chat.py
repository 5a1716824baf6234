"""Chat Completions: requests, responses and chunk streams read into ``ModelRequest`` and ``ModelResponse``.

A message becomes an item for its text and one for each tool call, so that conversations of both API families
compare and draw alike.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import define, field

from tfclient.projection.errors import error_from_body
from tfclient.projection.items import (
    POLICY_ROLES,
    Item,
    call_fingerprint,
    message_fingerprint,
    output_fingerprint,
    text_of_content,
)
from tfclient.projection.model_call import ModelRequest, ModelResponse, Policy, usage_from

APART = frozenset({"messages", "tools", "functions", "model"})

RESPONSE_APART = frozenset({"id", "choices", "usage", "model", "object"})

_FINISHED = {"length": "incomplete", "content_filter": "incomplete"}


def read_request(body: dict[str, Any], name: str = "openai.chat.completions.create") -> ModelRequest:
    """Return a Chat Completions request, its messages as items."""
    request = ModelRequest(name, "chat.completions.request")
    model = body.get("model")
    request.model = model if isinstance(model, str) else None
    request.arguments = {k: v for k, v in body.items() if k not in APART}
    for key in ("tools", "functions"):
        if isinstance(body.get(key), list):
            request.tools += body[key]
        elif body.get(key) is not None:
            request.arguments[key] = body[key]
    messages = body.get("messages")
    if messages is not None and not isinstance(messages, list):
        request.arguments["messages"] = messages
        messages = []
    for index, message in enumerate(messages or []):
        if isinstance(message, dict) and message.get("role") in POLICY_ROLES:
            request.policies.append(
                Policy(str(message["role"]), text_of_content(message.get("content")), message)
            )
        request.items += message_items(message, index)
    return request


def message_items(message: Any, index: int, choice: int = 0) -> list[Item]:
    """Return the items that one chat message stands for, in the order the model sees them."""
    if not isinstance(message, dict):
        return [Item("other", "unknown", {"value": message}, index)]
    role = str(message.get("role") or "assistant")
    content = message.get("content")
    if role in {"tool", "function"}:
        call_id = message.get("tool_call_id")
        item = Item("output", f"{role}_message", message, index, role=role, output=content)
        item.call_id = call_id if isinstance(call_id, str) else None
        item.name = message.get("name") if isinstance(message.get("name"), str) else None
        item.fingerprint = output_fingerprint(item.call_id or item.name, content)
        return [item]
    if role in POLICY_ROLES:
        return [Item("policy", "message", message, index, role=role, text=text_of_content(content))]
    if role != "assistant":
        text = text_of_content(content)
        return [
            Item(
                "message",
                "message",
                message,
                index,
                role=role,
                text=text,
                fingerprint=message_fingerprint(role, content),
            )
        ]
    return _assistant_items(message, index, choice)


def _assistant_items(message: dict[str, Any], index: int, choice: int) -> list[Item]:
    items: list[Item] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str) and thought:
        key = "reasoning_content" if message.get("reasoning_content") else "reasoning"
        items.append(Item("reasoning", "reasoning", {key: thought}, index, text=thought, choice=choice))
    calls = [call for call in message.get("tool_calls") or [] if isinstance(call, dict)]
    legacy = message.get("function_call")
    content, refusal = message.get("content"), message.get("refusal")
    spoken = content not in (None, "", []) or refusal or message.get("audio")
    if spoken or not (calls or legacy):
        apart = {"tool_calls", "function_call", "reasoning_content", "reasoning"}
        raw = {k: v for k, v in message.items() if k not in apart}
        item = Item(
            "message", "message", raw, index, role="assistant", text=text_of_content(content), choice=choice
        )
        item.fingerprint = message_fingerprint("assistant", content, refusal)
        items.append(item)
    for call in calls:
        kind = "custom" if isinstance(call.get("custom"), dict) else "function"
        items.append(_call_item(call, call.get(kind), call.get("id"), index, choice))
    if isinstance(legacy, dict):
        items.append(_call_item({"function_call": legacy}, legacy, None, index, choice))
    return items


def _call_item(raw: dict[str, Any], part: Any, call_id: Any, index: int, choice: int) -> Item:
    part = part if isinstance(part, dict) else {}
    kind = "custom_tool_call" if "custom" in raw else "function_call"
    name = part.get("name")
    item = Item("call", kind, raw, index, name=name if isinstance(name, str) else None, choice=choice)
    item.call_id = call_id if isinstance(call_id, str) else None
    item.arguments = part.get("input" if kind == "custom_tool_call" else "arguments")
    item.fingerprint = call_fingerprint(item.call_id, item.name, item.arguments)
    return item


def read_response(body: Any, status_code: int | None = None) -> ModelResponse:
    """Return a chat completion; an error body becomes a failed response with its error."""
    if not isinstance(body, dict) or not isinstance(body.get("choices"), list):
        failed = ModelResponse(status="failed", body=body)
        failed.error = error_from_body(body, status_code)
        return failed
    response = ModelResponse(id=_text(body.get("id")), model=_text(body.get("model")))
    reasons: list[str] = []
    extras: list[dict[str, Any]] = []
    for place, choice in enumerate(body["choices"]):
        if not isinstance(choice, dict):
            continue
        number = choice.get("index")
        number = number if isinstance(number, int) else place
        if isinstance(choice.get("message"), dict):
            response.outputs += message_items(choice["message"], number, number)
        reason = choice.get("finish_reason")
        if isinstance(reason, str):
            reasons.append(reason)
        extra = {k: v for k, v in choice.items() if k != "message" and v is not None}
        extras.append(extra)
    response.finish_reason = ", ".join(dict.fromkeys(reasons)) or None
    response.status = next((_FINISHED[r] for r in reasons if r in _FINISHED), "completed")
    if response.status == "incomplete":
        response.incomplete_details = {"reason": next(r for r in reasons if r in _FINISHED)}
    response.raw_usage = body.get("usage") if isinstance(body.get("usage"), dict) else None
    response.usage = usage_from(body.get("usage"))
    if body.get("error"):
        response.error = error_from_body({"error": body["error"]}, None)
        response.status = "failed"
    response.rest = {k: v for k, v in body.items() if k not in RESPONSE_APART}
    response.rest["choices"] = extras
    return response


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


@define
class ChatStream:
    """The state of one chunk stream: feed it events, ask for the completion so far."""

    events: int = 0
    error: Any = None
    unread: list[str] = field(factory=list[str])
    done: bool = False
    _body: dict[str, Any] = field(factory=dict[str, Any])
    _choices: dict[int, dict[str, Any]] = field(factory=dict[int, dict[str, Any]])

    @property
    def ended(self) -> bool:
        """Whether ``[DONE]`` has come."""
        return self.done

    @property
    def response_id(self) -> str | None:
        """The completion's id, as soon as a chunk has told it."""
        return _text(self._body.get("id"))

    @property
    def finished(self) -> bool:
        """Whether every choice seen has said why it finished."""
        return bool(self._choices) and all(c.get("finish_reason") for c in self._choices.values())

    def feed(self, _name: str | None, data: str) -> None:
        """Take one server-sent event."""
        if data.strip() == "[DONE]":
            self.done = True
            return
        self.events += 1
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            self.unread.append(data)
            return
        if not isinstance(chunk, dict):
            self.unread.append(data)
            return
        if chunk.get("error"):
            self.error = chunk["error"]
        for key, value in chunk.items():
            # Azure opens with an empty id and empty choices; the first real value stands.
            if key not in {"choices", "error", "obfuscation"} and value not in (None, "", [], 0):
                self._body[key] = value if key == "usage" else self._body.get(key) or value
        for choice in chunk.get("choices") or []:
            if isinstance(choice, dict):
                self._grow(choice)

    def _grow(self, choice: dict[str, Any]) -> None:
        number = choice.get("index")
        kept = self._choices.setdefault(number if isinstance(number, int) else 0, {"message": {}})
        for key, value in choice.items():
            if key == "delta":
                if isinstance(value, dict):
                    _merge_delta(kept["message"], value)
            elif key == "logprobs" and isinstance(value, dict):
                logprobs = kept.setdefault("logprobs", {})
                for name, rows in value.items():
                    logprobs[name] = (logprobs.get(name) or []) + rows if isinstance(rows, list) else rows
            elif value is not None:
                kept[key] = value

    def response(self) -> ModelResponse:
        """Return the completion as far as the stream has told it."""
        if not self._choices and self.error is not None:
            return read_response({"error": self.error})
        choices = [{"index": n, **self._choices[n]} for n in sorted(self._choices)]
        response = read_response({**self._body, "choices": choices})
        if self.error is not None:
            response.error, response.status = error_from_body({"error": self.error}, None), "failed"
        elif not (self.done or self.finished):
            response.status = "in_progress"
        return response


def _merge_delta(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if value is None:
            message.setdefault(key, None)
        elif key == "tool_calls" and isinstance(value, list):
            _merge_calls(message.setdefault("tool_calls", []), value)
        elif key == "function_call" and isinstance(value, dict):
            if not isinstance(message.get(key), dict):
                message[key] = {}
            _merge_strings(message[key], value)
        elif key == "audio" and isinstance(value, dict):
            if not isinstance(message.get(key), dict):
                message[key] = {}
            _merge_strings(message[key], value, joined={"data", "transcript"})
        elif key == "role":
            message["role"] = value or message.get("role")
        elif isinstance(value, str):
            message[key] = (message.get(key) or "") + value
        elif isinstance(value, list):
            message[key] = (message.get(key) or []) + value
        else:
            message[key] = value


def _merge_calls(calls: list[dict[str, Any]], deltas: list[Any]) -> None:
    for delta in deltas:
        if not isinstance(delta, dict):
            continue
        number = delta.get("index")
        known = next((c for c in calls if number is not None and c.get("index") == number), None)
        if known is None:
            known = {"index": number}
            calls.append(known)
        for key, value in delta.items():
            if isinstance(value, dict):
                part = known.get(key)
                known[key] = part = part if isinstance(part, dict) else {}
                _merge_strings(part, value)
            elif value is not None:
                known[key] = value


def _merge_strings(
    target: dict[str, Any],
    delta: dict[str, Any],
    joined: frozenset[str] | set[str] = frozenset({"arguments", "input"}),
) -> None:
    for key, value in delta.items():
        if value is None:
            target.setdefault(key, None)
        elif key in joined and isinstance(value, str):
            target[key] = (target.get(key) or "") + value
        else:
            target[key] = value
