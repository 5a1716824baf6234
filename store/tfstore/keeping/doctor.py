"""What is wrong in a store, as data: which session, which file, what, and how it is mended."""

from __future__ import annotations

import re
import shutil
import time
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfstore.disk.files import UNFINISHED
from tfstore.disk.paths import is_real_dir, is_session_id
from tfstore.errors import StoreError
from tfstore.index.catalog import CatalogRow, row_of
from tfstore.index.responses import links_of
from tfstore.journal.reading import JournalReport, iter_entries, live_writers
from tfstore.keeping.problems import Problem
from tfstore.keeping.verifying import chain_problems, document_of, lost_journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Session
    from tfstore.store import Store

_MOMENTS: Final = 60
_BESIDE: Final = re.compile(r"(.+?)(?:\.d2|\.json\.v1)")
_WHOLE: Final = re.compile(r"(.+)")


@frozen
class Repair:
    """What ``fix_catalog`` did: rows, links, pieces and unfinished files, written or added, and removed."""

    rows_written: int = 0
    rows_removed: int = 0
    pieces_removed: int = 0
    files_removed: int = 0
    links_added: int = 0
    links_removed: int = 0


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
    rows = {row.session_id: row for row in store.catalog.rows()}
    for piece, reason in store.catalog.trouble.items():
        yield Problem("corrupt_piece", f"{piece} cannot be read: {reason}", path=piece)
    documents = store.ids()
    have = set(documents)
    recorded = store.recorded()
    with_journal = set(recorded)
    for session_id in documents:
        yield from _document(store, session_id, rows.get(session_id), has_journal=session_id in with_journal)
    for session_id in sorted(rows.keys() - have):
        detail = f"The catalog lists {session_id}, which has no document"
        yield Problem("orphan_row", detail, session_id)
    for session_id in recorded:
        alive = live_writers(store.paths, session_id)
        if session_id not in have and not alive:
            gone = document_of(store, session_id)
            if isinstance(gone, Problem):
                yield gone
        if journals:
            yield from _journal(store, session_id)
    yield from _left(store, have | with_journal)
    for path in _unfinished(store):
        detail = f"{path} was left by a process that died while writing or deleting it"
        yield Problem("unfinished_file", detail, path=path)


def fix_catalog(store: Store) -> Repair:
    """Make the catalog and the response index true to the documents again; both are caches.

    Safe while others use the store, and to repeat. Documents and journals are not touched.

    Raises:
        StoreUnusable, OSError: something could not be written.
    """
    rows = {row.session_id: row for row in store.catalog.rows()}
    pieces = 0
    for _, piece in list(store.catalog.pieces()):
        if piece in store.catalog.trouble:
            piece.unlink(missing_ok=True)
            pieces += 1
    store.catalog.trouble.clear()
    rows = {row.session_id: row for row in store.catalog.rows()} if pieces else rows
    written = added = 0
    for session_id in store.ids():
        session = _readable(store, session_id)
        if session is None or session.session_id != session_id:
            continue
        row = row_of(session)
        if rows.get(session_id) != row:
            store.catalog.put(row)
            written += 1
        missing = store.responses.missing(links_of(session))
        store.responses.add(missing)
        added += len(missing)
    orphans = sorted(rows.keys() - set(store.ids()))
    for session_id in orphans:
        store.catalog.remove(session_id)
    less = store.responses.remove(_orphan_links(store, {*store.ids(), *store.recorded()}))
    unfinished = list(_unfinished(store))
    for path in unfinished:
        if is_real_dir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return Repair(written, len(orphans), pieces, len(unfinished), added, less)


def _document(
    store: Store, session_id: str, row: CatalogRow | None, *, has_journal: bool
) -> Iterator[Problem]:
    path = store.paths.document(session_id)
    session = document_of(store, session_id)
    if isinstance(session, Problem):
        # One that is gone was removed meanwhile.
        yield from [session] if session.kind != "no_document" else []
        return
    if session.status == "active" and not live_writers(store.paths, session_id):
        detail = f"Session {session_id} was never closed, and nobody writes to it any more"
        yield Problem("dead_writer", detail, session_id, path)
    if row is None:
        yield Problem("missing_row", f"The catalog does not list {session_id}", session_id)
    elif row != row_of(session):
        yield Problem(
            "stale_row", f"The catalog says something else of {session_id} than its document", session_id
        )
    if session.integrity.entries and not has_journal:
        yield lost_journal(store, session)
    missing = store.responses.missing(links_of(session))
    if missing:
        detail = f"The response index lacks {len(missing)} responses of {session_id}"
        yield Problem("missing_link", detail, session_id)


def _journal(store: Store, session_id: str) -> Iterator[Problem]:
    report = JournalReport()
    for _ in iter_entries(store.paths, session_id, report):
        pass
    yield from chain_problems(store, session_id, report, set(live_writers(store.paths, session_id)))


def _left(store: Store, known: set[str]) -> Iterator[Problem]:
    """What there is of sessions that have neither a document nor a journal."""
    for session_id in _orphan_links(store, known):
        detail = f"The response index names {session_id}, of which there is nothing else"
        yield Problem("orphan_link", detail, session_id)
    for session_id, path in _derived(store.paths):
        if session_id not in known and not _is_known(store, session_id):
            detail = f"{path} is of session {session_id}, of which there is neither journal nor document"
            yield Problem("leftover_file", detail, session_id, path)


def _orphan_links(store: Store, known: set[str]) -> list[str]:
    return sorted(each for each in store.responses.named() - known if not _is_known(store, each))


def _is_known(store: Store, session_id: str) -> bool:
    try:
        store.known(session_id)
    except StoreError:
        return False
    return True


def _derived(paths: StorePaths) -> Iterator[tuple[str, Path]]:
    """Yield what is made of documents, and earlier ones, with the session that it names."""
    for folder, pattern in ((paths.sessions, _BESIDE), (paths.pictures, _WHOLE)):
        for path in sorted(folder.iterdir()) if is_real_dir(folder) else ():
            found = pattern.fullmatch(path.name)
            if found is not None and is_session_id(found[1]):
                yield found[1], path


def _readable(store: Store, session_id: str) -> Session | None:
    try:
        return store.get(session_id)
    except StoreError:
        return None


def _unfinished(store: Store) -> Iterator[Path]:
    """Files that a dead process left half written; those of a living one are moved away within moments."""
    paths = store.paths
    for folder in (paths.sessions, paths.catalog, paths.archive, paths.blobs):
        for path in sorted(folder.rglob(f".*{UNFINISHED}")):
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
