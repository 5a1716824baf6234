"""What the steps of tool calls and outputs hold of their items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfclient.projection.api.encrypted import sealed
from tfclient.projection.api.fingerprints import parse_arguments
from tfstore.document.item_types import item_type
from tfstore.reading.wire_items import compact

if TYPE_CHECKING:
    from tfclient.projection.api.items import Item

_APART = frozenset({"id", "call_id", "name", "status"})

_OF_CHAT = frozenset({"type", "index"})

_OUTPUT_APART = frozenset({"id", "call_id", "tool_call_id", "output", "content", "status", "role"})


_STATUSES = {None, "completed", "failed", "incomplete", "in_progress"}
"""What a step's own status says; any other word is kept as the item's."""


def call_payload(item: Item) -> dict[str, Any]:
    """Return a call's payload: name, arguments as JSON, its type unless it is a function call, and the rest."""
    arguments, parsed = parse_arguments(item.arguments)
    payload: dict[str, Any] = {"name": item.name or item.type, "arguments": arguments}
    row = item_type(item.type)
    if not parsed and row.arguments == "arguments":
        # What a custom tool or an interpreter is given, `input` or `code`, is no JSON by nature.
        payload["arguments_invalid"] = True
    if (
        isinstance(item.arguments, str)
        and not isinstance(arguments, str)
        and compact(arguments) != item.arguments
    ):
        payload["arguments_text"] = item.arguments
    if item.status not in _STATUSES:
        payload["status"] = item.status
    if item.type != "function_call":
        payload["type"] = item.type
    raw = sealed(item.raw)
    apart = _APART | {"type", row.arguments, row.result}
    for key in ("function", "custom", "function_call"):
        if isinstance(raw.get(key), dict):
            apart |= {*_OF_CHAT, key}
            rest = {k: v for k, v in raw[key].items() if k not in {"name", "arguments", "input"}}
            payload.update({k: v for k, v in rest.items() if v is not None})
    payload.update({k: v for k, v in raw.items() if k not in apart and v is not None})
    return payload


def output_payload(item: Item) -> dict[str, Any]:
    """Return what an output holds besides the output itself."""
    payload = {k: v for k, v in item.raw.items() if k not in _OUTPUT_APART and v is not None}
    if item.type in {"function_call_output", "tool_message", "function_message"}:
        payload.pop("type", None)
    if isinstance(item.output, dict) and "output" not in item.raw and item.type.endswith("_output"):
        # The output stands in the item's own fields.
        payload = {k: v for k, v in payload.items() if k not in item.output} | {"spread": True}
    return payload
