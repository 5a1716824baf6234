"""What a step says, in words: the text that lists, trees and diagrams show of it.

Payloads keep their own shape per label; everything that shows a step to a person reads it through here, so
that the diagram, the terminal and the page say the same.
"""

from __future__ import annotations

import json
from typing import Any

from tfstore.document.documents import Step
from tfstore.document.references import is_reference, truncated
from tfstore.reading.content_parts import are_parts, has_text, media_in

CONNECTION = "websocket.connection"
"""The type of the step that is a socket."""

CUT = "… [cut]"
"""What stands at the end of a text of which not all was kept."""


def text_of(step: Step) -> str:
    """Return the step's own text, whole: the prompt, the arguments, the output, the answer, the error.

    Example:
        >>> from tfstore.document.documents import Step
        >>> text_of(Step("step_1_1", 1, "user_message", "chat.on_message", payload_started={"text": "Hello"}))
        'Hello'
    """
    reader = _READERS.get(step.label, _generic)
    return reader(step)


def as_text(value: Any) -> str:
    """Return a payload value as a person reads it: text as it is, a blob by its preview, the rest as JSON.

    Where not all was kept, the text says so.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if is_reference(value):
        about = f"[{value['media_type']}, {value.get('bytes', 0)} bytes]"
        text = str(value.get("text") or value.get("preview") or about)
        return text if truncated(value) is None else f"{text}{CUT}"
    return json.dumps(value, ensure_ascii=False)


def _input(step: Step) -> str:
    text, content = step.payload_started.get("text"), step.payload_started.get("content")
    media = media_in(content)
    if not media:
        return as_text(text) or as_text(content)
    # Without a text of its own, what stands as its text are the media in fewer words.
    return "\n".join([as_text(text), *media] if has_text(content) else media)


def _output(step: Step) -> str:
    output = step.payload_completed.get("output")
    if not are_parts(output):
        return as_text(output)
    said = (media_in(part) or [as_text(part.get("text") or part.get("refusal"))] for part in output)
    return "\n".join(words for each in said for words in each)


def _error(step: Step) -> str:
    if step.error is not None and step.error.message:
        return step.error.message
    return _output(step)


def _message(step: Step) -> str:
    said = step.payload_completed
    return as_text(said.get("text")) or as_text(said.get("refusal")) or _audio(said.get("audio"))


def _audio(audio: Any) -> str:
    if not isinstance(audio, dict):
        return ""
    return as_text(audio.get("transcript")) or as_text(audio.get("data"))


def _sealed(step: Step) -> str:
    text = as_text(step.payload_completed.get("text"))
    encrypted = step.payload_completed.get("encrypted")
    if text or not isinstance(encrypted, dict):
        return text
    return f"[encrypted, {encrypted.get('bytes', 0)} bytes]"


def _arguments(step: Step) -> str:
    """Return a call's arguments; tools that the provider runs have none, but code or a prompt."""
    given = step.payload_started
    for name in ("arguments", "code", "revised_prompt", "prompt"):
        if given.get(name) is not None:
            return as_text(given[name])
    return ""


def _approval(step: Step) -> str:
    approved = step.payload_completed.get("approve")
    return {True: "approved", False: "denied"}[approved] if isinstance(approved, bool) else _generic(step)


def _call(step: Step) -> str:
    return step.error.message if step.error is not None else _unread(step.payload_completed.get("body"))


def _unread(body: Any) -> str:
    """Say why there is nothing of a body that came."""
    if not isinstance(body, dict) or "unread" not in body:
        return ""
    why = _NOT_KEPT.get(str(body["unread"]), str(body["unread"]).replace("_", " "))
    size = f", {body['bytes']} bytes" if isinstance(body.get("bytes"), int) else ""
    return f"[not recorded: {why}{size}]"


_NOT_KEPT = {
    "not_decoded": "its compression could not be undone",
    "not_seen": "it went past the recorder",
    "redaction_failed": "no secrets could be looked for in it",
    "too_long": "it was too long",
}


def _connection(step: Step) -> str:
    """Say what a socket was, in numbers, and how it ended."""
    told = step.payload_completed
    frames, audio, ends = told.get("frames"), told.get("audio"), told.get("connections")
    words = [as_text(step.payload_started.get("kind"))]
    if isinstance(frames, dict):
        words.append(f"messages: {frames.get('out', 0)} out, {frames.get('in', 0)} in")
    for way, counts in audio.items() if isinstance(audio, dict) else ():
        ms = counts.get("ms") if isinstance(counts, dict) else None
        words.append(f"{ms / 1000:.1f} s of audio {way}" if isinstance(ms, int) else "")
    reconnects = told.get("reconnects")
    words.append(f"reconnected {'once' if reconnects == 1 else f'{reconnects} times'}" if reconnects else "")
    unread = told.get("not_read")
    count = sum(n for n in unread.values() if isinstance(n, int)) if isinstance(unread, dict) else 0
    words.append(f"not read into steps: {count}" if count else "")
    last = ends[-1] if isinstance(ends, list) and ends and isinstance(ends[-1], dict) else {}
    if "by" in last:
        code = f" ({last['code']})" if isinstance(last.get("code"), int) else ""
        words.append(f"closed by the {as_text(last['by'])}{code}")
    return ", ".join(word for word in words if word)


def _tools(step: Step) -> str:
    return ", ".join(map(str, step.payload_started.get("names") or ()))


def _preview(step: Step) -> str:
    return as_text(step.payload_started.get("preview"))


def _compacted(step: Step) -> str:
    return _sealed(step) or _generic(step)


def _generic(step: Step) -> str:
    if step.type == CONNECTION:
        return _connection(step)
    payload = step.payload_completed or step.payload_started
    if unread := _unread(payload.get("body")):
        return unread
    if step.type == "mcp_list_tools" and isinstance(tools := payload.get("tools"), list):
        return ", ".join(as_text(tool.get("name") if isinstance(tool, dict) else tool) for tool in tools)
    return as_text(payload.get("text")) or (as_text(payload) if payload else "")


_READERS = {
    "user_message": _input,
    "policy.snapshot": _input,
    "tool.schemas.snapshot": _tools,
    "context.snapshot": _preview,
    "assistant_call": _call,
    "reasoning": _sealed,
    "context_compacted": _compacted,
    "tool_call": _arguments,
    "tool_output": _output,
    "tool_error": _error,
    "approval_request": _arguments,
    "approval_response": _approval,
    "assistant_message": _message,
}
