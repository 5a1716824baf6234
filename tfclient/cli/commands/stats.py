"""``tfclient stats``: calls, tokens, errors and times of many sessions, drawn."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import nothing_in, open_store
from tfclient.cli.options import CostOption, JsonOption, PricesOption, StoreOption, price_of
from tfclient.cli.printing import complain, print_json, print_lines, remark, stdout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from rich.text import Text

    from tfstore.document.notes import Note
    from tfstore.index.rows import SessionRow
    from tfstore.protocols import Reading
    from tfstore.reading.calls.costs import Cost, Price
    from tfstore.reading.totals import Group

SHOWN: Final = 30
"""Days, models or tools that are shown; with --json all of them."""

NAME: Final = 24
"""Columns for names, if they are that long, before anything else is left out."""

LEAST_BAR: Final = 8
_NOTED: Final = frozenset({"NOTES", "SCORE"})
MOST_BAR: Final = 60


class By(StrEnum):
    """What to count by."""

    DAY = "day"
    MODEL = "model"
    TOOL = "tool"
    TAG = "tag"


def stats(
    *,
    by: Annotated[
        By, typer.Option("--by", help="A line for each day, model, tool, or tag of notes.")
    ] = By.DAY,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Sessions started since 2h, 3d, 2026-09-02 …"),
    ] = None,
    cost: CostOption = False,
    prices: PricesOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the sessions come to: calls, errors, tokens, and the times that 50, 90 and 99 % stay within.

    By day the times are those of sessions, by model and by tool those of calls. By tag they are sessions with such a
    note. Where people noted scores (`tfclient note`), their mean stands beside: by model and by tool that of the
    sessions that called it, by tag that of the notes with this tag.

    With --json: {by, total, groups}; each group and the total {key, sessions, failed_sessions, model_calls,
    tool_calls, errors, input_tokens, output_tokens, p50_ms, p90_ms, p99_ms, notes, scored, score}, score being the mean
    of the `scored` notes that have one, or null.

    With --cost or --prices also dollars, call by call, where a price is known: of how many calls none is stands beside.
    In JSON each group and the total have `cost`, {dollars, calls, unpriced}, dollars being null where no price is.

    What was played again (tfclient replay) is not counted.
    """
    from tfclient.cli.filters import moment
    from tfstore.reading.figures import counted
    from tfstore.reading.totals import live, total

    start = moment(since)
    price = price_of(cost=cost, prices=prices)
    if price is not None and by is By.TOOL:
        raise Refused(
            "A tool has no price that is known here: --cost goes by day, by model, or by tag.", USAGE
        )
    opened = open_store(store)
    rows = opened.list(since=start)
    noted = opened.noted()
    costs = None if price is None else _costs(opened, live(rows), price)
    groups = _groups(opened, by, rows, noted, start, costs)
    everything = total(rows, noted, costs)
    if as_json:
        told, *found = [_json(group, priced=price is not None) for group in (everything, *groups)]
        print_json({"by": by.value, "total": told, "groups": found})
    elif not rows:
        remark("No session is like that." if since else nothing_in(opened))
    else:
        console = stdout()
        print_lines(
            lines_of(everything, groups[:SHOWN], by, console.width, console.options.ascii_only), console
        )
        if left_out := len(rows) - len(live(rows)):
            remark(f"Not counted: {counted(left_out, 'replay')}.")
        if len(groups) > SHOWN:
            remark(f"There are {len(groups) - SHOWN:,} more: --since narrows them, --json has all.")
    for trouble in opened.skipped.values():
        complain(trouble)
    if opened.skipped:
        raise typer.Exit(WRONG)


def _json(group: Group, *, priced: bool) -> dict[str, Any]:
    return group.as_json() | ({"cost": group.cost.as_json()} if priced else {})


def _costs(store: Reading, rows: list[SessionRow], price: Price) -> dict[str, dict[str, Cost]]:
    """Return what calls cost, by session and model: prices go by the call, so that documents are read."""
    from contextlib import suppress

    from tfstore.errors import StoreError
    from tfstore.reading.calls.costs import costs_by_model

    costs: dict[str, dict[str, Cost]] = {}
    for row in rows:
        # What cannot be read is told with what the list skipped.
        with suppress(StoreError):
            costs[row.session_id] = costs_by_model(store.get(row.session_id), price)
    return costs


def _groups(
    store: Reading,
    by: By,
    rows: list[SessionRow],
    noted: dict[str, list[Note]],
    start: datetime | None,
    costs: dict[str, dict[str, Cost]] | None,
) -> list[Group]:
    from tfstore.reading.totals import by_day, by_model, by_tag, by_tool, with_costs, with_notes

    if by is By.DAY:
        return by_day(rows, noted, costs)
    if by is By.TAG:
        return by_tag(rows, noted, costs)
    if by is By.MODEL:
        groups = with_notes(by_model(store.calls("assistant_call", since=start)), rows, noted, model=True)
        return with_costs(groups, costs or {})
    return with_notes(by_tool(store.calls("tool_call", since=start)), rows, noted, model=False)


def lines_of(everything: Group, groups: list[Group], by: By, width: int, ascii_only: bool) -> Iterator[Text]:  # noqa: FBT001
    """Yield the total and a line for each group, with a bar for its calls."""
    from rich.text import Text

    from tfclient.cli.lines.blocks import block
    from tfstore.reading.figures import counted, joined, short_count
    from tfstore.reading.noted import mean, scored

    tokens = everything.input_tokens + everything.output_tokens
    failed = f"{everything.failed_sessions:,} failed" if everything.failed_sessions else ""
    calls = counted(everything.model_calls, "model call")
    tools = counted(everything.tool_calls, "tool call")
    errors = counted(everything.errors, "error") if everything.errors else ""
    said = joined(counted(everything.sessions, "session"), failed, calls, tools, errors)
    said = joined(said, f"{short_count(tokens)} tokens") if tokens else said
    said = joined(said, everything.cost.told)
    notes = counted(everything.notes, "note") if everything.notes else ""
    said = joined(said, notes, scored(mean(everything.scores)))
    for piece in block(said, width):
        yield Text(piece, "bold")
    if not groups:
        yield Text("Nothing was noted with a tag." if by is By.TAG else "None was called.", "dim")
        return
    yield Text()
    yield from _table(groups, by, width, ascii_only=ascii_only)


def _table(groups: list[Group], by: By, width: int, *, ascii_only: bool) -> Iterator[Text]:
    from rich.cells import set_cell_size
    from rich.text import Text

    from tfd2.columns import one_line

    table = [_cells(group, by) for group in groups]
    if not any(group.cost.calls for group in groups):
        table = [{name: cell for name, cell in row.items() if name != "COST"} for row in table]
    if not any(group.notes for group in groups):
        table = [{name: cell for name, cell in row.items() if name not in _NOTED} for row in table]
    names = list(table[0])
    longest = max(len(group.key) for group in groups)
    # What a narrow terminal has no room for goes, the least telling first.
    for dropped in (
        "NOTES",
        "P99",
        "OUT",
        "SESSIONS",
        "P90",
        "IN",
        "TOKENS",
        "FAILED",
        "TOOLS",
        "ERRORS",
        "P50",
    ):
        if _wide(names, table) + min(longest, NAME) + 2 + LEAST_BAR <= width:
            break
        names = [name for name in names if name != dropped]
    widths = {name: max(len(name), *(len(row[name]) for row in table)) for name in names}
    room = width - _wide(names, table)
    first = max(min(longest, room - LEAST_BAR - 2), 6)
    bar = min(room - first - 2, MOST_BAR)
    head = set_cell_size(by.value.upper(), first) + "".join(f"  {name:>{widths[name]}}" for name in names)
    yield Text(head[:width], "dim")
    most = max(1, *(_calls(group) for group in groups))
    for group, row in zip(groups, table, strict=True):
        line = Text(set_cell_size(one_line(group.key, first), first), "bold")
        for name in names:
            wrong = name in {"ERRORS", "FAILED"} and row[name] != "–"
            line.append(
                f"  {row[name]:>{widths[name]}}",
                "red" if wrong else "dim" if row[name] == "–" else "not bold",
            )
        if bar >= LEAST_BAR:
            length = max(round(_calls(group) / most * bar), 1) if _calls(group) else 0
            line.append(f"  {('=' if ascii_only else '━') * length}", "cyan")
        line.truncate(width)
        line.rstrip()
        yield line


def _wide(names: list[str], table: list[dict[str, str]]) -> int:
    return sum(2 + max(len(name), *(len(row[name]) for row in table)) for name in names)


def _calls(group: Group) -> int:
    return group.model_calls or group.tool_calls


def _cells(group: Group, by: By) -> dict[str, str]:
    from tfstore.reading.figures import duration, short_count
    from tfstore.reading.totals import percentile

    def count(number: int) -> str:
        return short_count(number) if number else "–"

    times = {f"P{share}": duration(percentile(group.durations, share)) or "–" for share in (50, 90, 99)}
    sessions = {"SESSIONS": count(group.sessions)}
    noted = {"COST": _cost(group), "NOTES": count(group.notes), "SCORE": _score(group)}
    if by in {By.DAY, By.TAG}:
        sums = {"CALLS": count(group.model_calls), "TOOLS": count(group.tool_calls)}
        tokens = {"TOKENS": count(group.input_tokens + group.output_tokens)}
        failed = {"FAILED": count(group.failed_sessions)}
        return sessions | failed | sums | {"ERRORS": count(group.errors)} | tokens | times | noted
    numbers = {"CALLS": count(_calls(group)), "ERRORS": count(group.errors)}
    tokens = {"IN": count(group.input_tokens), "OUT": count(group.output_tokens)} if by is By.MODEL else {}
    return sessions | numbers | tokens | times | noted


def _cost(group: Group) -> str:
    cost = group.cost
    return f"{cost.words}{f' ({cost.unpriced:,}?)' if cost.unpriced else ''}" if cost.known else "–"


def _score(group: Group) -> str:
    from tfstore.reading.noted import mean, score_words

    score = mean(group.scores)
    return "–" if score is None else score_words(score)
