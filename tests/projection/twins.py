"""A recording told again with its responses streamed: the same traffic in its other form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.projection.events import chat_chunks, response_events, sse
from tests.projection.recorded import Recording, json_body, project_recording
from tfclient.importing.encodings import Undone

if TYPE_CHECKING:
    from tfclient.importing.cassette import Interaction

STREAMED = {"content-type": "text/event-stream; charset=utf-8"}


def as_streamed(recording: Recording) -> Recording | None:
    """The recording with every whole response of a model call turned into an event stream; None without any."""
    calls = recording.calls
    told = [_streamed(each) if each in calls else None for each in recording.interactions]
    if not any(told):
        return None
    interactions = [new or old for new, old in zip(told, recording.interactions, strict=True)]
    return project_recording(recording.name, interactions)


def _streamed(interaction: Interaction) -> Interaction | None:
    import attrs

    body = json_body(interaction.body)
    if interaction.status != 200 or not isinstance(body, dict):
        return None
    if body.get("object") == "response" and body.get("status") in {"completed", "incomplete", "failed"}:
        text = "".join(sse(event) for event in response_events(body))
    elif body.get("object") == "chat.completion" and _is_streamable(body):
        text = "".join(sse(chunk) for chunk in chat_chunks(body)) + "data: [DONE]\n\n"
    else:
        return None
    return attrs.evolve(
        interaction, received=Undone(text.encode()), headers={**interaction.headers, **STREAMED}
    )


def _is_streamable(body: dict[str, Any]) -> bool:
    """Whether ``chat_chunks`` can say all of it: text and tool calls, with usage."""
    known = {"role", "content", "tool_calls", "refusal", "annotations"}
    messages = [choice.get("message") for choice in body["choices"]]
    return (
        "usage" in body
        and {"id", "model", "created"} <= body.keys()
        and all(isinstance(m, dict) and not {k for k, v in m.items() if v} - known for m in messages)
        and all(isinstance(m.get("content"), str | None) for m in messages)
        and not any(m.get("refusal") or m.get("annotations") for m in messages)
        and all(choice.get("finish_reason") for choice in body["choices"])
        and '"custom"' not in json.dumps(body)
    )
