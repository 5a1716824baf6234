"""``tfclient list``: the sessions of a store, newest first."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import nothing_in, open_store, pattern_of, word_from
from tfclient.cli.options import JsonOption, StoreOption, known_models, known_tools
from tfclient.cli.printing import complain, print_json, remark, stdout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from rich.table import Table
    from rich.text import Text

    from tfstore.document.documents import Session
    from tfstore.index.rows import SessionRow
    from tfstore.store import Store

SHOWN: Final = 20
WIDE: Final = 130
"""Columns from which on ids are shown whole, and models and tools by name."""

NARROW: Final = 70
"""Columns below which runs, tokens and time are left out."""

_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_RESULTS: Final = {
    "failed": "bold red",
    "cancelled": "yellow",
    "completed": "green",
    "active": "bold cyan",
    "waiting": "yellow",
}


def list_(
    *,
    limit: Annotated[
        int | None,
        typer.Option("-n", "--limit", min=1, help=f"So many at most ({SHOWN}).", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All of them.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Sessions that failed.")] = False,
    tool: Annotated[
        str | None,
        typer.Option(
            "--tool", metavar="NAME", help="Sessions that called this tool.", autocompletion=known_tools
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME", help="Sessions that called this model.", autocompletion=known_models
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Started since 2h, 3d, 2026-09-02 …")
    ] = None,
    error_class: Annotated[
        str | None,
        typer.Option(
            "--error-class", metavar="CLASS", help="With such an error: rate_limit, timeout, tool …"
        ),
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option("--grep", metavar="TEXT", help="Sessions that hold this text, in either case."),
    ] = None,
    odd: Annotated[
        bool, typer.Option("--odd", help="Sessions with findings, those of severity info not counted.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the sessions, newest first.

    Behind a result stands why answers of the session were cut off, if some were: `completed, length`. A session that
    waits for an approval says so, on a wide terminal also of what. What --odd finds is told by `tfclient findings`.

    With --json, all of them (unless -n says otherwise): [{session_id, title, status, result, end_reason,
    started_at, ended_at, duration_ms, runs, model_calls, tool_calls, tool_errors, errors, models, tools,
    usage, cut_off, failure, waits_for}], cut_off counting the answers by the reason, failure the class of the
    exception that ended the session, waits_for naming the tools by the steps that ask for approval; with --odd
    also `odd`, the kinds of findings.
    """
    from tfstore.document.labels import ErrorClass
    from tfstore.reading.search import sessions_holding

    pattern = None if grep is None else pattern_of(grep)
    wanted = {
        "result": "failed" if failed else None,
        "tool": tool,
        "model": model,
        "error_class": None if error_class is None else word_from(ErrorClass, "--error-class", error_class),
        "since": moment(since),
    }
    opened = open_store(store)
    most = None if everything else limit or (None if as_json else SHOWN)
    enough = None if most is None else most + 1
    troubles: list[str] = []
    kinds: dict[str, list[str]] = {}
    if pattern is None and not odd:
        rows = opened.list(**wanted, limit=enough)  # type: ignore[arg-type]
    else:
        by_id = {row.session_id: row for row in opened.list(**wanted)}  # type: ignore[arg-type]
        if pattern is None:
            some = _sessions(opened, by_id, troubles)
        else:
            some = (each for each, _ in sessions_holding(opened, pattern, troubles.append, ids=by_id))
        if odd:
            some = _odd(some, kinds)
        rows = [by_id[session.session_id] for session in islice(some, enough)]
    filtered = pattern is not None or odd or any(wanted.values())
    shown = rows[:most]
    if as_json:
        print_json([_json(row) | ({"odd": kinds[row.session_id]} if odd else {}) for row in shown])
    elif shown:
        _print(shown, kinds if odd else None)
        if len(rows) > len(shown):
            remark("There are older ones: --all, or -n and how many.")
    else:
        remark("No session is like that." if filtered else nothing_in(opened))
    troubles = list(dict.fromkeys([*troubles, *opened.skipped.values()]))
    for trouble in troubles:
        complain(trouble)
    if troubles:
        raise typer.Exit(WRONG)


def _sessions(store: Store, rows: dict[str, SessionRow], troubles: list[str]) -> Iterator[Session]:
    """Yield the sessions of these rows, as they stand in their documents."""
    from tfstore.errors import StoreError

    for session_id in rows:
        try:
            yield store.get(session_id)
        except StoreError as error:
            troubles.append(str(error))


def _odd(sessions: Iterable[Session], kinds: dict[str, list[str]]) -> Iterator[Session]:
    """Yield those of the sessions in which something is wrong, and keep which kinds of findings they have."""
    from tfclient.reflect.findings import examine

    for session in sessions:
        faults = [each.kind for each in examine(session).findings if each.severity != "info"]
        if faults:
            kinds[session.session_id] = list(dict.fromkeys(faults))
            yield session


def moment(since: str | None) -> datetime | None:
    """Return the moment that ``2h``, ``3d`` or a date means."""
    from datetime import datetime

    from tfclient.cli.now import present

    if since is None:
        return None
    if ago := _AGO.fullmatch(since):
        return present() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(since)
    except ValueError:
        reason = f"--since {since!r} is no moment: give 30m, 2h, 3d, 1w, or a date such as 2026-09-02."
        raise Refused(reason, USAGE) from None


def _json(row: SessionRow) -> dict[str, Any]:
    from attrs import asdict

    return asdict(row)


def _print(rows: list[SessionRow], odd: dict[str, list[str]] | None = None) -> None:
    from rich.table import Table

    console = stdout()
    wide = console.width >= WIDE
    table = Table(box=None, padding=(0, 1, 0, 0), expand=True, header_style="dim", pad_edge=False)
    table.add_column("ID", no_wrap=True, min_width=8)
    table.add_column("TITLE", no_wrap=True, ratio=2, overflow="ellipsis")
    table.add_column("RESULT", no_wrap=True, min_width=9)
    narrow = console.width < NARROW
    for name in ("CALLS", "TOOLS") if narrow else ("RUNS", "CALLS", "TOOLS"):
        table.add_column(name, justify="right", no_wrap=True)
    if odd is not None:
        table.add_column("ODD", no_wrap=True, ratio=2, overflow="ellipsis")
    if wide:
        table.add_column("TOOLS CALLED", no_wrap=True, ratio=1, overflow="ellipsis")
        table.add_column("MODELS", no_wrap=True, ratio=1, overflow="ellipsis")
        table.add_column("STARTED", no_wrap=True)
    for name in ("AGE",) if narrow else ("TOKENS", "TIME", "AGE"):
        table.add_column(name, justify="right", no_wrap=True)
    _fill(table, rows, odd or {}, wide=wide)
    console.print(table)


def _fill(table: Table, rows: list[SessionRow], odd: dict[str, list[str]], *, wide: bool) -> None:
    """Add the rows; what the table has no column for is left out."""
    from rich.text import Text

    from tfclient.cli.now import present
    from tfd2.columns import one_line
    from tfstore.reading.figures import age, duration, minute
    from tfstore.reading.naming import short_id

    now = present()
    for row in rows:
        active = row.status == "active"
        names = ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in row.tools.items())
        cells = {
            "ID": Text(row.session_id if wide else short_id(row.session_id), "bold" if active else ""),
            "TITLE": Text(one_line(row.title, 200) or "(no prompt)", "bold cyan" if active else ""),
            "RESULT": _result(row, wide=wide),
            "ODD": Text(", ".join(odd.get(row.session_id, ())), "yellow"),
            "RUNS": _count(row.runs),
            "CALLS": _count(row.model_calls),
            "TOOLS": _tools(row),
            "TOOLS CALLED": Text(one_line(names, 80)),
            "MODELS": Text(one_line(", ".join(row.models), 60)),
            "STARTED": Text(minute(row.started_at or "")),
            "TOKENS": _count(row.usage.total_tokens),
            "TIME": Text(duration(row.duration_ms)),
            "AGE": Text(age(row.started_at, now)),
        }
        table.add_row(*(cells[str(column.header)] for column in table.columns))


def _result(row: SessionRow, *, wide: bool) -> Text:
    """Return how a session ended or what it waits for, with which exception, and why answers in it were cut off."""
    from rich.text import Text

    from tfstore.reading.plain_text import clean
    from tfstore.reading.session_words import outcome, waits

    result = outcome(row)
    awaited = (waits(row) if wide else "waits for approval") if waits(row) else ""
    words = {"active": ", ".join(filter(None, ("active", awaited))), "waiting": awaited, "closed": "–"}
    said = [*([clean(row.failure)] if row.failure else []), *row.cut_off]
    return Text.assemble(
        (words.get(result, result), _RESULTS.get(result, "")), *((f", {each}", "yellow") for each in said)
    )


def _count(number: int) -> Text:
    from rich.text import Text

    from tfstore.reading.figures import short_count

    return Text(short_count(number)) if number else Text("–", "dim")


def _tools(row: SessionRow) -> Text:
    """Return how many tools were called, and how many of them failed: in red, and with a mark for those without."""
    from rich.text import Text

    count = _count(row.tool_calls)
    if row.tool_errors:
        return Text.assemble(count, (f" ({row.tool_errors:,}✗)", "bold red"))
    return count
