"""Whole files at once: written beside their place and moved into it, so nobody ever reads half of one."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from typing import TYPE_CHECKING, TypeAlias

from tfstore.disk.paths import open_for_reading, open_private
from tfstore.disk.turns import turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_MORE = 1024 * 1024

Stamp: TypeAlias = tuple[int, int]
"""When a file was last written, in nanoseconds, and how long it is: what changes when its content does."""

_TICK = 1_000_000
"""Nanoseconds of a time that are ours to choose: a millisecond."""

UNFINISHED = ".tmp"
"""How the names of files that are being written end; one that stays was left by a process that died."""


_NAME = re.compile(rf"\.(.+)\.\d+\.[0-9a-f]{{8}}{re.escape(UNFINISHED)}")


def unfinished(path: Path) -> Path:
    """Return a name beside the path that nobody else takes, for what is to be moved into its place, or out of it.

    Example:
        >>> from pathlib import Path
        >>> whose(unfinished(Path("sessions/sess_1.json")).name)
        'sess_1.json'
    """
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}{UNFINISHED}")


def whose(name: str) -> str | None:
    """Return the name of the file that one with this name was to become; None if it is no unfinished file."""
    found = _NAME.fullmatch(name)
    return None if found is None else found[1]


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the stamp of a file."""
    return status.st_mtime_ns, status.st_size


def replace_file(path: Path, data: bytes | Iterable[bytes], *, fsync: bool = False) -> Stamp:
    """Put these bytes where the path points, in place of whatever file was there; 0600. Returns its stamp.

    Args:
        path: the file; its folder must be there.
        data: all of its content, whole or in pieces; whatever making a piece raises leaves the file as it was.
        fsync: force it to the disk itself, against power failure; slow.

    Raises:
        OSError: it could not be written; what was there before is untouched.
    """
    beside = unfinished(path)
    descriptor = open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        try:
            for piece in (data,) if isinstance(data, bytes) else data:
                left = memoryview(piece)
                while left:
                    left = left[os.write(descriptor, left) :]
                turn()
            if fsync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _make_time_unique(beside)
        stamp = stamp_of(beside.lstat())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    if fsync:
        sync_folder(path.parent)
    return stamp


def place_file(path: Path, data: bytes, still: Callable[[], bool]) -> bool:
    """Put these bytes where the path points if no file is there; say whether that was so. Never forced to the disk.

    Args:
        path: the file; its folder must be there.
        data: all of its content.
        still: whether it is still wanted, asked at the last moment.

    Raises:
        OSError: it could not be written, or this file system has no links.
    """
    beside = unfinished(path)
    descriptor = open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        try:
            whole = os.write(descriptor, data) == len(data)
        finally:
            os.close(descriptor)
        if not whole or not still():
            return False
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return True


def _make_time_unique(path: Path) -> None:
    """Let no other writing have the same time: clocks of file systems stand still for milliseconds."""
    status = path.lstat()
    modified = status.st_mtime_ns - status.st_mtime_ns % _TICK + secrets.randbelow(_TICK)
    # Where times cannot be set, they are as exact as they are.
    with contextlib.suppress(OSError):
        os.utime(path, ns=(status.st_atime_ns, modified))


def read_file(path: Path, limit: int) -> bytes:
    """Return all of a file that is at most ``limit`` bytes long; a link, pipe or device is refused.

    Raises:
        OSError: it cannot be read.
        ValueError: it is longer.
    """
    with os.fdopen(open_for_reading(path), "rb") as file:
        # Asked for the limit, Python would reserve so much for every file, however small.
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > limit else file.read(size + 1)
        while size <= limit and len(data) <= limit and (more := file.read(_MORE)):
            data += more
    if size > limit:
        raise ValueError(f"it is longer than {limit} bytes")
    if len(data) > limit:
        raise ValueError(f"it is longer than {limit} bytes")
    return data


def sync_folder(folder: Path) -> None:
    """Force a folder's own content, the names in it, to the disk."""
    # A folder cannot be opened everywhere; where it can, this makes the move itself last.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
