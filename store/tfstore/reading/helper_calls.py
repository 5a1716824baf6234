"""Calls beside the conversation, such as of vector stores and token counts: many in a row are told as one."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final

from tfstore.reading.figures import joined
from tfstore.reading.step_words import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfstore.reading.facts import RunFacts, SessionFacts

LEAST: Final = 4
"""So many in a row are told as one; fewer drown nothing."""


def rows(facts: SessionFacts, runs: Iterable[RunFacts]) -> Iterator[list[RunFacts]]:
    """Yield these runs of a session in order, each alone, but helper calls in a row together."""
    for quiet, group in groupby(runs, lambda run: is_helper_call(facts, run)):
        row = list(group)
        if quiet and len(row) >= LEAST:
            yield row
        else:
            yield from ([run] for run in row)


def is_helper_call(facts: SessionFacts, run: RunFacts) -> bool:
    """Return whether a run is a single API call that worked and that nothing else has to do with."""
    if run.run.trigger != "api" or len(run.steps) != 1 or run.errors or run.run.status != "completed":
        return False
    (only,) = run.steps
    alone = run.parent is None and not run.children and not only.inside
    return alone and not facts.depends_on(only) and not facts.leads_to(only)


def span(row: list[RunFacts]) -> str:
    """Return ``Runs 3 to 8``."""
    return f"Runs {row[0].number} to {row[-1].number}"


def names(row: list[RunFacts]) -> str:
    """Return which calls they are, the most frequent first: ``embeddings.create ×4 · files.list``."""
    found = Counter(name_of(run.steps[0]) for run in row).most_common()
    return joined(*(name if count == 1 else f"{name} ×{count}" for name, count in found))
