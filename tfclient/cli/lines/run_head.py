"""The head of a run: how it went, where it comes from, what it took and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tfclient.cli.lines.lines import aligned
from tfd2.columns import one_line
from tfstore.reading.figures import joined, status_word
from tfstore.reading.run_words import TRIGGERS, cost, origin, trouble
from tfstore.reading.spans import where_time_went

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.reading.facts import RunFacts


def run_head(run: RunFacts, width: int) -> Iterator[Text]:
    """Yield the lines over a run's steps."""
    lineage = _lineage(run)
    left = Text.assemble((f"Run {run.number}", "bold"))
    for words, style in (
        (status_word(run.run.status), "bold red" if run.failed else "bold yellow"),
        (trouble(run), "red" if run.errors else "yellow"),
        (_trigger(run), ""),
        (lineage, ""),
    ):
        if words:
            left.append(" · ", "dim").append(words, style)
    yield from aligned(left, Text(cost(run), "bold"), width)
    details = joined(where_time_went(run.run), *(one_line(each, 70) for each in run.run.lineage.notes))
    if details:
        yield Text(one_line(details, width), "dim")


def _trigger(run: RunFacts) -> str:
    # Of which run's tool, its lineage says.
    return "" if run.is_nested and run.run.trigger == "tool" else TRIGGERS.get(run.run.trigger, "")


def _lineage(run: RunFacts) -> str:
    lineage = run.run.lineage
    after = ""
    if run.parent is not None:
        siblings = run.parent.continued_by
        after = origin(run)
        if len(siblings) > 1 and not run.is_nested:
            nth = next(i for i, each in enumerate(siblings, start=1) if each is run)
            after = f"branch {nth} of {len(siblings)} from run {run.parent.number}"
    elif lineage.parent_response_id:
        after = f"continues {one_line(lineage.parent_response_id, 24)}, recorded elsewhere"
    forks = ", ".join(str(each.number) for each in run.continued_by) if len(run.continued_by) > 1 else ""
    return joined(after, f"forks into runs {forks}" if forks else "")
