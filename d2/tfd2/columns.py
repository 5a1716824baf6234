"""Fitting text into a label or a line: widths are display columns, by the one ruler that the terminal has too.

East Asian characters and most emoji are two columns wide, combining marks none. Only so much of a long text
is looked at as could fit, so that a label costs the same whatever the length of what it shows.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells

from tfstore.reading.plain_text import LOOKED_AT, clean

ELLIPSIS = "…"

CHARACTERS_PER_COLUMN = 4
"""More marks than this on every character, and the rest is cut: zero-width text would have no end."""


_LATIN = " -~\u00a1-\u00ac\u00ae-\u02ff\u2013-\u2026"
_one_column_each = re.compile(f"[{_LATIN}]*").fullmatch
"""Latin letters and the punctuation that labels are full of: no need to look at every one of them."""

_plain_lines = re.compile(f"[{_LATIN}\n]*").fullmatch
_BREAKS = 10
"""Line breaks in the text around a label at most, if no more is looked at than must be."""


def cut(text: str, columns: int) -> str:
    """Return the text on one line of at most so many columns, with an ellipsis if there was more.

    Example:
        >>> cut("Book a table for two", 12)
        'Book a tabl…'
    """
    room = (columns + 1) * CHARACTERS_PER_COLUMN
    line = " ".join(text[:room].split())
    if _reach(line, columns) < len(line) or text[room:].strip():
        return _with_ellipsis(line, "", columns)
    return line


def ends(name: str, columns: int) -> str:
    """Return a name in one line, of at most so many columns, cut in its middle: what begins alike ends differently.

    Example:
        >>> ends("parallel_local_search_three", 20)
        'parallel_lo…ch_three'
    """
    if len(name) <= columns and name.isascii():
        return name
    tail = columns * 2 // 5
    if cell_len(name) <= columns or cell_len(name[-tail:]) > tail:
        return cut(name, columns)
    return cut(name, columns - tail) + name[-tail:]


def wrap(text: str, lines: int, columns: int) -> list[str]:
    """Return at most so many lines of at most so many columns; an ellipsis marks that there was more.

    Line breaks in the text are kept, blank lines and indentation are not.

    Example:
        >>> wrap("Two cities are asked for, so I need one lookup for each.", 2, 24)
        ['Two cities are asked', 'for, so I need one look…']
    """
    text = text.lstrip()
    room = (lines + 1) * columns * CHARACTERS_PER_COLUMN
    fitted: list[str] = []
    for paragraph in text[:room].split("\n"):
        begun, rest = "", " ".join(paragraph.split())
        plain = _one_column_each(rest) is not None
        while rest:
            if len(fitted) == lines:
                return [*fitted[:-1], _with_ellipsis(fitted[-1], rest if begun else "", columns)]
            begun, rest = _split(rest, columns, plain=plain)
            fitted.append(begun)
    if len(text) > room and text[room:].strip() and fitted:
        fitted[-1] = _with_ellipsis(fitted[-1], "", columns)
    return fitted


def fitting(text: str, lines: int, columns: int) -> str:
    """Return the beginning of a text, cleaned, of which ``wrap`` makes the same as of all that is looked at.

    Example:
        >>> wrap(fitting("so long " * 400, 2, 30), 2, 30) == wrap("so long " * 400, 2, 30)
        True
    """
    # Each line takes its columns and a blank, the ellipsis looks at one more; a line break takes two blanks along.
    near = text[: (lines + 1) * (columns + 1) + 3 * _BREAKS + 1]
    if len(near) < len(text) and _plain_lines(near) and "  " not in near and near.count("\n") <= _BREAKS:
        return near
    return clean(text[:LOOKED_AT])


def _split(text: str, columns: int, *, plain: bool) -> tuple[str, str]:
    """Return the first line of a text and what is left of it; ``plain`` is one of a column for each character."""
    end = min(len(text), columns) if plain else _reach(text, columns)
    if end == len(text):
        return text, ""
    if text[end] != " ":
        blank = text.rfind(" ", 0, end)
        # A line less than half full looks torn: a long word is rather broken.
        if blank > 0 and (blank if plain else cell_len(text[:blank])) * 2 >= columns:
            end = blank
    return text[:end].rstrip(), text[end:].lstrip()


def _reach(text: str, columns: int) -> int:
    """Return how many characters fit into so many columns, at least one."""
    if _one_column_each(text[: columns + 1]):
        return min(len(text), columns)
    looked_at = text[: columns * CHARACTERS_PER_COLUMN]
    if cell_len(looked_at) <= columns:
        return len(looked_at)
    return max(len(chop_cells(looked_at, columns)[0]), 1)


def _with_ellipsis(line: str, rest: str, columns: int) -> str:
    """Return the last line filled up from what is left of its paragraph, ending in an ellipsis."""
    filled = f"{line} {rest}" if rest else line
    return filled[: _reach(filled, columns - 1)].rstrip() + ELLIPSIS


def one_line(text: str, columns: int) -> str:
    """Return text cleaned and cut to one line."""
    if len(text) <= columns and _one_column_each(text) and "  " not in text:
        return text.strip()
    return cut(clean(text[:LOOKED_AT]), columns)
