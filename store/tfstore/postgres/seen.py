"""``sync/<target>.jsonl``: which documents were hashed when, so that those that did not change are not read again.

Only a short cut: without it, or with a wrong one, documents are read, and what is sent is the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from tfstore.disk.files import replace_file, stamp_of
from tfstore.disk.paths import is_real_dir, open_private
from tfstore.document.json_text import compact, parse
from tfstore.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.disk.files import Stamp
    from tfstore.disk.paths import StorePaths
    from tfstore.index.rows import SessionRow
    from tfstore.postgres.address import Address
    from tfstore.store import Store

_LARGEST: Final = 64 * 1024 * 1024
_NAMES: Final = ("host", "port", "dbname", "user")


class Seen:
    """The digests of a store's documents, as they were last hashed for one database."""

    def __init__(self, paths: StorePaths, target: str, *, read: bool = True) -> None:
        """Read what there is, unless only to add to it; what cannot be read is as if it were not there."""
        self._folder = paths.syncs
        self.path = self._folder / f"{target}.jsonl"
        self._paths = paths
        self.since = ""
        """When sessions were first sent as they close; empty where that never was asked for."""
        self._known: dict[str, tuple[Stamp, str]] = {}
        self._lines = 0
        if read:
            self._read()

    def _read(self) -> None:
        self._known.clear()
        self._lines = 0
        with contextlib.suppress(OSError, ValueError, TypeError):
            if self.path.lstat().st_size <= _LARGEST:
                for line in self.path.read_bytes().splitlines():
                    self._lines += 1
                    self._take(parse(line))

    @classmethod
    def of(cls, paths: StorePaths, address: Address, *, read: bool = True) -> Self:
        """Return what was sent to a database."""
        named = [*(address.parameters.get(name, "") for name in _NAMES), address.schema]
        where = re.sub(r"[^A-Za-z0-9.-]", "_", f"{named[0]}_{named[2]}")[:60]
        digest = hashlib.sha256("\n".join(named).encode()).hexdigest()
        return cls(paths, f"{where}-{digest[:12]}", read=read)

    @classmethod
    def every(cls, paths: StorePaths) -> list[Self]:
        """Return what was sent to each database that something was sent to."""
        if not is_real_dir(paths.syncs):
            return []
        return [cls(paths, path.stem) for path in sorted(paths.syncs.glob("*.jsonl"))]

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
        if self._lines > 2 * len(self._known) + 100:
            # What others added meanwhile is to stay.
            self._read()
            self._known |= new
            with contextlib.suppress(OSError):
                replace_file(self.path, b"".join(self._all()))
                self._lines = len(self._known)
            return
        self._append(b"".join(map(_line, new.items())))

    def begin(self, now: datetime) -> None:
        """Note that sessions are sent as they close from now on, unless that is noted; what was before need not be."""
        if not self.since:
            self.since = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self._append(compact({"since": self.since}) + b"\n")

    def _all(self) -> Iterator[bytes]:
        if self.since:
            yield compact({"since": self.since}) + b"\n"
        yield from map(_line, self._known.items())

    def _append(self, lines: bytes) -> None:
        with contextlib.suppress(OSError, StoreError):
            if not self._folder.is_dir():
                self._paths.make_dir(self._folder)
            descriptor = open_private(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                os.write(descriptor, lines)
            finally:
                os.close(descriptor)

    def _take(self, entry: Any) -> None:
        if isinstance(entry, dict) and isinstance(entry.get("since"), str):
            self.since = self.since or entry["since"]
            return
        with contextlib.suppress(KeyError, TypeError, ValueError):
            stamp = (int(entry["modified"]), int(entry["size"]))
            self._known[str(entry["session_id"])] = (stamp, str(entry["sha256"]))


def unsent(store: Store, seen: Seen) -> list[SessionRow]:
    """Return the sessions that have ended and were not sent to a database as they are now, the oldest first."""
    rows = store.list(status="closed")
    left = [row for row in rows if (row.ended_at or "") >= seen.since and not _is_sent(store, seen, row)]
    return left[::-1]


def _is_sent(store: Store, seen: Seen, row: SessionRow) -> bool:
    stamp = stamp_in(store, row.session_id)
    # One without a document was removed since it was listed.
    return stamp is None or seen.sha256(row.session_id, stamp) is not None


def stamp_in(store: Store, session_id: str) -> Stamp | None:
    """Return what changes when a session's document does; None if there is none."""
    try:
        return stamp_of(store.paths.document(session_id).lstat())
    except OSError:
        return None


def _line(each: tuple[str, tuple[Stamp, str]]) -> bytes:
    session_id, ((modified, size), sha256) = each
    return compact({"session_id": session_id, "modified": modified, "size": size, "sha256": sha256}) + b"\n"
