"""Writing the journal: one segment per process and session, one ``os.write`` per call, no queue.

When ``append`` returns, the operating system has the entries, and the death of the process cannot lose them.
The rules that keep a segment readable, whatever happens in between:

* A line is never taken back once its newline was written: a reader may have it already.
* A line that was not written to its end (disk full) is cut off again or, where that fails too, closed by what
  the next append begins with; readers count it as corrupt.
* ``seq`` counts what was to be written, so what was lost shows as a gap; ``prev`` chains what was written.
* A fork leaves the segment to the parent: the child's copy of the descriptor is closed, which keeps the lock
  from outliving the parent in its children.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import sys
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Final

from tfstore.disk.fork import lock, renew_after_fork
from tfstore.disk.locks import Held, open_held, reopen_held
from tfstore.disk.parked import PARKING
from tfstore.document.json_text import compact, line, parse
from tfstore.errors import EntryTooLong, SegmentNotOurs, StoreUnusable
from tfstore.journal import own_segments
from tfstore.journal.line_digest import LineDigest

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from tfstore.disk.paths import StorePaths
    from tfstore.journal.entries import Members, Written

MAX_LINE: Final = 64 * 1024 * 1024
"""Bytes of the longest entry that is written, and read back."""

CUT_SHORT: Final = b" cut short"
"""What closes a line that was not written to its end, so that it cannot pass for an entry even if all of it but
the newline is there: its writer was told that it failed."""

_TRIES: Final = 10
_LOOK_AGAIN: Final = 0.02
"""Seconds within which a deleted file may go unnoticed, while a stream comes in."""

_USES: Final = itertools.count(1)
_LONG: Final = 256 * 1024
"""Bytes of a line whose digest takes longer than starting a thread for it."""


class Segment:
    """The journal of one session as one process writes it.

    ``writer`` names it among the session's segments; ``reopened`` counts how often its file had vanished
    (somebody deleted the store under the program) and was begun again. Safe to use from several threads.

    Example:
        >>> import tempfile
        >>> from tfstore.disk.paths import StorePaths
        >>> paths = StorePaths(tempfile.mkdtemp())
        >>> with Segment.open(paths, "sess_1") as segment:
        ...     segment.append({"at": 1, "mono": 1, "type": "session.ended", "end_reason": "closed"})
        >>> from tfstore.journal.reading import read_entries
        >>> [entry["type"] for entry in read_entries(paths, "sess_1")[0]]
        ['session.ended']
    """

    def __init__(self, paths: StorePaths, session_id: str, writer: str, *, fsync: bool = False) -> None:
        """Prefer ``Segment.open``, which names the writer and makes the file."""
        self.session_id = session_id
        self.writer = writer
        self.path: Path = paths.segment(session_id, writer)
        self.pid = os.getpid()
        self.reopened = 0
        self._paths = paths
        self._fsync = fsync
        self._held: Held | None = None
        self._closed = False
        # Reentrant, with a list for what comes in between: the garbage collector may finish an abandoned
        # stream, and so journal its end, in the middle of an append of the same thread.
        self._lock = lock()
        self._busy = False
        self._between: list[tuple[Written | Members, ...]] = []
        self._named = b'"session_id":%b,' % compact(session_id)
        self._seq = self._written = 0
        self._parked: tuple[int, int] | None = None
        """What tells the file that is held without a descriptor; see ``parked``."""
        self._used = 0
        self._prev: str | LineDigest = ""
        self._size = 0
        self._look_at = 0.0
        self._fragment = False

    @classmethod
    def open(cls, paths: StorePaths, session_id: str, *, fsync: bool = False) -> Self:
        """Begin a segment of the session's journal, making the store where it is missing.

        Args:
            paths: the store.
            session_id: the session; others may be writing to it too.
            fsync: force every append to the disk itself, against power failure; slow.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            StoreUnusable: nothing can be written there.
        """
        segment = cls(paths, session_id, f"{os.getpid()}_{secrets.token_hex(4)}", fsync=fsync)
        # Before there is anything to be let go of: a fork may come at any moment.
        renew_after_fork(segment)
        try:
            segment._open_file()
        except OSError as error:
            reason = f"{segment.path} cannot be made ({error.strerror or error})"
            raise StoreUnusable(paths.root, reason) from error
        return segment

    def append(self, *entries: Written | Members, again: bool = False) -> None:
        """Write the entries, together, so that they are the operating system's when this returns.

        After a failure the segment stays usable: the next call tries again, also with the file or the whole
        store gone, and the lost entries show as a gap in ``seq``.

        Args:
            entries: JSON objects with ``at``, ``mono``, ``type`` and the type's own fields, or the members of
                one; ``seq``, ``session_id`` and ``prev`` are added.
            again: they go on with what was written last, as a stream's next chunk does: whether somebody has
                deleted the file is then looked at every 20 ms only, which would cost as much as the writing.

        Raises:
            OSError: not everything could be written.
            StoreUnusable: the store was deleted and cannot be made again.
            SegmentNotOurs: the segment is closed, or this is a forked child of the process that opened it.
            EntryTooLong: an entry exceeds ``MAX_LINE``; none of these entries was written.
            TypeError, ValueError, RecursionError: an entry has no JSON form; none of these was written.
        """
        # Before the lock: a fork may have copied it while another thread had it, and then it never opens.
        if os.getpid() != self.pid:
            raise SegmentNotOurs(self.path, self.pid)
        with self._lock:
            # Behind the lock: whoever closes has it, and may be packing, and removing, the file right after.
            if self._closed:
                raise SegmentNotOurs(self.path, self.pid)
            if self._busy:
                self._between.append(entries)
                return
            try:
                self._busy = True
                self._write(entries, again=again)
            finally:
                self._written_all()

    def go_on(self, members: Members, now: int) -> bool:
        """Write the members of one entry as ``append(members, again=True)`` does, if all is as the last write left it.

        Args:
            members: the entry.
            now: what ``monotonic_ns`` has just said.

        Returns:
            False where it is not, or somebody else is at it: nothing was written then, and ``append`` is to be asked.

        Raises:
            OSError: not everything could be written.
        """
        if os.getpid() != self.pid:
            return False
        release = self._lock.release
        if not self._lock.acquire(False):
            return False
        try:
            held = self._held
            if held is None or self._busy or self._closed or self._fragment or self._fsync:
                return False
            descriptor = held.descriptor
            try:
                if now * 1e-9 >= self._look_at or os.lseek(descriptor, 0, os.SEEK_CUR) != self._size:
                    return False
            except OSError:
                # Somebody closed it.
                return False
            self._busy = True
            try:
                seq = self._seq + 1
                text = b'{"seq":%d,%b%b,"prev":"%b"}' % (seq, self._named, members, str(self._prev).encode())
                if len(text) >= _LONG:
                    return False
                self._seq = seq
                self._used = next(_USES)
                self._put(descriptor, text + b"\n")
                self._prev = sha256(text).hexdigest()
                self._written = seq
            finally:
                if self._between or self._closed:
                    self._written_all()
                self._busy = False
        finally:
            release()
        return True

    def _written_all(self) -> None:
        """Write what came in the middle of a write, and let go of what was closed there: by the garbage collector."""
        try:
            while self._between:
                self._write(self._between.pop(0))
        finally:
            self._busy = False
            if self._closed:
                self._let_go()

    def is_there(self) -> bool:
        """Return whether the next entries go on in the file that has the last ones."""
        held = self._held
        identity = self._parked if held is None else held.identity
        if identity is None or os.getpid() != self.pid:
            return False
        try:
            status = self.path.lstat() if held is None else os.fstat(held.descriptor)
        except OSError:
            return False
        return status.st_nlink > 0 and (status.st_dev, status.st_ino) == identity

    def is_open(self, pid: int) -> bool:
        """Whether it has a descriptor of this process."""
        return self._held is not None and self.pid == pid

    @property
    def last_use(self) -> int:
        """When it was last opened or written to, on a clock that counts uses."""
        return self._used

    def take_back(self, count: int) -> None:
        """Forget that the last ``count`` entries were to be written, which was refused: they come again."""
        with self._lock:
            if self._seq - count == self._written:
                self._seq = self._written

    @property
    def head(self) -> str:
        """The digest of the last line; nothing while there is none."""
        return str(self._prev)

    @property
    def size(self) -> int:
        """Bytes of it, as far as this process wrote them."""
        return self._size

    def close(self) -> None:
        """Let go of the file and its lock; harmless when repeated, and in a forked child."""
        if os.getpid() != self.pid:
            return
        with self._lock:
            self._closed = True
            if not self._busy:
                self._let_go()

    def _let_go(self) -> None:
        if self._written:
            own_segments.closed(self.path.parent, self.writer, self._written)
        held, self._held = self._held, None
        if held is not None:
            held.release()
        self._unpark()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        held = getattr(self, "_held", None)
        if os.getpid() == self.pid:
            if held is not None:
                held.release()
            self._unpark()

    def park(self) -> None:
        """Give the descriptor back until the next append, and hold the file without one, if nobody is at it."""
        if not self._lock.try_to_take():
            return
        try:
            held = self._held
            if held is not None and not self._busy and PARKING.park(self.path):
                self._parked, self._held = held.identity, None
                held.release()
        finally:
            self._lock.__exit__()

    def _unpark(self) -> None:
        if getattr(self, "_parked", None) is not None:
            self._parked = None
            PARKING.take_back(self.path)

    def _unparked(self, identity: tuple[int, int]) -> Held | None:
        held = reopen_held(self.path, identity)
        self._held = held
        self._unpark()
        own_segments.make_room(self)
        return held

    def _forked(self) -> None:
        self._parked = None
        held, self._held = self._held, None
        if held is not None:
            held.release()

    def _write(self, entries: tuple[Written | Members, ...], *, again: bool = False) -> None:
        seq = self._seq
        self._seq = seq + len(entries)
        self._used = next(_USES)
        held = self._held
        if held is None and self._parked is not None:
            held = self._unparked(self._parked)
        if held is None or not self._is_as_left(held, again=again):
            held = self._ready(held)
        prev = self._prev
        lines = [CUT_SHORT] if self._fragment else []
        for entry in entries:
            seq += 1
            if isinstance(entry, bytes):
                text = b'{"seq":%d,%b%b,"prev":"%b"}' % (seq, self._named, entry, str(prev).encode())
            else:
                text = line({"seq": seq, "session_id": self.session_id, **entry, "prev": str(prev)})
            if len(text) < _LONG:
                prev = sha256(text).hexdigest()
            elif len(text) > MAX_LINE:
                raise EntryTooLong(parse(text).get("type"), len(text), MAX_LINE)
            else:
                prev = LineDigest(text)
            lines.append(text)
        lines.append(b"")
        self._put(held.descriptor, b"\n".join(lines))
        self._prev = prev
        self._written = seq
        self._fragment = False
        if self._fsync:
            os.fsync(held.descriptor)

    def _put(self, descriptor: int, data: bytes) -> None:
        try:
            written = os.write(descriptor, data)
            while written < len(data):
                written += os.write(descriptor, data[written:])
        except OSError:
            with contextlib.suppress(OSError):
                self._repair(descriptor)
            raise
        self._size += written

    def _is_as_left(self, held: Held, *, again: bool) -> bool:
        """Whether the file is there and ends where the last write did.

        With ``again`` a file that was looked at a moment ago is not looked at once more, so long as its position
        is ours: a descriptor that somebody closed, and that means another file by now, has another one.
        """
        try:
            if again:
                now = monotonic()
                if now < self._look_at and os.lseek(held.descriptor, 0, os.SEEK_CUR) == self._size:
                    return True
                self._look_at = now + _LOOK_AGAIN
            status = os.fstat(held.descriptor)
        except OSError:
            # Somebody closed it.
            return False
        return (
            status.st_size == self._size
            and status.st_nlink > 0
            and (status.st_dev, status.st_ino) == held.identity
        )

    def _ready(self, held: Held | None) -> Held:
        """The file to write to, after what an earlier failure, or somebody else, did to the file."""
        if held is not None:
            try:
                status = os.fstat(held.descriptor)
            except OSError:
                status = None
            if status is not None and status.st_nlink and (status.st_dev, status.st_ino) == held.identity:
                if status.st_size != self._size:
                    self._repair(held.descriptor)
                return held
        self.reopened += 1
        return self._open_file()

    def _open_file(self) -> Held:
        held, self._held = self._held, None
        if held is not None:
            held.release()
        self._held = held = self._make_file()
        # To open it is a use of it: one that is new is about to be written to.
        self._used = next(_USES)
        self._size = os.fstat(held.descriptor).st_size
        self._fragment = self._size > 0 and _read(held.descriptor, self._size - 1, 1) != b"\n"
        own_segments.opened(self)
        return held

    def _make_file(self) -> Held:
        # Whoever packs the session's earlier segments removes the folder when it is empty, also right now.
        for _ in range(_TRIES):
            with contextlib.suppress(FileNotFoundError, StoreUnusable):
                self._paths.make_journal_of(self.session_id)
                return open_held(self.path)
        self._paths.make_journal_of(self.session_id)
        return open_held(self.path)

    def _repair(self, descriptor: int) -> None:
        """Take what is behind the last known end: whole lines are kept and chained to, the rest is cut off.

        There is something when the disk was full, or when an interrupt came between a write and its
        bookkeeping.
        """
        size = os.fstat(descriptor).st_size
        if size < self._size:
            self._size = size
            self._fragment = size > 0 and _read(descriptor, size - 1, 1) != b"\n"
            return
        behind = _read(descriptor, self._size, size - self._size)
        end = behind.rfind(b"\n") + 1
        whole = behind[:end].split(b"\n")[:-1]
        if whole:
            # After a fragment the first piece is what closes it, and no entry.
            entries = whole[1:] if self._fragment else whole
            self._prev = sha256(entries[-1]).hexdigest() if entries else self._prev
            self._size += end
            self._fragment = False
        if end < len(behind):
            try:
                os.ftruncate(descriptor, self._size)
            except OSError:
                self._size = size
                self._fragment = True


def _read(descriptor: int, start: int, length: int) -> bytes:
    if sys.platform == "win32":
        os.lseek(descriptor, start, os.SEEK_SET)
        return os.read(descriptor, length)
    parts: list[bytes] = []
    while length > 0 and (part := os.pread(descriptor, length, start)):
        parts.append(part)
        start += len(part)
        length -= len(part)
    return b"".join(parts)
