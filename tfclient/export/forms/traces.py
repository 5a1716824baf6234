"""A session in Hugging Face's Session Trace Simple Format: a header, then a line for each message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from tfclient.otlp.calls import nanoseconds
from tfclient.otlp.parts import Reader
from tfstore.reading.step_text import as_text, text_of

if TYPE_CHECKING:
    from tfstore.document.documents import Json, Session, Step

HARNESS: Final = "tfclient"


def trace_of(session: Session, reader: Reader) -> Iterator[Json]:
    """Yield the lines of a session's trace.

    Args:
        session: its document; runs stand one after the other, as they began.
        reader: reads what is kept apart.

    Example:
        >>> from tfstore.document.documents import Session
        >>> list(trace_of(Session("sess_1", title="Hello"), Reader()))
        [{'type': 'session', 'harness': 'tfclient', 'id': 'sess_1', 'name': 'Hello'}]
    """
    yield {"type": "session", "harness": HARNESS, "id": session.session_id, "name": session.title}
    policies: set[str] = set()
    for run in session.runs:
        held: Json | None = None
        for step in _in_order(run.steps):
            if step.label == "policy.snapshot":
                version = str(step.payload_started.get("version") or step.step_id)
                if version in policies:
                    continue
                policies.add(version)
            message = _message(step, reader)
            if message is None:
                continue
            if held is not None and message["role"] == "assistant" and "toolCalls" in message:
                # Calls of one answer stand in one message.
                held.setdefault("toolCalls", []).extend(message["toolCalls"])
                continue
            if held is not None:
                yield _line(held)
            held = message
            if message["role"] != "assistant":
                yield _line(message)
                held = None
        if held is not None:
            yield _line(held)


def _in_order(steps: list[Step]) -> list[Step]:
    """Return a run's steps, its instructions before the question that they came with."""
    first = next((place for place, step in enumerate(steps) if step.label == "assistant_call"), len(steps))
    return [*sorted(steps[:first], key=lambda step: step.label != "policy.snapshot"), *steps[first:]]


def _line(message: Json) -> Json:
    return {"type": "message", "message": message}


def _message(step: Step, reader: Reader) -> Json | None:
    if step.label == "user_message":
        return _said("user", step, _text(step.payload_started, step, reader))
    if step.label == "policy.snapshot":
        return _said("system", step, _text(step.payload_started, step, reader))
    if step.label == "assistant_message":
        return _said("assistant", step, _text(step.payload_completed, step, reader))
    if step.label == "reasoning" and (text := text_of(step)):
        return _said("assistant", step, "") | {"reasoningContent": text}
    if step.label == "tool_call":
        given = reader.texts(step.payload_started.get("arguments"))
        arguments = given if isinstance(given, str) else as_text(given)
        function = {
            "name": step.tool_name or as_text(step.payload_started.get("name")),
            "arguments": arguments,
        }
        return _said("assistant", step, "") | {
            "toolCalls": [{"id": step.call_id or step.step_id, "function": function}]
        }
    if step.label in {"tool_output", "tool_error"}:
        output = reader.texts(step.payload_completed.get("output"))
        text = output if isinstance(output, str) else text_of(step)
        return _said("tool", step, text) | {"toolCallId": step.call_id or ""}
    return None


def _text(payload: Json, step: Step, reader: Reader) -> str:
    text: Any = reader.texts(payload.get("text"))
    return text if isinstance(text, str) and "content" not in payload else text_of(step)


def _said(role: str, step: Step, text: str) -> Json:
    at = nanoseconds(step.started_at)
    when = {} if at is None else {"timestamp": at // 1_000_000}
    return {"role": role, "content": text, **when}
