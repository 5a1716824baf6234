"""Which files a living process holds: the operating system says so, and forgets when the process dies.

On POSIX the segment itself is locked (``flock``). A new one is locked under another name and then renamed, so
that nobody ever meets a living writer's segment unlocked. On Windows, where a lock would keep readers out, a
file beside it is locked instead.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from time import monotonic, time
from typing import TYPE_CHECKING, Final

from attrs import define
from filelock import FileLock, Timeout

from tfstore.disk.parked import PARKING
from tfstore.disk.paths import open_for_reading, open_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform != "win32":
    import fcntl

APPEND = os.O_RDWR | os.O_APPEND
"""Reading too, for the repair of a line that was not written to its end."""

_PAUSE: Final = 0.005
_LOCK_SECONDS: Final = 1.0
_MOMENTS: Final = 60
_TAKEN: Final = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL})

_OURS: Final[set[tuple[int, int]]] = set()
"""Files that this process has open: what tells a living writer where there are no locks."""


@define
class Held:
    """An open, locked file; ``identity`` is its device and inode."""

    descriptor: int
    identity: tuple[int, int]
    sidecar: FileLock | None = None

    def is_ours(self) -> bool:
        """Whether the descriptor still means this file: programs close descriptors they do not know."""
        try:
            now = os.fstat(self.descriptor)
        except OSError:
            return False
        return (now.st_dev, now.st_ino) == self.identity

    def release(self) -> None:
        """Close the file and let go of the lock."""
        _OURS.discard(self.identity)
        if self.is_ours():
            with contextlib.suppress(OSError):
                os.close(self.descriptor)
        if self.sidecar is not None:
            self.sidecar.release()


def open_held(path: Path) -> Held:
    """Open a file for appending, make it if it is missing, and hold it until released or dead.

    Raises:
        OSError: it cannot be opened or made.
    """
    if sys.platform == "win32":
        sidecar = FileLock(_sidecar(path), timeout=1)
        sidecar.acquire()
        return _held(open_private(path, APPEND | os.O_CREAT), sidecar)
    try:
        held = _held(open_private(path, APPEND))
        with _being_opened(held):
            _lock(held.descriptor)
    except FileNotFoundError:
        hidden = path.with_name(f".{path.name}.new")
        try:
            descriptor = open_private(hidden, APPEND | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            # Nobody else makes a file of this name: it is left of an attempt that failed.
            hidden.unlink(missing_ok=True)
            descriptor = open_private(hidden, APPEND | os.O_CREAT | os.O_EXCL)
        held = _held(descriptor)
        try:
            with _being_opened(held):
                _lock(held.descriptor)
                hidden.rename(path)
        except BaseException:
            with contextlib.suppress(OSError):
                hidden.unlink()
            raise
    return held


def reopen_held(path: Path, identity: tuple[int, int]) -> Held | None:
    """Open and hold a file once more that was open before; None if it is another one by now, or none.

    Raises:
        OSError: it cannot be opened, for want of descriptors for instance.
    """
    try:
        held = _held(open_private(path, APPEND))
    except FileNotFoundError:
        return None
    with _being_opened(held):
        if sys.platform != "win32":
            _lock(held.descriptor)
    if held.identity != identity:
        held.release()
        return None
    return held


_OPENING: Final[list[Held]] = []


@contextlib.contextmanager
def _being_opened(held: Held) -> Iterator[None]:
    """A child that is forked meanwhile lets go of it: else it would hold its parent's lock until it ends."""
    _OPENING.append(held)
    try:
        yield
    except BaseException:
        held.release()
        raise
    finally:
        _OPENING.remove(held)


def _let_go() -> None:
    for held in _OPENING:
        held.release()
    _OPENING.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def is_held(path: Path) -> bool:
    """Return whether a living process holds the file.

    Where the file system has no locks, it is one that this process has open, or that another living process of this
    machine is named by, or that was written to a moment ago: no living writer's session is to be taken for a dead
    one's.
    """
    if sys.platform == "win32":
        try:
            with FileLock(_sidecar(path), timeout=0):
                return False
        except Timeout:
            return True
    # Its own lock once more at the end: it may just have been taken back from where it was parked.
    return _is_locked(path) or PARKING.is_parked(path) or _is_locked(path)


def _seems_held(path: Path, status: os.stat_result) -> bool:
    if (status.st_dev, status.st_ino) in _OURS:
        return True
    writer = path.name.partition("_")[0]
    if not writer.isdecimal() or int(writer) == os.getpid():
        return False
    try:
        os.kill(int(writer), 0)
    except (ProcessLookupError, OverflowError):
        # Not on this machine; it may be another one's, that shares the disk.
        return time() - status.st_mtime < _MOMENTS
    except OSError:
        pass
    return True


@contextlib.contextmanager
def only_one(path: Path, timeout: float = -1) -> Iterator[bool]:
    """Be the only process in here, by a lock on a file of its own; gives False if the time ran out.

    Args:
        path: the lock file; its folder must be there.
        timeout: seconds to wait; 0 asks once, -1 waits for ever.
    """
    lock = FileLock(path, timeout=0, mode=0o600)
    until = monotonic() + timeout
    # Asked again and again, since the lock's own waiting calls `time.sleep`: a program's tests put something
    # else in its place, count its calls, and do not expect ours among them.
    pause = threading.Event()
    while not _taken(lock):
        if timeout >= 0 and until <= monotonic():
            yield False
            return
        pause.wait(_PAUSE)
    try:
        yield True
    finally:
        lock.release()


def _taken(lock: FileLock) -> bool:
    try:
        lock.acquire()
    except Timeout:
        return False
    except (NotImplementedError, OSError) as error:
        # No locks here: whatever is done under one is the same when it is done twice.
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
    return True


def _held(descriptor: int, sidecar: FileLock | None = None) -> Held:
    status = os.fstat(descriptor)
    held = Held(descriptor, (status.st_dev, status.st_ino), sidecar)
    _OURS.add(held.identity)
    return held


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".lock")


if sys.platform != "win32":

    def _is_locked(path: Path) -> bool:
        try:
            descriptor = open_for_reading(path)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in _TAKEN or _seems_held(path, os.fstat(descriptor))
        finally:
            os.close(descriptor)
        return False

    def _lock(descriptor: int) -> None:
        # Again and again: somebody asking `is_held` may have the file for a few microseconds. Not for ever, since
        # a test's pretended file may have the number of a real one. A file system without locks takes the entries.
        until = monotonic() + _LOCK_SECONDS
        pause = threading.Event()
        with contextlib.suppress(OSError):
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if monotonic() > until:
                        return
                    pause.wait(_PAUSE)
                else:
                    return
