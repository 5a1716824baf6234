"""``tfclient html``: a session's page as one file, to attach to a bug report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import open_store, shown_session
from tfclient.cli.options import JsonOption, SessionArgument, StoreOption
from tfclient.cli.printing import print_json, say
from tfstore.meant import LAST

STDOUT = Path("-")


def html(
    session: SessionArgument = LAST,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to; - is stdout. Else ID.html here.",
            show_default=False,
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a session as one HTML file that opens anywhere: no server, no network.

    It holds everything that was recorded of the session, so look at it before you pass it on.

    Needs pip install 'tfclient[view]'; the flow is in it when the d2 program is there (pip install 'tfclient[d2]').

    With --json: {session_id, path, bytes}.
    """
    from tfclient.view import ViewError, html_file

    if as_json and output == STDOUT:
        raise Refused("--json and -o - both want stdout: give one of them.", USAGE)
    opened = open_store(store)
    session_id = shown_session(opened, session)
    try:
        page = html_file(opened, session_id).encode("utf-8", "replace")
    except ViewError as error:
        raise Refused(str(error)) from error
    if output == STDOUT:
        typer.get_binary_stream("stdout").write(page)
        return
    target = output or Path(f"{session_id}.html")
    if target.is_dir():
        target /= f"{session_id}.html"
    try:
        target.write_bytes(page)
    except OSError as error:
        raise Refused(
            f"{target} cannot be written ({error.strerror}): name another place with -o."
        ) from error
    if as_json:
        print_json({"session_id": session_id, "path": str(target), "bytes": len(page)})
    else:
        say(str(target))
