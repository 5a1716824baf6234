"""``sync/<target>.jsonl``: which documents were hashed when, so that those that did not change are not read again.

Only a short cut: without it, or with a wrong one, documents are read, and what is sent is the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, Any, Final

from tfstore.disk.files import replace_file
from tfstore.disk.paths import open_private
from tfstore.document.json_text import compact, parse

if TYPE_CHECKING:
    from tfstore.disk.files import Stamp
    from tfstore.disk.paths import StorePaths
    from tfstore.postgres.address import Address

_LARGEST: Final = 64 * 1024 * 1024
_NAMES: Final = ("host", "port", "dbname", "user")


class Seen:
    """The digests of a store's documents, as they were last hashed for one database."""

    def __init__(self, paths: StorePaths, address: Address) -> None:
        """Read what there is; what cannot be read is as if it were not there."""
        target = "\n".join([*(address.parameters.get(name, "") for name in _NAMES), address.schema])
        self._folder = paths.root / "sync"
        self.path = self._folder / f"{hashlib.sha256(target.encode()).hexdigest()[:16]}.jsonl"
        self._paths = paths
        self._known: dict[str, tuple[Stamp, str]] = {}
        self._lines = 0
        with contextlib.suppress(OSError, ValueError, TypeError):
            if self.path.lstat().st_size <= _LARGEST:
                for line in self.path.read_bytes().splitlines():
                    self._lines += 1
                    self._take(parse(line))

    def sha256(self, session_id: str, stamp: Stamp) -> str | None:
        """Return the digest of a document, if it is as it was then."""
        known = self._known.get(session_id)
        return known[1] if known is not None and known[0] == stamp else None

    def add(self, seen: dict[str, tuple[Stamp, str]]) -> None:
        """Write down digests; nothing goes wrong if they cannot be."""
        new = {name: each for name, each in seen.items() if self._known.get(name) != each}
        if not new:
            return
        self._known |= new
        self._lines += len(new)
        with contextlib.suppress(OSError):
            if not self._folder.is_dir():
                self._paths.make_dir(self._folder)
            if self._lines > 2 * len(self._known) + 100:
                replace_file(self.path, b"".join(map(_line, self._known.items())))
                self._lines = len(self._known)
                return
            descriptor = open_private(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                os.write(descriptor, b"".join(map(_line, new.items())))
            finally:
                os.close(descriptor)

    def _take(self, entry: Any) -> None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            stamp = (int(entry["modified"]), int(entry["size"]))
            self._known[str(entry["session_id"])] = (stamp, str(entry["sha256"]))


def _line(each: tuple[str, tuple[Stamp, str]]) -> bytes:
    session_id, ((modified, size), sha256) = each
    return compact({"session_id": session_id, "modified": modified, "size": size, "sha256": sha256}) + b"\n"
