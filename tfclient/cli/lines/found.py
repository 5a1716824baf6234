"""Findings in lines: how severe, of which kind, where, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.reflect.findings import Finding
from tfstore.reading.naming import short_step

NAMED: Final = 6
"""Steps of a finding that are named; of more it is said how many."""

_STYLES: Final = {"high": "bold red", "medium": "bold yellow", "low": "yellow", "info": "dim"}


def found(findings: Sequence[Finding], width: int) -> Iterator[Text]:
    """Yield the lines of findings, the first of each with its kind and steps, what it says below."""
    for each in findings:
        line = Text.assemble((f"{each.severity:<6} ", _STYLES.get(each.severity, "")), (each.kind, "bold"))
        if each.certainty == "heuristic":
            line.append(" ~", "dim")
        line.append(f" {places(each.steps)}", "dim")
        line.truncate(width, overflow="ellipsis")
        line.rstrip()
        yield line
        for part in block(each.says, width - 7):
            yield Text(f"       {part}")


def places(steps: Sequence[str]) -> str:
    """Return step ids as people type them, the first few.

    Example:
        >>> places(["step_1_3", "step_1_4"]), places([f"step_1_{n}" for n in range(1, 10)])
        ('1.3, 1.4', '1.1, 1.2, 1.3, 1.4, 1.5, 1.6 and 3 more')
    """
    named = ", ".join(short_step(each) for each in steps[:NAMED])
    return named + (f" and {len(steps) - NAMED:,} more" if len(steps) > NAMED else "")
