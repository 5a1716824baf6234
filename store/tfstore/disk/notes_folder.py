"""The folder of notes: a file of lines for each session that somebody noted something on, only ever added to.

A line is written whole, at the end of the file, by one process at a time. One that a dying process left without its end
is closed by the next, and stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import evolve

from tfstore.disk.files import read_file, stamp_of, sync_folder
from tfstore.disk.lines import LARGEST, add_lines, alone
from tfstore.disk.paths import is_real_dir, is_session_id
from tfstore.document.notes import Noted, line_of, new_note_id, notes_in, withdrawal
from tfstore.document.times import iso
from tfstore.errors import StoreUnusable, UnknownNote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.disk.files import Stamp
    from tfstore.disk.paths import StorePaths
    from tfstore.document.notes import Note


Keep: TypeAlias = Callable[[str, str, str], tuple[str, list[Any]]]
"""Says what may be kept of a text of a note (``note.text``, ``note.tags``, ``note.author``) on a session recorded with
this redaction mode, and what it replaced."""


class NotesFolder:
    """The notes of one store.

    Args:
        paths: the store.
        known: returns a session's id if there is anything of it, and raises if there is not.
        keep: says what may be written down; without it, nothing is.
        fsync: force every line to the disk itself.

    Example:
        >>> import tempfile
        >>> from tfstore.disk.paths import StorePaths
        >>> from tfstore.document.notes import Note
        >>> paths = StorePaths(tempfile.mkdtemp())
        >>> paths.create()
        >>> folder = NotesFolder(paths, keep=lambda text, where, mode: (text, []))
        >>> _ = folder.add("sess_1", Note("", text="wrong order"), "secrets")
        >>> [note.text for note in folder.read("sess_1").notes], folder.ids()
        (['wrong order'], ['sess_1'])
    """

    def __init__(
        self,
        paths: StorePaths,
        known: Callable[[str], str] = lambda session_id: session_id,
        *,
        keep: Keep | None = None,
        fsync: bool = False,
    ) -> None:
        self.paths = paths
        self._known = known
        self._keep = keep
        self._fsync = fsync
        self._read: dict[str, tuple[Stamp, Noted]] = {}

    def ids(self) -> list[str]:
        """Return the ids of all sessions with a file of notes, sorted, without reading any."""
        if not is_real_dir(self.paths.notes):
            return []
        with os.scandir(self.paths.notes) as found:
            names = [each.name[:-6] for each in found if each.name.endswith(".jsonl")]
        return sorted(filter(is_session_id, names))

    def read(self, session_id: str) -> Noted:
        """Return the notes on a session; none where there is no file.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            StoreUnusable: the file is there and cannot be read.
        """
        path = self.paths.notes_of(session_id)
        try:
            stamp = stamp_of(path.lstat()) if is_real_dir(self.paths.notes) else None
            kept = self._read.get(session_id)
            if stamp is not None and kept is not None and kept[0] == stamp:
                return kept[1]
            # A file that is only added to is another one when it is longer.
            noted = Noted() if stamp is None else notes_in(read_file(path, LARGEST))
        except FileNotFoundError:
            stamp, noted = None, Noted()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StoreUnusable(self.paths.root, f"{path} cannot be read ({reason})") from error
        if stamp is None:
            self._read.pop(session_id, None)
        else:
            self._read[session_id] = (stamp, noted)
        return noted

    def version(self, session_id: str) -> str:
        """Return what changes whenever something is noted on a session or taken back."""
        try:
            modified, size = stamp_of(self.paths.notes_of(session_id).lstat())
        except OSError:
            return "none"
        return f"{modified:x}-{size:x}"

    def those(self, holds: Callable[[Note], bool]) -> dict[str, list[Note]]:
        """Return the sessions with notes that are so, each with those; files that cannot be read are left out."""
        found: dict[str, list[Note]] = {}
        for session_id in self.ids():
            with contextlib.suppress(StoreUnusable):
                if notes := list(filter(holds, self.read(session_id).notes)):
                    found[session_id] = notes
        return found

    def add(self, session_id: str, note: Note, mode: str) -> Note:
        """Keep a note, and return it as it was kept: with an id, a moment, and what was replaced in it.

        Args:
            session_id: its whole id.
            note: one that was checked.
            mode: how the session's texts are redacted.

        Raises:
            UnknownSession: there is none like that.
            StoreUnusable: it cannot be written, or nothing says what may be.
        """
        keep, marks = self._keep, list[Any]()
        if keep is None:
            reason = "it was opened without what keeps secrets out of notes: open it with tfclient.open_store"
            raise StoreUnusable(self.paths.root, reason)

        def kept(word: str, where: str) -> str:
            said, replaced = keep(word, where, mode) if word else (word, [])
            marks.extend(replaced)
            return said

        made = evolve(
            note,
            note_id=new_note_id(),
            at=_now(),
            text=kept(note.text, "note.text"),
            tags=[kept(each, "note.tags") for each in note.tags],
            author=None if note.author is None else kept(note.author, "note.author"),
            redactions=marks,
        )
        with self.alone():
            # It may have been deleted meanwhile: then nothing is to be left of it.
            self._append(self._known(session_id), line_of(made))
        return made

    def take_back(self, session_id: str, note_id: str) -> None:
        """Have a note shown no longer.

        Raises:
            UnknownSession, UnknownNote: there is none like that.
            StoreUnusable: it cannot be written.
        """
        with self.alone():
            there = [each.note_id for each in self.read(self._known(session_id)).notes]
            if note_id not in there:
                raise UnknownNote(session_id, note_id, there)
            self._append(session_id, withdrawal(note_id, _now()))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one that adds to notes or removes a file of them.

        Raises:
            StoreUnusable: another process does, and does not end; or the lock cannot be made.
        """
        with alone(self.paths, self.paths.notes_lock):
            yield

    def _append(self, session_id: str, line: bytes) -> None:
        """Add a line to a session's notes: all of it, or nothing."""
        path = self.paths.notes_of(session_id)
        self.paths.make_dir(self.paths.notes)
        is_new = not os.path.lexists(path)
        add_lines(self.paths, path, line, fsync=self._fsync)
        if self._fsync and is_new:
            sync_folder(self.paths.notes)


def _now() -> str:
    return iso(time.time_ns() // 1000)
