"""What a session comes to: its result, its title, its totals."""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import define, evolve, field

from tfstore.document.documents import ProgramFailure, Session, Step, Summary, ToolSummary, Usage
from tfstore.document.labels import Result
from tfstore.journal.entries import SessionEnded

TITLE = 80

_TITLE_FROM: Final = 20_000
"""Characters of a prompt in which its title is looked for."""

_MARK: Final = re.compile(r"\[\[ ## .* ## \]\]|</?[A-Za-z][\w.:-]*(?: [^<>]*)?/?>|`{3}\w*|(\W)\1{2,}")
"""A line that is only the mark of a template: a field of DSPy, a tag, a fence, a rule."""


def result_of(session: Session) -> Result | None:
    """Return the session's result: failed beats cancelled beats completed; None where nothing ran.

    One that an exception ended has failed, whatever its runs did.
    """
    statuses = {run.status for run in session.runs}
    if "failed" in statuses or session.failure is not None:
        return "failed"
    if "cancelled" in statuses:
        return "cancelled"
    return "completed" if statuses else None


def failure_in(entry: SessionEnded) -> ProgramFailure | None:
    """Return the exception that ended the session, as far as its entry tells."""
    told: Any = entry.get("failure")
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        return None
    failure = ProgramFailure(told["type"])
    for name, cls in (("message", str), ("cause", str), ("exit_code", int), ("signal", str)):
        if isinstance(told.get(name), cls):
            setattr(failure, name, told[name])
    for name in ("frames", "stack"):
        if isinstance(frames := told.get(name), list):
            setattr(failure, name, [each for each in frames if isinstance(each, str)])
    return failure


def title_of(session: Session) -> str:
    """Return a title from the first prompt: one line, at most 80 characters.

    A prompt that a template has put together begins with its marks; then it is the first line that tells something.
    """
    text = next((run.input_text for run in session.runs if run.trigger != "api" and run.input_text), "")
    text = text or next((run.input_text for run in session.runs), "")
    lines = [line.strip() for line in text[:_TITLE_FROM].splitlines() if line.strip()]
    if lines and _MARK.fullmatch(lines[0]):
        text = next((line for line in lines if not _MARK.fullmatch(line) and not line.endswith(":")), text)
    line = " ".join(text.split())
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"


@define
class _Share:
    """What one step adds to the totals."""

    error: bool = False
    model: str | None = None
    retries: int = 0
    usage: Usage | None = None
    tool: str | None = None
    calls: int = 0
    tool_errors: int = 0
    duration_ms: int = 0
    unresolved: int = 0


@define
class Totals:
    """The totals of a session, kept by replacing the share of each step that changes."""

    summary: Summary = field(factory=Summary)
    _shares: dict[str, _Share] = field(factory=dict[str, _Share])

    def take(self, step: Step) -> None:
        """Bring the totals up to date with a step that is new or has changed."""
        share, before = _share_of(step), self._shares.get(step.step_id)
        if before is None:
            self.summary.steps += 1
        else:
            self._add(before, -1)
        self._add(share, 1)
        self._shares[step.step_id] = share

    def _add(self, share: _Share, sign: int) -> None:
        summary = self.summary
        summary.errors += sign * share.error
        if share.model is not None:
            summary.model_calls += sign
            summary.retries += sign * share.retries
            summary.models[share.model] = summary.models.get(share.model, 0) + sign
            if not summary.models[share.model]:
                del summary.models[share.model]
            if share.usage is not None:
                summary.usage.add(share.usage, sign)
        if share.tool is not None:
            tool = summary.tools.setdefault(share.tool, ToolSummary())
            summary.tool_calls += sign * share.calls
            summary.tool_errors += sign * share.tool_errors
            summary.unresolved_tool_calls += sign * share.unresolved
            tool.calls += sign * share.calls
            tool.errors += sign * share.tool_errors
            tool.duration_ms += sign * share.duration_ms
            if tool == ToolSummary():
                del summary.tools[share.tool]


_NONE = _Share()
"""What most steps add: nothing. It is the same for all of them."""


def _share_of(step: Step) -> _Share:
    if step.label not in {"assistant_call", "tool_call", "tool_error"} and step.error is None:
        return _NONE
    share = _Share(error=step.error is not None)
    if step.label == "assistant_call":
        share.model, share.retries = step.model or "unknown", step.retries or 0
        share.usage = step.usage and evolve(step.usage)
    elif step.label == "tool_call":
        share.tool, share.calls, share.duration_ms = step.tool_name or "unknown", 1, step.duration_ms or 0
        share.unresolved = int(step.status == "unresolved")
    elif step.label == "tool_error":
        share.tool, share.tool_errors = step.tool_name or "unknown", 1
    return share
