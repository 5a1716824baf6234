"""What the events of a Responses stream add to the item that they speak of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfclient.projection.wire.growing import grow as extend

Grower = Callable[[dict[str, Any], dict[str, Any]], None]


def guessed_type(kind: str) -> str:
    """Return the type of an item that was never announced, from the name of an event about it."""
    if "function_call" in kind:
        return "function_call"
    if "reasoning" in kind:
        return "reasoning"
    for stem in (
        "mcp_call",
        "custom_tool_call",
        "code_interpreter_call",
        "image_generation_call",
        "web_search_call",
        "apply_patch_call",
        "shell_call_output",
        "shell_call",
    ):
        if stem in kind:
            return stem
    return "message"


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


GROWERS: dict[str, Grower] = {
    "response.content_part.added": _content_part,
    "response.content_part.done": _content_part,
    "response.reasoning_part.added": _content_part,
    "response.reasoning_part.done": _content_part,
    "response.reasoning_summary_part.added": _content_part,
    "response.reasoning_summary_part.done": _content_part,
    "response.output_text.annotation.added": _annotation,
    "response.shell_call_command.added": _command,
    "response.image_generation_call.partial_image": _partial_image,
    "response.shell_call_output_content.delta": _shell_output,
    "response.shell_call_output_content.done": _shell_output,
}
for _stem, _grower in {
    "response.output_text": _text_delta("content", "output_text", "text", "content_index"),
    "response.refusal": _text_delta("content", "refusal", "refusal", "content_index"),
    "response.reasoning_text": _text_delta("content", "reasoning_text", "text", "content_index"),
    "response.reasoning_summary_text": _text_delta("summary", "summary_text", "text", "summary_index"),
    "response.function_call_arguments": _field_delta("arguments"),
    "response.mcp_call_arguments": _field_delta("arguments"),
    "response.custom_tool_call_input": _field_delta("input"),
    "response.code_interpreter_call_code": _field_delta("code"),
    "response.apply_patch_call_operation_diff": _diff,
    "response.shell_call_command": _command,
}.items():
    GROWERS[f"{_stem}.delta"] = _grower
    GROWERS[f"{_stem}.done"] = _grower

_PROGRESS = ("in_progress", "searching", "interpreting", "generating", "completed", "failed")

SILENT = frozenset(
    {
        "keepalive",
        "response.output_item.added",
        "response.output_item.done",
        "response.compaction.compacting",
    }
    | {
        f"response.{kind}.{word}"
        for kind in (
            "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
            "mcp_list_tools", "tool_search_call",
        )
        for word in _PROGRESS
    }
)  # fmt: skip
"""Events that say only that work goes on."""
