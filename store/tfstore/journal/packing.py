"""Compacting the journal of a closed session: segments into the archive, then away with them.

Each step may be the last before the process dies, and all of it may be repeated: the archive takes its place
whole, is read back and compared before a segment goes, and a segment that is in the archive already is not
added to it again. Whoever packs holds the session's claim (``Store.claim``).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tfstore.disk.files import sync_folder, unfinished
from tfstore.disk.locks import is_held
from tfstore.disk.paths import StorePaths, is_real_dir, open_for_reading, open_private
from tfstore.errors import StoreUnusable
from tfstore.journal.archive import Archive, ArchiveWriter, holds, may_hold, most_entries, total
from tfstore.journal.segment_reader import archive_of, segment_files

if TYPE_CHECKING:
    from tfstore.journal.archive import Part

_BLOCK = 1024 * 1024
_MOMENTS = 60


def at_rest(paths: StorePaths, session_id: str) -> dict[Path, int] | None:
    """Return the size of each segment that is not archived; None while somebody writes to one."""
    files = segment_files(paths, session_id)
    if any(is_held(file) for file in files):
        return None
    sizes: dict[Path, int] = {}
    for file in files:
        with contextlib.suppress(OSError):
            sizes[file] = file.lstat().st_size
    return sizes


def pack(
    paths: StorePaths, session_id: str, *, fsync: bool = False, read: dict[Path, int] | None = None
) -> bool:
    """Move the session's segments into its archive; say whether none is left.

    Nothing is done while somebody writes to the session, and nothing is lost whenever this is interrupted.

    Args:
        paths: the store.
        session_id: the session.
        fsync: force the archive to the disk itself before the segments go.
        read: the segments as they were ``at_rest`` before the document was made of them. Where there is more now,
            nothing is done: what is archived is taken for told, and nobody would look at it again.

    Raises:
        ArchiveUnreadable: there is an archive already that cannot be read; the segments stay.
        StoreUnusable: the archive cannot be written, or is not what was written; the segments stay.
    """
    files = segment_files(paths, session_id)
    if any(is_held(file) for file in files) or (read is not None and at_rest(paths, session_id) != read):
        return False
    files = files if read is None else [*read]
    try:
        earlier = archive_of(paths, session_id)
        fresh = [file for file in files if not _is_in(earlier, file)]
        if fresh and not _archive(paths, session_id, earlier, fresh, fsync=fsync):
            return False
        for file in files:
            file.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = f"the journal of {session_id} stays as it is, its archive cannot be written ({error})"
        raise StoreUnusable(paths.root, reason) from error
    _remove_folder(paths.journal_of(session_id))
    return True


def _archive(
    paths: StorePaths, session_id: str, earlier: Archive | None, fresh: Sequence[Path], *, fsync: bool
) -> bool:
    if not is_real_dir(paths.archive):
        paths.create()
        paths.make_dir(paths.archive)
    place = paths.archived(session_id)
    beside = unfinished(place)
    try:
        with os.fdopen(open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            written = _write(session_id, earlier, fresh, file)
            parts = written.parts
            if fsync:
                file.flush()
                os.fsync(file.fileno())
            if not may_hold(total(parts), file.tell()) or written.entries > most_entries(file.tell()):
                return False
        _compare(session_id, beside, parts)
        beside.replace(place)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    if fsync:
        sync_folder(place.parent)
    return True


def _write(session_id: str, earlier: Archive | None, fresh: Sequence[Path], file: BinaryIO) -> ArchiveWriter:
    writer = ArchiveWriter(session_id, file)
    if earlier is not None:
        writer.copy(earlier)
    for path in fresh:
        with os.fdopen(open_for_reading(path), "rb") as segment:
            writer.add(path.stem, segment, os.fstat(segment.fileno()).st_size)
    writer.finish()
    return writer


def _compare(session_id: str, written: Path, parts: Sequence[Part]) -> None:
    """Read back what was written: a stream checks length and digest itself."""
    archive = Archive(session_id, written, open_for_reading(written))
    if list(archive.parts) != list(parts):
        raise ValueError("its index was not written as meant")
    for part in parts:
        with archive.stream(part) as stream:
            while stream.read(_BLOCK):
                pass


def _is_in(archive: Archive | None, file: Path) -> bool:
    of_writer = [] if archive is None else archive.of(file.stem)
    return bool(of_writer) and any(holds(part, file) for part in of_writer)


def _remove_folder(folder: Path) -> None:
    """Remove the folder of a packed journal; one that somebody just put a segment into stays."""
    if not is_real_dir(folder):
        return
    for left in folder.iterdir():
        # What a process left that died while it made a segment, or a lock file of Windows.
        with contextlib.suppress(OSError):
            if left.suffix in {".new", ".lock"} and time.time() - left.lstat().st_mtime > _MOMENTS:
                left.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
