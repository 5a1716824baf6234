"""The event streams in which the API sends a response: order and shapes as recorded."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]


def sse(event: Json | str) -> str:
    """One server-sent event; text is passed as it is."""
    if isinstance(event, str):
        return event
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n"


def response_events(response: Json) -> list[Json]:
    """All events of a Responses stream, ``response.created`` to its last."""
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    events: list[Json] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(response["output"]):
        events += _item_events(index, item)
    events.append({"type": f"response.{response['status']}", "response": response})
    return [{**event, "sequence_number": n} for n, event in enumerate(events)]


def _item_events(index: int, item: Json) -> list[Json]:
    place = {"output_index": index, "item_id": item.get("id")}
    kind = item["type"]
    empties: Json = {"message": {"content": []}, "function_call": {"arguments": ""}}
    empty = empties.get(kind, {})
    events: list[Json] = [
        {
            "type": "response.output_item.added",
            "output_index": index,
            "item": {**item, **empty, "status": "in_progress"},
        }
    ]
    if kind == "function_call":
        events += [
            {"type": "response.function_call_arguments.delta", **place, "delta": piece}
            for piece in _pieces(item["arguments"])
        ]
        events.append(
            {"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"]}
        )
    for number, part in enumerate(item.get("content") or []):
        events += _part_events({**place, "content_index": number}, part)
    events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    return events


def _part_events(where: Json, part: Json) -> list[Json]:
    key = "refusal" if part["type"] == "refusal" else "text"
    name = {"refusal": "refusal", "reasoning_text": "reasoning_text"}.get(part["type"], "output_text")
    return [
        {"type": "response.content_part.added", **where, "part": {**part, key: ""}},
        *({"type": f"response.{name}.delta", **where, "delta": piece} for piece in _pieces(part[key])),
        {"type": f"response.{name}.done", **where, key: part[key]},
        {"type": "response.content_part.done", **where, "part": part},
    ]


def chat_chunks(completion: Json) -> list[Json]:
    """All chunks of a chat stream, usage last."""
    head = {k: completion[k] for k in ("id", "model", "created")} | {"object": "chat.completion.chunk"}
    chunks: list[Json] = []
    for choice in completion["choices"]:
        message = choice["message"]

        def chunk(delta: Json, reason: str | None = None, index: int = choice["index"]) -> None:
            chunks.append({**head, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]})

        chunk({"role": "assistant", "content": "" if message.get("content") else None})
        for piece in _pieces(message.get("content") or ""):
            chunk({"content": piece})
        for n, call in enumerate(message.get("tool_calls") or []):
            function = call["function"]
            chunk(
                {
                    "tool_calls": [
                        {"index": n, **call, "function": {"name": function["name"], "arguments": ""}}
                    ]
                }
            )
            for piece in _pieces(function["arguments"]):
                chunk({"tool_calls": [{"index": n, "function": {"arguments": piece}}]})
        chunk({}, choice.get("finish_reason"))
    chunks.append({**head, "choices": [], "usage": completion["usage"]})
    return chunks


def _pieces(text: str, size: int = 4) -> list[str]:
    return [text[n : n + size] for n in range(0, len(text), size)]
