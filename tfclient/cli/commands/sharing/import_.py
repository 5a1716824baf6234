"""``tfclient import``: sessions from vcrpy cassettes that exist already."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, stderr, stdout
from tfstore.errors import SessionInUse

if TYPE_CHECKING:
    from tfclient.importing.cassettes import Imported
    from tfstore.store import Store

NAMED = 10
"""Sessions named one by one; of more only the numbers are told."""


class Redact(StrEnum):
    """What is replaced before anything is stored."""

    SECRETS = "secrets"
    CONTENT = "content"
    NONE = "none"


def import_(
    cassettes: Annotated[
        list[Path], typer.Argument(metavar="CASSETTE|FOLDER...", help="vcrpy cassettes, or folders of them.")
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
    """Make sessions from vcrpy cassettes, one each.

    Every OpenAI exchange in them goes the same way as a recorded one. Importing a cassette again replaces its
    session. Folders are walked; files in them that are no cassettes are told and passed over.

    Bodies that came compressed are undone; of one that cannot be, the session says so, and this command why.

    With --json: {store, imported: [{cassette, session_id, path, title, result, left_out, not_decoded:
    [{exchange, body, why}]}], problems: [{cassette, problem}]}; left_out counts exchanges with other servers, exchange
    counts from 1, body is "request" or "response".
    """
    from attrs import asdict

    from tfclient.errors import SettingError
    from tfclient.importing.cassettes import cassettes_at
    from tfclient.settings import NOT_GIVEN, Settings, directory_to_read
    from tfstore.store import Store

    folder = directory_to_read(store)
    try:
        settings = Settings.resolve(folder, max_payload=NOT_GIVEN if max_payload is None else max_payload)
    except SettingError as error:
        raise Refused(
            f"--max-payload {max_payload!r} cannot be used: give {error.expected}.", USAGE
        ) from None
    try:
        found = cassettes_at(cassettes)
    except FileNotFoundError as error:
        raise Refused(str(error), USAGE) from None
    if not found:
        raise Refused(f"There are no cassettes (.yaml, .yml) in {', '.join(map(str, cassettes))}.")
    opened = Store(folder, create=True)
    done = list(_import(opened, found, redact, settings.max_payload, quiet=as_json))
    if as_json:
        print_json(
            {
                "store": str(opened.paths.root),
                "imported": [
                    {
                        "cassette": str(each.path),
                        "session_id": each.session.session_id,
                        "path": str(opened.paths.document(each.session.session_id)),
                        "title": each.session.title,
                        "result": each.session.result,
                        "left_out": each.left_out,
                        "not_decoded": [asdict(one) for one in each.not_decoded],
                    }
                    for each in done
                    if each.session
                ],
                "problems": [
                    {"cassette": str(each.path), "problem": each.problem} for each in done if each.problem
                ],
            }
        )
    else:
        _tell(opened, done)
    named = {path for path in cassettes if path.is_file()}
    if any(each.problem and each.path in named for each in done) or not any(each.session for each in done):
        raise typer.Exit(WRONG)


def _import(
    store: Store, cassettes: list[Path], redact: Redact, max_payload: int | None, *, quiet: bool
) -> Iterator[Imported]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from tfclient.finishing.live import DrawingFailed
    from tfclient.importing.cassettes import Imported, import_cassettes
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
        task = progress.add_task("", total=len(cassettes))
        for path in cassettes:
            progress.update(task, description=one_line(path.name, 40))
            try:
                mode = None if redact is Redact.NONE else redact.value
                yield from import_cassettes(store, [path], redact=mode, max_payload=max_payload)
            except (DrawingFailed, SessionInUse) as error:
                # One cassette's trouble; a store that cannot be written is everybody's and ends the import.
                yield Imported(path, problem=str(error))
            progress.advance(task)


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
    from_ = counted(sum(each.session is not None for each in done), "cassette")
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
    if left_out:
        console.print(
            f"Left out: {counted(left_out, 'exchange')} with other servers.", style="dim", soft_wrap=True
        )
    console.print("`tfclient list` shows them, `tfclient show ID` one of them.", style="dim", soft_wrap=True)
