"""The prompt of a model call, put together again from the steps that made it.

``payload_started.prompt_provenance`` of an ``assistant_call`` lists the parts in the order sent:

=============== =====================================================================================
type            what stands there
=============== =====================================================================================
instructions    the ``instructions`` field: a ``policy.snapshot``
tools           the tools: a ``tool.schemas.snapshot``
response        what the server kept: the context of an earlier response (``previous_response_id``)
resent          ``items`` items as an earlier call (``step_id``) sent them, beginning with its ``from``
any step label  one item or message, from ``step_id`` (or several ``step_ids``), in a ``form``;
                ``with`` and ``without`` say what was sent differently, by JSON pointer
item            an item that no step holds, as it was
=============== =====================================================================================
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Container, Iterator
from typing import Any

from attrs import define, field

from tfstore.document.depth import is_folded, unfolded
from tfstore.document.documents import Session, Step
from tfstore.document.json_text import NUMBERS
from tfstore.document.references import is_reference, truncated
from tfstore.reading.wire_items import patched, wire_item

ReadBlob = Callable[[str], bytes]

Json = dict[str, Any]


@define
class Prompt:
    """What one model call sent.

    ``items`` are its input items or messages as sent. ``response_id`` names the response whose context the server
    put before them (``previous_response_id``), which is not part of the request.
    """

    step_id: str
    instructions: Any = None
    tools: list[Any] = field(factory=list[Any])
    items: list[Any] = field(factory=list[Any])
    response_id: str | None = None
    request: Json = field(factory=dict)
    """The whole request body as sent."""
    unknown: list[str] = field(factory=list[str])
    """What the model was given besides, or in place of, what stands here, in words."""


def has_prompt(step: Step) -> bool:
    """Return whether a step asked a model for something."""
    return step.label == "assistant_call"


def prompt_of(session: Session, step_id: str, read_blob: ReadBlob | None = None) -> Prompt:
    """Return the prompt of a model call, equal to what was sent but for what redaction changed and a cap cut.

    A value that was cut stays the object that says so (``tfstore.document.references``).

    Args:
        session: the session's document.
        step_id: an ``assistant_call`` step.
        read_blob: gives a blob's bytes by its name (``sha256:…``); without it long values stay references.

    Raises:
        KeyError: the session has no such step.
        ValueError: the step asked no model.
    """
    steps = {step.step_id: step for run in session.runs for step in run.steps}
    step = steps[step_id]
    run = next(run for run in session.runs if any(each is step for each in run.steps))
    return prompt_among(steps, step, run.lineage.notes, read_blob)


def prompt_among(
    steps: dict[str, Step], step: Step, notes: list[str], read_blob: ReadBlob | None = None
) -> Prompt:
    """Return the prompt of a call among the steps of its session, as ``prompt_of`` does.

    Args:
        steps: all the session's steps, by id.
        step: the call.
        notes: those of the lineage of its run.
        read_blob: gives a blob's bytes by its name.
    """
    step_id = step.step_id
    if not has_prompt(step):
        raise ValueError(f"{step_id} is a {step.label}: only a call of a model has a prompt")
    prompt = Prompt(step_id)
    if _unread(step) is None:
        _put_together(prompt, step, steps, read_blob)
    prompt.unknown = list(not_known(step, prompt.request, steps, notes))
    return prompt


def _put_together(prompt: Prompt, step: Step, steps: dict[str, Step], read_blob: ReadBlob | None) -> None:
    for part in _parts(step):
        if part.get("type") == "instructions":
            prompt.instructions = whole(item_of(part, steps), read_blob)
        elif part.get("type") == "tools":
            prompt.tools = whole(steps[part["step_id"]].payload_started.get("tools") or [], read_blob)
        elif part.get("type") == "response":
            prompt.response_id = part.get("response_id")
    parts = spelled_out(input_parts(step), steps)
    prompt.items = [whole(item_of(part, steps), read_blob) for part in parts]
    prompt.request = _request(step, prompt, steps, read_blob)


def _unread(step: Step) -> Json | None:
    """Return what stands in place of a request's body that was no JSON object, or could not be kept."""
    body = step.payload_started.get("body")
    return body if isinstance(body, dict) else None if body is None else {}


def not_known(step: Step, request: Json, steps: Container[str], notes: list[str]) -> Iterator[str]:
    """Say what the server added to a request that no request tells, and what of the request could not be read.

    Args:
        step: the call.
        request: its body's fields, but for instructions, tools and items.
        steps: the ids of the session's steps.
        notes: those of the lineage of its run.
    """
    unread = _unread(step)
    if unread is not None:
        why = str(unread.get("unread") or "no JSON object").replace("_", " ")
        size = unread.get("bytes")
        yield f"the request's body ({why}{'' if size is None else f', {size} bytes'})"
    linked = [part for part in _parts(step) if part.get("type") == "response"]
    conversation = request.get("conversation")
    if isinstance(conversation, dict):
        conversation = conversation.get("id")
    if any(str(part.get("step_id")) not in steps for part in linked):
        found = next((n.partition(":")[2] for n in notes if n.startswith("parent_session:")), None)
        where = "was not recorded here" if found is None else f"is in session {found}"
        yield f"the context of {linked[-1].get('response_id')}, which {where}"
    elif conversation and not linked:
        yield f"what conversation {conversation} held before this call"
    elif conversation:
        yield f"what was put into conversation {conversation} other than by model calls of this session"
    template = request.get("prompt")
    if isinstance(template, dict):
        version = f", version {template['version']}" if template.get("version") else ""
        yield f"the text of the prompt template {template.get('id')}{version}, which only the server has"


def _parts(step: Step) -> list[Json]:
    provenance = step.payload_started.get("prompt_provenance")
    return list(provenance.get("parts") or []) if isinstance(provenance, dict) else []


def input_parts(step: Step) -> list[Json]:
    """Return the parts of a call's items or messages, in the order sent."""
    return [part for part in _parts(step) if part.get("type") not in {"instructions", "tools", "response"}]


def spelled_out(parts: list[Json], steps: dict[str, Step]) -> Iterator[Json]:
    """Yield the parts with what was sent again in its place; a long conversation is a long chain, hence no recursion.

    What was sent again from a step that is not there stays as it is.

    Raises:
        ValueError: a step sends itself again.
    """
    walks: list[tuple[str, Iterator[Json]]] = [("", part_slice(parts, 0, None))]
    within: set[str] = set()
    while walks:
        part = next(walks[-1][1], None)
        if part is None:
            within.discard(walks.pop()[0])
        elif part.get("type") == "resent" and part["step_id"] in steps:
            again = part["step_id"]
            if again in within:
                raise ValueError(f"{again} sends itself again")
            within.add(again)
            begin = int(part.get("from") or 0)
            walks.append((again, part_slice(input_parts(steps[again]), begin, begin + int(part["items"]))))
        else:
            yield part


def part_slice(parts: list[Json], begin: int, end: int | None) -> Iterator[Json]:
    """Yield the parts of the items from ``begin`` up to ``end``, ranges cut to fit."""
    place = 0
    for part in parts:
        length = int(part["items"]) if part.get("type") == "resent" else 1
        low, high = max(begin, place), place + length if end is None else min(end, place + length)
        if low < high:
            if part.get("type") == "resent":
                yield {**part, "from": int(part.get("from") or 0) + low - place, "items": high - low}
            else:
                yield part
        place += length
        if end is not None and place >= end:
            return


def item_of(part: Json, steps: dict[str, Step]) -> Any:
    """Return the item or message that one part stands for, as it was sent; long values stay references.

    Raises:
        KeyError: the session does not have the step.
    """
    if part.get("type") == "item":
        return part["item"]
    made_of = [steps[step_id] for step_id in part.get("step_ids") or [part["step_id"]]]
    item = wire_item(made_of, part.get("form", "item"), part.get("place", 0))
    return patched(item, part.get("with"), part.get("without"))


_INPUTS = {"chat.completions.request": "messages", "completions.request": "prompt"}
"""In which field the items were sent."""


def _request(step: Step, prompt: Prompt, steps: dict[str, Step], read_blob: ReadBlob | None) -> Json:
    payload = step.payload_started
    body: Json = dict(whole(payload.get("arguments") or {}, read_blob))
    if payload.get("model") is not None and payload.get("model_from") != "url":
        body["model"] = payload["model"]
    if step.previous_response_id is not None:
        body["previous_response_id"] = step.previous_response_id
    if prompt.instructions is not None:
        body["instructions"] = prompt.instructions
    for part in _parts(step):
        if part.get("type") == "tools":
            legacy = int(steps[part["step_id"]].payload_started.get("functions") or 0)
            cut = len(prompt.tools) - legacy
            body |= {"tools": prompt.tools[:cut]} if cut else {}
            body |= {"functions": prompt.tools[cut:]} if legacy else {}
    shape = (payload.get("prompt_provenance") or {}).get("input", "list")
    if shape != "absent":
        key = _INPUTS.get(step.type, "input")
        body[key] = prompt.items[0] if shape == "single" else prompt.items
    return body


def whole(value: Any, read_blob: ReadBlob | None) -> Any:
    """Return a payload value as it was on the wire: blobs, marked numbers and folded depths in their places."""
    folded: list[Json] = []
    made = _whole(value, read_blob, folded)
    return unfolded(made) if folded else made


def _whole(value: Any, read_blob: ReadBlob | None, folded: list[Json]) -> Any:
    if isinstance(value, list):
        return [_whole(each, read_blob, folded) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"number"} and isinstance(value["number"], str) and value["number"] in NUMBERS:
        return NUMBERS[value["number"]]
    if not is_reference(value):
        made = {key: _whole(each, read_blob, folded) for key, each in value.items()}
        folded += [made] if is_folded(made) else []
        return made
    if read_blob is None or "blob" not in value:
        return value
    encoding = value.get("encoding")
    if truncated(value) is not None:
        return value if encoding else _text_kept(value, read_blob(value["blob"]))
    data = read_blob(value["blob"])
    if encoding in BASE64:
        return str(value.get("prefix") or "") + encode_base64(data, encoding)
    return (
        _whole(json.loads(data), None, folded)
        if encoding == "json"
        else data.decode("utf-8", "surrogatepass")
    )


def _text_kept(reference: Json, data: bytes) -> Json:
    kept = {key: each for key, each in reference.items() if key not in {"blob", "preview"}}
    return {"text": data.decode("utf-8", "surrogatepass"), **kept}


BASE64 = ("base64", "base64url", "base64-unpadded", "base64url-unpadded", "base64-lines")
"""The variants of base64 in which bytes stand on the wire."""


def encode_base64(data: bytes, variant: str) -> str:
    """Return bytes as text in one of the variants of base64."""
    if variant == "base64-lines":
        return base64.encodebytes(data).decode()
    encode = base64.urlsafe_b64encode if variant.startswith("base64url") else base64.b64encode
    text = encode(data).decode()
    return text.rstrip("=") if variant.endswith("-unpadded") else text
