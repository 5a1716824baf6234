"""Which store, which session, which run and step are meant by what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from tfclient.cli.failures import USAGE, Refused
from tfstore.meant import find_session, on_disk

if TYPE_CHECKING:
    from tfstore.document.notes import Note
    from tfstore.document.pins import Pin
    from tfstore.protocols import Reading
    from tfstore.reading.search import Pattern
    from tfstore.store import Store


def open_store(place: str | None) -> Reading:
    """Open the store to read from, a folder or a database, and finish what dead processes left in a folder.

    Raises:
        StoreNotFound, StoreUnusable, DatabaseUnusable: there is none there.
    """
    from tfclient.opening import open_to_read

    return open_to_read(place)


def disk_store(place: str | None, command: str) -> Store:
    """Open the store as ``open_store`` does, for a command that needs its folder.

    Raises:
        Refused: it is a database.
        StoreNotFound, StoreUnusable: there is none there.
    """
    from tfclient.opening import open_store as opened

    return opened(folder_of(place, command))


def bare_store(place: str | None, command: str) -> Store:
    """Open the store as it is, for commands that mend it; raises as ``disk_store``."""
    from tfclient.opening import existing_store

    return existing_store(folder_of(place, command))


def is_database(place: str | None) -> bool:
    """Return whether what was typed for a store is the address of a database."""
    from tfstore.postgres.address import is_address

    return place is not None and is_address(place)


def narrowed(place: str | None, source: str) -> str:
    """Return the address of a database, of which only what one store sent is read.

    Raises:
        Refused: what was typed for a store is no database.
    """
    from urllib.parse import quote

    if place is None or not is_database(place):
        reason = (
            "--source names one of the stores that sent to a database: give that with --store postgresql://…"
        )
        raise Refused(reason, USAGE)
    return f"{place}{'&' if '?' in place else '?'}source={quote(source, safe='')}"


def folder_of(place: str | None, command: str) -> str | None:
    """Return what was typed for a store, unless it is a database.

    Raises:
        Refused: it is one.
    """
    if is_database(place):
        reason = f"This store is a database; `{command}` needs the machine that records, and its folder."
        raise Refused(reason, USAGE)
    return place


def named_sessions(store: Reading, typed: list[str], recorded: list[str]) -> list[str]:
    """Return the ids of the sessions that are meant, each once; those recorded may have no document."""
    known = set(recorded)
    return list(dict.fromkeys(each if each in known else find_session(store, each) for each in typed))


def nothing_in(store: Reading) -> str:
    """Say that nothing can be listed: there is nothing yet, or nothing of what there is can be read."""
    if store.ids():
        return f"None of the sessions in {store.where} could be listed."
    return f"No sessions in {store.where} yet."


def shown_session(store: Reading, typed: str) -> str:
    """Return the id of the session that is meant, as ``find_session`` does, for a command that shows it.

    If its document cannot be brought up to date because its journal is damaged, that is said on stderr.
    """
    from tfclient.cli.printing import complain
    from tfclient.finishing.recovery import damage_of

    session_id = find_session(store, typed)
    here = on_disk(store)
    damage = None if here is None else damage_of(here, session_id)
    if damage is not None:
        complain(f"What is shown of session {session_id} may not be all of it. {damage}")
    return session_id


def notes_on(store: Reading, session_id: str) -> list[Note]:
    """Return what was noted on a session; if not all of it can be read, that is said on stderr."""
    from tfclient.cli.printing import complain
    from tfstore.errors import StoreUnusable

    try:
        found = store.noting.read(session_id)
    except StoreUnusable as error:
        complain(str(error), "yellow")
        return []
    for trouble in found.troubles(session_id):
        complain(trouble, "yellow")
    return found.notes


def pins_on(store: Reading, session_id: str) -> list[Pin]:
    """Return what a session is pinned for; if that cannot be read, it is said on stderr."""
    from tfclient.cli.printing import complain
    from tfstore.errors import StoreUnusable

    try:
        return store.pins().get(session_id, [])
    except StoreUnusable as error:
        complain(str(error), "yellow")
        return []


def word_from(vocabulary: Any, option: str, typed: str) -> str:
    """Return a word of one of the closed vocabularies in ``labels``.

    Raises:
        Refused: it has no such word.
    """
    words = get_args(vocabulary)
    if typed not in words:
        raise Refused(f"{option} {typed!r} is unknown: give one of {', '.join(words)}.", USAGE)
    return typed


def pattern_of(typed: str, *, regex: bool = False) -> Pattern:
    """Return what to look for.

    Raises:
        Refused: it is no regular expression, or would match everything.
    """
    from tfstore.reading.search import BadPattern, Pattern

    try:
        return Pattern.of(typed, regex=regex)
    except BadPattern as error:
        raise Refused(str(error), USAGE) from None
