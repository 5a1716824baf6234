"""Reading the journal: the segments of a session merged into one order, past whatever cannot be read.

Segments of closed sessions are in an archive, and read from there. Within a segment the order is that of its
lines. Between segments it is time (``at``), where a clock that was
set back counts as standing still, so that no answer comes before its question; then the writer's name. A torn
last line is dropped, a corrupt one is counted and skipped, and the report says both. Readers take no lock and
hold no file open; what a hostile file can cost them is bounded by ``MAX_LINE``.
"""

from __future__ import annotations

import contextlib
import heapq
import os
from collections.abc import Iterator
from typing import Final

from tfstore.disk.locks import is_held
from tfstore.disk.paths import StorePaths, is_real_dir, is_session_id
from tfstore.journal.archive import archived_sessions
from tfstore.journal.entries import Entry
from tfstore.journal.segment import MAX_LINE, Segment
from tfstore.journal.segment_reader import BLOCK, JournalReport, SegmentReader, Segments, segment_files

__all__ = [
    "MAX_LINE",
    "Entry",
    "JournalReport",
    "Segment",
    "Tail",
    "archived_sessions",
    "has_journal",
    "iter_entries",
    "live_writers",
    "read_entries",
    "sessions_with_journal",
    "size_of",
    "writers",
]

_POLL: Final = 64 * 1024 * 1024
_LEAST: Final = 32 * 1024


def read_entries(paths: StorePaths, session_id: str) -> tuple[list[Entry], JournalReport]:
    """Return all entries of a session in their order, and what reading them met.

    A session without a journal has no entries; that is no error.

    Raises:
        InvalidSessionId: the id cannot be a file name.
    """
    report = JournalReport()
    return list(iter_entries(paths, session_id, report)), report


def iter_entries(paths: StorePaths, session_id: str, report: JournalReport | None = None) -> Iterator[Entry]:
    """Yield the entries of a session in their order, holding about a megabyte per segment at a time.

    Args:
        paths: the store.
        session_id: the session.
        report: filled in while reading, complete when the last entry was given.

    Raises:
        InvalidSessionId: the id cannot be a file name.
    """
    report = JournalReport() if report is None else report
    segments = Segments(paths, session_id, report)
    names = segments.writers()
    readers = [SegmentReader(segments, name, report) for name in names]
    # Of few writers a megabyte each, of thousands less.
    block = max(_LEAST, BLOCK * 16 // max(16, len(names)))
    for row in heapq.merge(*(reader.stream(block) for reader in readers)):
        yield row[3]


class Tail:
    """The entries of a session as they come: each poll gives what is new since the one before.

    Entries are in order within a poll. A later poll may bring an entry of another writer that is older than
    one given already: a live view bears that, and the final projection reads everything again.
    """

    def __init__(self, paths: StorePaths, session_id: str) -> None:
        """Begin before the first entry.

        Raises:
            InvalidSessionId: the id cannot be a file name.
        """
        self._readers: dict[str, SegmentReader] = {}
        self.report = JournalReport()
        self._segments = Segments(paths, session_id, self.report)
        paths.journal_of(session_id)

    def poll(self, max_bytes: int = _POLL) -> list[Entry]:
        """Return the entries that are new, from at most ``max_bytes`` of each segment."""
        for writer in self._segments.writers():
            if writer not in self._readers:
                self._readers[writer] = SegmentReader(self._segments, writer, self.report)
        rows = [row for reader in self._readers.values() for row in reader.read(max_bytes)]
        rows.sort(key=lambda row: row[:3])
        return [row[3] for row in rows]


def writers(paths: StorePaths, session_id: str) -> list[str]:
    """Return the names of the session's segments, archived or not, sorted."""
    return Segments(paths, session_id, JournalReport()).writers()


def has_journal(paths: StorePaths, session_id: str) -> bool:
    """Return whether there are segments or an archive of the session, whether they can be read or not."""
    return bool(segment_files(paths, session_id)) or os.path.lexists(paths.archived(session_id))


def live_writers(paths: StorePaths, session_id: str) -> list[str]:
    """Return the writers of the session that are alive, sorted; if there is none, anyone may recover it."""
    return [path.stem for path in segment_files(paths, session_id) if is_held(path)]


def size_of(paths: StorePaths, session_id: str) -> int:
    """Return the bytes of the session's journal, unpacked, without reading it."""
    segments = Segments(paths, session_id, JournalReport())
    size = sum(part.bytes for name in segments.writers() for part in segments.parts(name))
    for path in segment_files(paths, session_id):
        with contextlib.suppress(OSError):
            size += path.lstat().st_size
    return size


def sessions_with_journal(paths: StorePaths) -> list[str]:
    """Return the ids of all sessions that have segments which are not archived, sorted.

    Those of closed sessions are, so these are the few that run, or that a dead process left.
    """
    if not is_real_dir(paths.journal):
        return []
    with os.scandir(paths.journal) as found:
        names = [each.name for each in found if is_session_id(each.name)]
    return sorted(name for name in names if segment_files(paths, name))
