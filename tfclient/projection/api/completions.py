"""Legacy Completions: a request read into ``ModelRequest``; its answer reads like that of a chat.

The prompt is a text or a list of texts; each is a user message. It may be tokens, too: a list of numbers, or
several; those are a message without text.
"""

from __future__ import annotations

from typing import Any

from tfclient.projection.api.fingerprints import message_fingerprint
from tfclient.projection.api.items import Item
from tfclient.projection.api.model_call import ModelRequest
from tfclient.projection.api.sent_prompts import SentPrompts

APART = frozenset({"prompt", "model"})


def read_request(body: dict[str, Any], sent: SentPrompts, name: str) -> ModelRequest:
    """Return a legacy completion's request, its prompts as items."""
    request = ModelRequest(name, "completions.request")
    model, prompt = body.get("model"), body.get("prompt")
    request.model = model if isinstance(model, str) else None
    request.arguments = {k: v for k, v in body.items() if k not in APART}
    if "model" in body and request.model is None:
        request.arguments["model"] = model
    if prompt is None:
        request.shape = "absent"
        request.arguments |= {"prompt": None} if "prompt" in body else {}
        request.take([], sent, _items)
    elif isinstance(prompt, list) and not (prompt and _is_number(prompt[0])):
        request.take(prompt, sent, _items)
    else:
        request.shape = "single"
        request.take([prompt], sent, _items)
    return request


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _items(raw: Any, place: int) -> list[Item]:
    """Return a prompt as a message of the user."""
    text = raw if isinstance(raw, str) else f"[{len(raw)} tokens]" if isinstance(raw, list) else ""
    message = {"role": "user", "content": raw}
    fingerprint = message_fingerprint("user", raw if isinstance(raw, str) else [{"tokens": raw}])
    return [Item("message", "message", message, place, role="user", text=text, fingerprint=fingerprint)]
