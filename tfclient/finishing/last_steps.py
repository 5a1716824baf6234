"""The last steps of a session: final document, diagram, then its journal packed into an archive.

Whoever takes them holds the session's claim. Each may be the last before the process dies: the next who opens
the store sees segments that are not packed, and takes all of them again.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from tfclient.finishing.live import DrawingFailed, LiveSession
from tfstore.journal.packing import pack

if TYPE_CHECKING:
    from tfstore.document.documents import Session
    from tfstore.store import Store

PATIENCE = 10.0
"""Seconds to wait for another process that is at the same session."""


def complete(live: LiveSession, limit: float = inf) -> Session:
    """Write the final document and diagram of a session and pack its journal; return the session.

    While anybody still writes to it, the session stays active and only its document is written.

    Raises:
        TooHeavy: the session weighs more than ``limit``; nothing was done.
        StoreError: the document or the archive could not be written; the journal is untouched.
        DrawingFailed: all is done but the diagram.
    """
    undrawn: DrawingFailed | None = None
    try:
        session = live.finish(limit)
    except DrawingFailed as error:
        undrawn, session = error, error.session
    if session.status == "closed":
        # On the disk itself before the segments go: they may have been forced to it, entry by entry.
        pack(live.store.paths, live.session_id, fsync=True)
    if undrawn is not None:
        raise undrawn
    return session


def complete_claimed(
    store: Store, live: LiveSession, limit: float = inf, patience: float = PATIENCE
) -> Session:
    """Claim a session, then complete it; the journal stays if another process keeps the claim for long.

    Raises:
        TooHeavy, StoreError, DrawingFailed: as from ``complete``.
    """
    with store.claim(live.session_id, timeout=patience) as mine:
        return complete(live, limit) if mine else live.finish(limit)
