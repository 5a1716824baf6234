"""``tfclient export``: a session in a form that another tool reads."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.commands.sharing.targets import STDOUT, ForceOption, write_out
from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import open_store, shown_session
from tfclient.cli.options import JsonOption, SessionArgument, StoreOption
from tfclient.cli.printing import complain, print_json, remark, say
from tfstore.meant import LAST

if TYPE_CHECKING:
    from tfclient.export.cassettes import Cassette


class Form(StrEnum):
    """What a session can be exported as."""

    VCR = "vcr"


def export(
    form: Annotated[  # noqa: ARG001 - the only one so far
        Form, typer.Argument(help="vcr: a cassette that vcrpy plays.", show_default=False)
    ],
    session: SessionArgument = LAST,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to; - is stdout. Else ID.yaml here.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a session's exchanges as a cassette: vcrpy plays it, and `tfclient import` reads it back.

    When each exchange happened, in which pieces its answer came and how it ended stands beside it under a key of its
    own, which vcrpy reads past. Attempts that got no response have no form there: they are left out, and told. What
    was replaced when the session was recorded is replaced in it.

    With --json: {session_id, path, exchanges, left_out: [{exchange_id, what, why}]}.
    """
    from attrs import asdict

    from tfclient.export.cassettes import cassette_of

    if as_json and output == STDOUT:
        raise Refused("--json and -o - both want stdout: give one of them.", USAGE)
    opened = open_store(store)
    session_id = shown_session(opened, session)
    entries, _ = opened.journal(session_id)
    made = cassette_of(entries)
    if not made.interactions:
        raise Refused(
            f"Session {session_id} has no answer in its journal: there is nothing to be played.", WRONG
        )
    text = made.text().encode()
    target = write_out(text, output, f"{session_id}.yaml", force=force)
    if as_json:
        left_out = [asdict(each) for each in made.left_out]
        told = {"session_id": session_id, "path": str(target), "exchanges": len(made.interactions)}
        print_json({**told, "left_out": left_out})
        return
    _tell(made)
    if target is not None:
        say(str(target))


def _tell(made: Cassette) -> None:
    from tfstore.reading.figures import counted

    for each in made.left_out:
        complain(f"Left out: the {each.what} of {each.exchange_id}: {each.why}.", "yellow")
    remark(
        f"{counted(len(made.interactions), 'exchange')}; `tfclient import FILE` makes a session of it again."
    )
