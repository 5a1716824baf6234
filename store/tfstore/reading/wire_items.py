"""Steps as the items and messages that went over the wire: the inverse of what the projection makes of them.

A step is given back in one of these forms:

======== ==========================================================================================
item     an item of the Responses API, as the API itself gives it
easy     ``{"role": …, "content": "text"}``
message  a message of Chat Completions; one message may have become several steps
string   the bare text
======== ==========================================================================================

Whatever a sender wrote differently stands beside the reference as a difference (``differences``, ``patched``),
addressed by JSON pointers (RFC 6901), so that what comes out is equal to what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tfstore.document.documents import Step
from tfstore.document.item_types import item_type
from tfstore.document.references import is_reference

Json = dict[str, Any]

FORMS = ("item", "easy", "message", "string")

_NOT_OF_THE_ITEM = frozenset(
    {"text", "name", "arguments", "arguments_text", "arguments_invalid", "parts_type", "content", "type"}
)

_NOT_OF_THE_OUTPUT = frozenset({"type", "output", "evidence", "exception", "spread"})


def wire_item(steps: Sequence[Step], form: str = "item", place: int = 0) -> Any:
    """Return the item or message that these steps stand for; ``place`` counts inside a snapshot."""
    step = steps[0]
    if form == "string":
        return step.payload_started.get("text")
    if step.label in {"policy.snapshot", "context.snapshot"}:
        return _of_snapshot(step, place)
    if form == "easy":
        return {"role": "assistant", "content": step.payload_completed.get("text")}
    if form == "message":
        return _message(steps)
    return _ITEMS.get(step.label, _whole)(step)


def _of_snapshot(step: Step, place: int) -> Any:
    items = step.payload_started.get("items")
    if isinstance(items, list) and place < len(items):
        return items[place]
    sources = step.payload_started.get("sources") or ["system"]
    text = step.payload_started.get("text")
    return text if sources[0] == "instructions" else {"role": sources[0], "content": text}


def _with_ids(step: Step, kind: str | None = None, *, call: bool = False) -> Json:
    item: Json = {} if kind is None else {"type": kind}
    if step.item_id is not None:
        item["id"] = step.item_id
    if call and step.call_id is not None:
        item["call_id"] = step.call_id
    return item


def _content(payload: Json) -> Any:
    if "content" in payload:
        return payload["content"]
    if "parts_type" in payload:
        return [{"type": payload["parts_type"], "text": payload.get("text")}]
    return payload.get("text")


def _user(step: Step) -> Json:
    payload = step.payload_started
    item = {"role": "user", "content": _content(payload)}
    return {**item, **_with_ids(step), **{k: v for k, v in payload.items() if k not in _NOT_OF_THE_ITEM}}


def _assistant(step: Step) -> Json:
    payload = step.payload_completed
    item = {**_with_ids(step, "message"), "role": "assistant", "status": step.status}
    if "content" in payload:
        content = payload["content"]
    elif not payload.get("text") and "refusal" in payload:
        content = [{"type": "refusal", "refusal": payload["refusal"]}]
    else:
        part: Json = {"type": "output_text", "text": payload.get("text"), "annotations": []}
        content = [part | {k: payload[k] for k in ("annotations", "logprobs") if k in payload}]
    rest = _NOT_OF_THE_ITEM | {"refusal", "annotations", "logprobs", "choice"}
    return {**item, "content": content, **{k: v for k, v in payload.items() if k not in rest}}


def arguments_text(payload: Json) -> Any:
    """Return a call's arguments as the text that was sent."""
    if "arguments_text" in payload:
        return payload["arguments_text"]
    arguments = payload.get("arguments")
    if isinstance(arguments, str) or arguments is None or is_reference(arguments):
        return arguments
    return compact(arguments)


def compact(value: Any) -> str:
    """Return JSON text as the API writes arguments: no spaces, key order as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _call(step: Step) -> Json:
    payload = step.payload_started
    kind = str(payload.get("type") or "function_call")
    item = {**_with_ids(step, kind, call=True), "status": "completed"}
    row = item_type(kind)
    key = row.arguments
    if payload.get("arguments") is not None or "arguments_text" in payload:
        given = payload.get("arguments")
        item[key] = arguments_text(payload) if key in {"arguments", "input"} else given
    if row.named:
        item["name"] = payload.get("name")
    return {**item, **{k: v for k, v in payload.items() if k not in _NOT_OF_THE_ITEM - {"content"}}}


def _output(step: Step) -> Json:
    payload = step.payload_completed
    item = _with_ids(step, str(payload.get("type") or "function_call_output"), call=True)
    if payload.get("spread") and isinstance(payload.get("output"), dict):
        item |= payload["output"]
    elif "output" in payload:
        item["output"] = payload["output"]
    return {**item, **{k: v for k, v in payload.items() if k not in _NOT_OF_THE_OUTPUT}}


def _reasoning(step: Step) -> Json:
    payload = step.payload_completed
    item = {**_with_ids(step, "reasoning"), "summary": []}
    return {**item, **{k: v for k, v in payload.items() if k != "text"}}


def _whole(step: Step) -> Json:
    kind = step.payload_completed.get("type") or step.type.removeprefix("responses.")
    return {**_with_ids(step, str(kind)), **step.payload_completed}


_ITEMS = {
    "user_message": _user,
    "assistant_message": _assistant,
    "tool_call": _call,
    "tool_output": _output,
    "tool_error": _output,
    "reasoning": _reasoning,
}


def _message(steps: Sequence[Step]) -> Json:
    first = steps[0]
    if first.label == "user_message":
        return _user(first)
    if first.label in {"tool_output", "tool_error"}:
        answer = {
            "role": "tool",
            "tool_call_id": first.call_id,
            "content": first.payload_completed.get("output"),
        }
        return {**answer, **{k: v for k, v in first.payload_completed.items() if k not in _NOT_OF_THE_OUTPUT}}
    message: Json = {"role": "assistant", "content": None}
    for step in steps:
        _add_to(message, step)
    return message


def _add_to(message: Json, step: Step) -> None:
    started, completed = step.payload_started, step.payload_completed
    if step.label == "assistant_message":
        message["content"] = completed.get("content", completed.get("text"))
        rest = {"text", "content", "choice"}
        message.update({k: v for k, v in completed.items() if k not in rest})
    elif step.label == "reasoning":
        message.setdefault("reasoning_content", completed.get("text"))
    elif step.label == "tool_call":
        custom = started.get("type") == "custom_tool_call"
        key, words = ("custom", "input") if custom else ("function", "arguments")
        part = {"name": started.get("name"), words: arguments_text(started)}
        call = {"id": step.call_id, "type": key, key: part}
        message.setdefault("tool_calls", []).append(call)


def differences(base: Any, wanted: Any) -> tuple[Json, list[str]]:
    """Return what makes ``wanted`` of ``base``: values by JSON pointer, and the pointers to leave out.

    Example:
        >>> differences({"a": [1, 2], "b": 3}, {"a": [1, 5], "c": 4})
        ({'/a/1': 5, '/c': 4}, ['/b'])
    """
    changed: Json = {}
    removed: list[str] = []
    _compare(base, wanted, "", changed, removed)
    return changed, removed


def _compare(base: Any, wanted: Any, path: str, changed: Json, removed: list[str]) -> None:
    if _is_same(base, wanted):
        return
    if (
        isinstance(base, dict)
        and isinstance(wanted, dict)
        and not (is_reference(base) or is_reference(wanted))
    ):
        for key, value in wanted.items():
            where = f"{path}/{_escaped(key)}"
            if key in base:
                _compare(base[key], value, where, changed, removed)
            else:
                changed[where] = value
        removed += [f"{path}/{_escaped(key)}" for key in base if key not in wanted]
    elif isinstance(base, list) and isinstance(wanted, list) and len(base) == len(wanted):
        for n, (one, other) in enumerate(zip(base, wanted, strict=True)):
            _compare(one, other, f"{path}/{n}", changed, removed)
    else:
        changed[path] = wanted


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON, where 1, 1.0 and true differ."""
    if type(one) is not type(other) or one != other:
        return False
    return not isinstance(one, dict | list) or json.dumps(one, sort_keys=True) == json.dumps(
        other, sort_keys=True
    )


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def patched(base: Any, changed: Json | None, removed: Sequence[str] | None) -> Any:
    """Return a copy of ``base`` with the differences applied."""
    if not changed and not removed:
        return base
    if changed and "" in changed:
        return changed[""]
    value = json.loads(json.dumps(base))
    for path, new in (changed or {}).items():
        holder, key = _at(value, path)
        holder[key] = new
    for path in removed or ():
        holder, key = _at(value, path)
        del holder[key]
    return value


def _at(value: Any, path: str) -> tuple[Any, Any]:
    keys = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    for key in keys[:-1]:
        value = value[int(key)] if isinstance(value, list) else value[key]
    last = keys[-1]
    return value, int(last) if isinstance(value, list) else last
