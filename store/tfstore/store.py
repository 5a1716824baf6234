"""The store: open it, list its sessions, read them, and follow what led to what.

A reader needs no lock and never sees half a document. Nothing here is tied to one machine's disk but ``Store``
itself: what records and what shows sessions needs ``SessionStore``, four methods that a shared database can
have as well.
"""

from __future__ import annotations

import contextlib
import difflib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tfstore.disk.blobs import Blobs
from tfstore.disk.locks import only_one
from tfstore.disk.paths import StorePaths, is_real_dir, is_session_id
from tfstore.disk.session_folder import SessionFiles
from tfstore.errors import (
    CorruptDocument,
    StoreError,
    StoreNotFound,
    StoreUnusable,
    UnknownSession,
)
from tfstore.index.catalog import OTHER, Catalog, CatalogRow, row_of
from tfstore.index.responses import ResponseIndex
from tfstore.journal.reading import (
    archived_sessions,
    live_writers,
    read_entries,
    sessions_with_journal,
    writers,
)
from tfstore.keeping import deleting
from tfstore.reading import descent
from tfstore.tables.session_table import SessionTable
from tfstore.tables.stored_sessions import StoredSessions

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterator, Mapping

    from tinydb.queries import QueryLike

    from tfstore.document.documents import Session, Step
    from tfstore.journal.reading import Entry, JournalReport


class SessionStore(Protocol):
    """What a place for sessions must be able to do."""

    def put(self, session: Session) -> None:
        """Keep the session, in place of what was kept of it before."""
        ...

    def get(self, session_id: str) -> Session:
        """Return a session."""
        ...

    def list(self, *, limit: int | None = None) -> builtins.list[CatalogRow]:
        """Return a row for each session, the latest first."""
        ...

    def find(self, query: QueryLike) -> Iterator[Session]:
        """Yield the sessions whose documents the query holds for."""
        ...


class Store:
    """A store on this machine's disk.

    ``sessions`` is a TinyDB table of the documents; ``paths``, ``blobs``, ``catalog`` and ``responses`` are its
    parts. Documents that could not be read while looking through all of them are told in ``skipped``.

    Args:
        path: the store's folder.
        create: make it if it is not there.
        fsync: force documents to the disk itself, against power failure; slow.

    Raises:
        StoreNotFound: there is none and ``create`` is false.
        StoreUnusable: the path is a file, or nothing may be written there.

    Example:
        >>> import tempfile
        >>> from tinydb import where
        >>> from tfstore.document.documents import Session
        >>> store = Store(tempfile.mkdtemp(), create=True)
        >>> store.put(Session("sess_1", title="Hello"))
        >>> store.get("sess_1").title, store.last()
        ('Hello', 'sess_1')
        >>> [document.doc_id for document in store.sessions.search(where("title") == "Hello")]
        ['sess_1']
    """

    def __init__(self, path: str | Path, *, create: bool = False, fsync: bool = False) -> None:
        self.paths = StorePaths(Path(path))
        if create:
            self.paths.create()
        elif self.paths.root.exists() and not self.paths.root.is_dir():
            raise StoreUnusable(self.paths.root, "it is a file where a folder is needed")
        elif not self.paths.exists():
            raise StoreNotFound(self.paths.root)
        self._files = SessionFiles(self.paths, changed=self._follow, fsync=fsync)
        self._stored = StoredSessions(self._files)
        self.sessions = SessionTable(self._files)
        self.blobs = Blobs(self.paths)
        self.catalog = Catalog(self.paths)
        self.responses = ResponseIndex(self.paths)

    @property
    def skipped(self) -> Mapping[str, str]:
        """Session id and reason of each document that a search went past because it cannot be read."""
        return self._stored.skipped

    def ids(self) -> builtins.list[str]:
        """Return the ids of all sessions that have a document, sorted."""
        return self._files.ids()

    def put(self, session: Session) -> None:
        """Write the session's document, whole, and then its row in the catalog.

        Raises:
            InvalidSessionId: its id cannot be a file name.
            StoreUnusable: it cannot be written; an earlier document is untouched.
        """
        self._files.save_session(session)
        self._index(session)

    def get(self, session_id: str) -> Session:
        """Return a session.

        Raises:
            UnknownSession: there is none with this id; the error names near ones.
            CorruptDocument: its document cannot be read.
            NewerDocument: its document was written by a later version.
        """
        try:
            return self._stored.get(session_id)
        except KeyError:
            raise UnknownSession(session_id, self.near(session_id)) from None

    def text(self, session_id: str) -> bytes:
        """Return a session's document as it stands in its file: much of what is looked for needs no more.

        Raises:
            UnknownSession: there is none with this id; the error names near ones.
            CorruptDocument: its document cannot be read.
        """
        try:
            return self._files.text(session_id)
        except KeyError:
            raise UnknownSession(session_id, self.near(session_id)) from None

    def last(self) -> str:
        """Return the id of the session that started last.

        Raises:
            UnknownSession: there is none at all.
        """
        rows = self.list(limit=1)
        if rows:
            return rows[0].session_id
        ids = self.ids()
        if not ids:
            raise UnknownSession("last")
        return ids[-1]

    def list(
        self,
        *,
        status: str | None = None,
        result: str | None = None,
        since: datetime | str | None = None,
        tool: str | None = None,
        model: str | None = None,
        limit: int | None = None,
    ) -> builtins.list[CatalogRow]:
        """Return the rows of sessions, the latest first, active ones included.

        Args:
            status: ``active`` or ``closed``.
            result: ``completed``, ``failed`` or ``cancelled``.
            since: sessions that started at this moment or later (ISO-8601 text is UTC unless it says otherwise).
            tool: sessions in which this tool was called.
            model: sessions in which this model was called.
            limit: at most so many.

        Raises:
            ValueError: ``since`` is no moment.
        """
        first = None if since is None else _moment(since)
        day = None if first is None else f"{first - timedelta(days=1):%Y%m%d}"
        start = "" if first is None else _text_of(first)
        wanted = {"status": status, "result": result}
        found: dict[str, CatalogRow] = {}
        previous: str | None = None
        for current, piece in self.catalog.pieces(day):
            if limit is not None and current != previous and _enough(found, limit, current):
                break
            previous = current
            for row in self.catalog.read(piece):
                if (
                    all(value is None or getattr(row, name) == value for name, value in wanted.items())
                    and (row.started_at or "") >= start
                    and (tool is None or tool in row.tools)
                    and (model is None or model in row.models)
                ):
                    found[row.session_id] = row
        rows = sorted(found.values(), key=lambda row: (row.started_at or "", row.session_id), reverse=True)
        return rows[:limit]

    def find(self, query: QueryLike) -> Iterator[Session]:
        """Yield the sessions whose documents a TinyDB query holds for, by id; those unreadable are skipped.

        Example:
            >>> import tempfile
            >>> from tinydb import where
            >>> from tfstore.document.documents import Session
            >>> store = Store(tempfile.mkdtemp(), create=True)
            >>> store.put(Session("sess_1", metadata={"user": "ada"}))
            >>> [session.session_id for session in store.find(where("metadata").user == "ada")]
            ['sess_1']
        """
        return self._stored.matching(query)

    def steps(
        self,
        *,
        label: str | None = None,
        tool: str | None = None,
        status: str | None = None,
        error_class: str | None = None,
        model: str | None = None,
        session_id: str | None = None,
    ) -> Iterator[Step]:
        """Yield the steps, of one session or of all, that are as asked for; unreadable documents are skipped.

        Args:
            label: one of ``labels.Label``.
            tool: the tool's name.
            status: one of ``labels.Status``.
            error_class: one of ``labels.ErrorClass``.
            model: the model that served the call.
            session_id: look only in this session.

        Raises:
            UnknownSession, CorruptDocument, NewerDocument: about ``session_id``, as from ``get``.
        """
        wanted = {"label": label, "tool_name": tool, "status": status, "model": model}
        given = {name: value for name, value in wanted.items() if value is not None}
        if session_id is not None:
            sessions = iter([self.get(session_id)])
        else:
            sessions = self._stored.holding(*given.values(), error_class)
        for session in sessions:
            for run in session.runs:
                for step in run.steps:
                    if all(getattr(step, name) == value for name, value in given.items()) and (
                        error_class is None or (step.error is not None and step.error.class_ == error_class)
                    ):
                        yield step

    def descendants(self, step: Step) -> builtins.list[Step]:
        """Return everything downstream of a step, in its session and in those that go on from it.

        Raises:
            UnknownSession, UnknownStep: the step is not in this store.
        """
        return descent.descendants(self, step)

    def origin(self, step: Step) -> Step:
        """Return the prompt at the root of all that led to a step, across forks and sessions.

        Raises:
            UnknownSession, UnknownStep: the step is not in this store.
        """
        return descent.origin(self, step)

    def find_response(self, response_id: str) -> tuple[str, Step] | None:
        """Return the session id and the model call that made a response, if it is in this store."""
        for session_id in self.responses.sessions("made", response_id):
            with contextlib.suppress(StoreError):
                for run in self.get(session_id).runs:
                    for step in run.steps:
                        if step.label == "assistant_call" and step.response_id == response_id:
                            return session_id, step
        return None

    def continued_in(self, response_id: str) -> builtins.list[str]:
        """Return the ids of the sessions that go on from this response of another session."""
        return self.responses.sessions("continued", response_id)

    def journal(self, session_id: str) -> tuple[builtins.list[Entry], JournalReport]:
        """Return the session's journal entries in their order, archived ones too, and what reading them met.

        Raises:
            UnknownSession: there is neither a journal nor a document.
        """
        return read_entries(self.paths, self.known(session_id))

    def known(self, session_id: str) -> str:
        """Return the id if there is anything of such a session: a journal, an archive, a document.

        Raises:
            UnknownSession: there is nothing; the error names near ids.
        """
        if not is_session_id(session_id) or not (
            self._files.has(session_id)
            or writers(self.paths, session_id)
            or os.path.lexists(self.paths.archived(session_id))
        ):
            raise UnknownSession(session_id, self.near(session_id))
        return session_id

    def recorded(self) -> builtins.list[str]:
        """Return the ids of all sessions that have a journal, archived or not, sorted."""
        return sorted({*sessions_with_journal(self.paths), *archived_sessions(self.paths)})

    def abandoned(self) -> builtins.list[str]:
        """Return the ids of sessions that were not closed and that nobody writes to any more, sorted."""
        # The journals of closed sessions are archived: there are few to look at, however large the store is.
        return [
            session_id
            for session_id in sessions_with_journal(self.paths)
            if not live_writers(self.paths, session_id) and not self._is_closed(session_id)
        ]

    @contextlib.contextmanager
    def claim(self, session_id: str, timeout: float = 0) -> Iterator[bool]:
        """Be the only one to recover, finish or pack a session; gives False if another is at it.

        Args:
            session_id: the session; a few others share its lock.
            timeout: seconds to wait for it.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            StoreUnusable: the folder of the locks is missing and cannot be made.
        """
        place = self.paths.claim(session_id)
        if not is_real_dir(place.parent):
            self.paths.create()
            self.paths.make_dir(place.parent)
        with only_one(place, timeout=timeout) as mine:
            yield mine

    def delete(self, session_id: str) -> None:
        """Remove a session and all that only it refers to; ``deleting.delete`` removes many at once.

        Raises:
            UnknownSession: there is nothing of it.
            SessionInUse, ClaimedElsewhere: somebody is writing to it.
            StoreUnusable: something of it cannot be removed.
        """
        for problem in deleting.delete(self, [session_id]).problems.values():
            raise problem

    def near(self, session_id: str) -> builtins.list[str]:
        """Return the ids of sessions that may have been meant, at most three."""
        ids = self.ids()
        parts = [each for each in ids if session_id and session_id in each][:3]
        return parts or difflib.get_close_matches(session_id, ids, n=3)

    def _index(self, session: Session) -> None:
        try:
            self.catalog.put(row_of(session))
            self.responses.follow(session)
        except OSError as error:
            reason = f"{session.session_id} was written, but not its row in {self.paths.catalog} ({error})"
            raise StoreUnusable(self.paths.root, reason) from error

    def _follow(self, session_id: str, document: Mapping[str, Any] | None) -> None:
        """Keep the catalog true to what was changed through the TinyDB table."""
        session = None if document is None else self._stored.structured(session_id, dict(document))
        if session is not None and session.session_id == session_id:
            self._index(session)
        else:
            self.catalog.remove(session_id)

    def _is_closed(self, session_id: str) -> bool:
        if not self._files.has(session_id):
            return False
        row = self.catalog.get(session_id)
        return (row is not None and row.status == "closed") or self._status(session_id) == "closed"

    def _status(self, session_id: str) -> object:
        try:
            return self._files.load(session_id).get("status")
        except (KeyError, CorruptDocument):
            return None


def _enough(found: Mapping[str, CatalogRow], limit: int, day: str) -> bool:
    """Whether what is still to come, of this day or earlier, cannot be among the latest."""
    if day == OTHER:
        return False
    end = f"{day[:4]}-{day[4:6]}-{day[6:]}T~"
    return sum((row.started_at or "") > end for row in found.values()) >= limit


def _moment(given: datetime | str) -> datetime:
    moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _text_of(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
