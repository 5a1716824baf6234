"""``tfclient dataset``: what was asked and answered as rows, for evaluations."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.commands.sharing.targets import STDOUT, ForceOption, write_out
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
    ScoreOption,
    SinceOption,
    TagOption,
    ThreadOption,
    ToolOption,
    choose,
)
from tfclient.cli.finding import nothing_in, open_store
from tfclient.cli.options import StoreOption, known_ids
from tfclient.cli.printing import complain, remark, say
from tfstore.meant import find_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.export.rows import Row
    from tfstore.protocols import Reading

_NAMED = 10
"""Runs without a row that are named one by one."""


class Form(StrEnum):
    """Who reads the rows."""

    INSPECT = "inspect"
    EVALS = "evals"


def dataset(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="These sessions; else all.", show_default=False, autocompletion=known_ids
        ),
    ] = None,
    *,
    form: Annotated[
        Form, typer.Option("--format", help="Rows for inspect_ai, or for an eval of OpenAI's.")
    ] = Form.INSPECT,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where to; else stdout.", show_default=False),
    ] = None,
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
    force: ForceOption = False,
    store: StoreOption = None,
) -> None:
    """Write a row of JSON for each run: the messages of its first request, and the last answer as the target.

    Sessions are chosen as `tfclient list` does, the oldest first; those that played another one again only by their id.
    Each row has its id (session:run), the model, the tools called with their arguments, and `whole_history`: false
    where the server kept what came before. What has no place in a message is counted in `left_out`. Runs without a
    prompt have no row, and are told.
    """
    from tfstore.document.json_text import compact
    from tfstore.reading.figures import counted

    filters = Filters(failed, tool, model, meta, thread, since, error_class, grep, odd, noted, tag, score)
    if sessions and filters.any:
        raise Refused("Name sessions, or say what they are to be like, not both.", USAGE)
    filters.look()
    opened = open_store(store)
    troubles: list[str] = []
    without: list[str] = []
    lines: list[bytes] = []
    for each in _rows(opened, _ids(opened, sessions or [], filters, troubles), troubles):
        if isinstance(each, str):
            without.append(each)
        else:
            lines.append(compact(each.as_json(form.value)) + b"\n")
    if not lines and not troubles:
        nothing = "No session is like that." if filters.any else nothing_in(opened)
        raise Refused("No run of these sessions has a prompt." if without else nothing)
    target = write_out(b"".join(lines), output or STDOUT, f"dataset.{form.value}.jsonl", force=force)
    for words in without[:_NAMED]:
        remark(f"No row: {words}.")
    if len(without) > _NAMED:
        remark(f"No row: {len(without) - _NAMED:,} more.")
    remark(counted(len(lines), "row"))
    if target is not None:
        say(str(target))
    for trouble in dict.fromkeys([*troubles, *opened.skipped.values()]):
        complain(trouble)
    if troubles or opened.skipped:
        raise typer.Exit(WRONG)


def _ids(store: Reading, typed: list[str], filters: Filters, troubles: list[str]) -> list[str]:
    if typed:
        return list(dict.fromkeys(find_session(store, each) for each in typed))
    chosen = choose(store, filters)
    troubles += chosen.troubles
    return [row.session_id for row in reversed(chosen.rows) if row.replay is None]


def _rows(store: Reading, ids: list[str], troubles: list[str]) -> Iterator[Row | str]:
    from tfclient.export.rows import rows_of
    from tfstore.errors import StoreError

    for session_id in ids:
        try:
            yield from rows_of(store, store.get(session_id))
        except StoreError as error:
            troubles.append(str(error))
