"""What the events of a Responses stream add to the item that they speak of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfclient.projection.wire.growing import grow as extend
from tfstore.document.item_types import ITEM_TYPES

Grower = Callable[[dict[str, Any], dict[str, Any]], None]


def _part(item: dict[str, Any], where: str, index: Any, kind: str) -> dict[str, Any]:
    parts = item.setdefault(where, [])
    if not isinstance(parts, list):
        parts = item[where] = []
    place = index if isinstance(index, int) and 0 <= index <= len(parts) else len(parts)
    if place == len(parts):
        parts.append({"type": kind, "refusal" if kind == "refusal" else "text": ""})
    part = parts[place]
    return part if isinstance(part, dict) else {}


def _text_delta(where: str, kind: str, key: str, position: str) -> Grower:
    def grow(item: dict[str, Any], event: dict[str, Any]) -> None:
        if where == "content" and kind in {"output_text", "refusal"}:
            item.setdefault("role", "assistant")
        part = _part(item, where, event.get(position), kind)
        delta = event.get("delta")
        if isinstance(delta, str):
            extend(part, key, delta)
        elif isinstance(event.get(key), str):
            part[key] = event[key]

    return grow


def _field_delta(name: str) -> Grower:
    def grow(item: dict[str, Any], event: dict[str, Any]) -> None:
        delta = event.get("delta")
        if isinstance(delta, str):
            extend(item, name, delta)
        elif isinstance(event.get(name), str):
            item[name] = event[name]

    return grow


def _annotation(item: dict[str, Any], event: dict[str, Any]) -> None:
    part = _part(item, "content", event.get("content_index"), "output_text")
    rows = part.setdefault("annotations", [])
    if isinstance(rows, list) and event.get("annotation") not in rows:
        rows.append(event.get("annotation"))


def _content_part(item: dict[str, Any], event: dict[str, Any]) -> None:
    given = event.get("part")
    if not isinstance(given, dict):
        return
    where, position = (
        ("summary", "summary_index") if "summary" in str(event.get("type")) else ("content", "content_index")
    )
    part = _part(item, where, event.get(position), str(given.get("type") or "output_text"))
    part.update(given)


def _diff(item: dict[str, Any], event: dict[str, Any]) -> None:
    operation = item.setdefault("operation", {})
    if isinstance(operation, dict):
        _field_delta("diff")(operation, event)


def _command(item: dict[str, Any], event: dict[str, Any]) -> None:
    action = item.setdefault("action", {})
    if not isinstance(action, dict):
        return
    commands = action.setdefault("commands", [])
    place = event.get("command_index")
    if not isinstance(commands, list) or not isinstance(place, int) or not 0 <= place <= len(commands):
        return
    holder = {"command": commands[place]} if place < len(commands) else {}
    _field_delta("command")(holder, event)
    commands[place : place + 1] = [holder.get("command", "")]


def _shell_output(item: dict[str, Any], event: dict[str, Any]) -> None:
    """Pieces of what commands wrote; at the end of a command its outputs as they are."""
    outputs = item.setdefault("output", [])
    place = event.get("command_index")
    if not isinstance(outputs, list) or not isinstance(place, int) or not 0 <= place <= len(outputs):
        return
    if isinstance(event.get("output"), list):
        outputs[place : place + 1] = event["output"]
        return
    if place == len(outputs):
        outputs.append({})
    held, delta = outputs[place], event.get("delta")
    for name, piece in delta.items() if isinstance(delta, dict) and isinstance(held, dict) else ():
        if isinstance(piece, str):
            extend(held, name, piece)


def _partial_image(item: dict[str, Any], event: dict[str, Any]) -> None:
    item["partial_image_b64"] = event.get("partial_image_b64")


def _both(stem: str, kind: str, grower: Grower, *ends: str) -> dict[str, tuple[str, Grower]]:
    return {f"response.{stem}.{end}": (kind, grower) for end in ends or ("delta", "done")}


GROWERS = {
    **_both("content_part", "message", _content_part, "added", "done"),
    **_both("output_text", "message", _text_delta("content", "output_text", "text", "content_index")),
    **_both("output_text.annotation", "message", _annotation, "added"),
    **_both("refusal", "message", _text_delta("content", "refusal", "refusal", "content_index")),
    **_both("reasoning_part", "reasoning", _content_part, "added", "done"),
    **_both("reasoning_text", "reasoning", _text_delta("content", "reasoning_text", "text", "content_index")),
    **_both("reasoning_summary_part", "reasoning", _content_part, "added", "done"),
    **_both(
        "reasoning_summary_text", "reasoning", _text_delta("summary", "summary_text", "text", "summary_index")
    ),
    **_both("shell_call_command", "shell_call", _command, "added"),
    **_both("image_generation_call", "image_generation_call", _partial_image, "partial_image"),
}
"""What an event does to its item, and the type of an item that was never announced."""

_PIECES: dict[str, Grower] = {"operation_diff": _diff, "command": _command, "content": _shell_output}
"""Those that are more than the end of a field of that name."""

for _row in ITEM_TYPES.values():
    for _piece in _row.pieces:
        GROWERS |= _both(f"{_row.name}_{_piece}", _row.name, _PIECES.get(_piece) or _field_delta(_piece))

_PROGRESS = ("in_progress", "searching", "interpreting", "generating", "completed", "failed")

SILENT = frozenset(
    {
        "keepalive",
        "response.output_item.added",
        "response.output_item.done",
        "response.compaction.compacting",
        *(f"response.{row.name}.{word}" for row in ITEM_TYPES.values() if row.progress for word in _PROGRESS),
    }
)
"""Events that say only that work goes on."""
