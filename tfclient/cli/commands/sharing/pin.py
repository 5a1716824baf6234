"""``tfclient pin`` and ``unpin``: sessions that stay, whatever is pruned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.finding import bare_store, is_database, open_store
from tfclient.cli.options import JsonOption, StoreOption, known_ids
from tfclient.cli.printing import complain, print_json, say

if TYPE_CHECKING:
    from tfstore.document.pins import Pin
    from tfstore.protocols import Reading

_Session = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The session: its id, the start of one, or last; in a database also id@store.",
        autocompletion=known_ids,
    ),
]


def pin(
    session: _Session,
    *,
    incident: Annotated[str, typer.Option("--incident", metavar="NAME", help="What it is kept for.")],
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="More about that.", show_default=False)
    ] = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a session, whatever is pruned: for an incident, with a note. `tfclient list --pinned` finds it.

    It may be pinned for several. `tfclient unpin ID` lets it go when its time comes. `tfclient sync` sends pins along;
    what is pinned in a database only is kept there, and not on the machine that recorded it.

    With --json: {session_id, incident, note, at}, with redactions if something was replaced.
    """
    from tfstore.document.pins import checked
    from tfstore.meant import find_session
    from tfstore.store import Store

    given = checked(incident, note)
    opened = open_store(store) if is_database(store) else bare_store(store, "pin")
    session_id = find_session(opened, session)
    if isinstance(opened, Store):
        made = opened.pin(session_id, given.incident, given.note)
    else:
        made = _in_database(opened, str(store), session_id, given)
    if as_json:
        print_json({"session_id": session_id, **made.as_json()})
        return
    say(f"{session_id} is pinned for {made.incident}.")
    if made.redactions:
        complain("Not all of it was written down: something was replaced.", "yellow")


def _in_database(opened: Reading, store: str, session_id: str, given: Pin) -> Pin:
    from tfclient.cli.commands.sharing.sync import address_of
    from tfclient.redaction.notes import note_keeper
    from tfclient.settings import redaction_here
    from tfstore.document.pins import kept
    from tfstore.errors import GoneToWarm
    from tfstore.postgres.pinning import pin as keep

    try:
        mode = opened.get(session_id).redaction.mode
    except GoneToWarm:
        mode = ""
    return keep(address_of(store), session_id, kept(given, note_keeper(redaction_here()), mode))


def unpin(
    session: _Session,
    *,
    incident: Annotated[
        str | None,
        typer.Option(
            "--incident", metavar="NAME", help="Only of this incident; else of all.", show_default=False
        ),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Let a pinned session be pruned when its time comes."""
    from tfstore.meant import find_session
    from tfstore.store import Store

    opened = open_store(store) if is_database(store) else bare_store(store, "unpin")
    session_id = find_session(opened, session)
    if isinstance(opened, Store):
        was = opened.unpin(session_id, incident)
    else:
        from tfclient.cli.commands.sharing.sync import address_of
        from tfstore.postgres.pinning import unpin as release

        was = release(address_of(store), session_id, incident)
    of = "" if incident is None else f" for {incident}"
    say(f"{session_id} is no longer pinned{of}." if was else f"{session_id} was not pinned{of}.")
