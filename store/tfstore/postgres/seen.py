"""``sync/<target>.jsonl``: what became of documents as they were when they were sent to a database, or not taken by it.

======================================================================================== ============================
``{"since": "…"}``                                                                       sent as they close since then
``{"session_id": "…", "modified": …, "size": …, "sha256": "…"}``                         it is there, with this digest
``{"session_id": "…", "modified": …, "size": …, "refused": "…"}``                        it was not taken, and why
======================================================================================== ============================

Only a short cut: without it, or with a wrong one, documents are read, and what is sent is the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from attrs import frozen

from tfstore.disk.files import replace_file, stamp_of
from tfstore.disk.paths import is_real_dir, open_private
from tfstore.document.json_text import compact, parse
from tfstore.errors import StoreError
from tfstore.keeping.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.disk.files import Stamp
    from tfstore.disk.paths import StorePaths
    from tfstore.postgres.address import Address
    from tfstore.store import Store

_LARGEST: Final = 64 * 1024 * 1024
_NAMES: Final = ("host", "port", "dbname", "user")


@frozen
class _Fate:
    """What became of a document as it was then: the digest that is there, or why it was refused."""

    stamp: Stamp
    sha256: str | None = None
    refused: str | None = None


class Seen:
    """What became of a store's documents, as they last were, in one database."""

    def __init__(self, paths: StorePaths, target: str, *, read: bool = True) -> None:
        """Read what there is, unless only to add to it; what cannot be read is as if it were not there."""
        self._folder = paths.syncs
        self.path = self._folder / f"{target}.jsonl"
        self._paths = paths
        self.since = ""
        """When sessions were first sent as they close; empty where that never was asked for."""
        self._known: dict[str, _Fate] = {}
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
        """Return the digest of a document that is there, if it is as it was then."""
        known = self._known.get(session_id)
        return known.sha256 if known is not None and known.stamp == stamp else None

    def refused(self, session_id: str, stamp: Stamp) -> str | None:
        """Return why a document was not taken, if it is as it was then."""
        known = self._known.get(session_id)
        return known.refused if known is not None and known.stamp == stamp else None

    def add(self, seen: dict[str, tuple[Stamp, str]]) -> None:
        """Write down digests; nothing goes wrong if they cannot be."""
        self._add({name: _Fate(stamp, sha256) for name, (stamp, sha256) in seen.items()})

    def refuse(self, refused: dict[str, tuple[Stamp, str]]) -> None:
        """Write down why documents were not taken; nothing goes wrong if it cannot be."""
        self._add({name: _Fate(stamp, refused=why) for name, (stamp, why) in refused.items()})

    def _add(self, told: dict[str, _Fate]) -> None:
        new = {name: each for name, each in told.items() if self._known.get(name) != each}
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
            refused = entry.get("refused")
            fate = (
                _Fate(stamp, str(entry["sha256"])) if refused is None else _Fate(stamp, refused=str(refused))
            )
            self._known[str(entry["session_id"])] = fate


def unsent(store: Store, seen: Seen) -> Waiting:
    """Return what waits of the sessions that ended since sessions are sent as they close, and what was refused.

    What was refused as it is now does not wait: it is tried again once it changed, or when somebody asks for it.
    """
    ids: list[str] = []
    refused: dict[str, str] = {}
    oldest: str | None = None
    ended: str | None = None
    for row in store.list(status="closed"):
        stamp = stamp_in(store, row.session_id)
        if stamp is None:
            continue  # it was removed since it was listed
        why = seen.refused(row.session_id, stamp)
        if why is not None:
            # Somebody sent it, whenever it ended.
            refused[row.session_id] = why
        elif (row.ended_at or "") >= seen.since and seen.sha256(row.session_id, stamp) is None:
            ids.append(row.session_id)
            oldest = row.started_at or oldest
            ended = min(ended or row.ended_at, row.ended_at) if row.ended_at else ended
    return Waiting(ids[::-1], oldest, ended, refused)


def stamp_in(store: Store, session_id: str) -> Stamp | None:
    """Return what changes when a session's document does; None if there is none."""
    try:
        return stamp_of(store.paths.document(session_id).lstat())
    except OSError:
        return None


def _line(each: tuple[str, _Fate]) -> bytes:
    session_id, fate = each
    modified, size = fate.stamp
    told = {"sha256": fate.sha256} if fate.refused is None else {"refused": fate.refused}
    return compact({"session_id": session_id, "modified": modified, "size": size, **told}) + b"\n"
