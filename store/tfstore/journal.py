"""Reading the journal: the segments of a session merged into one order, past whatever cannot be read.

Within a segment the order is that of the file. Between segments it is time (``at``), where a clock that was
set back counts as standing still, so that no answer comes before its question; then the writer's name. A torn
last line is dropped, a corrupt one is counted and skipped, and the report says both. Readers take no lock and
hold no file open; what a hostile file can cost them is bounded by ``MAX_LINE``.
"""

from __future__ import annotations

import heapq
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from tfstore.json_text import parse
from tfstore.locks import is_held
from tfstore.paths import is_real_dir, is_session_id, open_for_reading
from tfstore.segment import MAX_LINE, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfstore.paths import StorePaths

__all__ = [
    "MAX_LINE",
    "Entry",
    "JournalReport",
    "Segment",
    "Tail",
    "iter_entries",
    "live_writers",
    "read_entries",
    "sessions_with_journal",
    "writers",
]

Entry = dict[str, Any]
"""One line of a journal as written, with ``writer`` added: the name of its segment."""

_BLOCK: Final = 1024 * 1024
_POLL: Final = 64 * 1024 * 1024
_NAMED: Final = 1000
_BEHIND: Final = 80
_Row = tuple[int, str, int, Entry]


@define
class JournalReport:
    """What reading a journal met; of each kind of trouble all is counted and the first 1,000 are named.

    Segments are named by their writers. ``corrupt`` holds (writer, line number from 1), ``broken_chain``
    (writer, ``seq`` of the entry whose ``prev`` is not the digest of the entry before), ``gaps`` (writer,
    ``seq`` after the gap, entries missing), ``disordered`` (writer, ``seq`` not above the one before), and
    ``torn`` the segments whose last line has no end, ``unreadable`` (writer, why).
    """

    entries: int = 0
    torn: list[str] = field(factory=list[str])
    corrupt: list[tuple[str, int]] = field(factory=list[tuple[str, int]])
    corrupt_lines: int = 0
    broken_chain: list[tuple[str, int]] = field(factory=list[tuple[str, int]])
    broken_links: int = 0
    gaps: list[tuple[str, int, int]] = field(factory=list[tuple[str, int, int]])
    missing_entries: int = 0
    disordered: list[tuple[str, int]] = field(factory=list[tuple[str, int]])
    disordered_entries: int = 0
    unreadable: list[tuple[str, str]] = field(factory=list[tuple[str, str]])
    heads: dict[str, str] = field(factory=dict[str, str])

    @property
    def head(self) -> str:
        """The head of the hash chain: the last entry's digest, or one digest over those of all segments."""
        if len(self.heads) <= 1:
            return next(iter(self.heads.values()), "")
        heads = "\n".join(f"{name} {self.heads[name]}" for name in sorted(self.heads))
        return sha256(heads.encode()).hexdigest()

    @property
    def intact(self) -> bool:
        """Whether everything was read, in order and unbroken."""
        trouble = (self.torn, self.corrupt, self.broken_chain, self.gaps, self.disordered, self.unreadable)
        return not any(trouble)


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
    readers = [_SegmentReader(path, report) for path in _segments(paths, session_id)]
    for row in heapq.merge(*(reader.stream() for reader in readers)):
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
        self._paths = paths
        self._session_id = session_id
        self._readers: dict[str, _SegmentReader] = {}
        self.report = JournalReport()
        paths.journal_of(session_id)

    def poll(self, max_bytes: int = _POLL) -> list[Entry]:
        """Return the entries that are new, from at most ``max_bytes`` of each segment."""
        for path in _segments(self._paths, self._session_id):
            if path.stem not in self._readers:
                self._readers[path.stem] = _SegmentReader(path, self.report)
        rows = [row for reader in self._readers.values() for row in reader.read(max_bytes)]
        rows.sort(key=lambda row: row[:3])
        return [row[3] for row in rows]


def writers(paths: StorePaths, session_id: str) -> list[str]:
    """Return the names of the session's segments, sorted."""
    return [path.stem for path in _segments(paths, session_id)]


def live_writers(paths: StorePaths, session_id: str) -> list[str]:
    """Return the writers of the session that are alive, sorted; if there is none, anyone may recover it."""
    return [path.stem for path in _segments(paths, session_id) if is_held(path)]


def sessions_with_journal(paths: StorePaths) -> list[str]:
    """Return the ids of all sessions that have segments, sorted."""
    if not is_real_dir(paths.journal):
        return []
    with os.scandir(paths.journal) as found:
        names = [each.name for each in found if is_session_id(each.name)]
    return sorted(name for name in names if _segments(paths, name))


def _segments(paths: StorePaths, session_id: str) -> list[Path]:
    folder = paths.journal_of(session_id)
    if not is_real_dir(paths.journal) or not is_real_dir(folder):
        return []
    with os.scandir(folder) as found:
        names = [each.name for each in found if each.name.endswith(".jsonl")]
    return [folder / name for name in sorted(names) if is_session_id(name.removesuffix(".jsonl"))]


class _SegmentReader:
    """One segment, read in blocks; remembers where it stopped."""

    def __init__(self, path: Path, report: JournalReport) -> None:
        self._path = path
        self._writer = path.stem
        self._report = report
        self._offset = 0
        self._line_no = 0
        self._too_long = False
        self._behind = b""
        self._at = 0
        self._seq = 0
        self._prev = ""

    def stream(self) -> Iterator[_Row]:
        while True:
            before = self._offset
            yield from self.read(_BLOCK)
            if self._offset == before:
                return

    def read(self, max_bytes: int) -> list[_Row]:
        rows: list[_Row] = []
        try:
            descriptor = open_for_reading(self._path)
        except FileNotFoundError:
            return rows
        except OSError as error:
            unreadable = (self._writer, f"{self._path}: {error.strerror or error}")
            if unreadable not in self._report.unreadable:
                self._report.unreadable.append(unreadable)
            return rows
        with os.fdopen(descriptor, "rb") as file:
            file.seek(self._offset - len(self._behind))
            if file.read(len(self._behind)) != self._behind:
                # Deleted and begun again by its writer: what is in it now was not read yet. The bytes tell,
                # because they hold a digest of all before; the inode does not, it may be the old one.
                self._offset, self._line_no, self._too_long, self._behind = 0, 0, False, b""
                file.seek(0)
            end = self._offset + max_bytes
            torn = False
            while self._offset < end and (line := file.readline(MAX_LINE + 1)):
                if line.endswith(b"\n"):
                    self._offset += len(line)
                    self._behind = line[-_BEHIND:]
                    self._take(line[:-1], rows)
                elif len(line) > MAX_LINE:
                    self._offset += len(line)
                    self._behind = line[-_BEHIND:]
                    self._too_long = True
                else:
                    torn = True
                    break
        self._note_torn(torn=torn or self._too_long)
        return rows

    def _take(self, line: bytes, rows: list[_Row]) -> None:
        self._line_no += 1
        if not line and not self._too_long:
            return
        entry = None if self._too_long else _entry(line)
        self._too_long = False
        report = self._report
        if entry is None:
            report.corrupt_lines += 1
            _name(report.corrupt, (self._writer, self._line_no))
            return
        seq = entry["seq"]
        if entry.get("prev") != self._prev:
            report.broken_links += 1
            _name(report.broken_chain, (self._writer, seq))
        if seq > self._seq + 1:
            report.missing_entries += seq - self._seq - 1
            _name(report.gaps, (self._writer, seq, seq - self._seq - 1))
        elif seq <= self._seq:
            report.disordered_entries += 1
            _name(report.disordered, (self._writer, seq))
        self._seq = seq
        self._at = max(self._at, entry["at"])
        self._prev = report.heads[self._writer] = sha256(line).hexdigest()
        report.entries += 1
        entry["writer"] = self._writer
        rows.append((self._at, self._writer, self._line_no, entry))

    def _note_torn(self, *, torn: bool) -> None:
        noted = self._writer in self._report.torn
        if torn and not noted:
            self._report.torn.append(self._writer)
        elif noted and not torn:
            self._report.torn.remove(self._writer)


def _entry(line: bytes) -> Entry | None:
    try:
        entry = parse(line)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    numbers = type(entry.get("seq")) is int and type(entry.get("at")) is int
    return entry if numbers and isinstance(entry.get("type"), str) else None


def _name(named: list[Any], trouble: Any) -> None:
    if len(named) < _NAMED:
        named.append(trouble)
