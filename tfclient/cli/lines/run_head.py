"""The head of a run: how it went, where it comes from, what it took and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from tfclient.cli.lines.clock import where_time_went
from tfclient.cli.lines.lines import aligned
from tfclient.cli.words import short_duration
from tfd2.text import one_line
from tfstore.reading.figures import joined, tokens
from tfstore.reading.run_words import origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.reading.facts import RunFacts

TRIGGERS: Final = {
    "system": "started by the system",
    "prompt_template": "prompt template",
    "tool": "inside a tool",
    "resumed": "beginning not recorded",
    "api": "API call",
}


def run_head(run: RunFacts, width: int) -> Iterator[Text]:
    """Yield the lines over a run's steps."""
    status = "" if run.run.status == "completed" else run.run.status.replace("_", " ").upper()
    lineage = _lineage(run)
    left = Text.assemble((f"Run {run.number}", "bold"))
    for words, style in (
        (status, "bold red" if run.failed else "bold yellow"),
        (_trouble(run), "red" if run.errors else "yellow"),
        (_trigger(run), ""),
        (lineage, ""),
    ):
        if words:
            left.append(" · ", "dim").append(words, style)
    right = joined(short_duration(run.run.duration_ms), tokens(run.tokens) if run.tokens else "")
    yield from aligned(left, Text(right, "bold"), width)
    details = joined(where_time_went(run.run), *(one_line(each, 70) for each in run.run.lineage.notes))
    if details:
        yield Text(one_line(details, width), "dim")


def _trigger(run: RunFacts) -> str:
    # Of which run's tool, its lineage says.
    return "" if run.is_nested and run.run.trigger == "tool" else TRIGGERS.get(run.run.trigger, "")


def _trouble(run: RunFacts) -> str:
    return joined(
        f"{run.errors} error{'s' * (run.errors != 1)}" if run.errors else "",
        f"{run.unresolved} unanswered" if run.unresolved else "",
    )


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
