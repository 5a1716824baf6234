"""``tfclient rebuild``: documents and diagrams made again from their journals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import bare_store, named_sessions
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, say
from tfstore.errors import StoreError

if TYPE_CHECKING:
    from tfclient.finishing.rebuilding import Rebuilt
    from tfstore.store import Store


def rebuild(
    sessions: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="These sessions.", show_default=False)
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All that have a journal.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make documents, diagrams and archives again from the journal, which is the record.

    They come out as they were. Where one does not, the earlier document is kept beside it as ID.json.v1.

    With --json: {store, rebuilt: [{session_id, changed, path, earlier}], problems: [{session_id, problem}]}.
    """
    if bool(sessions) == everything:
        raise Refused("Name sessions, or --all for every one that has a journal.", USAGE)
    opened = bare_store(store, "rebuild")
    rebuilt: list[dict[str, Any]] = []
    problems: list[dict[str, str]] = []
    recorded = opened.recorded()
    for session_id in recorded if everything else named_sessions(opened, sessions or [], recorded):
        outcome = _rebuild(opened, session_id)
        if isinstance(outcome, str):
            problems.append({"session_id": session_id, "problem": outcome})
            if not as_json:
                complain(outcome)
            continue
        row = _row(opened, session_id, outcome)
        rebuilt.append(row)
        if not as_json:
            say(f"{session_id}  {_words(row)}")
    if as_json:
        print_json({"store": str(opened.paths.root), "rebuilt": rebuilt, "problems": problems})
    elif not rebuilt and not problems:
        say("There is nothing to rebuild: no session has a journal.")
    if problems:
        raise typer.Exit(WRONG)


def _rebuild(store: Store, session_id: str) -> Rebuilt | str:
    from tfclient.finishing.live import DrawingFailed
    from tfclient.finishing.rebuilding import rebuild as rebuild_session

    try:
        return rebuild_session(store, session_id)
    except (StoreError, DrawingFailed, OSError) as error:
        return str(error)


def _row(store: Store, session_id: str, outcome: Rebuilt) -> dict[str, Any]:
    earlier: Path | None = outcome.earlier
    return {
        "session_id": session_id,
        "changed": outcome.changed,
        "path": str(store.paths.document(session_id)),
        "earlier": None if earlier is None else str(earlier),
    }


def _words(row: dict[str, Any]) -> str:
    if row["earlier"] is not None:
        return f"changed; the document before it is kept at {row['earlier']}"
    return "written" if row["changed"] else "the same as before"
