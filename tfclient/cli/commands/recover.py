"""``tfclient recover``: end the sessions of dead writers, and make unreadable documents again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.failures import WRONG
from tfclient.cli.finding import bare_store, named_sessions
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, stdout
from tfstore.errors import StoreError

if TYPE_CHECKING:
    from tfstore.document.documents import Session
    from tfstore.store import Store


def recover(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Only these; else all that need it.", show_default=False),
    ] = None,
    *,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """End sessions whose program died, and write their files from their journals.

    Documents that are missing or cannot be read are made again the same way.

    With --json: {store, recovered: [{session_id, title, result, path}], problems: [{session_id, problem}]}.
    """
    from tfd2.columns import one_line
    from tfstore.reading.figures import counted

    opened = bare_store(store, "recover")
    recovered: list[Session] = []
    problems: dict[str, str] = {}
    wanted = named_sessions(opened, sessions, opened.recorded()) if sessions else _needing(opened)
    for session_id in wanted:
        outcome = _recover(opened, session_id)
        if isinstance(outcome, str):
            problems[session_id] = outcome
        elif outcome is not None:
            recovered.append(outcome)
    if as_json:
        rows = [
            {
                "session_id": each.session_id,
                "title": each.title,
                "result": each.result,
                "path": str(opened.paths.document(each.session_id)),
            }
            for each in recovered
        ]
        left = [{"session_id": each, "problem": problem} for each, problem in problems.items()]
        print_json({"store": str(opened.paths.root), "recovered": rows, "problems": left})
    else:
        console = stdout()
        for each in recovered:
            console.print(f"{each.session_id}  {one_line(each.title, 60)}", soft_wrap=True)
        if recovered or not problems:
            done = f"{counted(len(recovered), 'session')} recovered." if recovered else "Nothing to recover."
            console.print(done, soft_wrap=True)
        for problem in problems.values():
            complain(problem)
    if problems:
        raise typer.Exit(WRONG)


def _needing(store: Store) -> list[str]:
    from tfclient.finishing.recovery import unarchived
    from tfstore.keeping.doctor import examine

    found = {
        each.session_id
        for each in examine(store, journals=False)
        if each.mend == "recover" or each.kind == "lost_document"
    }
    return sorted({*unarchived(store), *(each for each in found if each is not None)})


def _recover(store: Store, session_id: str) -> Session | str | None:
    """Return the recovered session, why there is none, or None when another process is at it."""
    from tfclient.finishing.live import DrawingFailed
    from tfclient.finishing.recovery import end_session
    from tfstore.journal.reading import live_writers, writers

    if live := live_writers(store.paths, session_id):
        return f"Session {session_id} is being written by {', '.join(live)}: it ends when its program does."
    if not writers(store.paths, session_id):
        return (
            f"Session {session_id} has no journal to make its document from again; "
            f"{store.paths.document(session_id)} is left as it is."
        )
    try:
        with store.claim(session_id) as mine:
            return end_session(store, session_id) if mine else None
    except (StoreError, DrawingFailed, OSError) as error:
        return str(error)
