"""``tfclient delete``: one session and all that is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.failures import WRONG
from tfclient.cli.finding import bare_store, is_database
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, say

if TYPE_CHECKING:
    from tfstore.keeping.deleting import Deletion
    from tfstore.postgres.deleting import Deleted


def delete(
    sessions: Annotated[list[str], typer.Argument(metavar="ID...", help="The sessions' whole ids.")],
    *,
    pinned: Annotated[bool, typer.Option("--pinned", help="Those that are pinned too.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete sessions: journal, archive, document, diagram, all that names them. There is no way back.

    Ids are to be typed in full; what is pinned (`tfclient pin`) stays, unless --pinned is given. Blobs go too,
    unless another session refers to them. Of a database (--store postgresql://…) they are deleted there only: on the
    machine that recorded one it is to be deleted first, or the next `tfclient sync` sends it again.

    With --json: {store, deleted: [session_id], problems: [{session_id, problem}], blob_bytes}.
    """
    if is_database(store):
        _delete_there(str(store), sessions, pinned=pinned, as_json=as_json)
        return
    from tfstore.keeping.deleting import delete as delete_all
    from tfstore.keeping.deleting import known

    opened = bare_store(store, "delete")
    # All are looked for before the first is gone.
    outcome = delete_all(opened, [known(opened, session_id) for session_id in sessions], pinned=pinned)
    _tell(outcome, "is deleted", opened.where, as_json=as_json)
    if opened.paths.learnings_page.exists():
        from tfclient.reflect.lessons.book import Book

        Book(opened).summarise()
    for own_words in opened.learnings.naming(outcome.deleted):
        complain(own_words, "yellow")
    if outcome.blobs_kept is not None:
        complain(f"Blobs of deleted sessions stay until `tfclient prune`. {outcome.blobs_kept}")
    if outcome.problems:
        raise typer.Exit(WRONG)


def _tell(outcome: Deletion | Deleted, done: str, where: str, *, as_json: bool) -> None:
    problems = {each: str(problem) for each, problem in outcome.problems.items()}
    if as_json:
        told = [{"session_id": each, "problem": problem} for each, problem in problems.items()]
        print_json(
            {
                "store": where,
                "deleted": outcome.deleted,
                "problems": told,
                "blob_bytes": outcome.blob_bytes,
            }
        )
    else:
        for session_id in outcome.deleted:
            say(f"{session_id} {done}.")
        for problem in problems.values():
            complain(problem)


def _delete_there(store: str, sessions: list[str], *, pinned: bool, as_json: bool) -> None:
    from tfclient.cli.commands.sharing.sync import address_of

    address = address_of(store)
    from tfstore.postgres.deleting import delete as delete_all

    outcome = delete_all(address, sessions, pinned=pinned)
    _tell(outcome, f"is deleted from {address.shown}", address.shown, as_json=as_json)
    if outcome.problems:
        raise typer.Exit(WRONG)
