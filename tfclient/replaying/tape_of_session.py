"""A closed session of a store → its tape; a session that cannot be played is refused, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tfclient.errors import ReplayRefused
from tfclient.redaction import Redactor
from tfclient.replaying.kept_sounds import read_now, reading
from tfclient.replaying.sockets.of_entries import connections_of, told_of
from tfclient.replaying.tape import Tape
from tfclient.replaying.tape_of_entries import attempts_of
from tfstore.errors import StoreError
from tfstore.journal.entries import imported_from
from tfstore.journal.reading import has_journal, live_writers

if TYPE_CHECKING:
    from tfstore.document.documents import Session
    from tfstore.journal.entries import Entry
    from tfstore.store import Store

_POLICIES: Final = {"secrets": "secrets", "none": None}
_REFUSED: Final = {
    "content": "it was recorded with redact='content', so that your program would be given hashes in place of texts",
    "custom": "it was recorded with a redaction function of its own, so that nothing can be compared with it",
}


def tape_of_session(store: Store, session_id: str, *, stays: bool = True) -> Tape:
    """Return the tape of a closed session.

    Args:
        store: where it is.
        session_id: which one.
        stays: whether the store is there as long as the tape; sounds that were kept are read when they are played.

    Raises:
        ReplayRefused: it is still active, has no journal, was recorded without its texts, was made of an agent's own
            log, or holds no request.
        UnknownSession: there is none with this id.
        ArchiveUnreadable: its journal is damaged.
    """
    if not has_journal(store.paths, session_id):
        store.get(session_id)
        raise ReplayRefused(session_id, "only its document is left, and what was answered is in its journal")
    entries, report = store.journal(session_id)
    if live_writers(store.paths, session_id) or not any(each["type"] == "session.ended" for each in entries):
        raise ReplayRefused(session_id, "it is still active: end it first (client.end_session())")
    if report.unreadable:
        raise ReplayRefused(session_id, f"part of its journal cannot be read ({report.unreadable[0][1]})")
    agent = imported_from(entries)
    if agent is not None:
        raise ReplayRefused(session_id, f"it was made of a log of {agent}, which has no requests")
    redactor = _policy_of(session_id, entries)
    attempts = attempts_of(entries)
    sockets = connections_of(entries, attempts, (reading if stays else read_now)(store.blobs, entries))
    if not attempts and not sockets:
        raise ReplayRefused(session_id, "no request was recorded in it")
    session = _document(store, session_id)
    return Tape(
        session_id,
        attempts,
        redactor,
        session_id=session_id,
        head=None if session is None else session.integrity.head or None,
        steps={**told_of(sockets), **({} if session is None else _steps(session))},
        sockets=sockets,
    )


def _policy_of(session_id: str, entries: list[Entry]) -> Redactor:
    modes = {
        str((each.get("redaction") or {}).get("mode"))
        for each in entries
        if each["type"] == "session.started"
    }
    for mode in sorted(modes):
        if mode not in _POLICIES:
            reason = _REFUSED.get(mode, f"this version does not know its redaction policy, {mode!r}")
            raise ReplayRefused(session_id, reason)
    # Of several writers' policies the stricter one: what it replaces is replaced in what is asked, too.
    return Redactor.from_setting("secrets" if "secrets" in modes or not modes else None)


def _document(store: Store, session_id: str) -> Session | None:
    try:
        return store.get(session_id)
    except StoreError:
        # All that is played is in the journal.
        return None


def _steps(session: Session) -> dict[str, str]:
    return {
        attempt.exchange_id: step.step_id
        for run in session.runs
        for step in run.steps
        for attempt in step.attempts
        if attempt.exchange_id
    }
