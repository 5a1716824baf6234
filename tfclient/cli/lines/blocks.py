"""Long texts in lines: broken at the terminal's width, control characters as pictures of themselves."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

from tfstore.reading.plain_text import clean

LEAST = 8
"""Columns of a block at least, however narrow the terminal."""

MARKS = 4
"""Characters a column that are looked at: combining marks take no column."""


def block(text: str, width: int, most: int | None = None, *, first: int | None = None) -> list[str]:
    r"""Return a text in lines of at most so many columns, indentation and blank lines kept.

    Args:
        text: what was recorded.
        width: columns.
        most: lines at most, blank ones left out; the last one then says that there is more.
        first: columns of the first line, when it begins behind something else.

    Example:
        >>> block("Take the umbrella\n  to Bergen.", 12)
        ['Take the', 'umbrella', '  to Bergen.']
    """
    width = max(width, LEAST)
    lines: list[str] = []
    for line in _lines(text, width, first or width):
        if most is not None and len(lines) == most:
            lines[-1] = _marked(lines[-1], (first or width) if most == 1 else width)
            break
        if line or most is None:
            lines.append(line)
    return lines


def _lines(text: str, width: int, room: int) -> Iterator[str]:
    for line in clean(text).expandtabs(4).strip("\n").split("\n"):
        rest = line
        while len(rest) > room or cell_len(rest) > room:
            piece = _piece(rest, room)
            yield piece.rstrip()
            rest = rest[len(piece) :].lstrip(" ")
            room = width
        yield rest.rstrip()
        room = width


def _piece(rest: str, room: int) -> str:
    """Return so much of a line as fits, up to a blank unless that leaves most of the line empty."""
    # No need to measure all of a line that may be megabytes long.
    piece = chop_cells(rest[: room * MARKS], room)[0]
    if rest[len(piece) : len(piece) + 1] in {" ", ""}:
        return piece
    blank = piece.rstrip().rfind(" ")
    return piece[:blank] if blank * 3 >= room else piece


def _marked(line: str, width: int) -> str:
    while cell_len(line) > width - 2:
        line = line[:-1]
    return f"{line} …"
