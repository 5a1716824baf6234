"""One step in full: what it is, what it came of, what came of it, and its payloads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.notes import noted
from tfclient.cli.lines.steps import style_of
from tfd2.columns import one_line
from tfstore.document.documents import Session, Step
from tfstore.document.notes import Note
from tfstore.document.references import truncated
from tfstore.errors import BlobUnreadable
from tfstore.protocols import Reading
from tfstore.reading.calls.costs import Cost
from tfstore.reading.facts import StepFacts, gather
from tfstore.reading.figures import joined, size
from tfstore.reading.noted import on_step
from tfstore.reading.step_facts import facts_of, stored_apart
from tfstore.reading.step_words import bytes_of, name_of, said_in_line, word_of

NAMES = 13
"""Columns for the names of facts."""


def details(
    store: Reading,
    session: Session,
    step: Step,
    width: int,
    notes: Sequence[Note] = (),
    cost: Cost | None = None,
) -> Iterator[Text]:
    """Yield the lines about one step, what was noted on it, and what it cost, where that was asked for."""
    facts = gather(session)
    own = next(each for each in facts.every if each.step is step)
    yield Text.assemble(
        (word_of(step), style_of(step)),
        (f" {name_of(own)}" if name_of(own) else "", "bold"),
        f" · {one_line(step.status, 20)}",
    )
    yield from noted(on_step(notes, step.step_id), width, most=None)
    for name, value in facts_of(step):
        yield from _fact(name, value, width)
    yield from _fact("cost", cost.told if cost is not None else "", width)
    for name, steps in (("depends on", facts.depends_on(own)), ("leads to", facts.leads_to(own))):
        for place, other in enumerate(steps):
            yield from _fact("" if place else name, _mention(other, width), width)
    for name, blob in _blobs(store, step):
        yield from _fact(name, blob, width)
    for name, payload in (("STARTED", step.payload_started), ("COMPLETED", step.payload_completed)):
        if payload:
            yield Text()
            yield Text(name, "bold")
            yield from _payload(payload, width)


def _fact(name: str, value: str, width: int) -> Iterator[Text]:
    if not value:
        return
    for place, line in enumerate(block(value, width - NAMES)):
        yield Text.assemble(
            ("" if place else name).ljust(NAMES), line, style="red" if name == "error" else ""
        )


def _mention(own: StepFacts, width: int) -> str:
    head = joined(own.step.step_id, f"{word_of(own.step)} {name_of(own)}".strip())
    return one_line(f"{head}  {said_in_line(own.step)[:400]}", max(width - NAMES, 20))


def _blobs(store: Reading, step: Step) -> Iterator[tuple[str, str]]:
    """Yield where the parts of a step are that were too long for the document."""
    for _, reference in stored_apart(step):
        about = joined(str(reference.get("media_type") or ""), size(bytes_of(reference)))
        try:
            where = store.blobs.where(reference)
        except BlobUnreadable as error:
            where = str(error)
        yield "stored apart", f"{about}: {where}"


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
