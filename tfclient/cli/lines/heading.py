"""The head of a session: title, result, and what it comes to in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfd2.columns import one_line
from tfstore.reading.figures import counted, duration, joined, minute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.document.documents import Redaction, Session

_RESULTS: Final = {
    "failed": "bold red",
    "cancelled": "bold yellow",
    "completed": "bold green",
    "active": "bold cyan",
}


def heading(session: Session, width: int) -> Iterator[Text]:
    """Yield the lines over a session's tree."""
    result = "active" if session.status == "active" else session.result or session.status
    title = one_line(session.title, max(width - len(result) - 2, 10)) or "(no prompt)"
    head = Text(title, "bold")
    gap = max(2, width - head.cell_len - len(result))
    yield Text.assemble(
        head, " " * gap, (result.upper() if result == "failed" else result, _RESULTS.get(result, ""))
    )
    facts = joined(
        session.session_id,
        minute(session.started_at) if session.started_at else "",
        duration(session.duration_ms),
        _end(session),
    )
    for line in (facts, numbers(session)):
        for piece in _broken(line, width):
            yield Text(piece, "dim")
    for note in session.notes:
        for piece in block(note, width):
            yield Text(piece, "yellow")


def numbers(session: Session) -> str:
    """Return what a session comes to: ``4 runs · 7 model calls · 5 tool calls (2 failed) · 8,063 tokens``."""
    summary = session.summary
    usage = summary.usage
    return joined(
        counted(summary.runs, "run"),
        counted(summary.model_calls, "model call"),
        counted(summary.tool_calls, "tool call")
        + (f" ({summary.tool_errors:,} failed)" if summary.tool_errors else "")
        if summary.tool_calls
        else "",
        f"{summary.unresolved_tool_calls:,} unanswered" if summary.unresolved_tool_calls else "",
        counted(summary.errors, "error") if summary.errors else "",
        f"{summary.retries:,} {'retry' if summary.retries == 1 else 'retries'}" if summary.retries else "",
        counted(summary.forks, "fork") if summary.forks else "",
        f"{usage.total_tokens:,} tokens ({usage.input_tokens:,} in, {usage.output_tokens:,} out)"
        if usage.total_tokens
        else "",
        _changed(session.redaction),
    )


def _changed(redaction: Redaction) -> str:
    if not redaction.marks:
        return ""
    return f"{redaction.marks:,} redacted" + (" or cut" if redaction.max_payload is not None else "")


def _end(session: Session) -> str:
    words = {
        "idle_timeout": "ended by idleness",
        "process_exit": "ended with its process",
        "recovered": "recovered",
    }
    return words.get(session.end_reason or "", "")


def _broken(line: str, width: int) -> Iterator[str]:
    """Yield a line of facts, broken between them."""
    current = ""
    for part in line.split(" · "):
        longer = joined(current, part)
        if current and len(longer) > width:
            yield current
            current = part
        else:
            current = longer
    if current:
        yield current
