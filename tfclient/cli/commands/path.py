"""``tfclient path``: where a session's files are."""

from __future__ import annotations

from typing import Annotated

import typer

from tfclient.cli.failures import Refused
from tfclient.cli.finding import disk_store, shown_session
from tfclient.cli.options import JsonOption, SessionArgument, StoreOption
from tfclient.cli.printing import print_json, say
from tfstore.meant import LAST


def path(
    session: SessionArgument = LAST,
    *,
    d2: Annotated[bool, typer.Option("--d2", help="The diagram's path instead.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the path of a session's JSON document.

    With --json: {session_id, json, d2}; d2 is null while there is no diagram.
    """
    opened = disk_store(store, "path")
    session_id = shown_session(opened, session)
    document, diagram = opened.paths.document(session_id), opened.paths.diagram(session_id)
    drawn = diagram.is_file()
    if d2 and not drawn:
        raise Refused(f"Session {session_id} has no diagram yet: `tfclient d2 {session_id}` draws it.")
    if as_json:
        print_json({"session_id": session_id, "json": str(document), "d2": str(diagram) if drawn else None})
    else:
        say(str(diagram if d2 else document))
