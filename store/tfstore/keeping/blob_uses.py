"""Which sessions refer to which blobs, and what goes with the last of them."""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Final, Self

from attrs import define, field

from tfstore.disk.paths import is_real_dir, open_for_reading
from tfstore.errors import BlobUnreadable, CorruptDocument, StoreError
from tfstore.keeping.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from tfstore.store import Store

_REFERENCE: Final = re.compile(rb"sha256:([0-9a-f]{64})")
_PLACE: Final = re.compile(rb'"blob": ?"sha256:([0-9a-f]{64})"')
_BLOCK: Final = 1024 * 1024


@define
class BlobUses:
    """The bytes of each blob and how many documents refer to it, both by digest."""

    store: Store
    sizes: dict[str, int] = field(factory=dict[str, int])
    uses: Counter[str] = field(factory=Counter[str])

    @classmethod
    def of(cls, store: Store) -> Self:
        """Read all documents of a store; without blobs there is nothing to read.

        Raises:
            CorruptDocument: one of them cannot be read, so that nobody knows what it refers to.
        """
        found = cls(store)
        for path in blob_files(store):
            with contextlib.suppress(FileNotFoundError):
                found.sizes[path.stem] = path.lstat().st_size
        if found.sizes:
            for session_id in store.ids():
                found.uses.update(references(store, session_id))
        return found

    @property
    def unused(self) -> int:
        """The bytes of blobs that no document refers to."""
        return sum(size for digest, size in self.sizes.items() if not self.uses[digest])

    def without(self, session_id: str) -> int:
        """Take a session away; return the bytes of blobs that only it referred to."""
        gone = references(self.store, session_id) if self.sizes else set[str]()
        self.uses.subtract(gone)
        return sum(self.sizes.get(digest, 0) for digest in gone if not self.uses[digest])


def blob_files(store: Store) -> Iterator[Path]:
    """Yield the files of a store's blobs, sorted."""
    if is_real_dir(store.paths.blobs):
        yield from sorted(store.paths.blobs.glob("??/*"))


def references(store: Store, session_id: str) -> set[str]:
    """Return the digests of the blobs that a session's document, or its earlier one, refers to.

    Raises:
        CorruptDocument: one of them is there and cannot be read.
    """
    paths = store.paths
    return _references(session_id, paths.document(session_id)) | _references(
        session_id, paths.earlier(session_id)
    )


def _references(session_id: str, document: Path, pattern: re.Pattern[bytes] = _REFERENCE) -> set[str]:
    found: set[str] = set()
    try:
        with os.fdopen(open_for_reading(document), "rb") as file:
            tail = b""
            while block := file.read(_BLOCK):
                found.update(match.decode() for match in pattern.findall(tail + block))
                tail = block[-120:]
    except FileNotFoundError:
        return found
    except OSError as error:
        raise CorruptDocument(session_id, document, str(error)) from error
    return found


def placed(store: Store, session_id: str) -> list[str]:
    """Return the digests of the blobs that stand for content of a session's document, sorted.

    Not of whatever looks like a digest: texts do, and so do those that were replaced by one.

    Raises:
        CorruptDocument: the document cannot be read.
    """
    return sorted(_references(session_id, store.paths.document(session_id), _PLACE))


def blob_problems(store: Store, session_id: str) -> Iterator[Problem]:
    """Yield which blobs of a session's document are missing, or are not what was stored.

    Raises:
        CorruptDocument: the document cannot be read.
    """
    document = store.paths.document(session_id)
    for digest in placed(store, session_id):
        try:
            store.blobs.get(digest)
        except BlobUnreadable as error:
            place = store.blobs.find(digest) or store.paths.blobs
            yield Problem("lost_blob", f"{document} refers to what is not there. {error}", session_id, place)


def damaged_blobs(store: Store, session_id: str) -> list[Path]:
    """Return the blobs of a session's document that are there and are not what was stored."""
    with contextlib.suppress(StoreError):
        found = (each.path for each in blob_problems(store, session_id))
        return [path for path in found if path is not None and path != store.paths.blobs]
    return []


def remove_unused(store: Store, blobs: Iterable[Path], without: Collection[str] = ()) -> int:
    """Remove those of these blobs that no document refers to, and return how many bytes they were.

    A document that is being written meanwhile keeps its own: whoever puts a blob makes it young again, and holds
    the lock of the blobs until the document that refers to it is there.

    Args:
        store: the store.
        blobs: their files.
        without: sessions whose documents do not count.

    Raises:
        CorruptDocument: a document cannot be read, so that nobody knows what it refers to; nothing was removed.
        StoreUnusable, OSError: something cannot be removed.
    """
    before = {path: status for path in blobs if (status := _status(path)) is not None}
    if not before:
        return 0
    with store.blobs.alone():
        # Waited for, no more: what was put until now is referred to by a document then.
        pass
    unused = {path.stem for path in before}
    for session_id in store.ids():
        if unused and session_id not in without:
            unused -= references(store, session_id)
    freed = 0
    with store.blobs.alone():
        for path, then in before.items():
            now = _status(path)
            if path.stem in unused and now is not None and now.st_mtime_ns == then.st_mtime_ns:
                path.unlink()
                freed += now.st_size
    return freed


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
