"""``tfclient text``: a session, or what differs between two, as text for a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import notes_on, open_store, shown_session
from tfclient.cli.options import JsonOption, RunOption, SessionArgument, StoreOption, known_ids
from tfclient.cli.printing import print_json
from tfstore.meant import LAST

if TYPE_CHECKING:
    from tfclient.reflect.findings import Finding
    from tfstore.document.documents import Session


def text(
    session: SessionArgument = LAST,
    *,
    budget: Annotated[
        int | None,
        typer.Option("--budget", metavar="N", help="At most so many tokens, estimated; else all of it."),
    ] = None,
    run: RunOption = None,
    no_findings: Annotated[bool, typer.Option("--no-findings", help="Without what was found.")] = False,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff", metavar="ID", help="What differs in this session from it.", autocompletion=known_ids
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a session for a model to read: a line a step, its id first, recorded text quoted, what is wrong on top.

    What people noted comes next. What has no room within the budget is cut or folded, and says what `tfclient expand`
    gives it back for. With --diff ID the steps of ID that differ from this session, changes only.

    With --json: {session_id, text, tokens, budget}, with --diff also `diff`; tokens are estimated.
    """
    from tfclient.errors import SettingError
    from tfclient.reflect.text import diff_text, estimate, render

    if diff is not None and run is not None:
        raise Refused("--diff compares whole sessions: leave out --run.", USAGE)
    opened = open_store(store)
    found = opened.get(shown_session(opened, session))
    try:
        if diff is None:
            findings = [] if no_findings else _findings(found)
            said = render(found, budget, findings=findings, run=run, notes=notes_on(opened, found.session_id))
            other = {}
        else:
            after = opened.get(shown_session(opened, diff))
            said, other = diff_text(found, after, budget), {"diff": after.session_id}
    except SettingError as error:
        raise Refused(f"--budget {error.value} cannot be used: give {error.expected}.", USAGE) from error
    if as_json:
        print_json(
            {
                "session_id": found.session_id,
                **other,
                "text": said,
                "tokens": estimate(said),
                "budget": budget,
            }
        )
    else:
        typer.echo(said)


def _findings(session: Session) -> list[Finding]:
    from tfclient.reflect.findings import examine

    return examine(session).findings
