"""One step in full: what it is, what it came of, what came of it, and its payloads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.steps import style_of
from tfd2.columns import one_line
from tfstore.document.references import truncated
from tfstore.reading.facts import gather
from tfstore.reading.figures import duration, joined, size
from tfstore.reading.step_words import bytes_of, name_of, said_in_line, word_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.document.documents import Session, Step
    from tfstore.reading.facts import SessionFacts, StepFacts
    from tfstore.store import Store

NAMES = 13
"""Columns for the names of facts."""


def details(store: Store, session: Session, step: Step, width: int) -> Iterator[Text]:
    """Yield the lines about one step."""
    facts = gather(session)
    own = next(each for run in facts.runs for each in run.steps if each.step is step)
    yield Text.assemble(
        (word_of(step), style_of(step)),
        (f" {name_of(own)}" if name_of(own) else "", "bold"),
        f" · {one_line(step.status, 20)}",
    )
    for name, value in _facts(step):
        yield from _fact(name, value, width)
    for name, steps in (("depends on", facts.depends_on(own)), ("leads to", _after(facts, own))):
        for place, other in enumerate(steps):
            yield from _fact("" if place else name, _mention(other, width), width)
    for name, blob in _blobs(store, step):
        yield from _fact(name, blob, width)
    for name, payload in (("STARTED", step.payload_started), ("COMPLETED", step.payload_completed)):
        if payload:
            yield Text()
            yield Text(name, "bold")
            yield from _payload(payload, width)


def _facts(step: Step) -> Iterator[tuple[str, str]]:
    yield "step", joined(step.step_id, step.label, step.type, f"seq {step.seq}")
    yield "time", joined(step.started_at, duration(step.duration_ms), step.timing)
    yield "response", " ← ".join(part for part in (step.response_id, step.previous_response_id) if part)
    yield (
        "item",
        joined(step.item_id, "" if step.output_index is None else f"output_index {step.output_index}"),
    )
    yield "call_id", step.call_id or ""
    yield "request id", step.request_id or ""
    yield "finish", joined(step.finish_reason, step.ending)
    if usage := step.usage:
        cached, reasoning = f"{usage.cached_tokens:,} cached", f"{usage.reasoning_tokens:,} reasoning"
        counts = (f"{usage.input_tokens:,} in", f"{usage.output_tokens:,} out", cached, reasoning)
        yield "tokens", joined(*counts, f"{usage.total_tokens:,} in all")
    if latency := step.latency:
        parts = {
            "total": latency.total_ms,
            "provider": latency.provider_ms,
            "first event": latency.first_event_ms,
        }
        yield (
            "latency",
            joined(*(f"{name} {duration(ms)}" for name, ms in parts.items() if ms is not None)),
        )
    for each in step.attempts:
        waited = f"retry after {each.retry_after}" if each.retry_after else ""
        outcome = str(each.status_code or "") or "no answer"
        yield (
            f"attempt {each.n}",
            joined(outcome, each.error, duration(each.duration_ms), waited, each.request_id),
        )
    if error := step.error:
        http = f"HTTP {error.http_status}" if error.http_status else ""
        yield "error", joined(error.class_, http, error.code, error.message)
    for mark in step.redactions:
        length = size(mark.bytes) if mark.bytes is not None else ""
        yield (
            "cut" if mark.action == "truncated" else "redacted",
            joined(mark.path, mark.rule, mark.action, length),
        )
    for note in step.notes:
        yield "note", note


def _fact(name: str, value: str, width: int) -> Iterator[Text]:
    if not value:
        return
    for place, line in enumerate(block(value, width - NAMES)):
        yield Text.assemble(
            ("" if place else name).ljust(NAMES), line, style="red" if name == "error" else ""
        )


def _after(facts: SessionFacts, own: StepFacts) -> list[StepFacts]:
    return [
        each for run in facts.runs for each in run.steps if any(it is own for it in facts.depends_on(each))
    ]


def _mention(own: StepFacts, width: int) -> str:
    head = joined(own.step.step_id, f"{word_of(own.step)} {name_of(own)}".strip())
    return one_line(f"{head}  {said_in_line(own.step)[:400]}", max(width - NAMES, 20))


def _blobs(store: Store, step: Step) -> Iterator[tuple[str, str]]:
    """Yield where the parts of a step are that were too long for the document."""
    from tfstore.errors import BlobUnreadable

    for reference in _references([step.payload_started, step.payload_completed]):
        about = joined(str(reference.get("media_type") or ""), size(bytes_of(reference)))
        try:
            where = str(store.blobs.path(reference))
        except BlobUnreadable as error:
            where = str(error)
        yield "stored apart", f"{about}: {where}"


def _references(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("blob"), str):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


def _payload(payload: dict[str, Any], width: int) -> Iterator[Text]:
    """Yield a payload: texts as they read, all else as JSON."""
    for name, value in payload.items():
        written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        if isinstance(value, dict) and (length := truncated(value)) is not None and "text" in value:
            written = f"{value['text']}\n… [cut: the first {size(bytes_of(value))} of {size(length)}]"
        lines = block(written, width - 2)
        yield Text.assemble(
            (one_line(str(name), 40), "italic"), f": {lines[0]}" if _short(lines, width, name) else ":"
        )
        if not _short(lines, width, name):
            for line in lines:
                yield Text(f"  {line}")


def _short(lines: list[str], width: int, name: str) -> bool:
    return len(lines) == 1 and len(lines[0]) + len(name) + 2 <= width
