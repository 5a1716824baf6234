"""Chat Completions: the completion, and its chunks in the order of the real ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from tests.server.ids import Clock, Ids
from tests.server.replies import Answer, Call, Say
from tests.server.responses_api import tokens

JSON: TypeAlias = Any


def completion(request: JSON, reply: Answer, ids: Ids, clock: Clock) -> JSON:
    """Make the completion for a request."""
    says = [output for output in reply.output if isinstance(output, Say)]
    called = [output for output in reply.output if isinstance(output, Call)]
    text = "".join(say.text for say in says if not say.refusal)
    refusal = "".join(say.text for say in says if say.refusal)
    message: JSON = {"role": "assistant", "content": text or None}
    if called:
        message["tool_calls"] = [_tool_call(call, ids) for call in called]
    message |= {"refusal": refusal or None, "annotations": []}
    reasons = {"max_output_tokens": "length", "content_filter": "content_filter"}
    finish = reasons.get(reply.reason or "", "tool_calls" if called else "stop")
    given, said = tokens([request.get("messages"), request.get("tools", [])]), tokens(message)
    details = {"audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    return {
        "id": ids.lettered("chatcmpl-", 29),
        "object": "chat.completion",
        "created": clock.tick(),
        "model": f"{request.get('model', 'gpt-4o')}-2024-08-06",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": given,
            "completion_tokens": said,
            "total_tokens": given + said,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, **details},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_a288987b44",
    }


def _tool_call(call: Call, ids: Ids) -> JSON:
    given = call.arguments
    arguments = (
        given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, separators=(",", ":"))
    )
    return {
        "id": call.call_id or ids.lettered("call_"),
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def chunks(whole: JSON, *, with_usage: bool) -> Iterator[JSON]:
    """Give the chunks of a completion's stream; ``[DONE]`` is the server's."""
    (choice,) = whole["choices"]
    message = choice["message"]
    frame = {key: whole[key] for key in ("id", "created", "model", "service_tier", "system_fingerprint")}
    frame = {"id": frame.pop("id"), "object": "chat.completion.chunk", **frame}

    def chunk(delta: JSON, finish: str | None = None) -> JSON:
        choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        return {**frame, "choices": choices, **({"usage": None} if with_usage else {})}

    called = message.get("tool_calls", [])
    yield chunk(
        {"role": "assistant", "content": None if called and not message["content"] else "", "refusal": None}
    )
    for word in ("content", "refusal"):
        for piece in re.findall(r"\s?\S{1,6}|\s+", message[word] or ""):
            yield chunk({word: piece})
    for index, call in enumerate(called):
        begun = {**call, "function": {**call["function"], "arguments": ""}}
        yield chunk({"tool_calls": [{"index": index, **begun}]})
        for piece in re.findall(r".{1,7}", call["function"]["arguments"], re.DOTALL):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, choice["finish_reason"])
    if with_usage:
        yield {**frame, "choices": [], "usage": whole["usage"]}
