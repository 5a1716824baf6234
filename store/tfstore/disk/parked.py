"""Descriptors are the program's: of many open files only some stay so, and a lock without a descriptor of its own.

A file that is held (``locks``) costs a descriptor, and a program with some hundred open sessions may have no more than
256. Beyond a bound the file used least is *parked*: closed, while one byte of one file, which all parked files of this
process share, says that it is held. The byte's place is made of the file's name; it is locked before the file is let
go of, and unlocked after it is held again. As other locks it goes with the process.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tfstore.disk import fork
from tfstore.disk.paths import open_private

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform != "win32":
    import fcntl
    import resource

MOST: Final = 64
"""Files that are open at once, at most."""

_SHARE: Final = 8
"""Of the descriptors that the program may have, one in this many at most is for them."""


def bound() -> int:
    """Return how many files may be open at once; the program may change its limit at any time."""
    if sys.platform == "win32":
        # There a lock is not a descriptor's.
        return sys.maxsize
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if soft == resource.RLIM_INFINITY else max(4, min(MOST, soft // _SHARE))


class _Parking:
    """The locks of this process that have no descriptor of their own."""

    def __init__(self) -> None:
        self._lock = fork.lock()
        self._descriptors: dict[Path, tuple[int, tuple[int, int]]] = {}
        self._parked: set[Path] = set()
        fork.renew_after_fork(self)

    def _forked(self) -> None:
        # Locks of bytes are not passed on to a child, and its copies of the descriptors are of no use to it.
        for descriptor, identity in self._descriptors.values():
            if _identity(descriptor) == identity:
                os.close(descriptor)
        self._descriptors.clear()
        self._parked.clear()

    def park(self, path: Path) -> bool:
        """Hold a file without having it open; False where that cannot be."""
        with self._lock, contextlib.suppress(OSError):
            fcntl.lockf(self._open(path, make=True), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(path))
            self._parked.add(path)
            return True
        return False

    def take_back(self, path: Path) -> None:
        """Hold it so no longer."""
        with self._lock, contextlib.suppress(OSError):
            if path in self._parked:
                self._parked.discard(path)
                fcntl.lockf(self._open(path), fcntl.LOCK_UN, 1, _place(path))

    def is_parked(self, path: Path) -> bool:
        """Whether this process or another one holds it so."""
        with self._lock:
            if path in self._parked:
                return True
            try:
                descriptor = self._open(path)
            except OSError:
                # Nobody has parked anything here.
                return False
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, _place(path))
            except OSError as error:
                # Where there are no locks, nothing is parked either.
                return error.errno in {errno.EAGAIN, errno.EACCES}
            fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, _place(path))
            return False

    def _open(self, path: Path, *, make: bool = False) -> int:
        """The one descriptor of the folder's file: when any of them is closed, all locks of this process go."""
        file = path.parent.parent / ".claims" / "parked.lock"
        descriptor, identity = self._descriptors.get(file, (-1, (0, 0)))
        if descriptor >= 0 and _identity(descriptor) == identity:
            return descriptor
        # It was closed by somebody, or deleted with all files that it spoke of.
        if make:
            file.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = open_private(file, os.O_RDWR | (os.O_CREAT if make else 0))
        status = os.fstat(descriptor)
        self._descriptors[file] = (descriptor, (status.st_dev, status.st_ino))
        return descriptor


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_nlink else None


def _place(path: Path) -> int:
    return int.from_bytes(sha256(f"{path.parent.name}/{path.name}".encode()).digest()[:7], "big")


PARKING: Final = _Parking()
