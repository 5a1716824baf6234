"""What the step of an output item holds: a message, a reasoning item, and whatever else there is."""

from __future__ import annotations

from typing import Any

from tfclient.projection.api.encrypted import sealed
from tfclient.projection.api.items import Item

_MESSAGE_APART = frozenset({"type", "id", "role", "status", "content", "refusal"})


def message_payload(item: Item) -> dict[str, Any]:
    """Return what the step of a message holds: its text, and beside it only what the text does not say."""
    raw, content = item.raw, item.raw.get("content")
    payload: dict[str, Any] = {"text": item.text}
    part = content[0] if isinstance(content, list) and len(content) == 1 else None
    if isinstance(part, dict) and part.get("type") == "refusal" and isinstance(part.get("refusal"), str):
        payload = {"text": "", "refusal": part["refusal"]}
    elif isinstance(part, dict) and _is_plain(part):
        payload |= {k: part[k] for k in ("annotations", "logprobs") if part.get(k)}
    elif isinstance(content, list) and content:
        payload["text"] = "\n".join(_said(content))
        refusals = [
            p["refusal"] for p in content if isinstance(p, dict) and isinstance(p.get("refusal"), str)
        ]
        payload |= {"refusal": "\n".join(refusals)} if refusals else {}
        payload["content"] = content
    if isinstance(raw.get("refusal"), str) and raw["refusal"]:
        payload["refusal"] = raw["refusal"]
        payload["text"] = "" if payload["text"] == raw["refusal"] else payload["text"]
    if item.choice:
        payload["choice"] = item.choice
    payload.update({k: v for k, v in raw.items() if k not in _MESSAGE_APART and v not in (None, [], "")})
    if raw.get("role") not in (None, "assistant"):
        payload["role"] = raw["role"]
    return payload


def _is_plain(part: dict[str, Any]) -> bool:
    known = {"type", "text", "annotations", "logprobs"}
    return (
        part.get("type") == "output_text"
        and isinstance(part.get("text"), str)
        and not any(v for k, v in part.items() if k not in known)
    )


def _said(content: list[Any]) -> list[str]:
    return [p["text"] for p in content if isinstance(p, dict) and isinstance(p.get("text"), str)]


def reasoning_payload(item: Item) -> dict[str, Any]:
    """Return what the step of a reasoning item holds: its words, its parts as given, encrypted content sealed."""
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
    payload.update(sealed(rest))
    if payload.get("reasoning_content") == item.text:
        payload.pop("reasoning_content")
    return payload
