"""What is wrong in a store, as data: which session, which file, what, and how it is mended."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfstore.disk.files import UNFINISHED
from tfstore.disk.paths import StorePaths, is_real_dir, is_session_id
from tfstore.errors import StoreError, StoreUnusable
from tfstore.journal.reading import JournalReport, iter_entries, live_writers
from tfstore.keeping.problems import Problem
from tfstore.keeping.verifying import chain_problems, document_of, lost_journal

if TYPE_CHECKING:
    from tfstore.store import Store

_MOMENTS: Final = 60
_BESIDE: Final = re.compile(r"(.+?)(?:\.d2|\.json\.v1)")
_WHOLE: Final = re.compile(r"(.+)")
_NOTES: Final = re.compile(r"(.+)\.jsonl")


@frozen
class Repair:
    """What ``remove_unfinished`` did."""

    files_removed: int = 0


def examine(store: Store, *, journals: bool = True) -> Iterator[Problem]:
    """Yield what is wrong in a store; a sound one yields nothing.

    Args:
        store: the store; it may be in use.
        journals: read every journal too, which takes as long as they are.

    Example:
        >>> import tempfile
        >>> from tfstore.document.documents import Session
        >>> from tfstore.store import Store
        >>> store = Store(tempfile.mkdtemp(), create=True)
        >>> store.put(Session("sess_1", status="closed"))
        >>> list(examine(store))
        []
    """
    documents = store.ids()
    have = set(documents)
    recorded = store.recorded()
    with_journal = set(recorded)
    for session_id in documents:
        yield from _document(store, session_id, has_journal=session_id in with_journal)
    for session_id in recorded:
        alive = live_writers(store.paths, session_id)
        if session_id not in have and not alive:
            gone = document_of(store, session_id)
            if isinstance(gone, Problem):
                yield gone
        if journals:
            yield from _journal(store, session_id)
    for session_id in store.noting.ids():
        yield from _notes(store, session_id)
    yield from _left(store, have | with_journal)
    for path in _unfinished(store):
        detail = f"{path} was left by a process that died while writing or deleting it"
        yield Problem("unfinished_file", detail, path=path)


def remove_unfinished(store: Store) -> Repair:
    """Remove the files that dead processes left half written, and the index: it is made anew when it is asked.

    Safe while others use the store, and to repeat. Documents and journals are not touched.

    Raises:
        OSError: something could not be removed.
    """
    store.index.discard()
    unfinished = list(_unfinished(store))
    for path in unfinished:
        if is_real_dir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return Repair(len(unfinished))


def _document(store: Store, session_id: str, *, has_journal: bool) -> Iterator[Problem]:
    path = store.paths.document(session_id)
    session = document_of(store, session_id)
    if isinstance(session, Problem):
        # One that is gone was removed meanwhile.
        yield from [session] if session.kind != "no_document" else []
        return
    if session.status == "active" and has_journal and _can_be_ended(store, session_id):
        detail = f"Session {session_id} was never closed, and nobody writes to it any more"
        yield Problem("dead_writer", detail, session_id, path)
    if session.integrity.entries and not has_journal:
        yield lost_journal(store, session)


def _can_be_ended(store: Store, session_id: str) -> bool:
    """Whether nobody writes to a session, and its journal can be read to its end: of another, its trouble is told."""
    if live_writers(store.paths, session_id):
        return False
    report = JournalReport()
    for _ in iter_entries(store.paths, session_id, report):
        pass
    return not report.unreadable


def _journal(store: Store, session_id: str) -> Iterator[Problem]:
    report = JournalReport()
    for _ in iter_entries(store.paths, session_id, report):
        pass
    yield from chain_problems(store, session_id, report, set(live_writers(store.paths, session_id)))


def _notes(store: Store, session_id: str) -> Iterator[Problem]:
    path = store.paths.notes_of(session_id)
    try:
        noted = store.noting.read(session_id)
    except StoreUnusable as error:
        yield Problem("damaged_notes", str(error), session_id, path)
        return
    for said in noted.troubles(session_id):
        yield Problem("damaged_notes", f"{said.rstrip('.')}: {path}", session_id, path)


def _left(store: Store, known: set[str]) -> Iterator[Problem]:
    """What there is of sessions that have neither a document nor a journal."""
    for session_id, path in _derived(store.paths):
        if session_id not in known and not _is_known(store, session_id):
            detail = f"{path} is of session {session_id}, of which there is neither journal nor document"
            yield Problem("leftover_file", detail, session_id, path)


def _is_known(store: Store, session_id: str) -> bool:
    try:
        store.known(session_id)
    except StoreError:
        return False
    return True


def _derived(paths: StorePaths) -> Iterator[tuple[str, Path]]:
    """Yield what is made of documents, earlier ones, notes, and what is raw, with the session that it names."""
    made = ((paths.sessions, _BESIDE), (paths.pictures, _WHOLE), (paths.notes, _NOTES), (paths.raw, _WHOLE))
    for folder, pattern in made:
        for path in sorted(folder.iterdir()) if is_real_dir(folder) else ():
            found = pattern.fullmatch(path.name)
            if found is not None and is_session_id(found[1]):
                yield found[1], path


def _unfinished(store: Store) -> Iterator[Path]:
    """Files that a dead process left half written; those of a living one are moved away within moments."""
    paths = store.paths
    for folder in (paths.sessions, paths.archive, paths.blobs, paths.learnings):
        for path in sorted(folder.rglob(f".*{UNFINISHED}")):
            if path.is_file() and not path.is_symlink() and _is_old(path):
                yield path
    for folder in (paths.root, paths.exports, paths.syncs):
        for path in sorted(folder.glob(f".*{UNFINISHED}")) if is_real_dir(folder) else ():
            if path.is_file() and not path.is_symlink() and _is_old(path):
                yield path
    # A journal is deleted under another name.
    for path in sorted(paths.journal.glob(f".*{UNFINISHED}")):
        if _is_old(path):
            yield path


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > _MOMENTS
    except OSError:
        return False
