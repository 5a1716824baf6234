"""``tfclient list``: the sessions of a store, newest first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.filters import (
    ErrorClassOption,
    FailedOption,
    Filters,
    GrepOption,
    MetaOption,
    ModelOption,
    NotedOption,
    OddOption,
    PinnedOption,
    ScoreOption,
    SinceOption,
    TagOption,
    ThreadOption,
    ToolOption,
    choose,
)
from tfclient.cli.finding import notes_on, nothing_in, open_store
from tfclient.cli.options import CostOption, JsonOption, PricesOption, StoreOption, price_of
from tfclient.cli.printing import complain, print_json, remark, stdout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfstore.document.notes import Note
    from tfstore.index.rows import SessionRow
    from tfstore.protocols import Reading
    from tfstore.reading.calls.costs import Cost, Price
    from tfstore.reading.noted import Marks

SHOWN: Final = 20
NAMED: Final = (
    *("id", "title", "result", "runs", "calls", "tools", "odd", "called", "models", "started"),
    *("tokens", "cost", "time", "age", "answer", "metadata", "notes"),
)
"""Columns as they are asked for."""

_META: Final = re.compile(r"meta\..+", re.DOTALL)


def list_(
    *,
    limit: Annotated[
        int | None,
        typer.Option("-n", "--limit", min=1, help=f"So many at most ({SHOWN}).", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All of them.")] = False,
    failed: FailedOption = False,
    tool: ToolOption = None,
    model: ModelOption = None,
    meta: MetaOption = None,
    thread: ThreadOption = None,
    since: SinceOption = None,
    error_class: ErrorClassOption = None,
    grep: GrepOption = None,
    odd: OddOption = False,
    noted: NotedOption = False,
    tag: TagOption = None,
    score: ScoreOption = None,
    pinned: PinnedOption = False,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="tokens|time|cost",
            help="Those that took the most first. For cost, all documents are read: prices are not recorded.",
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
    cost: CostOption = False,
    prices: PricesOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the sessions, newest first.

    Behind a result stands why answers of the session were cut off, if some were: `completed, length`. A session that
    waits for an approval says so, on a wide terminal also of what. What --odd finds is told by `tfclient findings`.
    Where something was noted on one of them, a column counts it, with the mean of scores and the tags; of --tag and
    --score, all must hold of one note.

    With --json, all of them (unless -n says otherwise): [{session_id, title, status, result, end_reason, started_at,
    ended_at, duration_ms, runs, model_calls, tool_calls, tool_errors, errors, models, tools, usage, cut_off, failure,
    waits_for, answer, metadata, metadata_cut, retries, drift, notes}], cut_off counting the answers by the reason,
    failure the class of the exception that ended the session, waits_for naming the tools by the steps that ask for
    approval, answer the last one on one line of 300 characters, metadata 2,000 characters of it (metadata_cut: there is
    more), values that are no text as JSON, drift the responses of the journal that the document lacks (null: nobody
    counted), and notes being {count, score, scored, tags}, score the mean of those of the `scored` notes that have one,
    tags counting notes; with --odd also `odd`, the kinds of findings; with --pinned also `pinned`, [{incident, note,
    at}]; with --cost or --prices also `cost`, {dollars, calls, unpriced}, dollars being those of the calls with a
    price, or null.
    """
    from tfclient.cli.lines.listing import table
    from tfstore.reading.noted import Marks

    if columns is not None and as_json:
        raise Refused("--columns is for the table: leave it out, rows in JSON hold all of it.", USAGE)
    columns_shown = None if columns is None else columns_of(columns)
    by_cost = sort == "cost"
    # Who asks for the column, or the order, asks for what is in it.
    asked = by_cost or "cost" in (columns_shown or ())
    price = price_of(cost=cost or (prices is None and asked), prices=prices)
    filters = Filters(
        failed, tool, model, meta, thread, since, error_class, grep, odd, noted, tag, score, pinned
    )
    filters.look()
    order = _order(sort)
    most = None if everything else limit or (None if as_json else SHOWN)
    opened = open_store(store)
    chosen = choose(opened, filters, sort=order, most=None if most is None or by_cost else most + 1)
    rows, kinds = chosen.rows, chosen.kinds
    costs = (
        None if price is None else _costs(opened, rows if by_cost else rows[:most], price, chosen.troubles)
    )
    if by_cost:
        rows = _by_cost(rows, costs or {})
    shown = rows[:most]
    marks = {name: Marks.of(notes) for name, notes in _notes(opened, shown)}
    if as_json:
        told = [_json(row, marks) | ({"odd": kinds[row.session_id]} if odd else {}) for row in shown]
        for each, pins in zip(told, _pins(opened, told), strict=True) if pinned else ():
            each["pinned"] = pins
        for each in told if costs is not None else ():
            each["cost"] = (
                costs[each["session_id"]].as_json() if costs and each["session_id"] in costs else None
            )
        print_json(told)
    elif shown:
        console = stdout()
        console.print(table(shown, console.width, columns_shown, kinds if odd else None, marks, costs))
        if len(rows) > len(shown):
            remark(f"There are {'more' if sort else 'older ones'}: --all, or -n and how many.")
        if costs and (
            lacking := _unpriced(costs[row.session_id] for row in shown if row.session_id in costs)
        ):
            remark(lacking)
    else:
        remark("No session is like that." if filters.any or sort else nothing_in(opened))
    troubles = list(dict.fromkeys([*chosen.troubles, *opened.skipped.values()]))
    for trouble in troubles:
        complain(trouble)
    if troubles:
        raise typer.Exit(WRONG)


def _order(typed: str | None) -> str:
    """Return the order that the store knows; that of costs is made here."""
    if typed not in {None, "tokens", "time", "cost"}:
        raise Refused(f"--sort {typed!r} is unknown: give tokens, time or cost.", USAGE)
    return "" if typed in {None, "cost"} else str(typed)


def _by_cost(rows: list[SessionRow], costs: dict[str, Cost]) -> list[SessionRow]:
    """Return the sessions that cost the most first, those without any price last."""

    def place(row: SessionRow) -> tuple[bool, float]:
        cost = costs.get(row.session_id)
        return (False, -cost.dollars) if cost is not None and cost.known else (True, 0.0)

    return sorted(rows, key=place)


def _unpriced(costs: Iterable[Cost]) -> str:
    """Return of how many calls there is no price; nothing where each has one."""
    from tfstore.reading.calls.costs import Cost

    total = Cost()
    for each in costs:
        total.add(each)
    return f"Costs: {total.told}." if total.unpriced else ""


def _json(row: SessionRow, marks: dict[str, Marks]) -> dict[str, Any]:
    from attrs import asdict

    from tfstore.reading.noted import Marks

    told = asdict(row)
    for name in ("head", "run_steps"):
        del told[name]
    return told | {"notes": asdict(marks.get(row.session_id, Marks()))}


def _costs(store: Reading, rows: list[SessionRow], price: Price, troubles: list[str]) -> dict[str, Cost]:
    """Return what the calls of these sessions cost; prices go by the call, so that their documents are read."""
    from tfstore.errors import StoreError
    from tfstore.reading.calls.costs import cost_of_session

    costs: dict[str, Cost] = {}
    for row in rows:
        try:
            costs[row.session_id] = cost_of_session(store.get(row.session_id), price)
        except StoreError as error:
            troubles.append(str(error))
    return costs


def _pins(store: Reading, told: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return what each of these sessions is pinned for."""
    pins = store.pins()
    return [[pin.as_json() for pin in pins.get(each["session_id"], [])] for each in told]


def _notes(store: Reading, rows: list[SessionRow]) -> Iterator[tuple[str, list[Note]]]:
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
