"""Which store, which session, which run and step are meant by what was typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tfclient.cli.failures import USAGE, Refused
from tfstore.disk.paths import is_session_id
from tfstore.errors import DocumentMissing, UnknownSession
from tfstore.journal.segment_reader import archive_of
from tfstore.reading.naming import near, short_id

if TYPE_CHECKING:
    from tfstore.document.notes import Note
    from tfstore.reading.search import Pattern
    from tfstore.store import Store

LAST = "last"
CANDIDATES = 5
"""Ids named when several are meant."""

_BEGAN = re.compile(r"sess_(\d{8}T\d{6})Z_")


def open_store(path: Path | None) -> Store:
    """Open the store to read from, and finish what dead processes left in it.

    Raises:
        StoreNotFound, StoreUnusable: there is none there.
    """
    from tfclient.opening import open_store as opened

    return opened(path)


def bare_store(path: Path | None) -> Store:
    """Open the store as it is, for commands that mend it.

    Raises:
        StoreNotFound, StoreUnusable: there is none there.
    """
    from tfclient.opening import existing_store

    return existing_store(path)


def find_session(store: Store, typed: str) -> str:
    """Return the id of the session that is meant: ``last``, an id, or the start of one or of its last part.

    Raises:
        UnknownSession: there is none; the error names near ones.
        DocumentMissing: it has a journal only.
        ArchiveUnreadable: it has an archive only, and that is damaged.
        Refused: several are meant, or the store is empty.
    """
    if typed == LAST:
        return _latest(store)
    if is_session_id(typed) and store.paths.document(typed).is_file():
        return typed
    ids = store.ids()
    meant = [each for each in ids if typed and each.startswith(typed)]
    meant = meant or [each for each in ids if typed and short_id(each).startswith(typed)]
    if len(meant) > 1:
        shown = ", ".join(meant[-CANDIDATES:]) + (" …" if len(meant) > CANDIDATES else "")
        raise Refused(f"{typed!r} is the start of {len(meant)} session ids: {shown}. Type more of it.", USAGE)
    if not meant:
        told = [each for each in store.recorded() if typed and _is_typed(each, typed)]
        if len(told) == 1:
            # Where it cannot be read, nothing makes the document.
            archive_of(store.paths, told[0])
            raise DocumentMissing(told[0])
        raise UnknownSession(typed, near(typed, ids))
    return meant[0]


def named_sessions(store: Store, typed: list[str], recorded: list[str]) -> list[str]:
    """Return the ids of the sessions that are meant, each once; those recorded may have no document."""
    known = set(recorded)
    return list(dict.fromkeys(each if each in known else find_session(store, each) for each in typed))


def _is_typed(session_id: str, typed: str) -> bool:
    """Say whether this is the start of an id, or of its last part."""
    return session_id.startswith(typed) or short_id(session_id).startswith(typed)


def _latest(store: Store) -> str:
    """Return the session that started last, also if its document cannot be read.

    Raises:
        DocumentMissing: it was closed, and has no document any more.
        Refused: there is none.
    """
    from tfstore.journal.archive import archived_sessions

    rows = store.list(limit=1)
    began = re.sub("[:-]", "", rows[0].started_at or "")[:15] if rows else ""
    later = [
        each
        for each in {*archived_sessions(store.paths), *store.skipped}
        if (moment := _BEGAN.match(each)) and moment[1] > began
        if each in store.skipped or not store.paths.document(each).is_file()
    ]
    if later:
        latest = max(later)
        if latest not in store.skipped:
            raise DocumentMissing(latest)
        return latest
    if rows:
        return rows[0].session_id
    try:
        return store.last()
    except UnknownSession:
        raise Refused(f"There are no sessions in the store at {store.paths.root} yet.", USAGE) from None


def nothing_in(store: Store) -> str:
    """Say that nothing can be listed: there is nothing yet, or nothing of what there is can be read."""
    if store.ids():
        return f"None of the sessions in {store.paths.root} could be listed."
    return f"No sessions in {store.paths.root} yet."


def shown_session(store: Store, typed: str) -> str:
    """Return the id of the session that is meant, as ``find_session`` does, for a command that shows it.

    If its document cannot be brought up to date because its journal is damaged, that is said on stderr.
    """
    from tfclient.cli.printing import complain
    from tfclient.finishing.recovery import damage_of

    session_id = find_session(store, typed)
    damage = damage_of(store, session_id)
    if damage is not None:
        complain(f"What is shown of session {session_id} may not be all of it. {damage}")
    return session_id


def notes_on(store: Store, session_id: str) -> list[Note]:
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
