"""Sessions, and places in them, in lines for a model: a list, and what a search found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tfclient.reflect.quoting import named
from tfclient.reflect.text import values
from tfclient.reflect.text.counting import estimate
from tfclient.reflect.text.lines import Counter, Line, Part, Telling
from tfclient.reflect.text.rendering import fitted
from tfclient.reflect.text.session_lines import NOTICE
from tfclient.reflect.text.step_lines import cited
from tfclient.reflect.text.values import Value, unmarked
from tfstore.document.documents import Session
from tfstore.document.notes import Note
from tfstore.index.rows import SessionRow
from tfstore.reading.figures import counted, duration, joined, minute
from tfstore.reading.noted import Marks
from tfstore.reading.search import NOTE, Match
from tfstore.reading.session_words import outcome

TOOLS: Final = 4
"""Tools of a session that its line names; of more it is said how many."""

BEFORE: Final = 60
AROUND: Final = 240
"""Characters of a line that are shown before what was found in it, and in all."""


def list_text(
    rows: Sequence[SessionRow],
    more: str = "",
    budget: int | None = None,
    tokens: Counter = estimate,
    notes: Callable[[str], Sequence[Note]] = lambda _: (),
) -> str:
    """Return sessions as text, a line each, in their order.

    Args:
        rows: the sessions.
        more: a sentence for the end, as that there are older ones.
        budget: tokens that the text has at most; None for all of it.
        tokens: says how many tokens a text has.
        notes: gives what people noted on one.

    Example:
        >>> print(list_text([SessionRow("sess_1", title="Hello", runs=2)]).splitlines()[-1])
        sess_1 active · 2 runs · "Hello"
    """
    head = joined(f"SESSIONS {len(rows):,}, newest first", NOTICE)
    lines = [Line([head], Telling.HEAD), *(_row(row, notes(row.session_id)) for row in rows)]
    if not rows:
        lines.append(Line(["none"], Telling.HEAD))
    if more:
        lines.append(Line([more], Telling.HEAD))
    return fitted(lines, budget, tokens)


def matches_text(
    found: Iterable[tuple[Session, Sequence[Match]]],
    more: str = "",
    budget: int | None = None,
    tokens: Counter = estimate,
) -> str:
    """Return what a search found as text: the sessions, and below each the lines that match, cited.

    Args:
        found: sessions, and what was found in each.
        more: a sentence for the end, as that there is more.
        budget: tokens that the text has at most; None for all of it.
        tokens: says how many tokens a text has.

    Example:
        >>> match = Match("s", "run_1", "step_1_1", "user_message", None, 1, "Hello", 0, 5)
        >>> print(matches_text([(Session("s"), [match])]).splitlines()[-1])
          [1.1] user_message "Hello"
    """
    lines: list[Line] = []
    places = 0
    for session, matches in found:
        head = joined(f"SESSION {_plain(session.session_id)} {outcome(session)}", _began(session.started_at))
        lines.append(Line([head, Value(session.title, values.OUTPUT, "")], Telling.RUN))
        lines += map(_match, matches)
        places += len(matches)
    first = Line([joined(f"FOUND {counted(places, 'line')}", NOTICE)], Telling.HEAD)
    last = [Line([more], Telling.HEAD)] if more else []
    return fitted([first, *lines, *last], budget, tokens)


def _row(row: SessionRow, notes: Sequence[Note]) -> Line:
    tools = [f"{_plain(name)} ×{calls:,}" for name, calls in list(row.tools.items())[:TOOLS]]
    if len(row.tools) > TOOLS:
        tools.append(f"{len(row.tools) - TOOLS:,} more tools")
    errors = max(row.errors, row.tool_errors)
    said = joined(
        f"{_plain(row.session_id)} {outcome(row)}",
        _began(row.started_at),
        counted(row.runs, "run") if row.runs else "",
        counted(row.model_calls, "model call") if row.model_calls else "",
        ", ".join(tools),
        counted(errors, "error") if errors else "",
        ", ".join(map(_plain, list(row.models)[:2])),
        f"{row.usage.total_tokens:,} tokens" if row.usage.total_tokens else "",
        duration(row.duration_ms),
        _plainly(Marks.of(notes).words) if notes else "",
    )
    parts: list[Part] = [f"{said} ·" if row.title else said]
    if row.title:
        parts.append(Value(row.title, values.OUTPUT, ""))
    return Line(parts, Telling.CALL)


def _match(match: Match) -> Line:
    where = f"[{cited(match.step_id)}] " if match.step_id is not None else ""
    tool = f" {_plain(match.tool)}" if match.tool else ""
    begin = max(0, match.start - BEFORE)
    end = begin + AROUND
    text = f"{'…' if begin else ''}{match.text[begin:end]}{'…' if end < len(match.text) else ''}"
    # A note is expanded by its own id.
    ref = _plain(match.tool) if match.label == NOTE and match.tool else ""
    ref = ref or (cited(match.step_id) if match.step_id is not None else "")
    return Line([f"{where}{match.label}{tool}", Value(text, values.ANSWER, ref)], Telling.CALL, ref, 1)


def _began(moment: str | None) -> str:
    return _plainly(minute(moment)) if moment else ""


def _plain(name: str) -> str:
    return unmarked(named(name))


def _plainly(words: str) -> str:
    return words if words.isascii() and words.isprintable() else values.quoted(words)
