"""A run in words: its name, its counts, where it comes from and how that is known."""

from __future__ import annotations

from tfstore.document.documents import Run
from tfstore.reading.facts import RunFacts, StepFacts
from tfstore.reading.figures import counted, duration, joined, status_word, tokens
from tfstore.reading.naming import listed
from tfstore.reading.plain_text import brief
from tfstore.reading.session_words import waiting
from tfstore.reading.step_facts import Span, span_of

EVIDENCE = {
    "previous_response_id": "previous_response_id",
    "conversation": "same conversation",
    "prefix": "history re-sent",
    "window": "history re-sent in part",
    "resent": "history re-sent, answers written anew",
    "call_id": "tool output sent on",
    "relayed": "its answer is the prompt",
    "explicit": "named as its parent",
}
"""How a run is known to continue another (``labels.LineageSource``)."""

TRIGGERS = {
    "system": "started by the system",
    "prompt_template": "prompt template",
    "tool": "inside a tool",
    "resumed": "beginning not recorded",
    "api": "API calls",
}


def name(run: RunFacts) -> str:
    """Return ``Run 4 · FAILED``."""
    return joined(f"Run {run.number}", status(run))


def status(run: RunFacts) -> str:
    """Return how a run went, or what it waits for; what went well is not said."""
    return status_word(run.run.status) or waiting(_named(run.waits_for))


def ending(run: RunFacts) -> str:
    """Return by what a run ended, where that is no answer in words; what it waits for is its status."""
    if not run.ended_by or run.waits_for:
        return ""
    calls = listed(_named(run.ended_by))
    if run.run.ended_by == "approval":
        return f"approval of {calls} was not given"
    handed_over = "handover" in run.ended_by[-1].step.notes
    return f"handed over by {calls}" if handed_over else f"its answer is what it called {calls} with"


def _named(steps: list[StepFacts]) -> dict[str, str]:
    return {own.step.step_id: own.tool for own in steps}


def counts(run: RunFacts) -> str:
    """Return steps, tool calls and what went wrong."""
    calls = counted(run.tool_calls, "tool call") if run.tool_calls else ""
    return joined(counted(len(run.steps), "step"), calls, trouble(run))


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


def evidence(run: RunFacts) -> tuple[str, ...]:
    """Return how a run is known to continue its parent, and the id that says so."""
    lineage = run.run.lineage
    words = EVIDENCE.get(lineage.source, "continues")
    if run.run.trigger == "tool":
        words = "called by a tool"
    told_by = run.run.conversation_id if lineage.source == "conversation" else lineage.parent_response_id
    return (words, told_by) if told_by else (words,)


def trigger(run: RunFacts) -> str:
    """Return what began a run, where that is no prompt; of which run's tool, its lineage says."""
    return "" if run.is_nested and run.run.trigger == "tool" else TRIGGERS.get(run.run.trigger, "")


def lineage(run: RunFacts) -> str:
    """Return what a run continues, which branch it is, and which runs continue it, if several do."""
    before = run.run.lineage.parent_response_id
    after = ""
    if run.parent is not None:
        siblings = run.parent.continued_by
        after = origin(run)
        if len(siblings) > 1 and not run.is_nested:
            nth = next(i for i, each in enumerate(siblings, start=1) if each is run)
            after = f"branch {nth} of {len(siblings)} from run {run.parent.number}"
    elif before:
        after = f"continues {brief(before, 24)}, recorded elsewhere"
    forks = ", ".join(str(each.number) for each in run.continued_by) if len(run.continued_by) > 1 else ""
    return joined(after, f"forks into runs {forks}" if forks else "")


def details(run: RunFacts) -> str:
    """Return whose calls a run is made of, where its time went, and what is to be noted of where it comes from."""
    return joined(agents(run), ending(run), where_time_went(run.run), notes(run))


def agents(run: RunFacts) -> str:
    """Return whose calls a run is made of, where that was told."""
    names = dict.fromkeys(step.step.agent_name for step in run.steps if step.step.agent_name)
    return f"by {brief(', '.join(names), 70)}" if names else ""


def notes(run: RunFacts) -> str:
    """Return what is to be noted of where a run comes from."""
    return joined(*(brief(each, 70) for each in run.run.lineage.notes))


def where_time_went(run: Run) -> str:
    """Return the shares of a run's time that models and tools took; nothing where there is nothing to share.

    Tools that ran while a model did are counted with the model, and nothing is counted twice.
    """
    if not run.duration_ms:
        return ""
    models = [span for step in run.steps if step.label == "assistant_call" and (span := span_of(step))]
    tools = [span for step in run.steps if step.label == "tool_call" and (span := span_of(step))]
    if not models or not tools:
        return ""
    in_models, in_either = covered(models) * 1000, covered(models + tools) * 1000
    inferred = any(step.timing == "inferred" for step in run.steps if step.label == "tool_call")
    shares = (
        ("models", in_models, ""),
        ("tools", in_either - in_models, "~" if inferred else ""),
        ("neither", run.duration_ms - in_either, ""),
    )
    telling = [(name, ms, about) for name, ms, about in shares if ms * 100 >= run.duration_ms]
    if len(telling) < 2:
        return ""
    return ", ".join(
        f"{name} {about}{duration(round(ms))} ({ms / run.duration_ms:.0%})" for name, ms, about in telling
    )


def covered(spans: list[Span]) -> float:
    """Return how much time the spans cover together.

    Example:
        >>> covered([(0, 2), (1, 3), (5, 6)])
        4.0
    """
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
