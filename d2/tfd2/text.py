r"""Recorded text as D2 values: cleaning, cutting, quoting. Everything recorded passes through here.

Keys are made by us, values are always double-quoted on one line, and D2 has no ``\uXXXX``: what it or an XML
parser would not take is replaced by a picture of itself before it is quoted.
"""

from __future__ import annotations

import re
from typing import Final

from tfd2.columns import fitting, one_line, wrap
from tfd2.elements import Lines, Measure, Tooltip
from tfstore.reading.plain_text import clean

HEAD_COLUMNS = 72
REMARK_LINES = 2
TITLE_COLUMNS = 200
EDGE_COLUMNS = 40
FACT_CHARACTERS = 300
TOOLTIP_CHARACTERS = 1_000
CUT_NOTE_CHARACTERS = 50
"""Room for saying how much was cut."""

# The backslash goes first: the others bring backslashes of their own.
_ESCAPES: Final = (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r"))
_MARKUP = re.compile(r"<(?![ \t\n])|&(?=#)")


def quoted(text: str) -> str:
    r"""Return cleaned text as a D2 value.

    Example:
        >>> print(quoted('say "${x}"'))
        "say \"\${x}\""
    """
    for plain, escaped in _ESCAPES:
        if plain in text:
            text = text.replace(plain, escaped)
    return f'"{text}"'


def lines_label(lines: Lines, columns: int) -> str:
    """Return a label of which every line is kept to one line."""
    return quoted("\n".join(one_line(line, columns) for line in lines))


def words(head: Lines, text: str, foot: Lines, measure: Measure, remarks: str = "") -> str:
    """Return a label: its head, remarks on it, so much of the text as the measure allows, its foot."""
    lines = [one_line(line, HEAD_COLUMNS) for line in head]
    if remarks:
        lines += wrap(fitting(remarks, REMARK_LINES, measure.columns), REMARK_LINES, measure.columns)
    lines += wrap(fitting(text, measure.lines, measure.columns), measure.lines, measure.columns)
    lines += [one_line(line, HEAD_COLUMNS) for line in foot]
    return quoted("\n".join(lines))


def tooltip(tip: Tooltip) -> str:
    """Return a tooltip: its facts, then its text as far as there is room.

    D2 reads tooltips as Markdown that has to come out as XML: nothing recorded may look like a tag to it.
    """
    facts = "\n".join(tip.facts)
    if len(facts) > FACT_CHARACTERS:
        facts = "\n".join(_shortened(fact, FACT_CHARACTERS) for fact in tip.facts)
    room = max(0, TOOLTIP_CHARACTERS - len(facts) - CUT_NOTE_CHARACTERS)
    text = _shortened(tip.text, room)
    said = clean(f"{facts}\n\n{text}" if text else facts)
    if "<" in said or "&#" in said:
        said = _MARKUP.sub(lambda match: match[0] + "\u200b", said)
    return quoted(said)


def _shortened(text: str, characters: int) -> str:
    if len(text) <= characters:
        return text
    return f"{text[:characters]}… ({len(text) - characters:,} more characters in the document)"
