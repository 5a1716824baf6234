"""A session step by step, each with what it says, whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.steps import style_of
from tfclient.cli.lines.transcript import INDENT
from tfd2.columns import one_line
from tfstore.document.documents import Session
from tfstore.reading.facts import gather
from tfstore.reading.figures import joined
from tfstore.reading.messages import Event
from tfstore.reading.naming import short_step
from tfstore.reading.step_words import heard_of, name_of, word_of


def event_lines(session: Session, events: Sequence[Event], width: int) -> Iterator[Text]:
    """Yield a line for each step, and what it says below; its payloads too, where it has them with it."""
    # By place: a document may have an id twice.
    every = {(each.step.step_id, each.step.seq): each for each in gather(session).every}
    for place, event in enumerate(events):
        own = every[event.step_id, event.seq]
        if place:
            yield Text()
        status = "" if event.status == "completed" else event.status.replace("_", " ")
        at = (event.at or "")[11:19]
        about = joined(name_of(own), at, status, event.error_class or "", heard_of(own.step))
        line = Text.assemble(
            (f"{short_step(event.step_id)} ", "dim"), (word_of(own.step), style_of(own.step))
        )
        line.append(f"  {one_line(about, max(width - line.cell_len - 2, 8))}" if about else "", "dim")
        yield line
        for text in block(event.text, width - INDENT) if event.text else ():
            yield Text(f"{' ' * INDENT}{text}" if text else "")
        for name, payload in (event.payload or {}).items():
            if payload:
                yield Text(f"{' ' * INDENT}{name}", "dim")
                for text in block(
                    json.dumps(payload, ensure_ascii=False, indent=1, default=str), width - 2 * INDENT
                ):
                    yield Text(f"{' ' * 2 * INDENT}{text}" if text else "")
    if not events:
        yield Text("Nothing of it is shown in this mode.", "dim")
