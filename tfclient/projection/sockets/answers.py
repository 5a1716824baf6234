"""One response of a realtime conversation, from the events that bring it piece by piece."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.items import from_responses
from tfclient.projection.api.model_call import ModelResponse, usage_from
from tfclient.projection.api.responses import id_of, read_response
from tfclient.projection.lineage.nodes import Node
from tfstore.document.documents import ErrorInfo, Latency, Usage
from tfstore.document.labels import Ending
from tfstore.document.times import elapsed, milliseconds

DELTAS = {
    "response.output_text.delta": "delta",
    "response.text.delta": "delta",
    "response.output_audio_transcript.delta": "delta",
    "response.audio_transcript.delta": "delta",
}
"""Pieces of what is said, and in which field."""

DONE = {
    "response.output_text.done": "text",
    "response.text.done": "text",
    "response.output_audio_transcript.done": "transcript",
    "response.audio_transcript.done": "transcript",
}
"""The whole of it."""

ARGUMENTS = {
    "response.function_call_arguments.delta": "delta",
    "response.mcp_call_arguments.delta": "delta",
}
ARGUMENTS_DONE = frozenset({"response.function_call_arguments.done", "response.mcp_call_arguments.done"})

ITEMS = frozenset({"response.output_item.added", "response.output_item.done"})

SILENT = frozenset(
    {
        "response.content_part.added",
        "response.content_part.done",
        "response.output_audio.done",
        "response.audio.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
    }
)
"""Events of a response that say nothing that others do not say."""

_SPOKEN = frozenset({"output_audio", "audio"})

ENDINGS: dict[str, Ending] = {
    "completed": "completed",
    "cancelled": "cancelled",
    "incomplete": "incomplete",
    "failed": "failed_event",
}

INTERRUPTED = frozenset({"turn_detected", "client_cancelled"})
"""Reasons for which a response was cancelled while somebody spoke."""


@define(eq=False)
class Answer:
    """A response that is being made."""

    node: Node
    since: int
    """When what it answers had been said, or when it was asked for."""
    begun: int
    out_of_band: bool = False
    spoken_over: bool = False
    """Whether somebody began to speak meanwhile."""
    items: dict[int, dict[str, Any]] = field(factory=dict[int, dict[str, Any]])
    events: int = 1
    first_text_at: int | None = None
    first_audio_at: int | None = None
    _texts: dict[str, str] = field(factory=dict[str, str])
    _arguments: dict[str, str] = field(factory=dict[str, str])
    _names: dict[str, str] = field(factory=dict[str, str])
    _largest_gap: int = 0
    _last_at: int = 0

    def take(self, kind: str, event: dict[str, Any], at: int) -> bool:
        """Take an event; say whether it is one of a response."""
        self.events += 1
        if self._last_at:
            self._largest_gap = max(self._largest_gap, elapsed(self._last_at, at))
        self._last_at = at
        item_id = str(event.get("item_id"))
        if kind in DELTAS or kind in DONE:
            self.first_text_at = self.first_text_at or at
            said = event.get(DELTAS.get(kind) or DONE[kind])
            if isinstance(said, str):
                self._texts[item_id] = said if kind in DONE else self._texts.get(item_id, "") + said
        elif kind in ARGUMENTS and isinstance(event.get("delta"), str):
            self._arguments[item_id] = self._arguments.get(item_id, "") + event["delta"]
        elif kind in ARGUMENTS_DONE and isinstance(event.get("arguments"), str):
            self._arguments[item_id] = event["arguments"]
        elif kind in ITEMS and isinstance(event.get("item"), dict):
            self.items[self._place(event)] = event["item"]
        elif (
            kind not in SILENT and kind not in ARGUMENTS and kind not in ARGUMENTS_DONE and kind not in ITEMS
        ):
            return False
        return True

    def _place(self, event: dict[str, Any]) -> int:
        index, name = event.get("output_index"), event["item"].get("id")
        known = next(
            (n for n, item in self.items.items() if name is not None and item.get("id") == name), None
        )
        if known is not None:
            return known
        return index if isinstance(index, int) else max(self.items, default=-1) + 1

    def heard(self, first_at: int) -> None:
        """Audio of it came."""
        self.first_audio_at = first_at if self.first_audio_at is None else min(self.first_audio_at, first_at)

    def so_far(self, *, whole: int | None = None) -> ModelResponse:
        """Return what has come of it; of its items up to one, where that is given."""
        response = ModelResponse(status="in_progress", indexed=True)
        for place in sorted(self.items):
            if whole is None or place <= whole:
                item = from_responses(self._said(self.items[place]), place)
                item.index = place
                response.outputs.append(item)
        return response

    def ended(self, told: dict[str, Any]) -> tuple[ModelResponse, Ending]:
        """Return the response as its last event tells it, and how it ended."""
        outputs = told.get("output")
        for place, item in enumerate(outputs if isinstance(outputs, list) else []):
            if isinstance(item, dict):
                self.items[self._place({"item": item, "output_index": place})] = item
        usage = told.get("usage")
        body = {k: v for k, v in told.items() if k not in {"output", "usage", "status_details"}}
        response = read_response({**body, "object": "response", "output": []}, None)
        response.outputs, response.indexed = self.so_far().outputs, True
        response.raw_usage = usage if isinstance(usage, dict) else None
        response.usage = _usage(usage)
        details = told.get("status_details")
        if isinstance(details, dict):
            response.rest["status_details"] = details
            response.finish_reason = str(details.get("reason") or details.get("type") or response.status)
            response.error = _error(details.get("error"))
        if response.status == "failed" and response.error is None:
            response.error = ErrorInfo("provider", "the response says that it failed, without an error")
        return response, ENDINGS.get(response.status, "completed")

    def latency(self, end: int) -> Latency:
        """Return how long it took, counted from the end of what it answers."""
        latency = Latency(total_ms=milliseconds(self.since, end), events=self.events)
        latency.first_event_ms = milliseconds(self.since, self.begun)
        if self.first_text_at is not None:
            latency.first_text_ms = milliseconds(self.since, self.first_text_at)
        if self.first_audio_at is not None:
            latency.first_audio_ms = milliseconds(self.since, self.first_audio_at)
        if self._largest_gap:
            latency.largest_gap_ms = self._largest_gap // 1000
        return latency

    def _said(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return an item as one of the Responses API says it, with what came of it before it was whole."""
        item_id = str(item.get("id"))
        if item.get("type") == "message" and item.get("role", "assistant") == "assistant":
            text = words_of(item) or self._texts.get(item_id, "")
            content = item.get("content")
            said = (
                [{"type": "output_text", "text": text, "annotations": []}] if text or not content else content
            )
            return {**item, "content": said}
        if not item.get("arguments") and self._arguments.get(item_id):
            return {**item, "arguments": self._arguments[item_id]}
        return item


def words_of(item: dict[str, Any]) -> str:
    """Return what a message says, be it written or spoken."""
    content = item.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    told = [part.get("transcript") or part.get("text") for part in parts]
    return "\n".join(each for each in told if isinstance(each, str) and each)


def is_spoken(item: dict[str, Any]) -> bool:
    """Return whether a message was said aloud."""
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    return any(isinstance(part, dict) and part.get("type") in _SPOKEN for part in parts)


def _usage(raw: Any) -> Usage | None:
    if not isinstance(raw, dict):
        return None
    given, made = raw.get("input_token_details"), raw.get("output_token_details")
    usage = usage_from({**raw, "input_tokens_details": given, "output_tokens_details": made})
    if usage is not None:
        usage.audio_input_tokens = _count(given)
        usage.audio_output_tokens = _count(made)
    return usage


def _count(details: Any) -> int:
    count = details.get("audio_tokens") if isinstance(details, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) else 0


def _error(told: Any) -> ErrorInfo | None:
    if not isinstance(told, dict):
        return None
    code = id_of(told.get("code")) or id_of(told.get("type"))
    message = told.get("message")
    return ErrorInfo("provider", message if isinstance(message, str) else code or "the response failed", code)
