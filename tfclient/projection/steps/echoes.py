"""A response repeats much of its request: what came back as it was sent is named, not written again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfclient.projection.weight.lightener import Lightener
from tfstore.document.documents import Step
from tfstore.reading.wire_items import differences


def without_echoes(
    rest: dict[str, Any], call: Step, steps: Mapping[str, Step], lightener: Lightener
) -> dict[str, Any]:
    """Return a response's other fields less those that say again what was sent.

    ``as_sent`` lists the fields left out; what is null or empty says nothing. Tools that came back with additions
    (defaults filled in) are written as what is different from the snapshot of those sent. What was sent may have
    been made light since.
    """
    arguments = call.payload_started.get("arguments")
    sent: dict[str, Any] = dict(arguments) if isinstance(arguments, dict) else {}
    if call.previous_response_id is not None:
        sent["previous_response_id"] = call.previous_response_id
    snapshots = _snapshots(call, steps)
    if "instructions" in snapshots and "items" not in snapshots["instructions"].payload_started:
        sent["instructions"] = snapshots["instructions"].payload_started.get("text")
    if "tools" in snapshots:
        sent["tools"] = snapshots["tools"].payload_started.get("tools")
    kept: dict[str, Any] = {}
    echoed: list[str] = []
    for key, value in rest.items():
        if value in (None, "", [], {}):
            continue
        if key not in sent or not isinstance(value, str | list | dict):
            kept[key] = value
        elif _same(value, sent[key]) or _same(
            lightener.lighten(value, key), lightener.lighten(sent[key], key)
        ):
            echoed.append(key)
        elif key == "tools":
            kept[key] = _tools(snapshots["tools"], lightener.lighten(sent[key]), lightener.lighten(value))
        else:
            kept[key] = value
    return kept | ({"as_sent": echoed} if echoed else {})


def _snapshots(call: Step, steps: Mapping[str, Step]) -> dict[str, Step]:
    parts = (call.payload_started.get("prompt_provenance") or {}).get("parts") or []
    return {
        part["type"]: steps[part["step_id"]] for part in parts if part["type"] in {"instructions", "tools"}
    }


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _tools(snapshot: Step, sent: Any, value: Any) -> Any:
    changed, removed = differences(sent, value)
    told: dict[str, Any] = {"step_id": snapshot.step_id}
    told |= ({"with": changed} if changed else {}) | ({"without": removed} if removed else {})
    return told if len(json.dumps(told)) < len(json.dumps(value)) else value
