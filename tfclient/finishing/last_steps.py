"""The last steps of a session: its files are written, document and diagram, then its journal is archived.

What it teaches is noted after that, where somebody asked for it.

Whoever takes them holds the session's claim. Each may be the last before the process dies: the next who opens
the store sees segments that are not archived, and takes all of them again.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from tfclient.finishing.learning import learn
from tfclient.finishing.live import DrawingFailed
from tfstore.document.documents import Session
from tfstore.journal.packing import at_rest, pack

if TYPE_CHECKING:
    from tfclient.finishing.live import LiveSession

PATIENCE = 10.0
"""Seconds to wait for another process that is at the same session."""

_ROUNDS = 3
"""How often files are written while the journal grows; whoever made it grow has them written again in any case."""


def write_and_archive(live: LiveSession, limit: float = inf) -> Session:
    """Write the files of a session and archive its journal; return the session. Hold its claim.

    While anybody still writes to it, the session stays active and only its document is written.

    Raises:
        TooHeavy: the session weighs more than ``limit``; nothing was done.
        StoreError: the document or the archive could not be written; the journal is untouched.
        DrawingFailed: all is done but the diagram.
    """
    left = _ROUNDS
    while True:
        left -= 1
        undrawn: DrawingFailed | None = None
        # What comes while the files are written, of a thread whose call outlived the session, is not in them, or is
        # in another order than a reader of the whole journal meets.
        resting = at_rest(live.store.paths, live.session_id)
        try:
            session = live.write_files(limit)
        except DrawingFailed as error:
            undrawn, session = error, error.session
        now = at_rest(live.store.paths, live.session_id)
        if session.status != "closed" or now is None:
            break
        if now == resting:
            # On the disk itself before the segments go: they may have been forced to it, entry by entry.
            pack(live.store.paths, live.session_id, fsync=True, read=resting)
            break
        if not left:
            break
    if session.status == "closed":
        learn(live.store, session)
    if undrawn is not None:
        raise undrawn
    return session


def claim_and_write(live: LiveSession, limit: float = inf, patience: float = PATIENCE) -> Session:
    """Claim a session, then write its files and archive it; not the latter if another process keeps the claim.

    Raises:
        TooHeavy, StoreError, DrawingFailed: as from ``write_and_archive``.
    """
    with live.store.claim(live.session_id, timeout=patience) as mine:
        return write_and_archive(live, limit) if mine else live.write_files(limit)
