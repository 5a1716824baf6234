"""Notes in lines: what people said afterwards, beside what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.steps import trimmed
from tfstore.document.notes import Note
from tfstore.reading.noted import about, place_of
from tfstore.reading.plain_text import brief

MOST = 3
"""Lines of a note's text where it stands among other things; `tfclient note --list` shows all."""


def noted(
    notes: Iterable[Note],
    width: int,
    below: str = "",
    *,
    most: int | None = MOST,
    places: bool = False,
    ids: bool = False,
) -> Iterator[Text]:
    """Yield the lines of notes.

    Args:
        notes: what was noted.
        width: columns.
        below: what every line begins with.
        most: lines of a text at most.
        places: say which step or run a note is about.
        ids: say what it is taken back by.
    """
    for note in notes:
        head = Text.assemble((below, "dim"), ("NOTE", "bold yellow"))
        place = place_of(note) if places else ""
        head.append(f" {place}" if place else "", "dim")
        end = about(note) + (f" · {brief(note.note_id, 40)}" if ids else "")
        room = width - len(below)
        lines = (
            block(note.text, room, most, first=max(width - head.cell_len - 1, 1)) if note.text.strip() else []
        )
        if lines:
            head.append(f" {lines[0]}")
        yield from (
            trimmed(line) for line in _ended(head, lines[1:], below, end, width, bare=not (place or lines))
        )


def _ended(head: Text, rest: list[str], below: str, end: str, width: int, *, bare: bool) -> Iterator[Text]:
    """Yield the lines of a note, what it is beside its text at the end of the last one, if that has room."""
    *lines, last = head, *(Text.assemble((below, "dim"), each) for each in rest)
    yield from lines
    if end and last.cell_len + len(end) + 3 <= width:
        last.append(f" {end}" if bare else f" · {end}", "dim")
        yield last
        return
    yield last
    for line in block(end, width - len(below)) if end else ():
        yield Text.assemble((below, "dim"), (line, "dim"))
