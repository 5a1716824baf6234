"""What happened in a session as text to be reviewed: no ids, times, tokens, nothing that another run would change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tfstore.reading.plain_text import clean
from tfstore.reading.step_text import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.document.documents import Session, Step


def flow_of(session: Session) -> str:
    """Return the flow of a session: of each run its prompt, instructions, tools, calls, outputs, errors and answers.

    Example:
        >>> from tfstore.document.documents import Session
        >>> flow_of(Session("sess_1"))
        ''
    """
    lines: list[str] = []
    for number, run in enumerate(session.runs, 1):
        lines.append(f"run {number}: {run.trigger}, {run.status}")
        for step in run.steps:
            lines += _step(step)
    return "".join(f"{line}\n" for line in lines)


def _step(step: Step) -> Iterator[str]:
    head, text = step.label, text_of(step)
    if step.label == "reasoning":
        return
    if step.label == "tool.schemas.snapshot":
        names = step.payload_started.get("names")
        text = ", ".join(map(str, names)) if isinstance(names, list) else text
    elif step.label == "assistant_call":
        text = step.status if step.error is None else f"{step.status}: {step.error.class_}"
    elif step.label == "tool_call":
        text = f"{step.tool_name}({_json(step.payload_started.get('arguments'))})"
    # It goes to terminals, and into a file that people look at.
    first, *rest = clean(text).splitlines() or [""]
    yield f"  {head}: {first}"
    yield from (f"    {line}" for line in rest)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
