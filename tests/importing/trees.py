"""A session in few lines, to be compared as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfstore.document.documents import Run, Session, Step

_INSIDE = {"reasoning", "assistant_message", "context_compacted"}


def tree(session: Session) -> list[str]:
    """Runs and their steps, a line each."""
    return [line for run in session.runs for line in [_run(run), *(_step(step) for step in run.steps)]]


def _run(run: Run) -> str:
    lineage = run.lineage
    words = [run.run_id, run.trigger, run.status, lineage.source]
    words += [f"of {lineage.parent_run_id}"] if lineage.parent_run_id else []
    words += [f"branch {lineage.branch_index}"] if lineage.branch_index else []
    return " ".join([*words, *lineage.notes])


def _step(step: Step) -> str:
    given, made = step.payload_started, step.payload_completed
    if step.label == "assistant_call":
        words = [step.model or "?"]
        words += [f"{step.usage.input_tokens}→{step.usage.output_tokens}"] if step.usage else []
        words += [f"{step.status}: {step.error.message}" if step.error else step.status]
    elif step.label == "tool_call":
        words = [step.tool_name or "?", step.status]
        words += [f"measured {step.duration_ms} ms"] if step.timing == "measured" else []
    elif step.label == "tool_error":
        words = [str(made["evidence"]), _text(made.get("output"))]
    elif step.label == "policy.snapshot":
        lines = str(given["text"]).splitlines()
        words = [lines[0] + ("…" if lines[1:] else "")]
    else:
        words = [_text(next((v for v in _saying(given, made) if v), ""))]
    inside = step.label in _INSIDE or step.label == "tool_call"
    return f"{'    ' if inside else '  '}{step.label} {' '.join(words)}"


def _saying(given: dict[str, Any], made: dict[str, Any]) -> list[Any]:
    return [
        given.get("text"),
        made.get("text"),
        made.get("output"),
        made.get("message"),
        made.get("summary"),
        made,
    ]


def _text(value: Any) -> str:
    return " ".join(str(value).split())
