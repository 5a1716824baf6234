"""``tfclient import``: sessions from vcrpy cassettes, and from the logs that agents write themselves."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, stderr, stdout
from tfstore.errors import SessionInUse

if TYPE_CHECKING:
    from tfclient.importing.imported import Imported
    from tfstore.document.documents import Session
    from tfstore.store import Store

NAMED = 10
"""Sessions named one by one; of more only the numbers are told."""


class Redact(StrEnum):
    """What is replaced before anything is stored."""

    SECRETS = "secrets"
    CONTENT = "content"
    NONE = "none"


def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|FOLDER...", help="vcrpy cassettes, logs of agents, or folders of them."),
    ],
    *,
    redact: Annotated[
        Redact, typer.Option(help="Replace secrets, replace all content by hashes, or keep everything.")
    ] = Redact.SECRETS,
    max_payload: Annotated[
        str | None,
        typer.Option(
            "--max-payload",
            metavar="SIZE",
            help="Keep so much of one value in the document: 256KB, 1MB; else THOUGHTFLOW_MAX_PAYLOAD, else all.",
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make sessions from vcrpy cassettes, and from the logs of agents.

    Every OpenAI exchange of a cassette goes the same way as a recorded one. Importing it again replaces its session.
    Bodies that came compressed are undone; of one that cannot be, the session says so, and this command why.

    Logs are rollouts of Codex, transcripts of Claude Code, sessions of openai-agents (SQLite) and trajectories in ATIF,
    known by what stands in them. A log that has grown since makes the same session go on; one that was cut
    leaves it as it is. Lines of kinds that nobody knows are counted, and told.

    Folders are walked; files in them that are neither are passed over.

    With --json: {store, imported: [{cassette, session_id, path, title, result, left_out, not_decoded:
    [{exchange, body, why}]}, or {log, agent, session_id, path, title, result, unchanged, passed_over, unreadable}],
    problems: [{cassette or log, problem}]}; left_out counts exchanges with other servers, exchange counts from 1, body
    is "request" or "response"; passed_over are lines by kind.
    """
    from tfclient.cli.finding import folder_of
    from tfclient.errors import SettingError
    from tfclient.importing.cassettes import cassettes_at
    from tfclient.importing.logs.survey import logs_at
    from tfclient.settings import NOT_GIVEN, Settings, directory_to_read
    from tfstore.store import Store

    folder = directory_to_read(folder_of(store, "import"))
    try:
        settings = Settings.resolve(folder, max_payload=NOT_GIVEN if max_payload is None else max_payload)
    except SettingError as error:
        raise Refused(
            f"--max-payload {max_payload!r} cannot be used: give {error.expected}.", USAGE
        ) from None
    try:
        cassettes = cassettes_at(paths)
    except FileNotFoundError as error:
        raise Refused(str(error), USAGE) from None
    logs = logs_at(paths)
    cassettes = [each for each in cassettes if each not in logs]
    if not cassettes and not logs:
        where = ", ".join(map(str, paths))
        raise Refused(f"There are no cassettes (.yaml, .yml) and no logs of agents in {where}.")
    opened = Store(folder, create=True)
    done = list(_import(opened, cassettes, logs, redact, settings.max_payload, quiet=as_json))
    if as_json:
        imported = [_row(opened, each, each.session) for each in done if each.session]
        problems = [{_of(each): str(each.path), "problem": each.problem} for each in done if each.problem]
        print_json({"store": str(opened.paths.root), "imported": imported, "problems": problems})
    else:
        _tell(opened, done)
    named = {path for path in paths if path.is_file()}
    if any(each.problem and each.path in named for each in done) or not any(each.session for each in done):
        raise typer.Exit(WRONG)


def _of(imported: Imported) -> str:
    return "cassette" if imported.agent is None else "log"


def _row(store: Store, imported: Imported, session: Session) -> dict[str, Any]:
    from attrs import asdict

    row: dict[str, Any] = {_of(imported): str(imported.path)}
    row |= {} if imported.agent is None else {"agent": imported.agent}
    row |= {
        "session_id": session.session_id,
        "path": str(store.paths.document(session.session_id)),
        "title": session.title,
        "result": session.result,
    }
    if imported.agent is None:
        return row | {
            "left_out": imported.left_out,
            "not_decoded": [asdict(one) for one in imported.not_decoded],
        }
    passed = {
        name: imported.passed_over.get(name, none) for name, none in (("passed_over", {}), ("unreadable", 0))
    }
    return row | {"unchanged": imported.unchanged, **passed}


def _import(
    store: Store,
    cassettes: list[Path],
    logs: list[Path],
    redact: Redact,
    max_payload: int | None,
    *,
    quiet: bool,
) -> Iterator[Imported]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from tfclient.finishing.live import DrawingFailed
    from tfclient.importing.cassettes import import_cassettes
    from tfclient.importing.imported import Imported
    from tfclient.importing.logs.importing import import_logs
    from tfd2.columns import one_line

    console = stderr()
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal
    ) as progress:
        mode = None if redact is Redact.NONE else redact.value
        task = progress.add_task("", total=len(cassettes) + len(logs))
        for path in cassettes:
            progress.update(task, description=one_line(path.name, 40))
            try:
                yield from import_cassettes(store, [path], redact=mode, max_payload=max_payload)
            except (DrawingFailed, SessionInUse) as error:
                # One cassette's trouble; a store that cannot be written is everybody's and ends the import.
                yield Imported(path, problem=str(error))
            progress.advance(task)
        for imported in import_logs(store, logs, redact=mode, max_payload=max_payload):
            progress.update(task, advance=1, description=one_line(imported.path.name, 40))
            yield imported


def _not_decoded(imported: Imported) -> Iterator[str]:
    """Say what could not be undone: a line for each kind, with the places."""
    places: dict[tuple[str, str], list[int]] = {}
    for each in imported.not_decoded:
        places.setdefault((each.body, each.why), []).append(each.exchange)
    for (body, why), exchanges in places.items():
        shown = ", ".join(map(str, exchanges[:NAMED])) + (" …" if len(exchanges) > NAMED else "")
        yield (
            f"{imported.path}: the {body} of exchange {shown} could not be undone ({why}); its session says so."
        )


def _passed_over(done: list[Imported]) -> Iterator[str]:
    """Say what of logs became nothing, all of them together."""
    from collections import Counter

    from tfstore.reading.figures import counted

    kinds: Counter[str] = Counter()
    for each in done:
        kinds.update(each.passed_over.get("passed_over", {}))
    if kinds:
        most = ", ".join(f"{kind} ×{count:,}" for kind, count in kinds.most_common(NAMED))
        more = f" and {counted(len(kinds) - NAMED, 'more kind')}" if len(kinds) > NAMED else ""
        yield f"Passed over, as nothing of a conversation or not known: {most}{more}."
    for each in done:
        if unreadable := each.passed_over.get("unreadable"):
            first = ", ".join(map(str, each.passed_over["lines"]))
            yield f"{each.path}: {counted(unreadable, 'line')} cannot be read, the first at {first}."


def _tell(store: Store, done: list[Imported]) -> None:
    from collections import Counter

    from tfd2.columns import one_line
    from tfstore.reading.figures import counted, joined, short_count

    console = stdout()
    sessions = {each.session.session_id: each.session for each in done if each.session}
    for each in done:
        if each.problem:
            complain(each.problem, "yellow")
        for words in _not_decoded(each):
            complain(words, "yellow")
    if not sessions:
        complain("Nothing was imported.")
        return
    if len(sessions) <= NAMED:
        for session in sessions.values():
            console.print(f"{session.session_id}  {one_line(session.title, 48)}", soft_wrap=True)
    summaries = [session.summary for session in sessions.values()]
    results = Counter(session.result or session.status for session in sessions.values())
    left_out = sum(each.left_out for each in done)
    made_of = Counter(_of(each) for each in done if each.session)
    from_ = " and ".join(counted(count, kind) for kind, count in sorted(made_of.items()))
    console.print(f"{counted(len(sessions), 'session')} from {from_} in {store.paths.root}", soft_wrap=True)
    console.print(
        joined(
            ", ".join(f"{count:,} {result}" for result, count in results.most_common()),
            counted(sum(each.model_calls for each in summaries), "model call"),
            counted(sum(each.tool_calls for each in summaries), "tool call"),
            f"{short_count(sum(each.usage.total_tokens for each in summaries))} tokens",
        ),
        soft_wrap=True,
    )
    unchanged = sum(each.unchanged for each in done)
    if unchanged:
        console.print(f"{counted(unchanged, 'log')} had nothing new.", style="dim", soft_wrap=True)
    for told in _passed_over(done):
        console.print(told, style="dim", soft_wrap=True)
    if left_out:
        console.print(
            f"Left out: {counted(left_out, 'exchange')} with other servers.", style="dim", soft_wrap=True
        )
    console.print("`tfclient list` shows them, `tfclient show ID` one of them.", style="dim", soft_wrap=True)
