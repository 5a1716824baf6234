"""What lines about steps have in common: words at the left, numbers aligned at the right, the colour of a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from tfclient.cli.printing import PIPED
from tfstore.document.documents import Step
from tfstore.reading.step_words import word_of

_STYLES: Final = {
    "USER": "bold cyan",
    "MODEL": "bold magenta",
    "REASONING": "italic",
    "CALL": "bold yellow",
    "OUTPUT": "green",
    "ERROR": "bold red",
    "APPROVAL ASKED": "bold yellow",
    "APPROVAL": "yellow",
    "ASSISTANT": "bold blue",
    "INSTRUCTIONS": "dim",
    "TOOLS": "dim",
    "HISTORY": "dim",
}


def aligned(left: Text, right: Text, width: int, below: str = "") -> Iterator[Text]:
    """Yield one line, or two when the halves do not fit side by side."""
    gap = width - left.cell_len - right.cell_len
    if width >= PIPED:
        gap = min(gap, 2)  # there is no edge to align with
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


def style_of(step: Step) -> str:
    """Return the style of that word; what failed is red whatever it is."""
    failed = step.status == "failed" or (step.error is not None and step.status != "cancelled")
    return "bold red" if failed else _STYLES.get(word_of(step), "bold")
