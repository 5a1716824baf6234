"""One session's files, kept up with its journal: document, blobs, diagram."""

from __future__ import annotations

import contextlib
from math import inf
from typing import TYPE_CHECKING, Final

from attrs import define, field

from tfclient.finishing.drift import Responses
from tfclient.projection.projector import Projector
from tfstore.disk.files import replace_file
from tfstore.disk.turns import turn
from tfstore.document.documents import Integrity
from tfstore.errors import FilesNotMade, SessionDeleted, StoreError
from tfstore.journal.reading import Tail, has_journal, live_writers, size_of, writers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tfstore.document.documents import Session
    from tfstore.journal.reading import Entry, JournalReport
    from tfstore.store import Store

_SIP: Final = 256 * 1024
_NOT_ALL: Final = "journal: not all of"
NOT_DRAWN: Final = "diagram: not drawn"
"""How the note of a document begins whose diagram could not be made."""


HEAVY: Final = 24 * 1024 * 1024
"""From which weight a session is left to a helper; some 1,200 calls of 6 KB."""

PER_ENTRY: Final = 4096
"""What an entry weighs besides its bytes: steps take more memory than the text that they come of."""


@define
class LiveSession:
    """A session's projection, which goes on where it stopped.

    Example:
        >>> import tempfile
        >>> from tfstore.journal.segment import Segment
        >>> from tfstore.store import Store
        >>> store = Store(tempfile.mkdtemp(), create=True)
        >>> with Segment.open(store.paths, "sess_1") as segment:
        ...     segment.append({"at": 1, "mono": 1, "type": "session.ended", "end_reason": "closed"})
        >>> LiveSession(store, "sess_1").write_files().status
        'closed'
    """

    store: Store
    session_id: str
    lookup: Callable[[str], str | None] | None = None
    """In which other session a response was recorded; by itself, what the store says of that now."""
    _tail: Tail = field(init=False)
    _projector: Projector = field(init=False)
    _responses: Responses = field(init=False)
    _fed: int = 0
    _looked: bool = False
    _ahead: set[str] = field(factory=set[str])
    """Digests of the blobs that are stored already, though no document refers to them yet."""
    weight: int = 0
    """What the projection holds, roughly: something for each entry that is no chunk. Its bytes are on disk."""

    def __attrs_post_init__(self) -> None:
        """Begin before the first entry."""
        self._restart()

    def _restart(self) -> None:
        self._tail = Tail(self.store.paths, self.session_id)
        self._projector = Projector(self.session_id, lookup=self.lookup or self._recorded_elsewhere)
        self._responses = Responses()
        self._fed = self.weight = 0
        self._looked = False
        self._ahead = set()

    def _recorded_elsewhere(self, response_id: str) -> str | None:
        found = self.store.find_response(response_id)
        return found[0] if found is not None and found[0] != self.session_id else None

    def refresh(self, limit: float = inf) -> bool:
        """Write the document if the journal has grown; say whether it had.

        Raises:
            TooHeavy: it has grown beyond ``limit``; nothing was written.
            StoreError: the document could not be written.
        """
        with self._told():
            grown = self._catch_up(limit)
            if grown:
                self._write(self.project())
        return grown

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say of which session it is that something cannot be made: whoever is at many goes on with the next."""
        try:
            yield
        except (StoreError, TooHeavy, DrawingFailed, OSError, MemoryError):
            raise
        except Exception as error:
            # What is held of it may be half of something.
            self._restart()
            journal = self.store.paths.journal_of(self.session_id)
            raise FilesNotMade(self.session_id, journal, error) from error

    def write_files(self, limit: float = inf) -> Session:
        """Write the document and the diagram of a session that has ended, and return the session.

        While other processes are still writing to it, the session stays active and only its document is written.

        Raises:
            TooHeavy: the session weighs more than ``limit``; nothing was written.
            SessionDeleted: there is no journal any more; nothing was written.
            FilesNotMade: something in the journal cannot be told.
            StoreError: the document could not be written.
            DrawingFailed: the document is whole, but its diagram could not be made or written.
        """
        several = len(writers(self.store.paths, self.session_id)) > 1
        if several and self._fed:
            # Polls met the writers' entries in another order than a reader of the whole journal will.
            self._restart()
        with self._told():
            self._catch_up(limit)
            session = self.project()
            self._write(session)
        if session.status == "active" and live_writers(self.store.paths, self.session_id):
            return session
        self._draw(session)
        return session

    def read(self) -> Session:
        """Return the session as ``write_files`` would write it; nothing is written."""
        with self._told():
            self._catch_up(inf, keep_blobs=False)
            return self.project()

    def missing_in(self, session: Session) -> list[str]:
        """Return the responses that the journal shows and this session's steps do not; see ``drift``."""
        return self._responses.missing_in(session)

    def cut_off(self, written: dict[str, int]) -> int:
        """Return how many entries the journal lacks of segments that had this ``seq`` before it was read."""
        return sum(self._tail.report.cut_off(written).values())

    def project(self) -> Session:
        """Return the session as the journal tells it so far."""
        session = self._projector.session()
        self._looked = True
        report = self._tail.report
        session.integrity = Integrity(entries=report.entries, head=report.head)
        session.artifacts = {"json": f"sessions/{self.session_id}.json"}
        if session.status == "closed":
            session.artifacts["d2"] = f"sessions/{self.session_id}.d2"
            session.integrity.drift = len(self.missing_in(session))
        trouble = _trouble(report)
        session.notes = [*(n for n in session.notes if not n.startswith("journal:")), *trouble]
        return session

    def _catch_up(self, limit: float, *, keep_blobs: bool = True) -> bool:
        grown = False
        # Of several writers one may say that the session ended while another is in a call: it ends with the last.
        ending: Entry | None = None
        bounded = limit < inf
        # Between the entries of several writers there is an order only within what is read at once.
        sips = len(writers(self.store.paths, self.session_id)) == 1
        if bounded and size_of(self.store.paths, self.session_id) > limit:
            raise TooHeavy(self.session_id)
        while entries := self._tail.poll(_SIP) if sips else self._tail.poll():
            grown = True
            if self._tail.report.begun_anew:
                # What was deleted is not to come back from memory: not all of it could, blobs for instance.
                return self._again(limit)
            turn()
            for entry in entries:
                if entry["type"] == "session.ended":
                    ending = entry
                    continue
                if entry["type"] == "session.started" and self._looked and not self._projector.begun:
                    # It says how to show what was shown already.
                    return self._again(limit)
                self._projector.feed(entry)
                self._responses.feed(entry)
                self.weight += _weight_of(entry["type"])
                turn()
            self._fed += len(entries)
            # What is done with is brought into its last form, which takes less room than that of the wire.
            self._projector.session()
            turn()
            if not keep_blobs:
                self._projector.take_blobs()
            elif not bounded:
                # They need not wait in memory for the document that refers to them.
                self._ahead |= self._put_blobs()
            if bounded and self.weight > limit:
                raise TooHeavy(self.session_id)
        if ending is not None:
            self._projector.feed(ending)
        return grown

    def _again(self, limit: float) -> bool:
        self._restart()
        self._catch_up(limit)
        return True

    def _write(self, session: Session) -> None:
        if self._tail.report.unreadable:
            self._keep_earlier()
        if not has_journal(self.store.paths, self.session_id):
            raise SessionDeleted(self.session_id)
        with (
            self.store.blobs.alone()
            if self._projector.lightener.blobs or self._ahead
            else contextlib.nullcontext()
        ):
            self._put_blobs()
            if all(self.store.blobs.find(digest) for digest in self._ahead):
                self.store.put(session)
                return
        # One that was there ahead of the document went with a session that was deleted meanwhile.
        self._restart()
        self._catch_up(inf)
        self._write(self.project())

    def _keep_earlier(self) -> None:
        """What of the journal cannot be read any more may stand in the document that was made of it."""
        with contextlib.suppress(OSError, StoreError):
            before = self.store.text(self.session_id)
            if _NOT_ALL.encode() not in before:
                replace_file(self.store.paths.earlier(self.session_id), before)

    def _put_blobs(self) -> set[str]:
        """Store the content that the projection puts aside; return its digests."""
        put: set[str] = set()
        for blob in self._projector.take_blobs():
            self.store.blobs.put(blob.data, blob.media_type)
            turn()
            put.add(blob.sha256)
        return put

    def _draw(self, session: Session) -> None:
        from tfd2 import drawn

        turn()
        text = (piece.encode("utf-8", "replace") for piece in drawn(session))
        try:
            replace_file(self.store.paths.diagram(self.session_id), text)
        except Exception as error:
            del session.artifacts["d2"]
            session.notes.append(f"{NOT_DRAWN} ({type(error).__name__}: {error})")
            self.store.put(session)
            raise DrawingFailed(session, error) from error


def _weight_of(kind: str) -> int:
    """What an entry of a type weighs: most messages of a socket are pieces, as chunks are, and make no step."""
    if kind == "stream.chunk":
        return 0
    return PER_ENTRY // 16 if kind in {"socket.frame", "socket.audio", "socket.sound"} else PER_ENTRY


def _trouble(report: JournalReport) -> list[str]:
    notes: list[str] = []
    if report.torn:
        notes.append(f"journal: the last line of {', '.join(report.torn)} has no end and was dropped")
    if report.corrupt_lines:
        notes.append(f"journal: {report.corrupt_lines} corrupt lines were skipped")
    broken = set(report.broken_chain)
    gone = sum(missing for writer, seq, missing in report.gaps if (writer, seq) in broken)
    if report.missing_entries > gone:
        lost = report.missing_entries - gone
        notes.append(f"journal: {lost} entries could not be written when they happened")
    if gone:
        notes.append(f"journal: {gone} entries that were in it are gone; `tfclient verify` says where")
    if short := sum(report.cut_off().values()):
        notes.append(
            f"journal: {short} entries at the end of a segment are gone; `tfclient verify` says where"
        )
    if report.unreadable:
        names = ", ".join(dict.fromkeys(name for name, _ in report.unreadable))
        notes.append(f"{_NOT_ALL} {names} can be read; `tfclient verify` says why")
    return notes


class TooHeavy(Exception):
    """A session is longer than what is to be held in memory here."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} is very long: its files are written by a process of its own.")
        self.session_id = session_id


class DrawingFailed(Exception):
    """A session's document is whole, but its diagram could not be made."""

    def __init__(self, session: Session, cause: Exception) -> None:
        super().__init__(
            f"The diagram of session {session.session_id} was not written ({type(cause).__name__}: {cause}). "
            f"Its document is whole; `tfclient d2 {session.session_id}` tries again."
        )
        self.session_id = session.session_id
        self.session = session
