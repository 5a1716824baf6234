"""Where everything in a store lies, and how it is made: folders 0700 and files 0600, whatever the umask.

A store holds what people said to a model, so nothing in it is for others to read, and nothing named by a user
or found in a recording leads out of its folder: ids are checked before they become names, and a symbolic link
inside the store is refused, never followed. (The store's own folder may be one: that is the user's choice.)
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from attrs import field, frozen

from tfstore.errors import InvalidSessionId, StoreUnusable

_SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_WRITER = _SESSION_ID

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Flags of every file the store opens: no links, not inherited, no newline translation."""


def new_session_id(now: datetime | None = None) -> str:
    """Return a fresh session id: sortable by its time, unique, safe in a file name.

    Args:
        now: the moment that it names, in any zone; the present by default.

    Example:
        >>> new_session_id(datetime(2026, 9, 2, 20, 11, 35, tzinfo=UTC))[:22]
        'sess_20260902T201135Z_'
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return f"sess_{moment:%Y%m%dT%H%M%SZ}_{secrets.token_hex(4)}"


def is_session_id(session_id: object) -> bool:
    """Return whether this can be a session id, and so a file name.

    Example:
        >>> is_session_id("nightly-2026.09"), is_session_id("../etc/passwd")
        (True, False)
    """
    return isinstance(session_id, str) and _SESSION_ID.fullmatch(session_id) is not None


def check_session_id(session_id: str) -> str:
    """Return the id if it can be one.

    Raises:
        InvalidSessionId: it has other characters, is too long, or starts with neither letter nor digit.
    """
    if not is_session_id(session_id):
        raise InvalidSessionId(session_id)
    return session_id


@frozen
class StorePaths:
    """The folders and files of one store.

    Nothing is touched until ``create`` or one of the ``make_…`` methods is called.

    Example:
        >>> StorePaths(".thoughtflow").document("sess_1").name
        'sess_1.json'
    """

    root: Path = field(converter=Path)

    @property
    def sessions(self) -> Path:
        """The documents and their diagrams."""
        return self.root / "sessions"

    @property
    def journal(self) -> Path:
        """One folder per session whose journal is kept as segments."""
        return self.root / "journal"

    @property
    def archive(self) -> Path:
        """Journals of closed sessions, compressed."""
        return self.root / "archive"

    @property
    def blobs(self) -> Path:
        """Long strings and media, by content."""
        return self.root / "blobs"

    @property
    def raw(self) -> Path:
        """Bodies as they were on the wire, one folder per session that was recorded so."""
        return self.root / "raw"

    @property
    def pictures(self) -> Path:
        """Drawn diagrams, one folder per session."""
        return self.root / "pictures"

    @property
    def notes(self) -> Path:
        """What people said of sessions afterwards, one file per session that they said something of."""
        return self.root / "notes"

    @property
    def learnings(self) -> Path:
        """What sessions taught, for people and for programs."""
        return self.root / "learnings"

    @property
    def learnings_page(self) -> Path:
        """What people read and edit of it."""
        return self.learnings / "learnings.md"

    @property
    def learnings_archive(self) -> Path:
        """Its older entries, a file a month."""
        return self.learnings / "archive"

    @property
    def lessons(self) -> Path:
        """The lessons, as TinyDB documents."""
        return self.learnings / "lessons.json"

    @property
    def adaptations(self) -> Path:
        """What instructions were to be changed by, as TinyDB documents."""
        return self.learnings / "adaptations.json"

    @property
    def learnings_lock(self) -> Path:
        """The lock file of whoever writes what sessions taught."""
        return self.locks / "learnings.lock"

    @property
    def identity(self) -> Path:
        """What the store's own id is kept in."""
        return self.root / "store.json"

    @property
    def exports(self) -> Path:
        """What was sent where, one file for each place."""
        return self.root / "export"

    @property
    def syncs(self) -> Path:
        """What databases have, one file for each."""
        return self.root / "sync"

    @property
    def pruned_totals(self) -> Path:
        """What sessions came to that were pruned or deleted, in numbers."""
        return self.root / "pruned_totals.jsonl"

    @property
    def incidents(self) -> Path:
        """Which sessions are pinned, and for what."""
        return self.root / "incidents.jsonl"

    @property
    def locks(self) -> Path:
        """The lock files that are no session's own."""
        return self.journal / ".claims"

    @property
    def catalog(self) -> Path:
        """Where versions before this one kept the rows of sessions: removed when ``index.db`` is made."""
        return self.root / "catalog"

    def document(self, session_id: str) -> Path:
        """Where the session's document is."""
        return self.sessions / f"{check_session_id(session_id)}.json"

    def earlier(self, session_id: str) -> Path:
        """Where the document is kept that was there before it was rebuilt to another one."""
        return self.sessions / f"{check_session_id(session_id)}.json.v1"

    def diagram(self, session_id: str) -> Path:
        """Where the session's D2 is."""
        return self.sessions / f"{check_session_id(session_id)}.d2"

    def journal_of(self, session_id: str) -> Path:
        """The folder of the session's segments."""
        return self.journal / check_session_id(session_id)

    def segment(self, session_id: str, writer: str) -> Path:
        """The segment of one writer."""
        if _WRITER.fullmatch(writer) is None:
            raise ValueError(f"{writer!r} cannot name a segment")
        return self.journal_of(session_id) / f"{writer}.jsonl"

    def archived(self, session_id: str) -> Path:
        """Where the closed session's journal is kept, compressed."""
        return self.archive / f"{check_session_id(session_id)}.tfz"

    def notes_of(self, session_id: str) -> Path:
        """Where the notes on a session are, one a line."""
        return self.notes / f"{check_session_id(session_id)}.jsonl"

    def raw_of(self, session_id: str) -> Path:
        """The folder of what was recorded raw of the session."""
        return self.raw / check_session_id(session_id)

    @property
    def notes_lock(self) -> Path:
        """The lock file of whoever adds to notes or removes a file of them."""
        return self.locks / "notes.lock"

    @property
    def pruned_totals_lock(self) -> Path:
        """The lock file of whoever adds to what pruned sessions came to."""
        return self.locks / "pruned_totals.lock"

    @property
    def incidents_lock(self) -> Path:
        """The lock file of whoever pins sessions or lets them go."""
        return self.locks / "incidents.lock"

    def claim(self, session_id: str) -> Path:
        """The lock file of whoever finishes or packs the session; some sessions share one."""
        digest = sha256(check_session_id(session_id).encode()).hexdigest()
        return self.locks / f"{digest[:2]}.lock"

    def exists(self) -> bool:
        """Whether there is a store here: a folder with documents or journals in it."""
        return is_real_dir(self.sessions) or is_real_dir(self.journal)

    def create(self) -> None:
        """Make the store's folders and its ``.gitignore``; what is there already stays as it is.

        Raises:
            StoreUnusable: the path is a file, a folder in it is a link, or nothing may be written there.
        """
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnusable(self.root, _reason(error, self.root.parent)) from error
        self.make_dir(self.root)
        self.make_dir(self.sessions)
        self._ignore()
        # Last: where it is, the rest is.
        self.make_dir(self.journal)

    def _ignore(self) -> None:
        ignore = self.root / ".gitignore"
        with contextlib.suppress(FileExistsError):
            try:
                descriptor = open_private(ignore, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                raise
            except OSError as error:
                raise StoreUnusable(self.root, _reason(error, ignore)) from error
            try:
                os.write(descriptor, b"*\n")
            finally:
                os.close(descriptor)

    def make_dir(self, folder: Path) -> Path:
        """Make one folder of the store (its parent must be there), closed to others.

        Raises:
            StoreUnusable: something else is in its place, or it cannot be made.
        """
        try:
            folder.mkdir(mode=0o700)
            # mkdir takes the umask away from the mode: under 0777 nobody could enter, not even we.
            folder.chmod(0o700)
        except FileExistsError:
            if folder != self.root and folder.is_symlink():
                reason = f"{folder} is a symbolic link, and links inside a store are not followed"
                raise StoreUnusable(self.root, reason) from None
            if not folder.is_dir():
                raise StoreUnusable(self.root, f"{folder} is a file where a folder is needed") from None
        except OSError as error:
            raise StoreUnusable(self.root, _reason(error, folder)) from error
        return folder

    def make_journal_of(self, session_id: str) -> Path:
        """Make the folder of the session's segments, and the store around it where that is missing.

        Raises:
            StoreUnusable: it cannot be made.
        """
        if not is_real_dir(self.journal):
            # Looked at here only: it takes longer than all else that a session's first call waits for.
            self.create()
        return self.make_dir(self.journal_of(session_id))


def is_real_dir(path: Path) -> bool:
    """Return whether this is a folder, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def open_private(path: Path, flags: int) -> int:
    """Open a file of the store and return its descriptor; a new one is 0600, a link is refused.

    Raises:
        OSError: as from ``os.open``; ``ELOOP`` when the path is a symbolic link.
    """
    descriptor = os.open(path, flags | NOFOLLOW, 0o600)
    if flags & os.O_CREAT and hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)
    return descriptor


def open_for_reading(path: Path) -> int:
    """Open a regular file of the store and return its descriptor; links, pipes and devices are refused.

    Raises:
        OSError: as from ``os.open``; ``ELOOP`` for a symbolic link, ``EINVAL`` for anything but a file.
    """
    # O_NONBLOCK: opening a pipe for reading would wait for a writer that never comes.
    descriptor = os.open(path, os.O_RDONLY | NOFOLLOW | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def _reason(error: OSError, path: Path) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{path} is a file, or lies below one, where a folder is needed"
    if isinstance(error, PermissionError):
        return f"{path} may not be written by this user: change its rights or name another folder"
    return f"{path}: {error.strerror or error}"
