"""The store: open it, list its sessions, read them, and follow what led to what.

A reader never sees half a document.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tfstore.disk.blobs import Blobs
from tfstore.disk.learnings_folder import LearningsFolder
from tfstore.disk.locks import only_one
from tfstore.disk.paths import StorePaths, is_real_dir, is_session_id
from tfstore.disk.raw_folder import RawPart, raw_parts
from tfstore.disk.session_folder import SessionFolder
from tfstore.disk.store_id import make_store_id, store_id
from tfstore.document.times import moment_text
from tfstore.either_store import EitherStore
from tfstore.errors import (
    CorruptDocument,
    StoreNotFound,
    StoreUnusable,
    UnknownSession,
)
from tfstore.index import pruned_totals
from tfstore.index.rows import Telling
from tfstore.index.session_index import SessionIndex
from tfstore.index.wanted import Wanted
from tfstore.journal.reading import (
    JournalReport,
    archived_sessions,
    live_writers,
    read_entries,
    sessions_with_journal,
    size_of,
    writers,
)
from tfstore.noting import TakesNotes
from tfstore.reading.messages import answer_of
from tfstore.tables.document_maps import Documents
from tfstore.tables.session_table import SessionTable

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tinydb.queries import QueryLike

    from tfstore.disk.notes_folder import Keep
    from tfstore.document.documents import Session
    from tfstore.index.counters import Counters
    from tfstore.index.rows import Calls, Redacted, SessionRow
    from tfstore.index.session_index import T
    from tfstore.index.wanted import Page
    from tfstore.journal.reading import Entry, JournalReport


class Store(EitherStore, TakesNotes):
    """A store on this machine's disk.

    ``sessions`` is a TinyDB table of the documents, to be read; ``paths``, ``blobs`` and ``index`` are its parts.
    Documents that could not be read while looking through all of them are told in ``skipped``. ``noting`` are the files
    of what people noted on sessions, ``incidents`` is what they are pinned for, ``learnings`` what they taught.

    Args:
        path: the store's folder.
        create: make it if it is not there.
        fsync: force documents to the disk itself, against power failure; slow.
        keep: says what of a note may be written down; without it, notes can be read only.

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

    def __init__(
        self, path: str | Path, *, create: bool = False, fsync: bool = False, keep: Keep | None = None
    ) -> None:
        self.paths = StorePaths(Path(path))
        if create:
            self.paths.create()
            with contextlib.suppress(StoreUnusable):
                # Whoever needs it is told if it cannot be made.
                make_store_id(self.paths)
        elif self.paths.root.exists() and not self.paths.root.is_dir():
            raise StoreUnusable(self.paths.root, "it is a file where a folder is needed")
        elif not self.paths.exists():
            raise StoreNotFound(self.paths.root)
        folder = SessionFolder(
            self.paths, journal_size=lambda session_id: size_of(self.paths, session_id), fsync=fsync
        )
        super().__init__(folder, keep, fsync=fsync)
        self.sessions = SessionTable(self._folder)
        self.blobs = Blobs(self.paths)
        self.learnings = LearningsFolder(self.paths, keep)
        self.index = SessionIndex(self._folder, telling_of)

    @property
    def store_id(self) -> str:
        """The store's own id, a UUID that is copied and moved with it.

        Raises:
            StoreUnusable: ``store.json`` cannot be read, or not be made.
        """
        return store_id(self.paths)

    @property
    def where(self) -> str:
        """The store's folder, as messages name it."""
        return str(self.paths.root)

    @property
    def skipped(self) -> Mapping[str, str]:
        """Session id and reason of each document that a search went past because it cannot be read."""
        return self._folder.skipped

    def ids(self) -> builtins.list[str]:
        """Return the ids of all sessions that have a document, sorted."""
        return self._folder.ids()

    def put(self, session: Session) -> None:
        """Write the session's document, whole, and take it up in the index.

        Raises:
            InvalidSessionId: its id cannot be a file name.
            StoreUnusable: it cannot be written; an earlier document is untouched.
        """
        self.index.put(session, self._folder.save(session))

    def get(self, session_id: str) -> Session:
        """Return a session.

        Raises:
            UnknownSession: there is none with this id; the error names near ones.
            CorruptDocument: its document cannot be read.
            NewerDocument: its document was written by a later version.
        """
        try:
            return self._folder.session(session_id)
        except KeyError:
            raise UnknownSession(session_id, self.near(session_id)) from None

    def text(self, session_id: str) -> bytes:
        """Return a session's document as it stands in its file: much of what is looked for needs no more.

        Raises:
            UnknownSession: there is none with this id; the error names near ones.
            CorruptDocument: its document cannot be read.
        """
        try:
            return self._folder.text(session_id)
        except KeyError:
            raise UnknownSession(session_id, self.near(session_id)) from None

    def has(self, session_id: str) -> bool:
        """Return whether there is a document of this session."""
        return is_session_id(session_id) and self.paths.document(session_id).is_file()

    def changed_at(self, session_id: str) -> str:
        """Return what changes whenever a session's document does: it is replaced whole; nothing if there is none."""
        try:
            if not is_session_id(session_id):
                return ""
            status = self.paths.document(session_id).stat()
        except OSError:
            return ""
        return f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"

    def closed(self, take: Callable[[SessionRow], T | None]) -> builtins.list[T]:
        """Return what a function makes of the rows of closed sessions, the latest first, however many there are.

        Args:
            take: gets a row at a time, of which none is held; None is left out. It may be given one twice.
        """
        return self.index.taken(Wanted(status="closed"), take)

    def page(self, wanted: Wanted, limit: int, offset: int) -> Page:
        """Return some of the rows of the sessions that are wanted, the latest first, and how many there are."""
        return self.index.page(wanted, limit, offset)

    def names(self, kind: str, most: int) -> builtins.list[tuple[str, int]]:
        """Return names of kind ``tool`` or ``model`` and in how many sessions each is, the most frequent first."""
        return self.index.names(kind, most)

    def thread(self, begin: str) -> builtins.list[str]:
        """Return the ids of the sessions of one thread, the earliest first, as ``SessionIndex.thread`` does."""
        return self.index.thread(begin)

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
        for session_id, document in Documents(self._folder).items():
            if query(document) and (session := self._folder.readable(session_id, document)) is not None:
                yield session

    def may_say(
        self,
        pieces: Sequence[str],
        said: Callable[[Session], builtins.list[str]],
        version: int,
        label: str | None,
    ) -> set[str] | None:
        """Return the ids of sessions of which a text may hold these pieces, as ``SessionIndex.may_say`` does.

        Those whose documents cannot be read are among them: nobody knows what they say.
        """
        ids = self.index.may_say(pieces, said, version, label)
        return None if ids is None else {*ids, *self.skipped}

    def calls(
        self, label: Literal["assistant_call", "tool_call"], *, since: datetime | str | None = None
    ) -> builtins.list[Calls]:
        """Return what the calls of each model (``assistant_call``) or each tool (``tool_call``) come to.

        Args:
            label: which calls.
            since: those of sessions that started at this moment or later.

        Raises:
            ValueError: ``since`` is no moment.
        """
        return self.index.calls(label, None if since is None else moment_text(since))

    def counters(self) -> Counters:
        """Return what all sessions come to that are or were in this store, in numbers that only grow.

        Names and labels are those of ``tfstore.index.counters``. Sessions that were pruned or deleted are in them.

        Raises:
            StoreUnusable: what is known of those cannot be read.

        Example:
            >>> import tempfile
            >>> from tfstore.document.documents import Session
            >>> store = Store(tempfile.mkdtemp(), create=True)
            >>> store.put(Session("sess_1", status="closed", result="completed"))
            >>> store.counters()["sessions", "completed"]
            1
        """
        went = pruned_totals.read(self.paths)
        while True:
            there, found = self.index.counted(went.again if went.together else None)
            # Asked for last: who goes meanwhile is in the first, and there by its identity.
            now = pruned_totals.read(self.paths)
            if now.together == went.together:
                return found + now.added(there)
            # Some were added together meanwhile: whoever of them was there is looked for anew.
            went = now

    def raw(self, session_id: str) -> builtins.list[RawPart]:
        """Return the bodies and stacks that were recorded raw of a session and are still there.

        None are, unless its recorder had ``capture_raw=True`` where ``THOUGHTFLOW_ALLOW_RAW=1`` was set, and for three
        days only; ``get(session_id).raw`` says whether there were any.

        Raises:
            InvalidSessionId: the id cannot be a file name.
        """
        return raw_parts(self.paths, session_id)

    def redactions(self, session_id: str | None = None) -> builtins.list[Redacted]:
        """Return what redaction changed before it was written, by rule, path and action: how often, never what.

        Args:
            session_id: of this session, by its whole id; of all, if none is given.

        Raises:
            UnknownSession: there is none of this id.

        Example:
            >>> import tempfile
            >>> from tfclient import Recorder, open_store
            >>> folder = tempfile.mkdtemp()
            >>> with Recorder(folder).session() as session:
            ...     session.annotate("order", {"api_key": "x-1"})
            >>> _ = session.wait()
            >>> [(each.rule, each.path, each.count) for each in open_store(folder).redactions()]
            [('key:api_key', 'value.api_key', 1)]
        """
        return self.index.redactions(None if session_id is None else self.known(session_id))

    def continued_in(self, response_id: str) -> builtins.list[str]:
        """Return the ids of the sessions that go on from this response of another session."""
        return self.index.continued(response_id)

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
            self._folder.has(session_id)
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

    def _rows(self, wanted: Wanted, limit: int | None) -> builtins.list[SessionRow]:
        return self.index.rows(wanted, limit)

    def _with_steps(self, **wanted: str | None) -> Iterator[Session]:
        return filter(None, map(self._folder.readable, self.index.with_steps(**wanted)))

    def _made(self, response_id: str) -> builtins.list[str]:
        return self.index.made(response_id)

    def _is_closed(self, session_id: str) -> bool:
        try:
            return self._folder.load(session_id).get("status") == "closed"
        except (KeyError, CorruptDocument):
            return False


def telling_of(session: Session) -> Telling:
    """Return what of a session's row is read out of it."""
    from tfstore.reading.designed_ends import waits_for

    return Telling(answer_of(session), waits_for(session))
