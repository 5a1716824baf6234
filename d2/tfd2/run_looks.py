"""A run in a diagram: its look, its titles, and the tooltip behind its card or container."""

from __future__ import annotations

from tfd2.elements import Lines, Tooltip
from tfstore.reading.facts import RunFacts
from tfstore.reading.figures import joined
from tfstore.reading.run_words import (
    TRIGGERS,
    branch,
    cost,
    counts,
    ending,
    evidence,
    name,
    origin,
    status,
    trigger,
    trouble,
)
from tfstore.reading.step_text import text_of
from tfstore.reading.step_words import word_of

ERRORS_SHOWN = 3
SHORT = 240
"""Characters of the prompt, the answer and each error in a run's tooltip, so that all three have room."""


def title(run: RunFacts) -> str:
    """Return the one line over a container: ``Run 4 · FAILED · branches from run 2 · 1.3 s · 1,681 tok``."""
    return joined(name(run), branch(run), trigger(run), trouble(run), cost(run))


def full_title(run: RunFacts, page: int = 0, pages: int = 1) -> str:
    """Return the title of one of a run's own boards."""
    return joined(
        name(run),
        f"part {page + 1} of {pages}" if pages > 1 else "",
        TRIGGERS.get(run.run.trigger),
        counts(run),
        cost(run),
    )


def looks(run: RunFacts, family: str) -> Lines:
    """Return the class of a run as a ``run`` container or a ``card``: plain, with a warning, or failed."""
    if run.failed:
        return (f"{family}_failed",)
    rough = run.errors or run.unresolved or run.waits_for or run.run.status != "completed"
    return (f"{family}_warn",) if rough else (family,)


def tooltip(run: RunFacts) -> Tooltip:
    """Return a run in brief: what went wrong before what was asked and answered."""
    lineage = run.run.lineage
    known_by = joined(*evidence(run)) if run.parent or lineage.parent_response_id else ""
    started = f"started {run.run.started_at}" if run.run.started_at else ""
    facts = (
        f"run {joined(run.run.run_id, run.run.status, status(run) if run.waits_for else ending(run), started)}",
        counts(run),
        cost(run),
        joined(origin(run), known_by),
        *lineage.notes[:ERRORS_SHOWN],
    )
    parts = [_errors(run), _section("PROMPT", run.run.input_text), _section("ANSWER", _answer(run))]
    return Tooltip(tuple(fact for fact in facts if fact), "\n\n".join(part for part in parts if part))


def _section(heading: str, text: str) -> str:
    return f"{heading}\n{_short(text)}" if text else ""


def _errors(run: RunFacts) -> str:
    failed = [own for own in run.steps if own.failed]
    shown = failed[:ERRORS_SHOWN]
    lines = [joined(f"{own.name} {word_of(own.step)}", own.tool, _short(text_of(own.step))) for own in shown]
    if len(failed) > ERRORS_SHOWN:
        lines.append(f"and {len(failed) - ERRORS_SHOWN} more")
    return "\n".join(["ERRORS", *lines]) if lines else ""


def _answer(run: RunFacts) -> str:
    for own in reversed(run.steps):
        if own.step.label == "assistant_message":
            return text_of(own.step)
    return ""


def _short(text: str) -> str:
    return text if len(text) <= SHORT else text[:SHORT] + "…"
