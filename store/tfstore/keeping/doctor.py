"""What is wrong in a store, as data: which session, which file, what, and how it is mended."""

from __future__ import annotations

import re
import shutil
import time
from typing import TYPE_CHECKING, Final, Literal

from attrs import frozen

from tfstore.disk.files import UNFINISHED
from tfstore.disk.paths import is_real_dir, is_session_id
from tfstore.errors import ArchiveUnreadable, CorruptDocument, NewerDocument, StoreError
from tfstore.index.catalog import CatalogRow, row_of
from tfstore.index.responses import links_of
from tfstore.journal.reading import JournalReport, iter_entries, live_writers, writers
from tfstore.journal.segment_reader import archive_of, segment_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Session
    from tfstore.store import Store

Kind = Literal[
    "corrupt_document",
    "lost_document",
    "newer_document",
    "misnamed_document",
    "no_document",
    "dead_writer",
    "torn_line",
    "corrupt_line",
    "broken_chain",
    "missing_entries",
    "disordered_entries",
    "repeated_entries",
    "unpacked_journal",
    "stale_document",
    "drift",
    "unreadable_segment",
    "unfinished_file",
    "corrupt_piece",
    "missing_row",
    "stale_row",
    "orphan_row",
    "missing_link",
    "orphan_link",
    "lost_journal",
    "leftover_file",
]

Mend = Literal["recover", "fix", "delete", "none"]
"""``recover``: from the journal, by ``tfclient recover``. ``fix``: by ``tfclient doctor --fix``. ``delete``: it is
what a deletion leaves that did not come to its end, and ``tfclient delete`` ends it."""

_MENDS: Final[dict[Kind, Mend]] = {
    "corrupt_document": "recover",
    "no_document": "recover",
    "dead_writer": "recover",
    "unpacked_journal": "recover",
    "stale_document": "fix",
    "drift": "fix",
    "unfinished_file": "fix",
    "corrupt_piece": "fix",
    "missing_row": "fix",
    "stale_row": "fix",
    "orphan_row": "fix",
    "missing_link": "fix",
    "orphan_link": "fix",
    "lost_journal": "delete",
    "leftover_file": "delete",
}


_MOMENTS: Final = 60
_BESIDE: Final = re.compile(r"(.+?)(?:\.d2|\.json\.v1)")
_WHOLE: Final = re.compile(r"(.+)")


@frozen
class Finding:
    """One thing that is not as it should be."""

    kind: Kind
    detail: str
    session_id: str | None = None
    path: Path | None = None

    @property
    def mend(self) -> Mend:
        """What mends it; ``none`` where something is lost and can only be told."""
        return _MENDS.get(self.kind, "none")


@frozen
class Repair:
    """What ``fix_catalog`` did: rows, links, pieces and unfinished files, written or added, and removed."""

    rows_written: int = 0
    rows_removed: int = 0
    pieces_removed: int = 0
    files_removed: int = 0
    links_added: int = 0
    links_removed: int = 0


def examine(store: Store, *, journals: bool = True) -> Iterator[Finding]:
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
        yield Finding("corrupt_piece", f"{piece} cannot be read: {reason}", path=piece)
    documents = store.ids()
    have = set(documents)
    recorded = store.recorded()
    with_journal = set(recorded)
    for session_id in documents:
        yield from _document(store, session_id, rows.get(session_id), has_journal=session_id in with_journal)
    for session_id in sorted(rows.keys() - have):
        detail = f"The catalog lists {session_id}, which has no document"
        yield Finding("orphan_row", detail, session_id)
    for session_id in recorded:
        alive = live_writers(store.paths, session_id)
        if session_id not in have and not alive:
            yield _no_document(store, session_id)
        if journals:
            yield from _journal(store, session_id)
    yield from _left(store, have | with_journal)
    for path in _unfinished(store):
        detail = f"{path} was left by a process that died while writing or deleting it"
        yield Finding("unfinished_file", detail, path=path)


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


def _no_document(store: Store, session_id: str) -> Finding:
    try:
        archive_of(store.paths, session_id)
    except ArchiveUnreadable as error:
        if not segment_files(store.paths, session_id):
            return Finding("lost_document", f"{error} Session {session_id} has none", session_id, error.path)
    folder = store.paths.journal_of(session_id)
    return Finding("no_document", f"Session {session_id} has a journal and no document", session_id, folder)


def _document(
    store: Store, session_id: str, row: CatalogRow | None, *, has_journal: bool
) -> Iterator[Finding]:
    path = store.paths.document(session_id)
    try:
        session = store.get(session_id)
    except CorruptDocument as error:
        journal = writers(store.paths, session_id)
        yield Finding("corrupt_document" if journal else "lost_document", str(error), session_id, path)
        return
    except NewerDocument as error:
        yield Finding("newer_document", str(error), session_id, path)
        return
    except StoreError:
        return  # removed meanwhile
    if session.session_id != session_id:
        detail = f"{path} holds session {session.session_id}: it was copied or renamed"
        yield Finding("misnamed_document", detail, session_id, path)
        return
    if session.status == "active" and not live_writers(store.paths, session_id):
        detail = f"Session {session_id} was never closed, and nobody writes to it any more"
        yield Finding("dead_writer", detail, session_id, path)
    if row is None:
        yield Finding("missing_row", f"The catalog does not list {session_id}", session_id)
    elif row != row_of(session):
        yield Finding(
            "stale_row", f"The catalog says something else of {session_id} than its document", session_id
        )
    if session.integrity.entries and not has_journal:
        detail = (
            f"The journal that {path} was made of, {session.integrity.entries} entries, is gone: it was taken "
            f"away, or session {session_id} was being deleted when the program died"
        )
        yield Finding("lost_journal", detail, session_id, path)
    missing = store.responses.missing(links_of(session))
    if missing:
        detail = f"The response index lacks {len(missing)} responses of {session_id}"
        yield Finding("missing_link", detail, session_id)


def _journal(store: Store, session_id: str) -> Iterator[Finding]:
    report = JournalReport()
    for _ in iter_entries(store.paths, session_id, report):
        pass
    alive = set(live_writers(store.paths, session_id))

    def finding(kind: Kind, writer: str, detail: str) -> Finding:
        path = store.paths.segment(session_id, writer)
        path = path if path.exists() else store.paths.archived(session_id)
        return Finding(kind, f"{path}: {detail}", session_id, path)

    for writer in report.torn:
        if writer not in alive:
            yield finding("torn_line", writer, "the last line has no end and is left out")
    for writer, line in report.corrupt:
        yield finding("corrupt_line", writer, f"line {line} is no entry and is left out")
    for writer, seq in report.broken_chain:
        yield finding("broken_chain", writer, f"entry {seq} does not follow from the one before it")
    for writer, seq, missing in report.gaps:
        yield finding("missing_entries", writer, f"before entry {seq} there should be {missing} more")
    for writer, seq in report.disordered:
        yield finding("disordered_entries", writer, f"entry {seq} comes after a later one")
    for writer, seq in report.repeated:
        yield finding("repeated_entries", writer, f"entry {seq} is there more than once and read once")
    for writer, reason in report.unreadable:
        yield finding("unreadable_segment", writer, f"it cannot be read ({reason})")


def _left(store: Store, known: set[str]) -> Iterator[Finding]:
    """What there is of sessions that have neither a document nor a journal."""
    for session_id in _orphan_links(store, known):
        detail = f"The response index names {session_id}, of which there is nothing else"
        yield Finding("orphan_link", detail, session_id)
    for session_id, path in _derived(store.paths):
        if session_id not in known and not _is_known(store, session_id):
            detail = f"{path} is of session {session_id}, of which there is neither journal nor document"
            yield Finding("leftover_file", detail, session_id, path)


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
