"""Which recording is meant: a file, or a session of a store by its id, the start of one, or ``last``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tfclient.errors import ReplayRefused
from tfstore.errors import UnknownSession
from tfstore.reading.naming import near, short_id

if TYPE_CHECKING:
    import os

    from tfclient.replaying.tape import Tape
    from tfstore.store import Store

LAST: Final = "last"
FILES: Final = frozenset({".yaml", ".yml"})
"""Endings of files that are cassettes."""
BUNDLE: Final = ".tfbundle"
_CANDIDATES: Final = 5


def tape_of(recording: str | os.PathLike[str], store: str | os.PathLike[str] | None = None) -> Tape:
    """Return the tape of a session or of a file.

    Raises:
        ReplayRefused: it cannot be played.
        UnknownSession, StoreNotFound, NotACassette, BundleRefused: it is not there, or no recording.
    """
    path = Path(recording)
    if path.suffix.lower() in {*FILES, BUNDLE} and not path.exists():
        raise ReplayRefused(str(path), "there is no such file")
    if path.suffix.lower() in FILES:
        from tfclient.replaying.tape_of_cassette import tape_of_cassette

        return tape_of_cassette(path)
    if path.suffix.lower() == BUNDLE:
        from tfclient.replaying.tape_of_bundle import tape_of_bundle

        return tape_of_bundle(path)
    from tfclient.opening import open_store
    from tfclient.replaying.tape_of_session import tape_of_session

    opened = open_store(store)
    return tape_of_session(opened, session_meant(opened, str(recording)))


def session_meant(store: Store, typed: str) -> str:
    """Return the id of the session that is meant; ``last`` is the latest that is not a replay itself.

    Raises:
        UnknownSession: there is none; the error names near ones.
        ReplayRefused: several are meant.
    """
    if typed == LAST:
        for row in store.list():
            if row.replay is None:
                return row.session_id
        raise UnknownSession(LAST)
    ids = sorted({*store.ids(), *store.recorded()})
    if typed in ids:
        return typed
    meant = [each for each in ids if typed and each.startswith(typed)]
    meant = meant or [each for each in ids if typed and short_id(each).startswith(typed)]
    if len(meant) > 1:
        shown = ", ".join(meant[-_CANDIDATES:])
        raise ReplayRefused(repr(typed), f"it is the start of {len(meant)} session ids: {shown}")
    if not meant:
        raise UnknownSession(typed, near(typed, ids))
    return meant[0]
