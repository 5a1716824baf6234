"""Content of the Messages API as items of the Responses API, which is what the projection reads."""

from __future__ import annotations

from typing import Any

from tfclient.importing.logs.log import Json, dict_in, parts_of
from tfstore.document.json_text import compact


def given_part(part: Json) -> Json:
    """Return a part of what the model was given.

    Example:
        >>> given_part({"type": "text", "text": "Hello"})
        {'type': 'input_text', 'text': 'Hello'}
    """
    kind, source = part.get("type"), dict_in(part, "source")
    if kind == "text":
        return {"type": "input_text", "text": str(part.get("text") or "")}
    address = source.get("url")
    if isinstance(source.get("data"), str):
        address = f"data:{source.get('media_type') or 'application/octet-stream'};base64,{source['data']}"
    if kind == "image" and isinstance(address, str):
        return {"type": "input_image", "image_url": address}
    if kind == "document" and isinstance(address, str):
        return {"type": "input_file", "filename": part.get("title"), "file_data": address}
    return part


def said_item(part: Json) -> Json:
    """Return what a part of an answer is; one of a kind that is not known stays what it is.

    Example:
        >>> said_item({"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "a.py"}})
        {'type': 'function_call', 'call_id': 'toolu_1', 'name': 'Read', 'arguments': '{"path":"a.py"}'}
    """
    kind = part.get("type")
    if kind == "text":
        content = {"type": "output_text", "text": str(part.get("text") or "")}
        return {"type": "message", "role": "assistant", "content": [content]}
    if kind in {"thinking", "redacted_thinking"}:
        text, sealed = part.get("thinking"), part.get("signature") or part.get("data")
        item: Json = {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": text}] if text else [],
        }
        return item | ({"encrypted_content": sealed} if sealed else {})
    if kind == "tool_use":
        arguments = compact(part.get("input")).decode()
        called = {"call_id": str(part.get("id")), "name": str(part.get("name")), "arguments": arguments}
        return {"type": "function_call", **called}
    return part


def output_of(part: Json) -> Any:
    """Return what a tool gave back: a text where it is nothing else."""
    content = part.get("content")
    if isinstance(content, str):
        return content
    parts = parts_of(content)
    if all(each.get("type") == "text" for each in parts):
        return "\n".join(str(each.get("text") or "") for each in parts)
    return [given_part(each) for each in parts]


def usage_of(usage: Any) -> Json:
    """Return token counts; what was read from the cache, or written to it, counts as given.

    Example:
        >>> usage_of({"input_tokens": 3, "cache_read_input_tokens": 40, "output_tokens": 5})["input_tokens"]
        43
    """
    if not isinstance(usage, dict):
        return {}
    read, written = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
    given, made = _count(usage, "input_tokens") + read + written, _count(usage, "output_tokens")
    details = {"cached_tokens": read} | ({"cache_write_tokens": written} if written else {})
    told = {"input_tokens": given, "input_tokens_details": details, "output_tokens": made}
    return {**told, "total_tokens": given + made}


def _count(usage: Json, name: str) -> int:
    count = usage.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) else 0
