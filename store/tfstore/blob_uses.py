"""Which sessions refer to which blobs, and what goes with the last of them."""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Final, Self

from attrs import define, field

from tfstore.errors import CorruptDocument
from tfstore.paths import is_real_dir, open_for_reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfstore.store import Store

_REFERENCE: Final = re.compile(rb"sha256:([0-9a-f]{64})")
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
    """Return the digests of the blobs that a session's document refers to; none where there is no document.

    Raises:
        CorruptDocument: it cannot be read.
    """
    found: set[str] = set()
    try:
        with os.fdopen(open_for_reading(store.paths.document(session_id)), "rb") as file:
            tail = b""
            while block := file.read(_BLOCK):
                found.update(match.decode() for match in _REFERENCE.findall(tail + block))
                tail = block[-80:]
    except FileNotFoundError:
        return found
    except OSError as error:
        raise CorruptDocument(session_id, store.paths.document(session_id), str(error)) from error
    return found
