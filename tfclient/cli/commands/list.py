"""``tfclient list``: the sessions of a store, newest first."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import find_session, notes_on, nothing_in, open_store, pattern_of, word_from
from tfclient.cli.options import (
    JsonOption,
    StoreOption,
    known_ids,
    known_models,
    known_tags,
    known_tools,
)
from tfclient.cli.printing import complain, print_json, remark, stdout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tfstore.document.documents import Session
    from tfstore.document.notes import Note
    from tfstore.index.rows import SessionRow
    from tfstore.reading.noted import Marks
    from tfstore.store import Store

SHOWN: Final = 20
NAMED: Final = (
    *("id", "title", "result", "runs", "calls", "tools", "odd", "called", "models", "started"),
    *("tokens", "time", "age", "answer", "metadata", "notes"),
)
"""Columns as they are asked for."""

_META: Final = re.compile(r"meta\..+", re.DOTALL)
_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


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
    meta: Annotated[
        list[str] | None,
        typer.Option(
            "--meta",
            metavar="KEY=VALUE",
            help="Sessions with this in their metadata; all of them, if given several times.",
            show_default=False,
        ),
    ] = None,
    thread: Annotated[
        str | None,
        typer.Option(
            "--thread",
            metavar="ID",
            help="Sessions that carry on one another: those of this one's thread, or of this conversation.",
            autocompletion=known_ids,
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
    noted: Annotated[
        bool, typer.Option("--noted", help="Sessions that somebody noted something on: `tfclient note`.")
    ] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="T",
            help="With a note that has this tag; all of them, if given several times.",
            show_default=False,
            autocompletion=known_tags,
        ),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option("--score", metavar="BOUND", help="With a note of such a score: '<0.5', '>=1', 0."),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="tokens|time",
            help="Those that took the most first. Not by cost: what a token costs is not recorded.",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="A,B,C",
            help=f"These columns: {', '.join(NAMED)}, and meta.KEY for one key of the metadata.",
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the sessions, newest first.

    Behind a result stands why answers of the session were cut off, if some were: `completed, length`. A session that
    waits for an approval says so, on a wide terminal also of what. What --odd finds is told by `tfclient findings`.
    Where something was noted on one of them, a column counts it, with the mean of scores and the tags; of --tag and
    --score, all must hold of one note.

    With --json, all of them (unless -n says otherwise): [{session_id, title, status, result, end_reason,
    started_at, ended_at, duration_ms, runs, model_calls, tool_calls, tool_errors, errors, models, tools,
    usage, cut_off, failure, waits_for, answer, metadata, metadata_cut, notes}], cut_off counting the answers by the
    reason, failure the class of the exception that ended the session, waits_for naming the tools by the steps that ask
    for approval, answer the last one on one line of 300 characters, metadata 2,000 characters of it (metadata_cut:
    there is more), values that are no text as JSON, and notes being {count, score, scored, tags}, score the mean of
    those of the `scored` notes that have one, tags counting notes; with --odd also `odd`, the kinds of findings.
    """
    from tfclient.cli.lines.listing import table
    from tfstore.document.labels import ErrorClass
    from tfstore.reading.noted import Marks
    from tfstore.reading.search import sessions_holding

    pattern = None if grep is None else pattern_of(grep)
    if columns is not None and as_json:
        raise Refused("--columns is for the table: leave it out, rows in JSON hold all of it.", USAGE)
    chosen = None if columns is None else columns_of(columns)
    wanted: dict[str, Any] = {
        "result": "failed" if failed else None,
        "tool": tool,
        "model": model,
        "error_class": None if error_class is None else word_from(ErrorClass, "--error-class", error_class),
        "since": moment(since),
        "metadata": dict(map(_pair, meta or ())),
        "sort": _order(sort),
    }
    opened = open_store(store)
    is_noted = noted or bool(tag) or score is not None
    so = opened.noted(tags=tag or (), score=score) if is_noted else None
    wanted["ids"] = _ids(None if thread is None else _thread(opened, thread), so)
    most = None if everything else limit or (None if as_json else SHOWN)
    enough = None if most is None else most + 1
    troubles: list[str] = []
    kinds: dict[str, list[str]] = {}
    if pattern is None and not odd:
        rows = opened.list(**wanted, limit=enough)
    else:
        by_id = {row.session_id: row for row in opened.list(**wanted)}
        if pattern is None:
            some = _sessions(opened, by_id, troubles)
        else:
            some = (each for each, _ in sessions_holding(opened, pattern, troubles.append, ids=by_id))
        if odd:
            some = _odd(some, kinds)
        # Searching goes by the time of sessions.
        found = {session.session_id for session in islice(some, None if wanted["sort"] else enough)}
        rows = [row for name, row in by_id.items() if name in found]
    filtered = pattern is not None or odd or wanted["ids"] is not None or any(wanted.values())
    shown = rows[:most]
    marks = {name: Marks.of(notes) for name, notes in _notes(opened, shown)}
    if as_json:
        print_json([_json(row, marks) | ({"odd": kinds[row.session_id]} if odd else {}) for row in shown])
    elif shown:
        console = stdout()
        console.print(table(shown, console.width, chosen, kinds if odd else None, marks))
        if len(rows) > len(shown):
            remark(f"There are {'more' if sort else 'older ones'}: --all, or -n and how many.")
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


def _pair(typed: str) -> tuple[str, str]:
    key, equals, value = typed.partition("=")
    if not equals or not key:
        raise Refused(f"--meta {typed!r} is no key and value: write --meta user=ada.", USAGE)
    return key, value


def _order(typed: str | None) -> str:
    if typed == "cost":
        reason = "--sort cost is not known: what a token costs is not recorded. Sort by tokens, or by time."
        raise Refused(reason, USAGE)
    if typed not in {None, "tokens", "time"}:
        raise Refused(f"--sort {typed!r} is unknown: give tokens or time.", USAGE)
    return typed or ""


def _ids(*asked: Iterable[str] | None) -> list[str] | None:
    """Return the ids that are among all that are asked for; None where any may be."""
    given = [set(each) for each in asked if each is not None]
    return list(set.intersection(*given)) if given else None


def _thread(store: Store, typed: str) -> list[str]:
    """Return the ids of the sessions of the thread that is meant: by one of them, or by a conversation's id."""
    return store.index.thread(typed) or store.index.thread(find_session(store, typed))


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


def _json(row: SessionRow, marks: dict[str, Marks]) -> dict[str, Any]:
    from attrs import asdict

    from tfstore.reading.noted import Marks

    return asdict(row) | {"notes": asdict(marks.get(row.session_id, Marks()))}


def _notes(store: Store, rows: list[SessionRow]) -> Iterator[tuple[str, list[Note]]]:
    """Yield what was noted on these sessions, of each that something was noted on."""
    there = set(store.noting.ids())
    for row in rows:
        if row.session_id in there and (notes := notes_on(store, row.session_id)):
            yield row.session_id, notes


def columns_of(typed: str) -> list[str]:
    """Return the columns that are asked for.

    Raises:
        Refused: there is no such column.
    """
    names = [each.strip() for each in typed.split(",") if each.strip()]
    for name in names:
        if name not in NAMED and not _META.fullmatch(name):
            reason = f"--columns {name!r} is unknown: give some of {', '.join(NAMED)}, or meta.KEY."
            raise Refused(reason, USAGE)
    if not names:
        raise Refused(f"--columns names none: give some of {', '.join(NAMED)}, or meta.KEY.", USAGE)
    return names
