"""Items and messages of the API as parts of the messages of OpenTelemetry's GenAI conventions."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from attrs import field, frozen

from tfstore.document.documents import Json
from tfstore.document.item_types import item_type
from tfstore.document.references import is_reference
from tfstore.errors import StoreError
from tfstore.reading.prompts import BASE64, whole
from tfstore.reading.step_text import as_text

ReadBlob = Callable[[str], bytes]

_TEXTS: Final = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text", "refusal"})
_ROLES: Final = {"developer": "system", "function": "tool"}
_DATA_URL: Final = re.compile(r"data:([^;,]*)[^,]*;base64,(.*)", re.DOTALL)
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
_MEDIA: Final = ("image", "audio", "video")


@frozen
class Said:
    """One item in a message: who says it, and in which parts."""

    role: str
    parts: list[Json] = field(factory=list["Json"])
    name: str | None = None


@frozen
class Reader:
    """Reads what a document keeps apart: long texts always, media where they are wanted ``inline``."""

    read_blob: ReadBlob | None = None
    inline: bool = False

    def texts(self, value: Any) -> Any:
        """Return a value with its long texts in it, its media as references."""
        return self._filled(whole(value, None))

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if not isinstance(value, dict):
            return value
        if not is_reference(value):
            return {key: self._filled(each) for key, each in value.items()}
        if value.get("encoding") in BASE64:
            return value
        try:
            return whole(value, self.read_blob)
        except (StoreError, OSError, ValueError):
            return as_text(value)

    def media(self, reference: Json) -> Json:
        """Return the part for something that is no text and that the document refers to."""
        kind = str(reference.get("media_type") or "application/octet-stream")
        about = {"modality": modality(kind), "mime_type": kind}
        if self.inline and self.read_blob is not None and "blob" in reference:
            try:
                data = self.read_blob(reference["blob"])
            except (StoreError, OSError):
                pass
            else:
                return {"type": "blob", **about, "content": base64.b64encode(data).decode()}
        return {"type": "uri", **about, "uri": str(reference.get("blob") or "")}


def modality(media_type: str) -> str:
    """Return what kind of thing a media type is of: ``image``, ``audio``, ``video``, else ``document``."""
    return next((each for each in _MEDIA if media_type.startswith(each)), "document")


def fit(text: str) -> str:
    r"""Return a text as receivers can store it: NUL and halves of characters become U+FFFD.

    Example:
        >>> fit("a\x00b\ud800")
        'a\ufffdb\ufffd'
    """
    return _UNFIT.sub("\ufffd", text)


def as_json(value: Any) -> str:
    """Return a value as compact JSON that receivers can store."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    if "\\u0000" in text or _UNFIT.search(text):
        text = json.dumps(_all_fit(value), ensure_ascii=False, separators=(",", ":"), default=str)
    return text


def _all_fit(value: Any) -> Any:
    if isinstance(value, str):
        return fit(value)
    if isinstance(value, dict):
        return {fit(str(key)): _all_fit(each) for key, each in value.items()}
    return [_all_fit(each) for each in value] if isinstance(value, list | tuple) else value


def said(item: Any, reader: Reader) -> Said:
    """Return what an item or message says.

    Example:
        >>> said({"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}, Reader())
        Said(role='user', parts=[{'type': 'text', 'content': 'Hi'}], name=None)
    """
    item = reader.texts(item)
    if isinstance(item, str):
        return Said("user", [_text(item)])
    if not isinstance(item, dict):
        return Said("user", [{"type": "unknown", "value": item}])
    if isinstance(item.get("role"), str):
        name = item.get("name")
        role: str = item["role"]
        return Said(
            _ROLES.get(role, role),
            list(_message(item, role, reader)),
            name if isinstance(name, str) else None,
        )
    kind = str(item.get("type") or "item")
    return Said(*_of_kind(kind, item, reader))


def _of_kind(kind: str, item: Json, reader: Reader) -> tuple[str, list[Json]]:
    row = item_type(kind)
    if kind == "reasoning":
        return "assistant", list(_reasoning(item))
    if row.kind == "output":
        answer = item.get("output", item.get("content"))
        return "tool", [_response(item.get("call_id", item.get("id")), _content_or_value(answer, reader))]
    if row.kind == "call":
        by_caller = row.answered_by == "caller" or (
            row.answered_by == "either" and item.get("execution") != "server"
        )
        given = _parsed(item.get(row.arguments))
        name = str(item.get("name") or kind.removesuffix("_call"))
        call_id = item.get("call_id", item.get("id"))
        if by_caller:
            return "assistant", [_request(call_id, name, given)]
        called = {"type": "server_tool_call", "id": _id(call_id), "name": name}
        parts = [{**called, "server_tool_call": {"type": kind, row.arguments: given}}]
        if row.result and item.get(row.result) is not None:
            result = _content_or_value(item[row.result], reader)
            answered = {"type": "server_tool_call_response", "id": _id(call_id)}
            parts.append({**answered, "server_tool_call_response": {"type": kind, row.result: result}})
        return "assistant", parts
    role = "user" if row.kind in {"approval_response", "reference"} else "assistant"
    return role, [{**_media_told(item, reader), "type": kind}]


def _message(item: Json, role: str, reader: Reader) -> Iterator[Json]:
    content = item.get("content")
    if role in {"tool", "function"}:
        yield _response(item.get("tool_call_id", item.get("name")), _content_or_value(content, reader))
        return
    if isinstance(item.get("reasoning_content"), str):
        yield {"type": "reasoning", "content": item["reasoning_content"]}
    yield from _content(content, reader)
    if isinstance(item.get("refusal"), str):
        yield _text(item["refusal"])
    calls = item.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            held = call.get("function") or call.get("custom") or {}
            held = held if isinstance(held, dict) else {}
            given = held.get("arguments", held.get("input"))
            yield _request(call.get("id"), str(held.get("name")), _parsed(given))
    called = item.get("function_call")
    if isinstance(called, dict):
        yield _request(called.get("name"), str(called.get("name")), _parsed(called.get("arguments")))
    audio = item.get("audio")
    if isinstance(audio, dict):
        yield {**_media_told(audio, reader), "type": "audio"}


def _content(content: Any, reader: Reader) -> Iterator[Json]:
    if content is None:
        return
    for each in content if isinstance(content, list) else [content]:
        yield _part(each, reader)


def _part(part: Any, reader: Reader) -> Json:
    if isinstance(part, str):
        return _text(part)
    if is_reference(part):
        return reader.media(part)
    if not isinstance(part, dict):
        return {"type": "unknown", "value": part}
    kind = str(part.get("type") or "part")
    if kind in _TEXTS:
        text = part.get("text", part.get("refusal"))
        return _text(text if isinstance(text, str) else as_text(text))
    if "audio" in kind and isinstance(part.get("transcript"), str):
        # What was heard or spoken, in words.
        return _text(part["transcript"])
    held = part.get(kind) if isinstance(part.get(kind), dict) and not is_reference(part.get(kind)) else part
    return _medium(kind, held if isinstance(held, dict) else part, reader) or {
        **_media_told(part, reader),
        "type": kind,
    }


def _medium(kind: str, held: Json, reader: Reader) -> Json | None:
    """Return the part of a picture, a sound or a file: by reference, by address, or by its id."""
    word = next((each for each in _MEDIA if each in kind), "document")
    for key in ("image_url", "url", "data", "file_data", "file_url", "video_url"):
        value = held.get(key)
        if is_reference(value):
            return reader.media(value)
        if isinstance(value, str):
            if found := _DATA_URL.match(value):
                about = {"modality": word, "mime_type": found[1] or None}
                return {"type": "blob", **about, "content": found[2]}
            if key in {"data", "file_data"}:
                return {"type": "blob", "modality": word, "content": value}
            return {"type": "uri", "modality": word, "uri": value}
    if isinstance(held.get("file_id"), str):
        return {"type": "file", "modality": word, "file_id": held["file_id"]}
    return None


def _media_told(value: Any, reader: Reader) -> Any:
    """Return a value in which references are told as what they refer to."""
    if is_reference(value):
        return reader.media(value)
    if isinstance(value, dict):
        return {key: _media_told(each, reader) for key, each in value.items()}
    return [_media_told(each, reader) for each in value] if isinstance(value, list) else value


def _reasoning(item: Json) -> Iterator[Json]:
    texts = [
        str(part["text"])
        for key in ("summary", "content")
        for part in _listed(item.get(key))
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    ]
    if texts:
        yield {"type": "reasoning", "content": "\n\n".join(texts)}
        return
    sealed = item.get("encrypted", item.get("encrypted_content"))
    size = (
        sealed.get("bytes") if isinstance(sealed, dict) else len(sealed) if isinstance(sealed, str) else None
    )
    yield (
        {"type": "reasoning_encrypted", "bytes": size}
        if size is not None
        else {"type": "reasoning", "content": ""}
    )


def _content_or_value(value: Any, reader: Reader) -> Any:
    """Return what a tool gave back: its text where it is no more than one, else as it is."""
    if isinstance(value, list) and value and all(isinstance(each, dict) and "type" in each for each in value):
        parts = list(_content(value, reader))
        return parts[0]["content"] if len(parts) == 1 and parts[0]["type"] == "text" else parts
    return _media_told(value, reader)


def _text(text: str) -> Json:
    return {"type": "text", "content": text}


def _request(call_id: Any, name: str, arguments: Any) -> Json:
    return {"type": "tool_call", "id": _id(call_id), "name": name, "arguments": arguments}


def _response(call_id: Any, response: Any) -> Json:
    return {"type": "tool_call_response", "id": _id(call_id), "response": response}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _id(value: Any) -> str | None:
    return None if value is None else str(value)


def _parsed(value: Any) -> Any:
    """Return arguments as the object that they are, where they are one."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def tool_definitions(tools: Any, reader: Reader) -> list[Json]:
    """Return the definitions of tools; one without a name gets that of its type, or else receivers drop them all.

    Example:
        >>> tool_definitions([{"type": "web_search"}], Reader())
        [{'type': 'web_search', 'name': 'web_search'}]
    """
    made: list[Json] = []
    for tool in reader.texts(tools) if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        kind = str(tool.get("type") or "function")
        inner = tool.get(kind)
        held: Json = inner if isinstance(inner, dict) else tool
        name = held.get("name") or tool.get("server_label") or kind
        definition: Json = {"type": kind, "name": str(name)}
        if isinstance(held.get("description"), str):
            definition["description"] = held["description"]
        if held.get("parameters") is not None:
            definition["parameters"] = held["parameters"]
        made.append(definition)
    return made
