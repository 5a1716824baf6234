"""The table of sessions: one row for each, the columns that are asked for or that there is room for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.table import Table
from rich.text import Text

from tfclient.cli.now import present
from tfclient.cli.printing import PIPED
from tfd2.columns import one_line
from tfstore.index.rows import SessionRow
from tfstore.reading.calls.costs import Cost
from tfstore.reading.figures import age, duration, joined, minute, short_count
from tfstore.reading.naming import short_id
from tfstore.reading.noted import Marks, score_words, tagged
from tfstore.reading.session_words import metadata_value, metadata_words, outcome, waits

WIDE: Final = 130
"""Columns from which on ids are shown whole, and models and tools by name."""

NARROW: Final = 70
"""Columns below which runs, tokens and time are left out."""

_RESULTS: Final = {
    "failed": "bold red",
    "cancelled": "yellow",
    "completed": "green",
    "active": "bold cyan",
    "waiting": "yellow",
}
_FIGURES: Final = frozenset({"runs", "calls", "tools", "tokens", "cost", "time", "age"})
_SHARES: Final = {"title": 2, "odd": 2, "called": 1, "models": 1, "answer": 2, "metadata": 2, "notes": 1}
_LEAST: Final = {"id": 8, "result": 9}


def table(
    rows: Sequence[SessionRow],
    width: int,
    names: Sequence[str] | None,
    odd: dict[str, list[str]] | None,
    marks: Mapping[str, Marks],
    costs: Mapping[str, Cost] | None = None,
) -> Table:
    """Return the table.

    Args:
        rows: the sessions.
        width: columns of the terminal.
        names: the columns that were asked for; those that there is room for, if none were.
        odd: kinds of findings by session, if they were looked for.
        marks: what notes come to, by the sessions that have some.
        costs: what calls cost, by session, if that was asked for.
    """
    names = names or _usual(width, odd=odd is not None, noted=bool(marks), priced=costs is not None)
    piped = width >= PIPED
    made = Table(box=None, padding=(0, 1, 0, 0), expand=not piped, header_style="dim", pad_edge=False)
    for name in names:
        share = 1 if name.startswith("meta.") else _SHARES.get(name)
        made.add_column(
            "TOOLS CALLED" if name == "called" else Text(one_line(name.upper(), 40)),
            justify="right" if name in _FIGURES else "left",
            no_wrap=True,
            min_width=_LEAST.get(name),
            ratio=None if piped else share,
            overflow="ellipsis",
        )
    now = present()
    for row in rows:
        known = {"notes": _noted(marks.get(row.session_id)), "cost": _cost((costs or {}).get(row.session_id))}
        made.add_row(
            *(known[name] if name in known else _cell(name, row, now, odd or {}, width) for name in names)
        )
    return made


def _usual(width: int, *, odd: bool, noted: bool, priced: bool) -> list[str]:
    """Return the columns that a terminal of this width has room for."""
    names = ["id", "title", "result", *([] if width < NARROW else ["runs"]), "calls", "tools"]
    names += ["odd"] if odd else []
    names += ["notes"] if noted else []
    names += ["called", "models", "started"] if width >= WIDE else []
    names += [] if width < NARROW else ["tokens"]
    return [*names, *(["cost"] if priced else []), *([] if width < NARROW else ["time"]), "age"]


def _cell(name: str, row: SessionRow, now: datetime, odd: dict[str, list[str]], width: int) -> Text:
    """Return what stands in a column of this name."""
    active = row.status == "active"
    if name == "id":
        return Text(row.session_id if width >= WIDE else short_id(row.session_id), "bold" if active else "")
    if name == "title":
        return Text(one_line(row.title, width) or "(no prompt)", "bold cyan" if active else "")
    if name == "result":
        return _result(row, wide=width >= WIDE)
    if name == "odd":
        return Text(", ".join(odd.get(row.session_id, ())), "yellow")
    if name == "age":
        return Text(age(row.started_at, now))
    if name in _CELLS:
        return _CELLS[name](row)
    return Text(one_line(_WORDS[name](row) if name in _WORDS else metadata_value(row, name[5:]), width))


def _noted(marks: Marks | None) -> Text:
    """Return what notes come to: `2 · 0.5 · bug`."""
    if marks is None:
        return Text("–", "dim")
    score = "" if marks.score is None else score_words(marks.score)
    return Text(joined(f"{marks.count:,}", score, tagged(list(marks.tags))), "yellow")


def _cost(cost: Cost | None) -> Text:
    """Return dollars; with a mark where there are calls without a price."""
    if cost is None or not cost.known:
        return Text("–", "dim")
    return Text.assemble(cost.words, (cost.mark, "yellow"))


def _called(row: SessionRow) -> str:
    return ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in row.tools.items())


def _result(row: SessionRow, *, wide: bool) -> Text:
    """Return how a session ended or what it waits for, by which exception, why answers were cut off, what it plays."""
    result = outcome(row)
    awaited = (waits(row) if wide else "waits for approval") if waits(row) else ""
    words = {"active": ", ".join(filter(None, ("active", awaited))), "waiting": awaited, "closed": "–"}
    said = [*([one_line(row.failure, 60)] if row.failure else []), *row.cut_off]
    said += [one_line(row.replay, 20)] if row.replay else []
    said += ["raw"] if row.raw else []
    return Text.assemble(
        (words.get(result, result), _RESULTS.get(result, "")), *((f", {each}", "yellow") for each in said)
    )


def _count(number: int) -> Text:
    return Text(short_count(number)) if number else Text("–", "dim")


def _tools(row: SessionRow) -> Text:
    """Return how many tools were called, and how many of them failed: in red, and with a mark for those without."""
    count = _count(row.tool_calls)
    if row.tool_errors:
        return Text.assemble(count, (f" ({row.tool_errors:,}✗)", "bold red"))
    return count


_CELLS: Final[dict[str, Callable[[SessionRow], Text]]] = {
    "runs": lambda row: _count(row.runs),
    "calls": lambda row: _count(row.model_calls),
    "tools": _tools,
    "tokens": lambda row: _count(row.usage.total_tokens),
    "time": lambda row: Text(duration(row.duration_ms)),
    "started": lambda row: Text(minute(row.started_at or "")),
}
_WORDS: Final[dict[str, Callable[[SessionRow], str]]] = {
    "called": _called,
    "models": lambda row: ", ".join(row.models),
    "answer": lambda row: row.answer,
    "metadata": metadata_words,
}
