"""``tfclient show``: a session to read: its tree, one step of it in full, or what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.options import JsonOption, SessionArgument, StoreOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.text import Text

    from tfstore.documents import Run, Session


def show(
    session: SessionArgument,
    *,
    run: Annotated[
        int | None, typer.Option("--run", metavar="N", min=1, help="Only this run.", show_default=False)
    ] = None,
    step: Annotated[
        str | None,
        typer.Option("--step", metavar="ID", help="One step in full: step_1_4, or 1.4.", show_default=False),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Texts, arguments and outputs whole.")] = False,
    transcript: Annotated[
        bool, typer.Option("--transcript", help="Only what user and assistant said.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a session: its runs and steps, what they took and cost, and what went wrong.

    With --json: the session document; with --run or --step that part of it; with --transcript
    [{step_id, run_id, role, text, at}].
    """
    from tfclient.cli.details import details
    from tfclient.cli.failures import USAGE, Refused
    from tfclient.cli.finding import find_run, find_session, find_step, open_store
    from tfclient.cli.printing import print_json, stdout
    from tfclient.cli.transcript import messages, transcript_of
    from tfstore.converter import step_to_json

    if step is not None and (transcript or run is not None or full):
        raise Refused("--step shows one step in full: leave out --run, --full and --transcript.", USAGE)
    if full and transcript:
        raise Refused("--transcript shows texts whole: leave out --full.", USAGE)
    opened = open_store(store)
    found = opened.get(find_session(opened, session))
    runs = found.runs if run is None else [find_run(found, run)]
    if step is not None:
        wanted = find_step(found, step)
        if as_json:
            print_json(step_to_json(wanted))
        else:
            _print(stdout(), details(opened, found, wanted, stdout().width))
    elif transcript:
        if as_json:
            print_json([message.as_json() for message in messages(runs)])
        else:
            _print(stdout(), transcript_of(runs, stdout().width))
    elif as_json:
        print_json(_json(found, None if run is None else runs[0]))
    else:
        print_tree(found, runs, full=full)


def _json(session: Session, run: Run | None) -> object:
    from tfstore.converter import to_json

    document = to_json(session)
    if run is None:
        return document
    return next(each for each in document["runs"] if each["run_id"] == run.run_id)


def print_tree(session: Session, runs: list[Run], *, full: bool = False) -> None:
    """Print these runs of a session below its heading."""
    from tfclient.cli.heading import heading
    from tfclient.cli.printing import stdout
    from tfclient.cli.tree import ASCII, Guides, Look, tree
    from tfd2.facts import gather

    console = stdout()
    look = Look(console.width, full, ASCII if console.options.ascii_only else Guides())
    facts = gather(session)
    wanted = [each for each in facts.runs if any(each.run is run for run in runs)]
    _print(console, heading(session, look.width))
    _print(console, tree(facts, wanted, look))
    if not facts.runs:
        console.print("It has no runs.", style="dim")


def _print(console: Console, lines: Iterable[Text]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True)
