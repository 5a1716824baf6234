"""``index.db``: opened for one thing at a time, looked at whether it is what was left, and made again if not.

A database is open for a moment, by one thread of one process: no connection, and no lock that SQLite holds, is
ever there when a process forks. ``.index.seal`` says what the file was like when it was closed; one that somebody
else wrote to, byte by byte or by a copy, is not believed. What a killed process leaves, SQLite mends from its log.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tfstore.disk import fork
from tfstore.disk.files import stamp_of
from tfstore.disk.locks import only_one
from tfstore.disk.paths import StorePaths, is_real_dir, open_private

VERSION: Final = 7
"""Of the tables, and of what is in them; a database of an earlier one is made again, of a later one passed by."""

_PAUSE: Final = 0.005
_TRIES: Final = 400
"""How often the database is asked for, with pauses: two seconds."""

_BUSY: Final = 1.0

_PASSED_BY: Final = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CANTOPEN),
        *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH),
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_NOLFS),
    }
)
"""Errors that say nothing against what is in the database."""

FORGETS: Final = sqlite3.sqlite_version_info >= (3, 43)
"""Whether single texts can be taken out of a text index that does not hold them; otherwise it is begun anew."""

_TABLES: Final = """
CREATE TABLE sessions (
  n INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT UNIQUE NOT NULL, modified INT, size INT,
  told INT NOT NULL DEFAULT 0, listed INT, status TEXT, result TEXT, began TEXT, wrong INT,
  tokens INT, took INT, words TEXT, line TEXT
);
CREATE INDEX sessions_latest ON sessions (began, session_id);
CREATE INDEX sessions_untold ON sessions (told) WHERE told <> 1;
CREATE TABLE steps (
  n INTEGER PRIMARY KEY AUTOINCREMENT, session INT NOT NULL,
  label TEXT, tool TEXT, model TEXT, status TEXT, error TEXT, response TEXT
);
CREATE INDEX steps_session ON steps (session);
CREATE INDEX steps_tool ON steps (tool) WHERE tool IS NOT NULL;
CREATE INDEX steps_model ON steps (model) WHERE model IS NOT NULL;
CREATE INDEX steps_error ON steps (error) WHERE error IS NOT NULL;
CREATE INDEX steps_response ON steps (response) WHERE response IS NOT NULL;
CREATE TABLE calls (
  session INT, label TEXT, name TEXT, failed INT, calls INT, errors INT, input INT, output INT, durations TEXT,
  PRIMARY KEY (label, name, session)
) WITHOUT ROWID;
CREATE INDEX calls_session ON calls (session);
CREATE TABLE names (session INT, kind TEXT, name TEXT, PRIMARY KEY (kind, name, session)) WITHOUT ROWID;
CREATE INDEX names_session ON names (session);
CREATE TABLE continued (session INT, response TEXT, PRIMARY KEY (response, session)) WITHOUT ROWID;
CREATE INDEX continued_session ON continued (session);
CREATE TABLE redactions (
  session INT, rule TEXT, path TEXT, action TEXT, count INT, bytes INT, PRIMARY KEY (session, rule, path, action)
) WITHOUT ROWID;
CREATE TABLE checks (folder INT, at INT);
CREATE TABLE telling (version INT);
"""

_TEXTS: Final = (
    "CREATE VIRTUAL TABLE texts USING fts5"
    f"(said, content = '', tokenize = 'trigram', detail = none{', contentless_delete = 1' if FORGETS else ''})"
)


class Unusable(Exception):
    """The database cannot be used now: the documents are read instead."""


class Broken(Unusable):
    """The database was not whole; it is removed, and can be made again."""


class Database:
    """The file of one store."""

    def __init__(self, paths: StorePaths) -> None:
        """Nothing is opened or made yet."""
        self.path = paths.root / "index.db"
        self._paths = paths
        self._lock = paths.root / ".index.lock"
        self._seal = paths.root / ".index.seal"

    @contextlib.contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Give the database, made first if it is not there or not whole; one transaction, kept if all goes well.

        Raises:
            Unusable: it cannot be opened or written, or is of a later version.
        """
        try:
            with _alone(self._lock):
                if not self._is_whole():
                    self._unlink()
                try:
                    with self._connected() as db:
                        yield db
                except sqlite3.DatabaseError as error:
                    if not _is_passed_by(error):
                        self._unlink()
                        raise Broken(str(error)) from error
                    raise
                self._seal_it()
        except (OSError, NotImplementedError, sqlite3.DatabaseError) as error:
            raise Unusable(str(error)) from error

    def exists(self) -> bool:
        """Return whether there is anything of a database."""
        return os.path.lexists(self.path)

    def remove_catalog(self) -> None:
        """Remove what versions before this one kept instead: it names sessions, and nobody keeps it up any more."""
        if is_real_dir(self._paths.catalog):
            shutil.rmtree(self._paths.catalog, ignore_errors=True)

    def discard(self) -> None:
        """Remove the file and all that is beside it, in use or not.

        Raises:
            OSError: it cannot be removed.
        """
        with contextlib.suppress(Unusable, OSError), _alone(self._lock):
            self._unlink()
        self._unlink()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        os.close(open_private(self.path, os.O_RDWR | os.O_CREAT))
        db = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise Unusable(f"{self.path} was made by a later version")
            if 0 < version < VERSION:
                raise sqlite3.DatabaseError("it was made by an earlier version")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = OFF")
            # What is deleted is not to be found in the file either.
            db.execute("PRAGMA secure_delete = ON")
            db.execute("BEGIN IMMEDIATE")
            if not version:
                make_tables(db)
                self.remove_catalog()
            yield db
            db.execute("COMMIT")
        finally:
            # What was begun and not ended is undone.
            db.close()

    def _is_whole(self) -> bool:
        """Whether the file is as we left it, or was left in the middle by one of us that died."""
        try:
            if self._beside("-wal").stat().st_size:
                return True
        except OSError:
            pass
        try:
            return self._seal.read_text(encoding="ascii") == self._stamp()
        except (OSError, ValueError):
            return False

    def _seal_it(self) -> None:
        stamp = self._stamp()
        with contextlib.suppress(OSError, ValueError):
            if self._seal.read_text(encoding="ascii") == stamp:
                return
        descriptor = open_private(self._seal, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.write(descriptor, stamp.encode())
        finally:
            os.close(descriptor)

    def _stamp(self) -> str:
        return "{} {}".format(*stamp_of(self.path.lstat()))

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    def _unlink(self) -> None:
        for path in (self._seal, self._beside("-wal"), self._beside("-shm"), self.path):
            # A folder of this name holds no index, and is not ours.
            if not is_real_dir(path):
                path.unlink(missing_ok=True)


def make_tables(db: sqlite3.Connection) -> None:
    """Make the tables, in the transaction that is open."""
    for statement in filter(str.strip, _TABLES.split(";")):
        db.execute(statement)
    make_texts(db)
    db.execute(f"PRAGMA user_version = {VERSION}")


def make_texts(db: sqlite3.Connection) -> None:
    """Make the index of texts anew, where this SQLite can; without it, searching goes through the documents."""
    db.execute("DROP TABLE IF EXISTS texts")
    with contextlib.suppress(sqlite3.OperationalError):
        db.execute(_TEXTS)
    db.execute("UPDATE sessions SET told = 0 WHERE told <> 0")


def _is_passed_by(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _PASSED_BY


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Be the only thread of the only process that uses a database.

    Raises:
        Unusable: somebody else does, and does not end.
        OSError: the lock cannot be made.
    """
    for _ in range(_TRIES):
        # Between the tries others may have their turn, and the process may fork.
        with _IN_PROCESS, only_one(lock, timeout=0) as mine:
            if mine:
                yield
                return
        threading.Event().wait(_PAUSE)
    raise Unusable(f"another process holds {lock}")


_IN_PROCESS: Final = fork.waited_for()
"""Held whenever SQLite is at work here: a forked child must not begin in the middle of it."""
