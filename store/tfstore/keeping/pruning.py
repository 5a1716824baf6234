"""Old sessions out of the store, and then the blobs that none of the others refers to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfstore.disk.raw_folder import bytes_of
from tfstore.errors import CorruptDocument
from tfstore.journal.reading import live_writers
from tfstore.journal.segment_reader import segment_files
from tfstore.keeping.blob_uses import BlobUses, blob_files, remove_unused
from tfstore.keeping.deleting import delete

if TYPE_CHECKING:
    from tfstore.index.rows import SessionRow
    from tfstore.keeping.deleting import Deletion
    from tfstore.store import Store

_YOUNG: Final = 3600.0
"""Seconds for which a blob stays that no document refers to: its document may be just being written."""


@frozen
class Candidate:
    """A session that may go: its row, and the bytes of its files."""

    row: SessionRow
    bytes: int

    @property
    def session_id(self) -> str:
        """Which session it is."""
        return self.row.session_id


def chosen(
    store: Store,
    *,
    older_than: timedelta | None = None,
    max_size: int | None = None,
    keep_failed: bool = False,
    now: datetime | None = None,
) -> list[Candidate]:
    """Return the sessions to be removed, the oldest first; active ones and pinned ones never are.

    Args:
        store: the store.
        older_than: those that ended longer ago than this.
        max_size: after these, the oldest of the others until the store has no more bytes than this, once the blobs
            that nothing refers to any more are gone.
        keep_failed: leave failed sessions in either case.
        now: the moment to count from; the present by default.

    Raises:
        StoreUnusable: nobody knows which are pinned.
    """
    oldest_first = sorted(store.list(status="closed"), key=lambda row: (_ended(row), row.session_id))
    limit = None if older_than is None else (now or datetime.now(UTC)) - older_than
    uses = None if max_size is None else _uses(store)
    left = 0 if uses is None else size_of_store(store) - uses.unused
    pins = store.pins()
    found: list[Candidate] = []
    for row in oldest_first:
        if row.session_id in pins or (keep_failed and row.result == "failed"):
            continue
        old = limit is not None and _moment(row) is not None and _ended(row) < _text(limit)
        if not old and (max_size is None or left <= max_size):
            continue
        if live_writers(store.paths, row.session_id):
            continue
        candidate = Candidate(row, size_of_session(store, row.session_id))
        left -= candidate.bytes + (uses.without(row.session_id) if uses is not None else 0)
        found.append(candidate)
    return found


def remove(store: Store, candidates: Sequence[Candidate]) -> Deletion:
    """Delete these sessions, and the blobs that go with them.

    Raises:
        StoreUnusable: something cannot be removed; doing it again goes on from there.
    """
    return delete(store, [each.session_id for each in candidates], patience=1)


def remove_unused_blobs(store: Store) -> int:
    """Remove the blobs that no document refers to, and return how many bytes they were.

    None goes while a document cannot be read, or if it is younger than an hour. A session whose blobs are gone
    all the same gets them back from its journal, by ``tfclient rebuild``.

    Raises:
        StoreUnusable, OSError: one cannot be removed.
    """
    try:
        return remove_unused(store, [path for path in blob_files(store) if _is_old(path)])
    except CorruptDocument:
        return 0


def size_of_session(store: Store, session_id: str) -> int:
    """Return the bytes of a session's own files; blobs may be shared and do not count."""
    paths = store.paths
    own = [paths.document(session_id), paths.earlier(session_id), paths.diagram(session_id)]
    own += [paths.archived(session_id), paths.notes_of(session_id)]
    return sum(map(_size, [*own, *segment_files(paths, session_id)])) + bytes_of(paths, session_id)


def size_of_store(store: Store) -> int:
    """Return the bytes of all files in a store."""
    return sum(
        _size(each) for each in store.paths.root.rglob("*") if each.is_file() and not each.is_symlink()
    )


def _uses(store: Store) -> BlobUses:
    try:
        return BlobUses.of(store)
    except CorruptDocument:
        return BlobUses(store)  # no blob will go


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > _YOUNG
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _ended(row: SessionRow) -> str:
    return row.ended_at or row.started_at or ""


def _moment(row: SessionRow) -> str | None:
    return row.ended_at or row.started_at


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
