"""Files of lines that are only ever added to: each line is written whole, at the end.

A line that a dying process left without its end is closed by the next one, and read past.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from tfstore.disk.files import read_file
from tfstore.disk.locks import only_one
from tfstore.disk.paths import is_real_dir, open_private
from tfstore.errors import StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfstore.disk.paths import StorePaths

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of such a file that is read, and that is added to."""


PATIENCE: Final = 10.0
"""Seconds to wait for others that add to one."""


@contextlib.contextmanager
def alone(paths: StorePaths, lock: Path) -> Iterator[None]:
    """Be the only one that adds to the files of a lock, or removes one of them.

    Raises:
        StoreUnusable: another process does, and does not end; or the lock cannot be made.
    """
    if not is_real_dir(lock.parent):
        paths.create()
        paths.make_dir(lock.parent)
    with only_one(lock, timeout=PATIENCE) as mine:
        if not mine:
            raise StoreUnusable(paths.root, f"another process holds {lock}: try again when it is done")
        yield


def add_lines(paths: StorePaths, path: Path, lines: bytes, *, fsync: bool = False) -> None:
    """Add lines to a file of the store, made if it is not there: all of them, or nothing.

    Args:
        paths: the store.
        path: the file; its folder must be there.
        lines: each with its end.
        fsync: force them to the disk itself.

    Raises:
        StoreUnusable: they cannot be written.
    """
    try:
        descriptor = open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            _add(descriptor, lines)
            if fsync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreUnusable(paths.root, f"{path} cannot be written ({error})") from error


def lines_of(paths: StorePaths, path: Path) -> list[bytes]:
    """Return the lines of such a file that have an end; none where there is no file.

    Raises:
        StoreUnusable: it is there and cannot be read.
    """
    try:
        *lines, _ = read_file(path, LARGEST).split(b"\n")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreUnusable(paths.root, f"{path} cannot be read ({reason})") from error
    return lines


def _add(descriptor: int, lines: bytes) -> None:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size + len(lines) > LARGEST:
        raise OSError(f"it would be longer than {LARGEST:,} bytes")
    if size:
        os.lseek(descriptor, size - 1, os.SEEK_SET)
        # The process that wrote the last line died in the middle of it.
        lines = lines if os.read(descriptor, 1) == b"\n" else b"\n" + lines
    try:
        left = memoryview(lines)
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise
