"""Lines of the tree: words at the left, numbers aligned at the right."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text


def aligned(left: Text, right: Text, width: int, below: str = "") -> Iterator[Text]:
    """Yield one line, or two when the halves do not fit side by side."""
    gap = width - left.cell_len - right.cell_len
    if gap >= 0 and right.plain:
        yield trimmed(Text.assemble(left, " " * gap, right))
        return
    left.truncate(width, overflow="ellipsis")
    yield trimmed(left)
    if right.plain:
        gap = max(0, width - cell_len(below) - right.cell_len)
        yield trimmed(Text.assemble((below, "dim"), " " * gap, right))


def trimmed(line: Text) -> Text:
    """Return a line without blanks at its end."""
    line.rstrip()
    return line
