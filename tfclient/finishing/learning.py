"""What sessions teach is noted when their files are written, in stores for which a recorder asks for it.

Whatever goes wrong here is said in the log: the files are there, and ``tfclient notes`` makes up for it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tfstore.disk.turns import turn

if TYPE_CHECKING:
    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Session
    from tfstore.store import Store

_log = logging.getLogger("tfclient")

PATIENCE: Final = 3.0
"""Seconds to wait for another process that writes there: the files of other sessions wait too."""

NEEDED: Final = (
    *("tfstore.reading.evidence.evidence", "tfclient.reflect.findings", "tfclient.reflect.text"),
    *("tfclient.reflect.lessons.notetaker", "tfclient.reflect.lessons.book"),
)
"""What that takes, so ordered that each brings little along."""

_WANTED: Final[set[Path]] = set()


def learn_from_now_on(paths: StorePaths) -> None:
    """Have what the sessions of a store teach noted, by this process and the helpers that it starts."""
    _WANTED.add(paths.root)


def is_learnt(paths: StorePaths) -> bool:
    """Whether that was asked for."""
    return paths.root in _WANTED


def learn(store: Store, session: Session) -> None:
    """Note what a session teaches whose files are written, if that was asked for; raises nothing."""
    if not is_learnt(store.paths):
        return
    try:
        from tfclient.reflect.lessons.book import Book
        from tfclient.reflect.lessons.notetaker import noted_in

        turn()
        noted = noted_in(session)
        turn()
        Book(store, patience=PATIENCE).take([noted])
    except Exception as error:  # noqa: BLE001 - the session's files are whole
        _log.warning(
            "tfclient: what session %s teaches was not noted (%s: %s); `tfclient notes %s` does it.",
            *(session.session_id, type(error).__name__, error, session.session_id),
        )
