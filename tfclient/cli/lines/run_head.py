"""The head of a run: how it went, where it comes from, what it took and cost."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from tfclient.cli.lines.lines import aligned
from tfd2.columns import one_line
from tfstore.reading.facts import RunFacts
from tfstore.reading.figures import status_word
from tfstore.reading.run_words import cost, details, lineage, trigger, trouble


def run_head(run: RunFacts, width: int) -> Iterator[Text]:
    """Yield the lines over a run's steps."""
    left = Text.assemble((f"Run {run.number}", "bold"))
    for words, style in (
        (status_word(run.run.status), "bold red" if run.failed else "bold yellow"),
        (trouble(run), "red" if run.errors else "yellow"),
        (trigger(run), ""),
        (lineage(run), ""),
    ):
        if words:
            left.append(" · ", "dim").append(words, style)
    yield from aligned(left, Text(cost(run), "bold"), width)
    if more := details(run):
        yield Text(one_line(more, width), "dim")
