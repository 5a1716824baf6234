"""Long texts in lines: broken at the terminal's width, control characters as pictures of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells

from tfd2.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator


def block(text: str, width: int, most: int | None = None) -> list[str]:
    r"""Return a text in lines of at most so many columns, indentation and blank lines kept.

    Args:
        text: what was recorded.
        width: columns.
        most: lines at most; the last one then says that there is more.

    Example:
        >>> block("Take the umbrella\n  to Bergen.", 12)
        ['Take the', 'umbrella', '  to Bergen.']
    """
    lines: list[str] = []
    for line in _lines(text, max(width, 8)):
        if most is not None and len(lines) == most:
            lines[-1] = _marked(lines[-1], max(width, 8))
            break
        lines.append(line)
    return lines


def _lines(text: str, width: int) -> Iterator[str]:
    for line in clean(text).expandtabs(4).rstrip("\n").split("\n"):
        rest = line
        while cell_len(rest) > width if len(rest) <= 4 * width else True:
            piece = chop_cells(rest[: 4 * width], width)[0]
            end = piece.rfind(" ") if not rest[len(piece) :].startswith(" ") else len(piece)
            # A line less than half full looks torn: a long word is rather broken.
            piece = piece[:end] if end * 2 >= width else piece
            yield piece.rstrip()
            rest = rest[len(piece) :].lstrip(" ")
        yield rest.rstrip()


def _marked(line: str, width: int) -> str:
    while cell_len(line) > width - 2:
        line = line[:-1]
    return f"{line} …"
