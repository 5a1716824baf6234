"""Chat Completions: requests and responses read into ``ModelRequest`` and ``ModelResponse``.

A message becomes an item for its text and one for each tool call, so that conversations of both API families
compare and draw alike.
"""

from __future__ import annotations

from typing import Any

from tfclient.projection.api.call_errors import error_from_body, id_of_failure
from tfclient.projection.api.content import text_of_content
from tfclient.projection.api.fingerprints import call_fingerprint, message_fingerprint, output_fingerprint
from tfclient.projection.api.items import POLICY_ROLES, Item
from tfclient.projection.api.model_call import ModelRequest, ModelResponse, usage_from, usage_in
from tfclient.projection.api.sent_prompts import SentPrompts
from tfstore.document.labels import Status

APART = frozenset({"messages", "tools", "functions", "model"})

RESPONSE_APART = frozenset({"id", "choices", "usage", "model", "object"})

_STOPPED_BY_ERROR = "the server stopped with finish_reason error, and did not say which"

_FINISHED: dict[str, Status] = {"length": "incomplete", "content_filter": "incomplete"}


def read_request(body: dict[str, Any], sent: SentPrompts, name: str) -> ModelRequest:
    """Return a Chat Completions request, its messages as items."""
    request = ModelRequest(name, "chat.completions.request")
    model = body.get("model")
    request.model = model if isinstance(model, str) else None
    request.arguments = {k: v for k, v in body.items() if k not in APART}
    if "model" in body and request.model is None:
        request.arguments["model"] = model
    for key in ("tools", "functions"):
        if isinstance(body.get(key), list) and body[key]:
            request.tools = [*request.tools, *body[key]]
            request.functions = len(body[key]) if key == "functions" else 0
        elif key in body:
            request.arguments[key] = body[key]
    messages = body.get("messages")
    if not isinstance(messages, list):
        request.shape = "absent"
        if "messages" in body:
            request.arguments["messages"] = messages
        messages = []
    request.take(messages, sent, message_items)
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
    asked = message.get("tool_calls")
    calls = [call for call in asked if isinstance(call, dict)] if isinstance(asked, list) else []
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
        failed.id = id_of_failure(body, status_code)
        return failed
    response = ModelResponse(id=text_or_none(body.get("id")), model=text_or_none(body.get("model")))
    reasons: list[str] = []
    extras: list[dict[str, Any]] = []
    for place, choice in enumerate(body["choices"]):
        if not isinstance(choice, dict):
            continue
        number = choice.get("index")
        number = number if isinstance(number, int) else place
        message = choice.get("message")
        if not message and isinstance(choice.get("text"), str):
            message = {"role": "assistant", "content": choice["text"]}
        if isinstance(message, dict):
            response.outputs += message_items(message, number, number)
        reason = choice.get("finish_reason")
        if isinstance(reason, str):
            reasons.append(reason)
        extra = {k: v for k, v in choice.items() if k not in {"message", "text"} and v is not None}
        extras.append(extra)
    response.finish_reason = ", ".join(dict.fromkeys(reasons)) or None
    unfinished: list[Status] = [_FINISHED[r] for r in reasons if r in _FINISHED]
    response.status = unfinished[0] if unfinished else "completed"
    if response.status == "incomplete":
        response.incomplete_details = {"reason": next(r for r in reasons if r in _FINISHED)}
    response.raw_usage = usage_in(body)
    response.usage = usage_from(response.raw_usage)
    groq = body.get("x_groq")
    error = (
        body.get("error")
        or next((extra["error"] for extra in extras if extra.get("error")), None)
        or (groq.get("error") if isinstance(groq, dict) else None)
        or (_STOPPED_BY_ERROR if "error" in reasons else None)
    )
    if error:
        response.error = error_from_body({"error": error}, None)
        response.status = "failed"
    response.rest = {k: v for k, v in body.items() if k not in RESPONSE_APART}
    response.rest["choices"] = extras
    return response


def text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
