"""One step's facts: its ids, times, tokens, attempts and marks, in rows; and what of it is stored apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tfstore.document.documents import ErrorInfo, Json, Step
from tfstore.document.references import is_reference
from tfstore.reading.figures import duration, joined, size

Place = tuple[str | int, ...]
"""Where a value stands in a step: the keys and places that lead to it."""

Span = tuple[float, float]
"""Seconds since the epoch."""


def facts_of(step: Step) -> Iterator[tuple[str, str]]:
    """Yield the facts about a step, each with its name, those that it has."""
    yield from ((name, value) for name, value in _facts(step) if value)


def _facts(step: Step) -> Iterator[tuple[str, str]]:
    yield "step", joined(step.step_id, step.label, step.type, f"seq {step.seq}")
    yield "time", joined(step.started_at, duration(step.duration_ms), step.timing)
    yield "response", " ← ".join(part for part in (step.response_id, step.previous_response_id) if part)
    place = "" if step.output_index is None else f"output_index {step.output_index}"
    yield "item", joined(step.item_id, place)
    yield "call_id", step.call_id or ""
    yield "request id", step.request_id or ""
    yield "finish", joined(step.finish_reason, step.ending)
    if usage := step.usage:
        cached, reasoning = f"{usage.cached_tokens:,} cached", f"{usage.reasoning_tokens:,} reasoning"
        counts = (f"{usage.input_tokens:,} in", f"{usage.output_tokens:,} out", cached, reasoning)
        yield "tokens", joined(*counts, f"{usage.total_tokens:,} in all")
    if (late := step.latency) is not None:
        parts = {
            "total": late.total_ms,
            "provider": late.provider_ms,
            "first event": late.first_event_ms,
            "first audio": late.first_audio_ms,
        }
        yield "latency", joined(*(f"{name} {duration(ms)}" for name, ms in parts.items() if ms is not None))
    for each in step.attempts:
        waited = f"retry after {each.retry_after}" if each.retry_after else ""
        outcome = (str(each.status_code or "") or "no answer", each.error)
        yield f"attempt {each.n}", joined(*outcome, duration(each.duration_ms), waited, each.request_id)
    if error := step.error:
        yield "error", joined(error_words(error), error.message)
    for mark in step.redactions:
        length = size(mark.bytes) if mark.bytes is not None else ""
        name = "cut" if mark.action == "truncated" else "redacted"
        yield name, joined(mark.path, mark.rule, mark.action, length)
    for note in step.notes:
        yield "note", note


def error_words(error: ErrorInfo) -> str:
    """Return what kind of error it was: its class, HTTP status and code."""
    return joined(error.class_, f"HTTP {error.http_status}" if error.http_status else "", error.code)


def value_at(step: Step, place: Place) -> Any:
    """Return the value that stands at a place of a step; None where there is none."""
    value: Any = getattr(step, str(place[0]))
    for key in place[1:]:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int):
            value = value[key] if key < len(value) else None
        else:
            value = getattr(value, str(key), None)
    return value


def stored_apart(step: Step) -> Iterator[tuple[Place, Json]]:
    """Yield the references to what was too long for the document, each with its place."""
    for name in ("payload_started", "payload_completed"):
        yield from references_in(getattr(step, name), (name,))


def references_in(value: Any, place: Place) -> Iterator[tuple[Place, Json]]:
    """Yield the references to blobs in a value that stands at this place."""
    if is_reference(value):
        if "blob" in value:
            yield place, value
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from references_in(each, (*place, key))


def span_of(step: Step) -> Span | None:
    """Return when a step began and ended, in seconds since the epoch."""
    began = moment(step.started_at)
    return (began, began + step.duration_ms / 1000) if began is not None and step.duration_ms else None


def moment(written: str | None) -> float | None:
    """Return an ISO-8601 moment in seconds since the epoch."""
    try:
        return datetime.fromisoformat(written or "").timestamp()
    except ValueError:
        return None
