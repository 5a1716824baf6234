"""What a model was asked and what it gave back, whichever API family carried it.

``responses`` and ``chat`` read their own wire format into these two; runs, lineage and steps are made from them
alone.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.items import Item
from tfstore.documents import ErrorInfo, Usage


@define
class Policy:
    """One instruction of a request: the ``instructions`` field, or a system or developer message."""

    source: str
    text: str
    raw: Any = None


@define
class PromptPart:
    """A part of the prompt in the order sent: a policy, the parent, or one input item."""

    kind: str
    index: int = 0


@define
class ModelRequest:
    """One model request, read. ``arguments`` is every field but input, instructions and tools."""

    name: str
    type: str
    model: str | None = None
    arguments: dict[str, Any] = field(factory=dict[str, Any])
    items: list[Item] = field(factory=list[Item])
    policies: list[Policy] = field(factory=list[Policy])
    tools: list[Any] = field(factory=list[Any])
    previous_response_id: str | None = None
    conversation_id: str | None = None
    template: dict[str, Any] | None = None
    unread: dict[str, Any] | None = None
    """What stands in for a body that could not be read as this API's JSON."""


@define
class ModelResponse:
    """One model response, as far as it got. ``rest`` holds the fields that have no place of their own."""

    id: str | None = None
    status: str = "completed"
    model: str | None = None
    outputs: list[Item] = field(factory=list[Item])
    usage: Usage | None = None
    raw_usage: dict[str, Any] | None = None
    finish_reason: str | None = None
    incomplete_details: Any = None
    error: ErrorInfo | None = None
    conversation_id: str | None = None
    rest: dict[str, Any] = field(factory=dict[str, Any])
    body: Any = None
    """A body that was not this API's JSON: an error object, HTML of a proxy, text."""


def usage_from(raw: Any) -> Usage | None:
    """Return token counts from either family's ``usage`` object; None when there is none.

    Responses: ``input_tokens``, ``output_tokens`` and their details. Chat: ``prompt_tokens``, ``completion_tokens``.
    """
    if not isinstance(raw, dict):
        return None
    given = _details(raw, "input_tokens_details", "prompt_tokens_details")
    made = _details(raw, "output_tokens_details", "completion_tokens_details")
    usage = Usage(
        input_tokens=_count(raw, "input_tokens", "prompt_tokens"),
        output_tokens=_count(raw, "output_tokens", "completion_tokens"),
        cached_tokens=_count(given, "cached_tokens"),
        reasoning_tokens=_count(made, "reasoning_tokens"),
        total_tokens=_count(raw, "total_tokens"),
    )
    if not usage.total_tokens:
        usage.total_tokens = usage.input_tokens + usage.output_tokens
    return usage


def _details(raw: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        if isinstance(raw.get(name), dict):
            return dict(raw[name])
    return {}


def _count(raw: dict[str, Any], *names: str) -> int:
    for name in names:
        value = raw.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value)
    return 0
