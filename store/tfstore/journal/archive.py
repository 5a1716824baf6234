"""The archive of a closed session's journal: its segments to the byte, compressed, with an index behind them.

``archive/<session_id>.tfz`` is a plain zstd file: a skippable frame that names the format, a frame for each
part, and a skippable frame with the index. ``zstd -dc`` prints all of its lines, without any of this code. The
index is a JSON object ``{"archive": 1, "session_id", "parts": [{"writer", "bytes", "sha256", "at", "packed"}]}``
(``at`` and ``packed``: where the part's frame is, and how long), followed by its length and eight bytes that
end the file, so that one that was cut off shows. A writer has several parts when it went on after its segment
was archived; they follow each other.

What an archive from elsewhere can cost is bounded: a window of 16 MB, an index of 16 MB, content of 1 GB or a
hundred times the file, 10,000 entries and one more for every 16 bytes. What exceeds that is not archived either, and
stays in its segments.
"""

from __future__ import annotations

import io
import os
import struct
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import finalize

from attrs import frozen

from tfstore.disk import fork
from tfstore.disk.paths import is_real_dir, is_session_id, open_for_reading
from tfstore.disk.turns import turn
from tfstore.document.json_text import compact, parse
from tfstore.errors import ArchiveUnreadable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO, Self

    from typing_extensions import Buffer

    from tfstore.disk.paths import StorePaths

FORMAT: Final = 1
WINDOW_LOG: Final = 24
"""How far back the compression looks, as a power of two: what a writer and a reader need of memory."""

_LEVEL: Final = 3
_LARGEST_INDEX: Final = 16 * 1024 * 1024
_ALWAYS_READ: Final = 1024 * 1024 * 1024
_SWELL: Final = 100
_FEW: Final = 10_000
_ENTRY: Final = 16
"""Bytes that an entry takes at least, packed: each has a digest, which is twice as long."""
_BLOCK: Final = 64 * 1024

_SKIPPABLE: Final = 0x184D2A50
_HEAD: Final = b"tfclient journal archive\n"
_TAIL: Final = struct.Struct("<Q8s")
_MAGIC: Final = b"tfz-end\n"


@frozen
class Part:
    """A segment, or what one had more than its earlier parts, as it lies in the archive."""

    writer: str
    bytes: int
    sha256: str
    at: int
    packed: int


class Archive:
    """An open archive. Several may be open on one file; replacing the file does not disturb them.

    Example:
        >>> import tempfile
        >>> from tfstore.journal.packing import pack
        >>> from tfstore.disk.paths import StorePaths
        >>> from tfstore.journal.segment import Segment
        >>> paths = StorePaths(tempfile.mkdtemp())
        >>> with Segment.open(paths, "sess_1") as segment:
        ...     segment.append({"at": 1, "mono": 1, "type": "session.ended", "end_reason": "closed"})
        >>> pack(paths, "sess_1")
        True
        >>> archive = Archive.open(paths, "sess_1")
        >>> archive.writers == [segment.writer], archive.stream(archive.parts[0]).read()[:9]
        (True, b'{"seq":1,')
    """

    def __init__(self, session_id: str, path: Path, descriptor: int) -> None:
        """Prefer ``Archive.open``."""
        self.session_id = session_id
        self.path = path
        self._descriptor = descriptor
        self._lock = fork.lock()
        finalize(self, os.close, descriptor)
        status = os.fstat(descriptor)
        self.size = status.st_size
        self.identity = identity_of(status)
        self.parts: tuple[Part, ...] = tuple(self._index())
        self._of: dict[str, list[Part]] = {}
        for part in self.parts:
            self._of.setdefault(part.writer, []).append(part)

    @classmethod
    def open(cls, paths: StorePaths, session_id: str) -> Self:
        """Open the archive of a session and read its index.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            FileNotFoundError: there is none.
            ArchiveUnreadable: it is there and cannot be read.
        """
        path = paths.archived(session_id)
        if not is_real_dir(paths.archive):
            raise FileNotFoundError(path)
        try:
            descriptor = open_for_reading(path)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ArchiveUnreadable(session_id, path, error.strerror or str(error)) from error
        return cls(session_id, path, descriptor)

    @property
    def writers(self) -> list[str]:
        """The names of the archived segments, sorted."""
        return sorted({part.writer for part in self.parts})

    def of(self, writer: str) -> list[Part]:
        """Return the parts of one writer, in their order."""
        return self._of.get(writer, [])

    def stream(self, part: Part) -> BinaryIO:
        """Return the bytes of a part as a file; reading it raises ``ArchiveUnreadable`` where it is damaged."""
        return cast("BinaryIO", io.BufferedReader(_Unpacked(self, part), _BLOCK))

    def packed(self, part: Part) -> BinaryIO:
        """Return a part as it lies in the file, compressed."""
        return cast("BinaryIO", io.BufferedReader(_Region(self, part.at, part.packed), _BLOCK))

    def pread(self, length: int, offset: int) -> bytes:
        """Return bytes of the file; safe from several threads."""
        if sys.platform != "win32":
            return os.pread(self._descriptor, length, offset)
        with self._lock:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, length)

    def bad(self, reason: str) -> ArchiveUnreadable:
        """Return the error that says what is wrong with this archive."""
        return ArchiveUnreadable(self.session_id, self.path, reason)

    def _index(self) -> list[Part]:
        if not self.pread(8 + len(_HEAD), 0) == _skippable(_HEAD):
            raise self.bad("it is no archive of this format")
        tail = self.pread(_TAIL.size, max(0, self.size - _TAIL.size))
        length, magic = _TAIL.unpack(tail) if len(tail) == _TAIL.size else (0, b"")
        if magic != _MAGIC:
            raise self.bad("its end is missing: it was cut off, or copied in part")
        begin = self.size - _TAIL.size - length
        if not 0 < length <= _LARGEST_INDEX or begin < len(_HEAD):
            raise self.bad("its index has no possible length")
        try:
            index: Any = parse(self.pread(length, begin))
            version = index["archive"]
            rows = [_part(row) for row in index["parts"]]
        except (ValueError, KeyError, TypeError) as error:
            raise self.bad(f"its index cannot be read ({error or type(error).__name__})") from error
        if version != FORMAT:
            raise self.bad(f"it has format {version!r} and this version reads {FORMAT}: upgrade tfclient")
        if any(row.at + row.packed > begin for row in rows):
            raise self.bad("its index points outside of the file")
        if not may_hold(sum(row.bytes for row in rows), self.size):
            raise self.bad(f"its {self.size} bytes claim to hold {sum(row.bytes for row in rows)}")
        return rows


class ArchiveWriter:
    """Writes the parts of an archive, then its index.

    Args:
        session_id: whose journal it is.
        file: where to, at its beginning.
    """

    def __init__(self, session_id: str, file: BinaryIO) -> None:
        self._session_id = session_id
        self._file = file
        self._at = file.write(_skippable(_HEAD))
        self.parts: list[Part] = []
        self.entries = 0
        """Of the segments added."""

    def copy(self, archive: Archive) -> None:
        """Take over all parts of another archive as they are, without unpacking them."""
        for part in archive.parts:
            with archive.packed(part) as packed:
                while block := packed.read(_BLOCK):
                    self._file.write(block)
            self._added(part.writer, part.bytes, part.sha256, part.packed)

    def add(self, writer: str, segment: BinaryIO, size: int) -> None:
        """Compress the first ``size`` bytes of a segment.

        Raises:
            ValueError: it has fewer.
        """
        from tfstore.journal.zstd import compressor

        pieces = compressor(size, level=_LEVEL, window_log=max(10, min(WINDOW_LOG, size.bit_length())))
        digest = sha256()
        left, packed = size, 0
        while left:
            block = segment.read(min(left, _BLOCK))
            if not block:
                raise ValueError(f"the segment of {writer} became shorter while it was read")
            left -= len(block)
            digest.update(block)
            self.entries += block.count(b"\n{")
            packed += self._file.write(pieces.compress(block))
            turn()
        packed += self._file.write(pieces.flush())
        self._added(writer, size, digest.hexdigest(), packed)

    def finish(self) -> None:
        """Write the index, and with it the end."""
        rows = [
            {"writer": p.writer, "bytes": p.bytes, "sha256": p.sha256, "at": p.at, "packed": p.packed}
            for p in self.parts
        ]
        index = compact({"archive": FORMAT, "session_id": self._session_id, "parts": rows})
        self._file.write(_skippable(index + _TAIL.pack(len(index), _MAGIC)))

    def _added(self, writer: str, size: int, digest: str, packed: int) -> None:
        self.parts.append(Part(writer, size, digest, self._at, packed))
        self._at += packed


def may_hold(content: int, packed: int) -> bool:
    """Whether an archive of ``packed`` bytes is believed to hold so many: a bomb claims more.

    Example:
        >>> may_hold(6_000_000, 50_000), may_hold(10**12, 50_000)
        (True, False)
    """
    return content <= max(_ALWAYS_READ, packed * _SWELL)


def most_entries(packed: int) -> int:
    """Return how many entries an archive of ``packed`` bytes is believed to hold.

    Example:
        >>> most_entries(1_600_000)
        110000
    """
    return _FEW + packed // _ENTRY


def holds(part: Part, file: Path) -> bool:
    """Return whether this file is what the part was made of.

    Raises:
        OSError: it cannot be read.
    """
    with os.fdopen(open_for_reading(file), "rb") as segment:
        if os.fstat(segment.fileno()).st_size != part.bytes:
            return False
        digest = sha256()
        while block := segment.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest() == part.sha256


def archived_sessions(paths: StorePaths) -> list[str]:
    """Return the ids of all sessions that have an archive, sorted."""
    if not is_real_dir(paths.archive):
        return []
    with os.scandir(paths.archive) as found:
        names = [each.name[:-4] for each in found if each.name.endswith(".tfz")]
    return sorted(name for name in names if is_session_id(name))


def identity_of(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return what tells one file from the one that took its place."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class _Region(io.RawIOBase):
    """A stretch of the archive's file."""

    def __init__(self, archive: Archive, at: int, length: int) -> None:
        self._archive = archive
        self._at = at
        self._left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        data = self._archive.pread(min(len(view), self._left), self._at)
        view[: len(data)] = data
        self._at += len(data)
        self._left -= len(data)
        return len(data)


class _Unpacked(io.RawIOBase):
    """The content of a part: as long as the index says, and with the digest that it says."""

    def __init__(self, archive: Archive, part: Part) -> None:
        try:
            from tfstore.journal.zstd import Frame, ZstdError
        except ImportError as error:
            raise archive.bad(f"the package {error.name}, which it needs, is not installed") from None
        self._archive = archive
        self._part = part
        self._failure: type[Exception] = ZstdError
        self._left = part.bytes
        self._digest = sha256()
        region = cast("BinaryIO", _Region(archive, part.at, part.packed))
        self._frame = Frame(region, window_log=WINDOW_LOG)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        try:
            data = self._frame.read(min(len(view), self._left) or 1)
        except self._failure as error:
            raise self._archive.bad(f"the segment of {self._part.writer} is damaged ({error})") from error
        if len(data) > self._left or (not data and self._left):
            raise self._archive.bad(f"the segment of {self._part.writer} is not as long as its index says")
        self._left -= len(data)
        self._digest.update(data)
        if not self._left and self._digest.hexdigest() != self._part.sha256:
            raise self._archive.bad(f"the segment of {self._part.writer} is not what was archived")
        view[: len(data)] = data
        return len(data)


def _part(row: Any) -> Part:
    part = Part(row["writer"], row["bytes"], row["sha256"], row["at"], row["packed"])
    numbers = (part.bytes, part.at, part.packed)
    if not is_session_id(part.writer) or not isinstance(part.sha256, str):
        raise ValueError("a part has no name")
    if not all(type(each) is int and each >= 0 for each in numbers):
        raise ValueError("a part has no place")
    return part


def _skippable(content: bytes) -> bytes:
    return struct.pack("<II", _SKIPPABLE, len(content)) + content


def total(parts: Sequence[Part]) -> int:
    """Return the bytes that these parts hold, unpacked."""
    return sum(part.bytes for part in parts)
