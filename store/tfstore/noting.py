"""What people say of a store's sessions: notes on them, and incidents that they are pinned for.

Documents and journals stay as they are.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from attrs import evolve

from tfstore.disk.incidents import Incidents
from tfstore.disk.notes_folder import NotesFolder
from tfstore.document.notes import checked
from tfstore.document.pins import checked as pin_of
from tfstore.errors import StoreError
from tfstore.journal.reading import JournalReport, iter_entries
from tfstore.reading.noted import NotesWanted, place_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfstore.disk.notes_folder import Keep
    from tfstore.disk.session_folder import SessionFolder
    from tfstore.document.documents import Session
    from tfstore.document.notes import Note
    from tfstore.document.pins import Pin


class TakesNotes(ABC):
    """A store on this machine's disk, as far as people say something of its sessions.

    Args:
        folder: its documents.
        keep: says what of a note may be written down; without it, notes can be read only.
        fsync: force notes to the disk itself.
    """

    def __init__(self, folder: SessionFolder, keep: Keep | None, *, fsync: bool) -> None:
        self.noting = NotesFolder(folder.paths, self.known, keep=keep, fsync=fsync)
        self.incidents = Incidents(folder.paths, self.known, keep=keep)
        self._folder = folder

    @abstractmethod
    def known(self, session_id: str) -> str:
        """Return the id of a session that there is something of."""

    @abstractmethod
    def get(self, session_id: str) -> Session:
        """Return a session."""

    def note(
        self,
        session_id: str,
        text: str = "",
        *,
        step: str | None = None,
        run: str | None = None,
        score: float | None = None,
        tags: Sequence[str] = (),
        author: str | None = None,
    ) -> Note:
        """Note something on a session, closed or not; its document and its journal stay as they are.

        What must not be written down is replaced first, as in all that is recorded (``redactions`` of the note say
        what). Of a session recorded with ``redact="content"`` the text becomes its hash and length; score and tags
        stay.

        Args:
            session_id: its whole id.
            text: what is to be said, at most 100,000 characters; may be empty beside a score or a tag.
            step: the step that it is about, as ``step_2_8`` or ``2.8``.
            run: the run that it is about, as ``run_2``.
            score: any number: what it means is yours, and averages are taken of it.
            tags: words to find it by.
            author: who says it.

        Raises:
            UnknownSession, UnknownStep, UnknownRun: there is none like that.
            InvalidNote: something of it cannot be kept (a ``ValueError``).
            CorruptDocument, NewerDocument: whether there is such a step cannot be told.
            StoreUnusable: it cannot be written, or the store was opened without a ``keep``.

        Example:
            >>> import tempfile
            >>> from tfclient import Recorder, open_store
            >>> folder = tempfile.mkdtemp()
            >>> with Recorder(folder).session(title="A trial") as session:
            ...     session.annotate("order", {"id": 4711})
            >>> _ = session.wait()
            >>> store = open_store(folder)
            >>> note = store.note(session.id, "wrong order", step="1.1", score=0, tags=["bug"])
            >>> [(each.step_id, each.text, each.score) for each in store.notes(session.id)]
            [('step_1_1', 'wrong order', 0)]
            >>> store.remove_note(session.id, note.note_id)
            >>> store.notes(session.id)
            []
        """
        given = checked(text, score, tags, author)
        mode = self._mode_of(self.known(session_id))
        if step is not None or run is not None:
            step, run = place_for(self.get(session_id), step, run)
        return self.noting.add(session_id, evolve(given, step_id=step, run_id=run), mode)

    def notes(self, session_id: str) -> list[Note]:
        """Return what was noted on a session, the earliest first, as ``note`` shows.

        Raises:
            UnknownSession: there is neither a journal nor a document.
            StoreUnusable: its file cannot be read.
        """
        return self.noting.read(self.known(session_id)).notes

    def remove_note(self, session_id: str, note_id: str) -> None:
        """Take a note back: it is shown no longer. Its line stays in the file until the session is deleted.

        Raises:
            UnknownSession, UnknownNote: there is none like that.
            StoreUnusable: it cannot be written.
        """
        self.noting.take_back(session_id, note_id)

    def noted(self, *, tags: Iterable[str] = (), score: str | None = None) -> dict[str, list[Note]]:
        """Return the ids of sessions that something was noted on, each with those notes.

        Files that cannot be read are left out: ``tfclient doctor`` tells them.

        Args:
            tags: notes that have all these.
            score: notes with such a score: ``"<0.5"``, ``">=1"``, ``"0"``.

        Raises:
            InvalidNote: ``score`` is no such condition.

        Example:
            >>> import tempfile
            >>> from tfstore.store import Store
            >>> Store(tempfile.mkdtemp(), create=True).noted(tags=["bug"], score="<0.5")
            {}
        """
        wanted = NotesWanted.of(tags, score)
        return self.noting.those(wanted.holds)

    def pin(self, session_id: str, incident: str, note: str = "") -> Pin:
        """Keep a session, whatever is pruned: for an incident, with a note.

        It may be pinned for several. Secrets are replaced first, as in notes.

        Args:
            session_id: its whole id.
            incident: what it is kept for, a name of at most 100 characters.
            note: more about that, at most 10,000 characters.

        Raises:
            UnknownSession: there is none like that.
            InvalidNote: something of it cannot be kept (a ``ValueError``).
            StoreUnusable: it cannot be written, or the store was opened without a ``keep``.

        Example:
            >>> import tempfile
            >>> from tfstore.document.documents import Session
            >>> from tfstore.store import Store
            >>> store = Store(tempfile.mkdtemp(), create=True, keep=lambda text, where, mode: (text, []))
            >>> store.put(Session("sess_1"))
            >>> _ = store.pin("sess_1", "outage-7", "the first one")
            >>> [(name, pin.incident) for name, pins in store.pins().items() for pin in pins]
            [('sess_1', 'outage-7')]
            >>> store.unpin("sess_1"), store.pins()
            (True, {})
        """
        return self.incidents.pin(session_id, pin_of(incident, note), self._mode_of(self.known(session_id)))

    def unpin(self, session_id: str, incident: str | None = None) -> bool:
        """Let a pinned session be pruned, as far as one incident goes, or any; return whether it was pinned so.

        Raises:
            UnknownSession: there is none like that.
            StoreUnusable: it cannot be written.
        """
        return self.incidents.let_go(self.known(session_id), incident)

    def pins(self) -> dict[str, list[Pin]]:
        """Return the ids of pinned sessions, each with what it is pinned for.

        Raises:
            StoreUnusable: ``incidents.jsonl`` cannot be read: nobody knows what must stay.
        """
        return self.incidents.read()

    def _mode_of(self, session_id: str) -> str:
        """Return the redaction mode that a session was recorded with, as its document says or its journal."""
        with contextlib.suppress(KeyError, TypeError, StoreError):
            return str(self._folder.load(session_id)["redaction"]["mode"])
        for entry in iter_entries(self._folder.paths, session_id, JournalReport()):
            with contextlib.suppress(KeyError, TypeError):
                return str(entry["redaction"]["mode"])
        return ""
