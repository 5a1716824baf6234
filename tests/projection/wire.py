"""Responses items as Chat Completions has them, and usage as each family reports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]


def response_usage(given: int = 100, made: int = 20) -> Json:
    return {
        "input_tokens": given, "output_tokens": made, "total_tokens": given + made,
        "input_tokens_details": {"cached_tokens": 10}, "output_tokens_details": {"reasoning_tokens": 5},
    }  # fmt: skip


def chat_usage(given: int = 100, made: int = 20) -> Json:
    return {
        "prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made,
        "prompt_tokens_details": {"cached_tokens": 10}, "completion_tokens_details": {"reasoning_tokens": 5},
    }  # fmt: skip


def as_messages(items: Sequence[Any]) -> list[Json]:
    """The chat messages that say what these items say; calls join the assistant's message before them."""
    if isinstance(items, str):
        return [{"role": "user", "content": items}]
    messages: list[Json] = []
    for item in items:
        kind = item.get("type", "message")
        if kind == "function_call":
            if not (messages and messages[-1]["role"] == "assistant"):
                messages.append({"role": "assistant", "content": None})
            messages[-1].setdefault("tool_calls", []).append(as_tool_call(item))
        elif kind == "function_call_output":
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]})
        elif item["role"] == "assistant":
            text = item["content"] if isinstance(item["content"], str) else item["content"][0]["text"]
            messages.append({"role": "assistant", "content": text})
        else:
            messages.append(dict(item))
    return messages


def as_tool_call(item: Json) -> Json:
    function = {"name": item["name"], "arguments": item["arguments"]}
    return {"id": item["call_id"], "type": "function", "function": function}


def as_completion(response_id: str, answer: Sequence[Json], **fields: Any) -> Json:
    """A chat completion with one choice that says what these output items say."""
    messages = as_messages(answer)
    message = messages[0] if messages else {"role": "assistant", "content": ""}
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": {**message, "refusal": None}, "finish_reason": reason}
    made = {"id": response_id, "object": "chat.completion", "model": "gpt-5-2025", "created": 1_788_379_895}
    return {**made, "choices": [choice], "usage": chat_usage(), **fields}
