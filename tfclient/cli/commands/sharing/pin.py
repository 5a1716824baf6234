"""``tfclient pin`` and ``unpin``: sessions of a database that stay, whatever is pruned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.commands.sharing.sync import address_of
from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import is_database
from tfclient.cli.options import StoreOption
from tfclient.cli.printing import say

if TYPE_CHECKING:
    from tfstore.postgres.address import Address

_Session = Annotated[str, typer.Argument(metavar="ID", help="The session's whole id, or id@store.")]


def pin(
    session: _Session,
    *,
    incident: Annotated[str, typer.Option("--incident", metavar="NAME", help="What it is kept for.")],
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="More about that.", show_default=False)
    ] = "",
    store: StoreOption = None,
) -> None:
    """Keep a session of a database, whatever is pruned there: for an incident, with a note.

    It may be pinned for several. `tfclient unpin ID` lets it go when its time comes.
    """
    address = _database(store, "pin")
    from tfstore.postgres.retention import pin as keep

    keep(address, session, incident, note)
    say(f"{session} is pinned for {incident}.")


def unpin(session: _Session, *, store: StoreOption = None) -> None:
    """Let a pinned session of a database be pruned when its time comes."""
    address = _database(store, "unpin")
    from tfstore.postgres.retention import unpin as release

    release(address, session)
    say(f"{session} is no longer pinned.")


def _database(store: str | None, command: str) -> Address:
    if not is_database(store):
        raise Refused(f"`{command}` is for a database: --store postgresql://user@host/name.", USAGE)
    return address_of(store)
