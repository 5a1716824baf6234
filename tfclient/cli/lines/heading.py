"""The head of a session: title, result, and what it comes to in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.notes import noted
from tfclient.cli.printing import PIPED
from tfd2.columns import one_line
from tfstore.document.documents import Session
from tfstore.document.notes import Note
from tfstore.document.pins import Pin
from tfstore.reading.calls.costs import Cost
from tfstore.reading.figures import duration, joined, minute
from tfstore.reading.noted import elsewhere, pinned
from tfstore.reading.session_words import end, numbers, outcome, outcome_word, program_end, replayed

_RESULTS: Final = {
    "failed": "bold red",
    "cancelled": "bold yellow",
    "completed": "bold green",
    "active": "bold cyan",
    "waiting": "bold yellow",
}


MOST: Final = 4
"""Lines of what the exception says that ended the program; `why` tells all."""


def heading(
    session: Session,
    width: int,
    notes: Sequence[Note] = (),
    cost: Cost | None = None,
    pins: Sequence[Pin] = (),
) -> Iterator[Text]:
    """Yield the lines over a session's tree, what it is pinned for, and what was noted on all of it."""
    result = outcome_word(session)
    title = one_line(session.title, max(width - len(result) - 2, 10)) or "(no prompt)"
    head = Text(title, "bold")
    gap = 2 if width >= PIPED else max(2, width - head.cell_len - len(result))
    yield Text.assemble(head, " " * gap, (result, _RESULTS.get(outcome(session), "")))
    facts = joined(
        session.session_id,
        minute(session.started_at) if session.started_at else "",
        duration(session.duration_ms),
        end(session),
        one_line(replayed(session), width),
        "recorded raw" if session.raw else "",
    )
    for line in (facts, numbers(session, cost)):
        for piece in _broken(line, width):
            yield Text(piece, "dim")
    for piece in block(program_end(session), width, MOST) if session.failure else ():
        yield Text(piece, "bold red")
    for pin in pins:
        for piece in block(pinned(pin), width):
            yield Text(piece, "bold cyan")
    for note in session.notes:
        for piece in block(note, width):
            yield Text(piece, "yellow")
    yield from noted(elsewhere(session, notes), width, places=True)


def _broken(line: str, width: int) -> Iterator[str]:
    """Yield a line of facts, broken between them."""
    current = ""
    for part in line.split(" · "):
        longer = joined(current, part)
        if current and len(longer) > width:
            yield current
            current = part
        else:
            current = longer
    if current:
        yield current
