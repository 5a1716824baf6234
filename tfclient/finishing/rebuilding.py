"""Documents made again from the journal, and compared with it: the same to the byte, unless something is wrong."""

from __future__ import annotations

import contextlib
from importlib import metadata
from time import monotonic
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from tfclient.finishing.differing import differences
from tfclient.finishing.last_steps import PATIENCE, write_and_archive
from tfclient.finishing.live import NOT_DRAWN, LiveSession
from tfclient.finishing.recovery import end_session, read_through
from tfstore.disk.files import replace_file
from tfstore.disk.operations import Operations, add_operations
from tfstore.document.json_text import parse
from tfstore.document.text import text_of
from tfstore.errors import ClaimedElsewhere, FilesNotMade, StoreError
from tfstore.journal.reading import live_writers, writers
from tfstore.journal.segment_reader import archive_of
from tfstore.keeping import verifying
from tfstore.keeping.blob_uses import blob_problems, damaged_blobs
from tfstore.keeping.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tfstore.document.documents import Attempt, Session
    from tfstore.keeping.verifying import Verdict
    from tfstore.store import Store

_ELSEWHERE: Final = "parent_session:"


class NothingToRebuildFrom(StoreError):
    """A session has no journal any more; its document is all there is."""

    def __init__(self, session_id: str, path: Path) -> None:
        super().__init__(
            f"Session {session_id} has no journal to make its document from again; {path} stays."
        )
        self.session_id = session_id


@frozen
class Rebuilt:
    """A session made again: whether its document differs from the one before, and where that one is kept."""

    session: Session
    changed: bool
    earlier: Path | None = None


def rebuild(store: Store, session_id: str) -> Rebuilt:
    """Make a session's document, diagram and archive again from its journal.

    An earlier document that says something else is kept beside it as ``<id>.json.v1``. A session that nobody
    ended is ended.

    Raises:
        UnknownSession: there is nothing of it.
        NothingToRebuildFrom: there is a document, and no journal.
        ArchiveUnreadable, JournalUnreadable: its archive, or some of its journal, is damaged; the document is
            untouched.
        ClaimedElsewhere: another process is at it.
        StoreError, DrawingFailed: something could not be written.
    """
    began = monotonic()
    store.known(session_id)
    archive_of(store.paths, session_id)
    if not writers(store.paths, session_id):
        raise NothingToRebuildFrom(session_id, store.paths.document(session_id))
    with store.claim(session_id, timeout=PATIENCE) as mine:
        if not mine:
            raise ClaimedElsewhere(session_id)
        before = _text(store, session_id)
        kept: Path | None = None
        for damaged in damaged_blobs(store, session_id):
            # It is put anew, from the journal.
            with contextlib.suppress(OSError):
                damaged.unlink()
        try:
            if live_writers(store.paths, session_id):
                read_through(store, session_id)
                session = write_and_archive(LiveSession(store, session_id))
            else:
                session = end_session(store, session_id)
        finally:
            # Also when what comes after the document failed.
            if before is not None and before != _text(store, session_id):
                kept = store.paths.earlier(session_id)
                replace_file(kept, before)
        _note_time(store, monotonic() - began)
        return Rebuilt(session, changed=before is None or kept is not None, earlier=kept)


def _note_time(store: Store, seconds: float) -> None:
    took = Operations()
    took.rebuild.add(seconds)
    with contextlib.suppress(OSError, StoreError):
        add_operations(store.paths, took)


def _text(store: Store, session_id: str) -> bytes | None:
    try:
        return store.text(session_id)
    except StoreError:
        return None


def verify(store: Store, session_id: str) -> Verdict:
    """Verify a session's chain, then project its journal again and compare that with its document, to the byte.

    Raises:
        UnknownSession: there is neither a journal nor a document.
    """
    verdict = verifying.verify(store, session_id)
    if not verdict.sound or live_writers(store.paths, session_id) or not writers(store.paths, session_id):
        return verdict
    try:
        compared = [*_compared(store, session_id), *blob_problems(store, session_id)]
    except FilesNotMade as error:
        compared = [Problem("not_made", str(error), session_id, error.path)]
    except StoreError:
        # Deleted, or written to, meanwhile.
        return verdict
    return evolve(verdict, problems=[*verdict.problems, *compared])


def _compared(store: Store, session_id: str) -> Iterator[Problem]:
    path = store.paths.document(session_id)
    text, session = store.text(session_id), store.get(session_id)
    live = LiveSession(store, session_id, _recorded_elsewhere(store, session))
    made = live.read()
    if session.status == made.status == "active" and len(writers(store.paths, session_id)) > 1:
        # It was made of the entries in the order in which they came; the last one will be made in theirs.
        return
    if "d2" not in session.artifacts and session.notes and session.notes[-1].startswith(NOT_DRAWN):
        made.artifacts.pop("d2", None)
        made.notes.append(session.notes[-1])
    if session.integrity.drift is None:
        # Earlier versions did not count it.
        made.integrity.drift = None
    again = text_of(made)
    if text == again:
        missing = live.missing_in(made)
        if missing:
            shown = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
            detail = f"{len(missing)} responses of {session_id} are in its journal and not in {path}: {shown}"
            yield Problem("drift", detail, session_id, path)
        return
    earlier = not any(attempt.exchange_id for attempt in _attempts(session))
    if earlier:
        for attempt in _attempts(made):
            attempt.exchange_id = None
        again = text_of(made)
    if earlier and text == again:
        detail = (
            f"{path} was made by an earlier version of tfclient, which wrote no `exchange_id` of attempts."
        )
        yield Problem("earlier_document", detail, session_id, path)
        return
    for detail in differences(str(path), parse(text), parse(again)):
        yield Problem("changed_document", detail + _by_another_version(made), session_id, path)


def _by_another_version(session: Session) -> str:
    recorded = session.runtime.get("tfclient")
    this = next((each.version for each in metadata.distributions(name="tfclient")), None)
    if None in {recorded, this} or recorded == this:
        return ""
    return f" It was recorded with tfclient {recorded}, and this is {this}, which may tell it otherwise."


def _attempts(session: Session) -> Iterator[Attempt]:
    return (attempt for run in session.runs for step in run.steps for attempt in step.attempts)


def _recorded_elsewhere(store: Store, session: Session) -> Callable[[str], str | None]:
    """Return a look-up of other sessions' responses that answers as it did when this document was made.

    Sessions may have come or gone since: what the document says is believed unless the store knows better.
    """
    said: dict[str, list[str | None]] = {}
    for run in session.runs:
        lineage = run.lineage
        if lineage.parent_response_id and run.trigger in {"user_message", "system", "resumed"}:
            notes = [note.removeprefix(_ELSEWHERE) for note in lineage.notes if note.startswith(_ELSEWHERE)]
            said.setdefault(lineage.parent_response_id, []).extend(notes or [None])

    def look_up(response_id: str) -> str | None:
        answers = said.get(response_id)
        answer = answers.pop(0) if answers else None
        found = store.find_response(response_id)
        if answer is None or found is None or answer in store.index.made(response_id):
            return answer
        return found[0]

    return look_up
