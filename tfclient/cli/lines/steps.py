"""The colours of steps in the terminal."""

from __future__ import annotations

from typing import Final

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


def style_of(step: Step) -> str:
    """Return the style of that word; what failed is red whatever it is."""
    failed = step.status == "failed" or (step.error is not None and step.status != "cancelled")
    return "bold red" if failed else _STYLES.get(word_of(step), "bold")
