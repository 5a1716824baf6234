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
    raw: Annotated[bool, typer.Option("--raw", help="The folder of what was recorded raw instead.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the path of a session's JSON document.

    With --json: {session_id, json, d2, raw}; d2 is null while there is no diagram, raw where nothing raw is there.
    """
    opened = disk_store(store, "path")
    session_id = shown_session(opened, session)
    document, diagram = opened.paths.document(session_id), opened.paths.diagram(session_id)
    drawn = diagram.is_file()
    if d2 and not drawn:
        raise Refused(f"Session {session_id} has no diagram yet: `tfclient d2 {session_id}` draws it.")
    bodies = opened.paths.raw_of(session_id)
    kept = bool(opened.raw(session_id))
    if raw and not kept:
        was = opened.get(session_id).raw
        reason = "what was recorded raw has gone since" if was else "it was not recorded raw"
        raise Refused(f"There is nothing raw of session {session_id}: {reason}.")
    if as_json:
        found = {
            "json": str(document),
            "d2": str(diagram) if drawn else None,
            "raw": str(bodies) if kept else None,
        }
        print_json({"session_id": session_id, **found})
    else:
        say(str(bodies if raw else diagram if d2 else document))
