"""A run in words: titles, counts, where it comes from, and the tooltip behind its card or container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfd2.elements import Tooltip
from tfd2.steps import status_word
from tfstore.reading.figures import counted, duration, joined, tokens
from tfstore.reading.step_text import text_of

if TYPE_CHECKING:
    from tfd2.elements import Lines
    from tfstore.reading.facts import RunFacts

ERRORS_SHOWN = 3
SHORT = 240
"""Characters of the prompt, the answer and each error in a run's tooltip, so that all three have room."""

EVIDENCE = {
    "previous_response_id": "previous_response_id",
    "conversation": "same conversation",
    "prefix": "history re-sent",
    "window": "history re-sent in part",
    "call_id": "tool output sent on",
    "explicit": "named as its parent",
}
"""How a run is known to continue another (``labels.LineageSource``)."""

_TRIGGERS = {
    "system": "started by the system",
    "prompt_template": "prompt template",
    "tool": "inside a tool",
    "resumed": "beginning not recorded",
    "api": "API calls",
}


def name(run: RunFacts) -> str:
    """Return ``Run 4 · FAILED``."""
    return joined(f"Run {run.number}", status_word(run.run.status))


def title(run: RunFacts) -> str:
    """Return the one line over a container: ``Run 4 · FAILED · 1.3 s · 1,681 tok``."""
    return joined(name(run), _TRIGGERS.get(run.run.trigger), trouble(run), cost(run))


def full_title(run: RunFacts, page: int = 0) -> str:
    """Return the title of a run's own board."""
    return joined(
        name(run),
        f"part {page + 1} of {run.page_count}" if run.page_count > 1 else "",
        _TRIGGERS.get(run.run.trigger),
        counts(run),
        cost(run),
    )


def counts(run: RunFacts) -> str:
    """Return steps, tool calls and what went wrong."""
    return joined(counted(len(run.steps), "step"), counted(run.tool_calls, "tool call"), trouble(run))


def trouble(run: RunFacts) -> str:
    """Return what went wrong in a run, if anything."""
    return joined(
        counted(run.errors, "error") if run.errors else "",
        f"{run.unresolved:,} unresolved" if run.unresolved else "",
    )


def cost(run: RunFacts) -> str:
    """Return a run's duration and tokens."""
    return joined(
        duration(run.run.duration_ms) if run.run.duration_ms else "",
        tokens(run.tokens) if run.tokens else "",
    )


def looks(run: RunFacts, family: str) -> Lines:
    """Return the class of a run as a ``run`` container or a ``card``: plain, with a warning, or failed."""
    if run.failed:
        return (f"{family}_failed",)
    rough = run.errors or run.unresolved or run.run.status != "completed"
    return (f"{family}_warn",) if rough else (family,)


def branch(run: RunFacts) -> str:
    """Return where a run comes from when that is not the run before it."""
    follows = run.parent is not None and run.parent.position == run.position - 1
    return "" if follows and not (run.is_nested or run.is_fork) else origin(run)


def origin(run: RunFacts) -> str:
    """Return what a run is to its parent; nothing where it has none."""
    if run.parent is None:
        return ""
    if run.is_nested:
        return f"inside a tool of run {run.parent.number}"
    return f"{'branches from' if run.is_fork else 'continues'} run {run.parent.number}"


def evidence(run: RunFacts) -> Lines:
    """Return how a run is known to continue its parent, and the id that says so."""
    lineage = run.run.lineage
    words = EVIDENCE.get(lineage.source, "continues")
    if run.run.trigger == "tool":
        words = "called by a tool"
    told_by = run.run.conversation_id if lineage.source == "conversation" else lineage.parent_response_id
    return (words, told_by) if told_by else (words,)


def tooltip(run: RunFacts) -> Tooltip:
    """Return a run in brief: what went wrong before what was asked and answered."""
    lineage = run.run.lineage
    known_by = joined(*evidence(run)) if run.parent or lineage.parent_response_id else ""
    started = f"started {run.run.started_at}" if run.run.started_at else ""
    facts = (
        f"run {joined(run.run.run_id, run.run.status, started)}",
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
    lines = [joined(f"step {own.step.step_id}", own.tool, _short(text_of(own.step))) for own in shown]
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
