"""Text that comes in pieces, laid out in lines while it comes."""

from __future__ import annotations

import re
from typing import Final

from attrs import define
from rich.cells import cell_len

from tfstore.reading.plain_text import clean

_PIECES: Final = re.compile(r"\n|[^\S\n]+|\S+")


@define
class Flow:
    r"""Breaks words into lines of a width; the last word is held back until it is whole.

    Example:
        >>> flow = Flow(width=10, indent="  ")
        >>> flow.feed("Take the um") + flow.feed("brella.") + flow.rest()
        '  Take the\n  umbrella.'
    """

    width: int
    indent: str = ""
    _column: int = 0
    _blanks: int = 0
    _held: str = ""

    def feed(self, text: str) -> str:
        """Return what can be printed now."""
        text = self._held + clean(text).expandtabs(4)
        whole = max(text.rfind(" "), text.rfind("\n")) + 1
        self._held = text[whole:]
        return self._laid_out(text[:whole])

    def rest(self) -> str:
        """Return what was held back."""
        held, self._held = self._held, ""
        return self._laid_out(held)

    def _laid_out(self, text: str) -> str:
        pieces: list[str] = []
        for found in _PIECES.finditer(text):
            piece = found.group()
            if piece == "\n":
                pieces.append(piece)
                self._column = self._blanks = 0
            elif piece.isspace():
                # Printed with the word behind them, if that is on the same line.
                self._blanks += len(piece)
            else:
                pieces.append(self._placed(piece))
        return "".join(pieces)

    def _placed(self, word: str) -> str:
        """Return a word with what stands before it: the blanks, or a new line."""
        before = " " * self._blanks
        self._blanks = 0
        if self._column and self._column + len(before) + cell_len(word) > self.width:
            before = f"\n{self.indent}"
            self._column = 0
        elif not self._column:
            before = self.indent + before
        self._column += cell_len(before.removeprefix("\n") + word)
        return before + word
