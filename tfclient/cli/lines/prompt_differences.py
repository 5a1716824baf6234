"""What differs between the prompts of two model calls, in lines: instructions, parameters and tools, then messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from tfclient.cli.lines.differences import step_differences, text_differences
from tfd2.columns import one_line
from tfstore.document.documents import Session
from tfstore.reading.explaining.prompt_pairs import PromptPair
from tfstore.reading.figures import counted
from tfstore.reading.naming import short_id, short_step

MOST: Final = 40
"""Messages that are shown; of more it is said how many."""


def prompt_differences(before: Session, after: Session, pair: PromptPair, width: int) -> Iterator[Text]:
    """Yield the lines that tell two prompts apart."""
    yield Text("WHAT THE MODEL WAS GIVEN", "bold")
    for sign, session, step, style in (
        ("-", before, pair.before, "red"),
        ("+", after, pair.after, "green"),
    ):
        name = f"{short_id(session.session_id)}:{short_step(step.step_id)}"
        yield Text(one_line(f"{sign} {name} {step.model or ''}", width), f"bold {style}")
    for change in pair.changes:
        only = " only before" if change.after is None else " only after" if change.before is None else ""
        yield Text.assemble(
            ("  ", ""), (one_line(change.field, max(width - 16, 8)), "bold"), (only, "yellow")
        )
        yield from text_differences(change, width)
    different = [each for each in pair.messages if each.differs]
    for each in different[:MOST]:
        yield from step_differences(each, width)
    if len(different) > MOST:
        yield Text(f"  … and {len(different) - MOST:,} more messages that differ", "dim")
    if not pair.differs:
        yield Text("  The same.", "bold")
    elif same := len(pair.messages) - len(different):
        yield Text(f"  {counted(same, 'message')} the same.", "dim")
