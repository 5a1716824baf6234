"""An index catches up with its documents before it answers: what differs in time or size is read again.

While documents are read nobody waits for the database: it is opened to see what changed, and to write what was read.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from tfstore.disk.files import Stamp
from tfstore.disk.session_folder import SessionFolder
from tfstore.disk.turns import turn
from tfstore.document.documents import Session
from tfstore.index.database import Unusable
from tfstore.index.rows import Record
from tfstore.index.texts import forget_texts, purge_texts, put_texts

if TYPE_CHECKING:
    import sqlite3
    from contextlib import AbstractContextManager

    from tfstore.index.rows import Telling

    Opened = Callable[[], AbstractContextManager[sqlite3.Connection]]
    Tell = Callable[[Session], Telling]
    Said = Callable[[Session], list[str]]

T = TypeVar("T")

SMALL: Final = 1000
"""Documents that are looked at before each answer. Of more, each is looked at once a minute, and whenever one came,
went or was replaced: that shows in the folder's own time. What is edited in place does not."""

_MINUTE: Final = 60 * 10**9
_SETTLED: Final = 2 * 10**9
"""Nanoseconds after which a file's time is sure to change when it is written to again."""

_BATCH: Final = 64
_ROUNDS: Final = 5


class CatchingUp:
    """What brings a database up to date with a folder of documents.

    Args:
        folder: the documents.
        telling_of: reads out of a session what its row has of that.
    """

    def __init__(self, folder: SessionFolder, telling_of: Tell) -> None:
        self._folder = folder
        self._telling_of = telling_of

    def ask(self, opened: Opened, question: Callable[[sqlite3.Connection], T]) -> T:
        """Return the answer of a database to a question, once it has the documents as they are.

        Raises:
            Unusable: the database cannot be used.
        """
        read: dict[str, Stamp] = {}
        for _ in range(_ROUNDS):
            with opened() as db:
                changed = self._changed(db, read)
                if not changed:
                    return question(db)
            for some in _batches(changed.items()):
                records = list(self._records(some))
                with opened() as db:
                    self._write(db, records)
            read.update(changed)
        with opened() as db:
            # Others write faster than is read: this is how things were a moment ago.
            return question(db)

    def put(self, opened: Opened, session: Session, stamp: Stamp) -> None:
        """Take up a session whose document was just written; what goes wrong is made good before the next answer."""
        turn()
        # Before the database is opened: nobody is to wait for it meanwhile.
        record = self._record(session.session_id, stamp, session)
        turn()
        with contextlib.suppress(Unusable), opened() as db:
            self._write(db, [record], ours=True)
        turn()

    def tell(self, opened: Opened, left: list[tuple[str, Stamp]], said: Said) -> None:
        """Put the texts of sessions into the database, as long as their documents are as they were.

        Raises:
            Unusable: the database cannot be used.
        """
        for some in _batches(left):
            told: list[tuple[str, Stamp, list[str]]] = []
            for session_id, stamp in some:
                same = self._folder.stamp(session_id) == stamp
                session = self._folder.readable(session_id) if same else None
                if session is not None:
                    told.append((session_id, stamp, said(session)))
            with opened() as db:
                for session_id, stamp, texts in told:
                    put_texts(db, session_id, stamp, texts)

    def _changed(self, db: sqlite3.Connection, read: dict[str, Stamp]) -> dict[str, Stamp]:
        """Return the documents that are not as the database has them, nor as they were just read."""
        try:
            folder = self._folder.paths.sessions.stat().st_mtime_ns
        except OSError:
            folder = 0
        now = time.time_ns()
        check = db.execute("SELECT at FROM checks WHERE folder = ?", (folder,)).fetchone()
        if check is not None and 0 <= now - check[0] < _MINUTE:
            return {}
        there = self._folder.stamps()
        known = {
            name: stamp for name, *stamp in db.execute("SELECT session_id, modified, size FROM sessions")
        }
        if gone := known.keys() - there.keys():
            erase(db, gone)
            purge_texts(db)
        for session_id in self._folder.skipped.keys() - there.keys():
            self._folder.forget(session_id)
        changed = {name: stamp for name, stamp in there.items() if known.get(name) != [*stamp]}
        db.execute("DELETE FROM checks")
        if not changed and len(there) > SMALL and now - folder > _SETTLED:
            db.execute("INSERT INTO checks VALUES (?, ?)", (folder, now))
        return {name: stamp for name, stamp in changed.items() if read.get(name) != stamp}

    def _records(self, changed: Iterable[tuple[str, Stamp]]) -> Iterator[Record]:
        for session_id, stamp in changed:
            session = self._folder.readable(session_id)
            # What holds no session is read again each time: what is wrong may not be in the document itself.
            yield Record(session_id, stamp) if session is None else self._record(session_id, stamp, session)

    def _record(self, session_id: str, stamp: Stamp, session: Session) -> Record:
        telling = self._telling_of(session)
        turn()
        return Record.of(session_id, stamp, session, telling)

    def _write(self, db: sqlite3.Connection, records: Iterable[Record], *, ours: bool = False) -> None:
        for record in records:
            # Replaced or removed since it was read: whoever did that has put what is true now, or nobody has.
            if self._folder.stamp(record.session_id) != record.stamp:
                continue
            erase(db, [record.session_id], but_its_number=bool(record.session))
            if not record.session:
                continue
            db.execute(
                "INSERT INTO sessions"
                " (session_id, modified, size, listed, status, result, began, wrong, tokens, took, words, line)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id) DO UPDATE SET told = 0,"
                " modified = excluded.modified, size = excluded.size, listed = excluded.listed,"
                " status = excluded.status, result = excluded.result, began = excluded.began,"
                " wrong = excluded.wrong, tokens = excluded.tokens, took = excluded.took,"
                " words = excluded.words, line = excluded.line",
                (record.session_id, *(record.stamp if ours else _lasting(record.stamp)), *record.session),
            )
            n = number_of(db, record.session_id)
            for table, rows in (
                ("steps (session, label, tool, model, status, error, response)", record.steps),
                (
                    "calls (session, label, name, failed, calls, errors, input, output, durations)",
                    record.calls,
                ),
                ("names (session, kind, name)", record.names),
                ("continued (session, response)", record.continued),
                ("redactions (session, rule, path, action, count, bytes)", record.redactions),
            ):
                marks = ", ".join("?" * (table.count(",") + 1))
                sql = f"INSERT OR IGNORE INTO {table} VALUES ({marks})"  # noqa: S608 - our own words
                db.executemany(sql, [(n, *row) for row in rows])


def erase(db: sqlite3.Connection, session_ids: Iterable[str], *, but_its_number: bool = False) -> None:
    """Remove the rows of sessions; one that is to be written again keeps its place."""
    for session_id in session_ids:
        n = number_of(db, session_id)
        if n is None:
            continue
        forget_texts(db, n)
        for table in ("steps", "calls", "names", "continued", "redactions"):
            db.execute(f"DELETE FROM {table} WHERE session = ?", (n,))  # noqa: S608 - our own words
        if not but_its_number:
            db.execute("DELETE FROM sessions WHERE n = ?", (n,))


def number_of(db: sqlite3.Connection, session_id: str) -> int | None:
    """Return the number of a session in a database; None if it is not there."""
    found = db.execute("SELECT n FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    return None if found is None else found[0]


def _lasting(stamp: Stamp) -> Stamp:
    """Return the stamp, or one that no file has if the file may be written to again in the same moment.

    Times of documents that the store wrote are never met again.
    """
    modified, size = stamp
    return (modified if abs(time.time_ns() - modified) > _SETTLED else -1, size)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while some := list(islice(left, _BATCH)):
        yield some
