"""Whether a session's journal is what was written: its hash chain, and where it ends in the document made of it.

The document itself is compared by who can make it again (``tfclient.finishing.rebuilding``).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from attrs import field, frozen

from tfstore.disk.paths import is_real_dir
from tfstore.document.digest import payload_digest
from tfstore.errors import (
    ArchiveUnreadable,
    CorruptDocument,
    DocumentMissing,
    NewerDocument,
    StoreError,
    UnknownSession,
)
from tfstore.journal.reading import JournalReport, has_journal, iter_entries, live_writers, writers
from tfstore.journal.segment_reader import archive_of, segment_files
from tfstore.keeping.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfstore.document.documents import Session
    from tfstore.keeping.problems import Kind
    from tfstore.store import Store


@frozen
class Verdict:
    """What verifying a session found; ``problems`` in the order of the journal's lines, within each segment."""

    session_id: str
    entries: int = 0
    problems: list[Problem] = field(factory=list[Problem])

    @property
    def sound(self) -> bool:
        """Whether nothing was changed since it was written."""
        return self.first is None

    @property
    def first(self) -> Problem | None:
        """The first thing that was changed."""
        return next((each for each in self.problems if not each.harmless), None)


def verify(store: Store, session_id: str) -> Verdict:
    """Follow the hash chain of a session's journal, and compare its end with what the document says of it.

    Where there is no journal any more, the document's steps are compared with their digests. Whoever can write the
    store can forge a whole chain; what this finds is a change that did not go to such lengths, and what disks do.

    Raises:
        UnknownSession: there is neither a journal nor a document.

    Example:
        >>> import tempfile
        >>> from tfstore.journal.segment import Segment
        >>> from tfstore.store import Store
        >>> store = Store(tempfile.mkdtemp(), create=True)
        >>> with Segment.open(store.paths, "sess_1") as segment:
        ...     segment.append({"at": 1, "mono": 1, "type": "annotation"})
        ...     segment.append({"at": 2, "mono": 2, "type": "annotation"})
        >>> _ = segment.path.write_bytes(segment.path.read_bytes().replace(b'"at":1', b'"at":7'))
        >>> verify(store, "sess_1").first.detail.partition(" of ")[0]
        'Entry 1'
    """
    store.known(session_id)
    report = JournalReport()
    for _ in iter_entries(store.paths, session_id, report):
        pass
    alive = set(live_writers(store.paths, session_id))
    problems = list(chain_problems(store, session_id, report, alive))
    if not alive:
        problems += _document(store, session_id, report, whole=not problems)
    return Verdict(session_id, report.entries, problems)


def chain_problems(
    store: Store, session_id: str, report: JournalReport, alive: set[str]
) -> Iterator[Problem]:
    """Yield what reading a session's journal met, in the order of its lines; ``alive`` still write theirs."""

    def problem(kind: Kind, detail: str, writer: str, seq: int | None = None) -> Problem:
        return Problem(kind, detail, session_id, _file(store, session_id, writer), writer, seq)

    for writer, reason in report.unreadable:
        yield problem("unreadable", reason, writer)
    breaks = {(writer, seq) for writer, _, _, seq in report.breaks}
    broken = {writer for writer, _ in breaks}
    found: list[tuple[str, int, Problem]] = []
    for writer, line, before, seq in report.breaks:
        found.append((writer, line, problem(*_broken(writer, before, seq))))
    for writer, line in report.corrupt:
        # Where the chain goes on past it, it never counted.
        gone = writer in broken
        what = "is no entry any more" if gone else "was not written to its end"
        detail = f"Line {line} of segment {writer} {what}."
        found.append((writer, line, problem("changed" if gone else "lost", detail, writer, line)))
    for writer, seq, missing in report.gaps:
        if (writer, seq) not in breaks:
            detail = (
                f"{missing} entries before entry {seq} of segment {writer} could not be written at the time."
            )
            found.append((writer, seq, problem("lost", detail, writer, seq)))
    for writer, seq in report.disordered:
        if (writer, seq) not in breaks:
            detail = f"Entry {seq} of segment {writer} comes after a later one."
            found.append((writer, seq, problem("inserted", detail, writer, seq)))
    for writer, seq in report.repeated:
        detail = f"Entry {seq} of segment {writer} is repeated, and read once."
        found.append((writer, seq, problem("inserted", detail, writer, seq)))
    for writer, missing in report.cut_off().items():
        detail = f"{_entries(missing)} at the end of segment {writer}: gone. A later segment says that there were more."
        end = problem("removed", detail, writer, report.ends.get(writer, 0) + 1)
        found.append((writer, sys.maxsize, end))
    yield from (each for _, _, each in sorted(found, key=lambda each: each[:2]))
    for writer in report.torn:
        if writer not in alive:
            yield problem("torn", f"The last line of segment {writer} has no end, and is left out.", writer)


def document_of(store: Store, session_id: str) -> Session | Problem:
    """Return the session that a document holds, or what is wrong that it cannot be given."""
    path = store.paths.document(session_id)
    try:
        session = store.get(session_id)
    except StoreError as error:
        return _without_document(store, session_id, error)
    if session.session_id != session_id:
        detail = f"{path} holds session {session.session_id}: it was copied or renamed"
        return Problem("misnamed_document", detail, session_id, path)
    return session


def _without_document(store: Store, session_id: str, error: StoreError) -> Problem:
    path = store.paths.document(session_id)
    kind: Kind = "no_document"
    if is_real_dir(path):
        detail = f"{path} is a folder, where the document of session {session_id} should be"
        return Problem("blocked_document", detail, session_id, path)
    if isinstance(error, NewerDocument):
        kind = "newer_document"
    elif isinstance(error, CorruptDocument):
        kind = "corrupt_document" if writers(store.paths, session_id) else "lost_document"
    elif isinstance(error, UnknownSession):
        error = DocumentMissing(session_id)
        try:
            archive_of(store.paths, session_id)
        except ArchiveUnreadable as unreadable:
            if not segment_files(store.paths, session_id):
                detail = f"{unreadable} Session {session_id} has none"
                return Problem("lost_document", detail, session_id, unreadable.path)
    return Problem(kind, str(error), session_id, path)


def lost_journal(store: Store, session: Session) -> Problem:
    """Return what it means that the journal of a document is not there."""
    path, session_id = store.paths.document(session.session_id), session.session_id
    detail = (
        f"The journal that {path} was made of, {_entries(session.integrity.entries)}, is gone: it was taken "
        f"away, or session {session_id} was being deleted when the program died"
    )
    return Problem("lost_journal", detail, session_id, path)


def _file(store: Store, session_id: str, writer: str) -> Path:
    path = store.paths.segment(session_id, writer)
    return path if path.exists() else store.paths.archived(session_id)


def _broken(writer: str, before: int, seq: int) -> tuple[Kind, str, str, int]:
    if before == 0:
        return "removed", f"What stood before entry {seq} of segment {writer} is gone.", writer, seq
    if seq == before + 1:
        detail = f"Entry {before} of segment {writer} was changed: entry {seq} was written after another one."
        return "changed", detail, writer, before
    if seq > before:
        one = seq == before + 2
        gone = f"Entry {before + 1}" if one else f"Entries {before + 1} to {seq - 1}"
        detail = f"{gone} of segment {writer} {'was' if one else 'were'} removed."
        return "removed", detail, writer, before + 1
    detail = f"Entry {seq} of segment {writer} stands after entry {before}: it was moved or put in."
    return "inserted", detail, writer, seq


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _document(store: Store, session_id: str, report: JournalReport, *, whole: bool) -> Iterator[Problem]:
    path = store.paths.document(session_id)
    session = document_of(store, session_id)
    if isinstance(session, Problem):
        yield session
        return
    said = session.integrity
    if not writers(store.paths, session_id):
        for step in (step for run in session.runs for step in run.steps):
            if step.sha256 is not None and step.sha256 != payload_digest(step):
                detail = f"{step.step_id} in {path} was changed: its payloads have another digest."
                yield Problem("changed", detail, session_id, path)
        if said.entries and not has_journal(store.paths, session_id):
            yield lost_journal(store, session)
    elif report.unreadable:
        # Nobody can say what the document should tell.
        return
    elif said.entries < report.entries:
        more = _entries(report.entries - said.entries)
        detail = f"{path} is older than the journal, which has {more} more."
        yield Problem("stale_document", detail, session_id, path)
    elif said.entries > report.entries and whole:
        missing = _entries(said.entries - report.entries)
        detail = f"{missing} at the end of the journal of {session_id}: gone."
        yield Problem("removed", detail, session_id, path)
    elif said.head != report.head and whole:
        ends = ", ".join(sorted(report.heads))
        detail = f"The last entry of segment {ends} was changed after {path} was made of it."
        yield Problem("changed", detail, session_id, path)
