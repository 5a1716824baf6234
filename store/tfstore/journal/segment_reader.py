"""Reading one writer's entries: what is archived of its segment, then what is still a file.

Within a writer the order is that of its lines. A torn last line is dropped, a corrupt one is counted and skipped,
and the report says both. What a hostile file can cost is bounded by ``MAX_LINE`` and by what ``archive`` bounds.
"""

from __future__ import annotations

import os
from collections import deque
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from tfstore.disk.paths import is_real_dir, is_session_id, open_for_reading
from tfstore.document.json_text import parse
from tfstore.errors import ArchiveUnreadable
from tfstore.journal.archive import Archive, holds, identity_of, most_entries
from tfstore.journal.entries import Entry
from tfstore.journal.segment import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from tfstore.disk.paths import StorePaths
    from tfstore.journal.archive import Part

Row = tuple[int, str, int, Entry]
"""An entry and where it belongs among those of other writers: time, writer, number of the line."""

BLOCK: Final = 1024 * 1024
LATEST: Final = 250_000_000_000_000_000
"""Microseconds; a time beyond the year 9000 is no time."""

_NAMED: Final = 1000
_BEHIND: Final = 80
_USELESS: Final = 1_000_000
"""Lines without an entry that are passed over in a journal: what nobody wrote is to cost nobody minutes."""
_RECENT: Final = 128
"""Lines among which a repeated one is looked for: what a write that was taken twice can repeat."""


@define
class JournalReport:
    """What reading a journal met; of each kind of trouble all is counted and the first 1,000 are named.

    Segments are named by their writers. ``corrupt`` holds (writer, line number from 1), ``broken_chain``
    (writer, ``seq`` of the entry whose ``prev`` is not the digest of the entry before), ``gaps`` (writer,
    ``seq`` after the gap, entries missing), ``disordered`` (writer, ``seq`` not above the one before), and
    ``torn`` the segments whose last line has no end, ``unreadable`` (writer, why), ``begun_anew`` the segments that
    were deleted, and begun again by their writers, since they were read first. ``ends`` holds the last ``seq`` of each
    segment, and ``promised`` what a later one of the same process says that it was.
    """

    entries: int = 0
    torn: list[str] = field(factory=list[str])
    corrupt: list[tuple[str, int]] = field(factory=list[tuple[str, int]])
    corrupt_lines: int = 0
    broken_chain: list[tuple[str, int]] = field(factory=list[tuple[str, int]])
    broken_links: int = 0
    breaks: list[tuple[str, int, int, int]] = field(factory=list[tuple[str, int, int, int]])
    gaps: list[tuple[str, int, int]] = field(factory=list[tuple[str, int, int]])
    missing_entries: int = 0
    disordered: list[tuple[str, int]] = field(factory=list[tuple[str, int]])
    disordered_entries: int = 0
    repeated: list[tuple[str, int]] = field(factory=list[tuple[str, int]])
    repeated_lines: int = 0
    unreadable: list[tuple[str, str]] = field(factory=list[tuple[str, str]])
    begun_anew: list[str] = field(factory=list[str])
    heads: dict[str, str] = field(factory=dict[str, str])
    ends: dict[str, int] = field(factory=dict[str, int])
    promised: dict[str, int] = field(factory=dict[str, int])

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
        ordered = not (self.gaps or self.disordered or self.repeated)
        whole = ordered and not (self.torn or self.corrupt or self.broken_chain or self.unreadable)
        return whole and not self.cut_off()

    def cut_off(self, acknowledged: Mapping[str, int] | None = None) -> dict[str, int]:
        """Return how many entries are missing at the end of segments, by writer.

        Args:
            acknowledged: the last ``seq`` that was written to each segment, where the process itself knows.
        """
        promised = {**self.promised, **(acknowledged or {})}
        short = {writer: seq - self.ends.get(writer, 0) for writer, seq in promised.items()}
        return {writer: missing for writer, missing in short.items() if missing > 0}


def segment_files(paths: StorePaths, session_id: str) -> list[Path]:
    """Return the session's segments that are files of their own, sorted.

    Raises:
        InvalidSessionId: the id cannot be a file name.
    """
    folder = paths.journal_of(session_id)
    if not is_real_dir(paths.journal) or not is_real_dir(folder):
        return []
    try:
        with os.scandir(folder) as found:
            names = [each.name for each in found if each.name.endswith(".jsonl")]
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names) if is_session_id(name.removesuffix(".jsonl"))]


def archive_of(paths: StorePaths, session_id: str) -> Archive | None:
    """Return the session's archive, or None.

    Raises:
        InvalidSessionId: the id cannot be a file name.
        ArchiveUnreadable: it is there and cannot be read.
    """
    try:
        return Archive.open(paths, session_id)
    except FileNotFoundError:
        return None


class Segments:
    """What a session's journal is made of at the moment: files, and parts of an archive."""

    def __init__(self, paths: StorePaths, session_id: str, report: JournalReport) -> None:
        self._paths = paths
        self.session_id = session_id
        self._report = report
        self._archive: Archive | None = None
        self._useless = 0
        self._unpacked = 0
        self.given_up: str | None = None
        """Why no more of it is read."""
        self._refused: tuple[int, int, int, int] | None = None

    def writers(self) -> list[str]:
        """Return the writers there are now, sorted."""
        # Files first: one that is packed in between is then in the archive.
        names = {path.stem for path in segment_files(self._paths, self.session_id)}
        self.look()
        return sorted(names.union(() if self._archive is None else self._archive.writers))

    def look(self) -> None:
        """See whether there is another archive now."""
        place = self._paths.archived(self.session_id)
        try:
            there = identity_of(os.lstat(place))
        except OSError:
            self._archive = None
            return
        if there == self._refused or (self._archive is not None and self._archive.identity == there):
            return
        try:
            self._archive = archive_of(self._paths, self.session_id)
        except ArchiveUnreadable as error:
            self._archive, self._refused = None, there
            self._report.unreadable.append(("archive", str(error)))

    def parts(self, writer: str) -> list[Part]:
        """Return what is archived of a writer."""
        return [] if self._archive is None else self._archive.of(writer)

    def stream(self, part: Part) -> BinaryIO:
        """Return the content of a part."""
        assert self._archive is not None  # noqa: S101 - it gave the part
        return self._archive.stream(part)

    def count(self, *, is_entry: bool, is_packed: bool) -> None:
        """Count a line that was read.

        Raises:
            ArchiveUnreadable: there are more than anybody wrote; what comes behind them is not read.
        """
        if not is_entry:
            self._useless += 1
            if self._useless > _USELESS:
                self._give_up(f"more than {_USELESS:,} of its lines are no entries")
        elif is_packed and self._archive is not None:
            self._unpacked += 1
            most = most_entries(self._archive.size)
            if self._unpacked > most:
                self._give_up(f"its {self._archive.size} bytes claim to hold more than {most:,} entries")

    def _give_up(self, reason: str) -> None:
        self.given_up = reason
        place = self._paths.archived(self.session_id)
        if self._archive is None:
            place = self._paths.journal_of(self.session_id)
        raise ArchiveUnreadable(self.session_id, place, reason)

    def file(self, writer: str) -> Path:
        """Where the segment of a writer is that is not archived."""
        return self._paths.segment(self.session_id, writer)


class SegmentReader:
    """One writer's entries, read in blocks; remembers where it stopped, also when the file is archived."""

    def __init__(self, segments: Segments, writer: str, report: JournalReport) -> None:
        self._segments = segments
        self._writer = writer
        self._path = segments.file(writer)
        self._report = report
        self._part = 0
        self._stream: BinaryIO | None = None
        self._offset = 0
        self._left = 0
        self._line_no = 0
        self._too_long = False
        self._torn = False
        self._torn_part = False
        self._noted = False
        self._named = ""
        self._packed = False
        self._behind = b""
        self._at = 0
        self._seq = 0
        self._prev = ""
        self._recent: deque[str] = deque(maxlen=_RECENT)

    def stream(self, block: int = BLOCK) -> Iterator[Row]:
        """Yield all there is, holding about a block at a time."""
        while True:
            before = (self._part, self._offset)
            yield from self.read(block)
            if (self._part, self._offset) == before:
                return

    def read(self, max_bytes: int) -> list[Row]:
        """Return what is new, from about ``max_bytes`` bytes."""
        rows: list[Row] = []
        self._left = max_bytes
        while self._left > 0 and self._segments.given_up is None:
            try:
                self._packed = self._part < len(self._segments.parts(self._writer))
                if self._packed:
                    ended = False
                    if self._read_part(rows):
                        self._next_part()
                else:
                    ended = self._read_file(rows)
            except FileNotFoundError:
                ended = not self._is_archived_now()
            except ArchiveUnreadable as error:
                ended = self._segments.given_up is not None
                self._unreadable(str(error))
                if not ended:
                    self._next_part()
            except OSError as error:
                ended = True
                self._unreadable(f"{self._path}: {error.strerror or error}")
            if ended:
                break
        return rows

    def _is_archived_now(self) -> bool:
        self._segments.look()
        return self._part < len(self._segments.parts(self._writer))

    def _read_part(self, rows: list[Row]) -> bool:
        stream = self._stream
        if stream is None:
            stream = self._stream = self._segments.stream(self._segments.parts(self._writer)[self._part])
            skipped, behind = 0, b""
            while skipped < self._offset and (data := stream.read(min(BLOCK, self._offset - skipped))):
                skipped += len(data)
                behind = (behind + data)[-_BEHIND:]
            if not behind.endswith(self._behind):
                # Archived before it was seen that the file was deleted and begun again.
                self._begin_anew()
                stream = self._stream = self._segments.stream(self._segments.parts(self._writer)[self._part])
        return self._lines(stream, rows)

    def _read_file(self, rows: list[Row]) -> bool:
        descriptor = open_for_reading(self._path)
        with os.fdopen(descriptor, "rb") as file:
            parts = self._segments.parts(self._writer)
            if not self._offset and parts and holds(parts[-1], self._path):
                # Archived already; whoever did that died before it could remove the file.
                return True
            file.seek(self._offset - len(self._behind))
            if file.read(len(self._behind)) != self._behind:
                # Deleted and begun again by its writer: what is in it now was not read yet. The bytes tell,
                # because they hold a digest of all before; the inode does not, it may be the old one.
                self._begin_anew()
                file.seek(0)
            torn = self._lines(file, rows)
            self._note_torn(torn=self._torn or self._too_long)
            return torn

    def _begin_anew(self) -> None:
        self._offset, self._line_no, self._too_long, self._behind = 0, 0, False, b""
        self._report.begun_anew.append(self._writer)

    def _lines(self, file: BinaryIO, rows: list[Row]) -> bool:
        """Take lines until the end, which is told, or until that many bytes were read."""
        self._torn = False
        while self._left > 0:
            line = file.readline(MAX_LINE + 1)
            self._left -= len(line)
            if not line:
                return True
            if line.endswith(b"\n"):
                self._offset += len(line)
                self._behind = line[-_BEHIND:]
                self._take(line[:-1], rows)
            elif len(line) > MAX_LINE:
                self._offset += len(line)
                self._behind = line[-_BEHIND:]
                self._too_long = True
            else:
                self._torn = True
                return True
        return False

    def _next_part(self) -> None:
        if self._torn or self._too_long:
            self._torn_part = True
            self._note_torn(torn=True)
        self._part += 1
        self._stream, self._offset, self._behind, self._too_long = None, 0, b"", False

    def _unreadable(self, reason: str) -> None:
        if self._named != reason:
            self._named = reason
            _name(self._report.unreadable, (self._writer, reason))

    def _take(self, line: bytes, rows: list[Row]) -> None:
        self._line_no += 1
        count = self._segments.count
        if not line and not self._too_long:
            count(is_entry=False, is_packed=self._packed)
            return
        entry = None if self._too_long else _entry(line)
        self._too_long = False
        report = self._report
        count(is_entry=entry is not None, is_packed=self._packed)
        if entry is None:
            report.corrupt_lines += 1
            _name(report.corrupt, (self._writer, self._line_no))
            return
        seq = entry["seq"]
        digest = sha256(line).hexdigest()
        if seq <= self._seq and digest in self._recent:
            report.repeated_lines += 1
            _name(report.repeated, (self._writer, seq))
            return
        if entry.get("prev") != self._prev:
            report.broken_links += 1
            _name(report.broken_chain, (self._writer, seq))
            _name(report.breaks, (self._writer, self._line_no, self._seq, seq))
        if seq > self._seq + 1:
            report.missing_entries += seq - self._seq - 1
            _name(report.gaps, (self._writer, seq, seq - self._seq - 1))
        elif seq <= self._seq:
            report.disordered_entries += 1
            _name(report.disordered, (self._writer, seq))
        self._seq = report.ends[self._writer] = seq
        if "follows" in entry:
            _promise(report.promised, entry["follows"])
        self._at = max(self._at, entry["at"])
        self._prev = report.heads[self._writer] = digest
        self._recent.append(digest)
        report.entries += 1
        entry["writer"] = self._writer
        rows.append((self._at, self._writer, self._line_no, entry))

    def _note_torn(self, *, torn: bool) -> None:
        torn = torn or self._torn_part
        if torn and not self._noted:
            self._report.torn.append(self._writer)
        elif self._noted and not torn:
            self._report.torn.remove(self._writer)
        self._noted = torn


def _entry(line: bytes) -> Entry | None:
    try:
        entry = parse(line)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    at = entry.get("at")
    if type(at) is not int or not 0 <= at < LATEST or type(entry.get("seq")) is not int:
        return None
    return entry if isinstance(entry.get("type"), str) else None


def _promise(promised: dict[str, int], follows: Any) -> None:
    for writer, seq in follows.items() if isinstance(follows, dict) else ():
        if type(seq) is int and len(promised) < _NAMED:
            promised[writer] = max(seq, promised.get(writer, 0))


def _name(named: list[Any], trouble: Any) -> None:
    if len(named) < _NAMED:
        named.append(trouble)
