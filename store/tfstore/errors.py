"""What can go wrong with a store, as exceptions.

* StoreError
    * StoreNotFound
    * StoreUnusable
    * UnknownSession
        * DocumentMissing
    * NoSessions
    * SeveralSessions
    * InvalidSessionId
    * CorruptDocument
    * NewerDocument
    * LearningsUnreadable
    * NewerLearnings
    * UnknownLesson
    * UnknownAdaptation
    * UnknownRun
    * UnknownStep
    * SegmentNotOurs
    * EntryTooLong
    * BlobUnreadable
    * ArchiveUnreadable
    * SessionInUse
    * SessionPinned
    * InvalidNote (ValueError)
    * UnknownNote
    * TableReadOnly
    * FilesNotMade
    * BundleRefused
    * DatabaseUnusable
        * DatabaseLost
    * AmbiguousSession
    * GoneToWarm

Each message says what happened, to which id or path, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class StoreError(Exception):
    """Anything that went wrong with a store."""


class StoreNotFound(StoreError):
    """There is no store at this path."""

    def __init__(self, path: Path, near: Sequence[Path] = ()) -> None:
        hint = f" Stores nearby: {', '.join(map(str, near))}." if near else ""
        super().__init__(
            f"There is no store at {path}. Run a program with a traced client there, "
            f"or name another folder with --store or THOUGHTFLOW_DIR.{hint}"
        )
        self.path = path


class StoreUnusable(StoreError):
    """The store's path exists but cannot serve as a store."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The store at {path} cannot be used: {reason.rstrip('.')}.")
        self.path = path


class UnknownSession(StoreError):
    """No session with this id is in the store."""

    def __init__(self, session_id: str, near: Sequence[str] = ()) -> None:
        hint = f" Did you mean {', '.join(near)}?" if near else " `tfclient list` shows what is there."
        super().__init__(f"No session {session_id!r} in this store.{hint}")
        self.session_id = session_id
        self.near = tuple(near)


class DocumentMissing(UnknownSession):
    """A session has a journal, and no document was made of it or it is gone."""

    def __init__(self, session_id: str) -> None:
        StoreError.__init__(
            self,
            f"Session {session_id} has a journal and no document: `tfclient rebuild {session_id}` makes it.",
        )
        self.session_id = session_id
        self.near = ()


class NoSessions(StoreError):
    """The latest session is asked for where there is none yet."""

    def __init__(self, where: str) -> None:
        super().__init__(f"There are no sessions in the store at {where} yet.")
        self.where = where


class SeveralSessions(StoreError):
    """What was typed is the start of several session ids."""

    _NAMED = 5

    def __init__(self, typed: str, session_ids: Sequence[str]) -> None:
        shown = ", ".join(session_ids[-self._NAMED :]) + (" …" if len(session_ids) > self._NAMED else "")
        super().__init__(
            f"{typed!r} is the start of {len(session_ids)} session ids: {shown}. Type more of it."
        )
        self.typed = typed


class InvalidSessionId(StoreError):
    """A session id that cannot be a file name."""

    def __init__(self, session_id: str) -> None:
        super().__init__(
            f"{session_id!r} cannot be a session id: use 1 to 128 letters, digits, '_', '-' or '.', "
            "starting with a letter or digit."
        )
        self.session_id = session_id


class CorruptDocument(StoreError):
    """A session's document cannot be read."""

    def __init__(self, session_id: str, path: Path | str, reason: str) -> None:
        super().__init__(
            f"The document of session {session_id} at {path} cannot be read: {reason}. "
            "Where its journal is there, `tfclient recover` makes the document again."
        )
        self.session_id = session_id
        self.path = path


class NewerDocument(StoreError):
    """A document was written by a later version."""

    def __init__(self, session_id: str, version: object, readable: str) -> None:
        super().__init__(
            f"Session {session_id} was written as {version!r} and this version reads {readable!r}: "
            "upgrade tfclient to open it."
        )
        self.session_id = session_id
        self.version = version


class LearningsUnreadable(StoreError):
    """A file of what sessions taught cannot be read, and so is not written over."""

    def __init__(
        self,
        path: Path,
        reason: str,
        else_: str = "`tfclient notes --all` makes another of the sessions that are there",
    ) -> None:
        super().__init__(
            f"{path} cannot be read: {reason}. It stays as it is: mend it, or move it away and {else_}."
        )
        self.path = path


class NewerLearnings(StoreError):
    """What sessions taught was written by another version."""

    def __init__(self, path: Path, version: str, readable: str) -> None:
        super().__init__(
            f"{path} was written as {version!r} and this version reads {readable!r}: upgrade tfclient to go on with it."
        )
        self.path = path
        self.version = version


class UnknownLesson(StoreError):
    """No session taught a lesson with this id."""

    def __init__(self, lesson_id: str, near: Sequence[str] = ()) -> None:
        hint = (
            f" Did you mean {', '.join(near)}?" if near else " `tfclient notes list` shows those there are."
        )
        super().__init__(f"There is no lesson {lesson_id!r} in this store.{hint}")
        self.lesson_id = lesson_id


class UnknownAdaptation(StoreError):
    """No adaptation with this id was proposed."""

    def __init__(self, adaptation_id: str, near: Sequence[str] = ()) -> None:
        hint = (
            f" Did you mean {', '.join(near)}?" if near else " `tfclient adapt list` shows those there are."
        )
        super().__init__(f"There is no adaptation {adaptation_id!r} in this store.{hint}")
        self.adaptation_id = adaptation_id


class UnknownRun(StoreError):
    """A session has no such run."""

    def __init__(self, session_id: str, number: int, count: int) -> None:
        there = {0: "It has no runs", 1: "It has one run"}.get(count, f"It has {count} runs")
        super().__init__(f"Session {session_id} has no run {number}. {there}.")


class UnknownStep(StoreError):
    """No such step in this session."""

    def __init__(self, session_id: str, step_id: str) -> None:
        super().__init__(
            f"Session {session_id} has no step {step_id!r}. `tfclient show {session_id}` lists them."
        )
        self.session_id = session_id
        self.step_id = step_id


class SegmentNotOurs(StoreError):
    """A segment was written to after it was closed, or by a process that did not open it."""

    def __init__(self, path: Path, opened_by: int) -> None:
        super().__init__(
            f"The journal segment {path} is closed, or belongs to process {opened_by}: open one of your own."
        )
        self.path = path


class EntryTooLong(StoreError):
    """A journal entry is longer than readers accept, so it was not written."""

    def __init__(self, kind: object, length: int, limit: int) -> None:
        super().__init__(
            f"A journal entry of type {kind!r} is {length} bytes long and at most {limit} are read back: "
            "keep its body apart and write where it is."
        )
        self.length = length


class BlobUnreadable(StoreError):
    """The content that a reference stands for cannot be given."""

    def __init__(self, name: object, reason: str) -> None:
        super().__init__(f"The blob {name} cannot be read: {reason}.")
        self.name = name


class ArchiveUnreadable(StoreError):
    """The archive of a session's journal cannot be read."""

    def __init__(self, session_id: str, path: Path, reason: str) -> None:
        super().__init__(
            f"The archived journal of session {session_id} at {path} cannot be read: {reason}. "
            "Only a backup brings it back; a document that was made of it stays as it is."
        )
        self.session_id = session_id
        self.path = path


class JournalUnreadable(StoreError):
    """A session's journal is there, but not all of it can be read: its document tells more than would come of it."""

    def __init__(self, session_id: str, path: Path, reason: str) -> None:
        super().__init__(
            f"The journal of session {session_id} cannot be read whole, so {path} stays as it is. {reason}"
        )
        self.session_id = session_id
        self.path = path


class FilesNotMade(StoreError):
    """The files of a session cannot be made, for what its journal holds."""

    def __init__(self, session_id: str, path: Path, cause: BaseException) -> None:
        super().__init__(
            f"The files of session {session_id} cannot be made: {type(cause).__name__} ({cause}). Its journal, {path}, "
            "is whole and stays; other sessions are not affected."
        )
        self.session_id = session_id
        self.path = path


class ClaimedElsewhere(StoreError):
    """Another process is finishing a session."""

    def __init__(self, session_id: str) -> None:
        super().__init__(
            f"Another process is writing the files of session {session_id}: try again when it is done."
        )
        self.session_id = session_id


class SessionDeleted(StoreError):
    """There is no journal to make a session's document of: it was deleted meanwhile."""

    def __init__(self, session_id: str) -> None:
        super().__init__(
            f"There is no journal of session {session_id}: it was deleted, or nothing of it could be written. "
            "No document is made of it."
        )
        self.session_id = session_id


class SessionInUse(StoreError):
    """A session cannot be deleted while somebody writes to it."""

    def __init__(self, session_id: str, writers: Sequence[str]) -> None:
        super().__init__(
            f"Session {session_id} is being written by {', '.join(writers)} (the number is the process id): "
            "end it there first."
        )
        self.session_id = session_id
        self.writers = tuple(writers)


class SessionPinned(StoreError):
    """A session is kept for an incident, and is not to go before it is let go."""

    def __init__(self, session_id: str, incidents: Sequence[str]) -> None:
        super().__init__(
            f"Session {session_id} is pinned for {', '.join(incidents)} and stays: `tfclient unpin {session_id}` "
            "lets it go, `tfclient delete --pinned` deletes it all the same."
        )
        self.session_id = session_id
        self.incidents = tuple(incidents)


class InvalidNote(StoreError, ValueError):
    """Something of a note cannot be kept as it was given."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(f"{name}={value!r} cannot be used: give {expected}.")
        self.name = name
        self.value = value


class UnknownNote(StoreError):
    """A session has no such note."""

    def __init__(self, session_id: str, note_id: str, there: Sequence[str] = ()) -> None:
        hint = f"It has {', '.join(there[:5])}{' …' if len(there) > 5 else ''}." if there else "It has none."
        super().__init__(f"Session {session_id} has no note {note_id!r}. {hint}")
        self.session_id = session_id
        self.note_id = note_id


class TableReadOnly(StoreError):
    """Somebody wrote to a store through its TinyDB table."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Nothing was changed in the store at {path}: its table is for reading. Sessions are written by the "
            "recorder, and `tfclient rebuild` would undo any other change. Write to a copy: "
            '`TinyDB("copy.json").insert_multiple(store.sessions.all())`.'
        )
        self.path = path


class BundleRefused(StoreError):
    """A file is no bundle, or is not as bundles are: nothing of it was used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} was not opened: {reason}. Ask for it again from whoever made it.")
        self.path = path
        self.reason = reason


class DatabaseUnusable(StoreError):
    """A database cannot be used as a team's store; ``address`` is told without its password."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"The database at {address} cannot be used: {reason.rstrip('.')}.")
        self.address = address
        self.reason = reason


class DatabaseLost(DatabaseUnusable):
    """The database does not answer, or no longer; what was written before is there."""


class AmbiguousSession(StoreError):
    """Sessions of several stores have this id, and are told apart by the store's name."""

    def __init__(self, session_id: str, meant: Sequence[str]) -> None:
        super().__init__(
            f"{session_id!r} is a session of {len(meant)} stores: give one of {', '.join(meant)}, "
            "or narrow it to one store: --source NAME, or ?source=NAME in the address."
        )
        self.session_id = session_id
        self.meant = tuple(meant)


class GoneToWarm(StoreError):
    """A session's document was pruned from the database; its row and its steps are still there."""

    def __init__(self, session_id: str, left: str) -> None:
        super().__init__(
            f"The document of session {session_id} was pruned from the database; {left}. "
            "`tfclient sync --all` from the machine that recorded it brings it back, if it is still there."
        )
        self.session_id = session_id
        self.left = left
