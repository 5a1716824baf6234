"""A request's whole prompt as chat messages, whichever API it was sent to.

What a chat message has no place for is counted by its type, never dropped in silence.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

if TYPE_CHECKING:
    from tfstore.document.documents import Json

_PARTS: Final = frozenset({"input_text", "output_text", "text", "summary_text"})
_CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
_OUTPUTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})
_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


@define
class Messages:
    """The messages of a prompt in order, as Chat Completions has them.

    ``whole_history`` is false where the server put something before them that the request only names; ``left_out``
    counts by its type what has no place in them.
    """

    listed: list[Json] = field(factory=list["Json"])
    whole_history: bool = True
    left_out: Counter[str] = field(factory=Counter[str])

    def add(self, message: Json) -> None:
        """Take the next message; calls of tools go to the message of the assistant before them."""
        before = self.listed[-1] if self.listed else {}
        if message["role"] == before.get("role") == "assistant" and message.get("content") is None:
            before["tool_calls"] = [*before.get("tool_calls", ()), *message.get("tool_calls", ())]
        else:
            self.listed.append(message)


def messages_of(request: Any) -> Messages:
    """Return the prompt of a request's body.

    Example:
        >>> request = {"instructions": "Be brief.", "input": "Hello", "previous_response_id": "resp_1"}
        >>> made = messages_of(request)
        >>> made.listed, made.whole_history
        ([{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Hello'}], False)
    """
    made = Messages()
    if not isinstance(request, dict):
        return made
    made.whole_history = not any(request.get(name) for name in ("previous_response_id", "conversation"))
    given = request.get("messages", request.get("input", request.get("prompt")))
    if isinstance(request.get("prompt"), dict):
        # A template that the server holds.
        made.whole_history = False
        made.left_out["prompt template"] += 1
        given = request.get("input")
    instructions = request.get("instructions")
    if isinstance(instructions, str):
        made.add({"role": "system", "content": instructions})
    elif isinstance(instructions, list):
        _items(instructions, made)
    if isinstance(given, str):
        made.add({"role": "user", "content": given})
    elif isinstance(given, list):
        _items(given, made)
    return made


def _items(items: list[Any], made: Messages) -> None:
    for item in items:
        if isinstance(item, str):
            made.add({"role": "user", "content": item})
        elif not isinstance(item, dict):
            made.left_out[type(item).__name__] += 1
        elif str(item.get("role")) in _ROLES:
            made.add(_message(item, made))
        elif str(item.get("type")) in _CALLS:
            made.add({"role": "assistant", "content": None, "tool_calls": [_call(item)]})
        elif str(item.get("type")) in _OUTPUTS:
            content = _content(item.get("output"), made)
            made.add({"role": "tool", "tool_call_id": str(item.get("call_id")), "content": content})
        else:
            if item.get("type") == "item_reference":
                made.whole_history = False
            made.left_out[str(item.get("type") or "item without a type")] += 1


def _message(item: Json, made: Messages) -> Json:
    role: str = item["role"]
    message: Json = {"role": role, "content": _content(item.get("content"), made)}
    if isinstance(item.get("name"), str):
        message["name"] = item["name"]
    if role == "tool":
        message["tool_call_id"] = str(item.get("tool_call_id"))
    calls = item.get("tool_calls")
    if role == "assistant" and isinstance(calls, list) and calls:
        message["tool_calls"] = [_chat_call(each) for each in calls if isinstance(each, dict)]
    elif role == "assistant" and isinstance(item.get("function_call"), dict):
        message["function_call"] = item["function_call"]
    if message["content"] is None and "tool_calls" not in message and "function_call" not in message:
        message["content"] = ""
    return message


def _chat_call(call: Json) -> Json:
    kind = "custom" if isinstance(call.get("custom"), dict) else "function"
    return {"id": str(call.get("id")), "type": kind, kind: call.get(kind)}


def _call(item: Json) -> Json:
    given = _CALLS[item["type"]]
    kind = "function" if given == "arguments" else "custom"
    return {
        "id": str(item.get("call_id")),
        "type": kind,
        kind: {"name": str(item.get("name")), given: str(item.get(given, ""))},
    }


def _content(content: Any, made: Messages) -> Any:
    """Return a text as it is, the parts of a content in the form of Chat Completions."""
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        made.left_out[f"content that is a {type(content).__name__}"] += 1
        return ""
    parts = [part for each in content if (part := _part(each, made)) is not None]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    return texts[0] if len(texts) == len(parts) == 1 else parts or ""


def _part(part: Any, made: Messages) -> Json | None:
    kind = part.get("type") if isinstance(part, dict) else type(part).__name__
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if isinstance(part, dict):
        if kind in _PARTS and isinstance(part.get("text"), str):
            return {"type": "text", "text": part["text"]}
        if kind == "refusal" and isinstance(part.get("refusal"), str):
            return {"type": "text", "text": part["refusal"]}
        if kind in {"image_url", "input_audio", "file"} and isinstance(part.get(kind), dict):
            return {"type": kind, kind: part[kind]}
        if kind == "input_image" and isinstance(part.get("image_url"), str):
            detail = {"detail": part["detail"]} if str(part.get("detail")) in {"low", "high", "auto"} else {}
            return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
        if kind == "input_file":
            named = {name: part[name] for name in ("file_id", "file_data", "filename") if part.get(name)}
            if named.keys() & {"file_id", "file_data"}:
                return {"type": "file", "file": named}
    made.left_out[str(kind)] += 1
    return None
