"""A session as Markdown, for people: what was said, which tools were called, and what went wrong.

What was recorded is text there and nothing else: it stands in quotations and code, and no link or tag of it works.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from tfstore.reading.facts import RunFacts, StepFacts, gather
from tfstore.reading.figures import joined
from tfstore.reading.plain_text import brief, clean
from tfstore.reading.run_words import trouble
from tfstore.reading.session_words import facts_of
from tfstore.reading.step_text import as_text, text_of

if TYPE_CHECKING:
    from tfclient.otlp.parts import Reader
    from tfstore.document.documents import Session, Step
    from tfstore.reading.calls.costs import Cost

_MARKS: Final = re.compile(r"([\\`*_\[\]<>#|!&~])")
_TICKS: Final = re.compile(r"`+")


def markdown_of(session: Session, reader: Reader, cost: Cost | None = None) -> str:
    r"""Return the session's Markdown.

    Args:
        session: its document.
        reader: reads what is kept apart.
        cost: what its calls cost, where that was asked for.

    Example:
        >>> from tfclient.otlp.parts import Reader
        >>> from tfstore.document.documents import Session
        >>> markdown_of(Session("sess_1", title="*Hello*", status="closed"), Reader()).splitlines()[0]
        '# \\*Hello\\*'
    """
    return "\n".join(_lines(session, reader, cost)) + "\n"


def _lines(session: Session, reader: Reader, cost: Cost | None) -> Iterator[str]:
    yield f"# {plain(brief(session.title, 120) or '(no prompt)')}"
    yield ""
    yield f"- session: `{session.session_id}`"
    for name, value in facts_of(session, cost):
        yield f"- {name}: {plain(brief(value, 300))}"
    facts = gather(session)
    for run in facts.runs:
        yield ""
        yield f"## Run {run.number}{_told(run)}"
        for own in run.steps:
            yield from _step(own, reader)


def _told(run: RunFacts) -> str:
    said = joined(run.run.status, trouble(run))
    return f": {plain(said)}" if said else ""


def _step(own: StepFacts, reader: Reader) -> Iterator[str]:
    step = own.step
    if step.label in {"user_message", "assistant_message"}:
        who = "User" if step.label == "user_message" else "Assistant"
        yield ""
        yield f"**{who}** ({own.name})"
        yield ""
        for line in _whole(step, reader).splitlines() or [""]:
            yield f"> {plain(line)}".rstrip()
    elif step.label in {"tool_call", "tool_output", "tool_error", "reasoning", "policy.snapshot"}:
        words = {
            "tool_call": "Tool call",
            "tool_output": "Tool output",
            "tool_error": "Tool error",
            "reasoning": "Reasoning",
            "policy.snapshot": "Instructions",
        }
        named = f" {plain(brief(own.tool, 80))}" if own.tool else ""
        yield ""
        yield f"**{words[step.label]}**{named} ({own.name})"
        yield ""
        yield from _fenced(_whole(step, reader))
    elif step.error is not None:
        yield ""
        yield f"**Error** ({own.name}): {plain(brief(step.error.message, 300))}"


def _whole(step: Step, reader: Reader) -> str:
    given: Any = {
        "user_message": step.payload_started.get("text"),
        "policy.snapshot": step.payload_started.get("text"),
        "assistant_message": step.payload_completed.get("text"),
        "tool_call": step.payload_started.get("arguments"),
        "tool_output": step.payload_completed.get("output"),
    }.get(step.label)
    whole = reader.texts(given)
    if step.label == "tool_call" and whole is not None:
        return as_text(whole)
    return (
        whole if isinstance(whole, str) and whole and "content" not in step.payload_started else text_of(step)
    )


def _fenced(text: str) -> Iterator[str]:
    """Yield a text as code, in a fence that is longer than any in it."""
    longest = max((len(each) for each in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield fence
    for line in text.splitlines() or [""]:
        yield clean(line)
    yield fence


def plain(text: str) -> str:
    r"""Return a text as Markdown shows it, whatever it holds.

    Example:
        >>> plain("![x](http://a.b) <b>")
        '\\!\\[x\\](http://a.b) \\<b\\>'
    """
    return _MARKS.sub(r"\\\1", clean(text))
