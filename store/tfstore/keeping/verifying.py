"""Whether a session's journal is what was written: its hash chain, and the document that was made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from tfstore.document.digest import payload_digest
from tfstore.errors import DocumentMissing, StoreError, UnknownSession
from tfstore.journal.reading import JournalReport, iter_entries, live_writers, writers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.store import Store

Fault = Literal[
    "changed", "removed", "inserted", "unreadable", "lost", "torn", "document", "no_document", "no_journal"
]

HARMLESS: frozenset[Fault] = frozenset({"lost", "torn"})
"""What a full disk or a killed process leaves; anything else was done to the files afterwards."""


@frozen
class Flaw:
    """One thing that is not as it was written: in which segment, at which entry's ``seq``, and in words."""

    fault: Fault
    detail: str
    writer: str | None = None
    seq: int | None = None


@frozen
class Verdict:
    """What verifying a session found; ``flaws`` in the order of the journal's lines, within each segment."""

    session_id: str
    entries: int = 0
    flaws: list[Flaw] = field(factory=list[Flaw])

    @property
    def sound(self) -> bool:
        """Whether nothing was changed since it was written."""
        return all(flaw.fault in HARMLESS for flaw in self.flaws)

    @property
    def first(self) -> Flaw | None:
        """The first thing that was changed."""
        return next((flaw for flaw in self.flaws if flaw.fault not in HARMLESS), None)


def verify(store: Store, session_id: str) -> Verdict:
    """Follow the hash chain of a session's journal, and compare its end and the steps' digests with the document.

    Whoever can write the store can forge a whole chain; what this finds is a change that did not go to such
    lengths, and what disks do.

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
    flaws = [*_chain(report, alive)]
    if not alive:
        flaws += _document(store, session_id, report, whole=not flaws)
    return Verdict(session_id, report.entries, flaws)


def _chain(report: JournalReport, alive: set[str]) -> Iterator[Flaw]:
    for writer, reason in report.unreadable:
        yield Flaw("unreadable", reason, writer)
    breaks = {(writer, seq): before for writer, _, before, seq in report.breaks}
    found: list[tuple[str, int, Flaw]] = []
    for writer, line, before, seq in report.breaks:
        found.append((writer, line, _broken(writer, before, seq)))
    broken = {writer for writer, _ in breaks}
    for writer, line in report.corrupt:
        if writer in broken:
            flaw = Flaw("changed", f"Line {line} of segment {writer} is no entry any more.", writer, line)
        else:
            # The chain goes on past it: it never counted.
            flaw = Flaw("lost", f"Line {line} of segment {writer} was not written to its end.", writer, line)
        found.append((writer, line, flaw))
    for writer, seq, missing in report.gaps:
        if (writer, seq) not in breaks:
            detail = (
                f"{missing} entries before entry {seq} of segment {writer} could not be written at the time."
            )
            found.append((writer, seq, Flaw("lost", detail, writer, seq)))
    for writer, seq in report.repeated:
        found.append(
            (writer, seq, Flaw("inserted", f"Entry {seq} of segment {writer} is repeated.", writer, seq))
        )
    yield from (flaw for _, _, flaw in sorted(found, key=lambda each: each[:2]))
    for writer in report.torn:
        if writer not in alive:
            yield Flaw("torn", f"The last line of segment {writer} has no end.", writer)


def _broken(writer: str, before: int, seq: int) -> Flaw:
    if before == 0:
        detail = f"What stood before entry {seq} of segment {writer} is gone."
        return Flaw("removed", detail, writer, seq)
    if seq == before + 1:
        detail = f"Entry {before} of segment {writer} was changed: entry {seq} was written after another one."
        return Flaw("changed", detail, writer, before)
    if seq > before:
        one = seq == before + 2
        gone = f"Entry {before + 1}" if one else f"Entries {before + 1} to {seq - 1}"
        detail = f"{gone} of segment {writer} {'was' if one else 'were'} removed."
        return Flaw("removed", detail, writer, before + 1)
    detail = f"Entry {seq} of segment {writer} stands after entry {before}: it was moved or put in."
    return Flaw("inserted", detail, writer, seq)


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _document(store: Store, session_id: str, report: JournalReport, *, whole: bool) -> Iterator[Flaw]:
    path = store.paths.document(session_id)
    try:
        session = store.get(session_id)
    except UnknownSession:
        yield Flaw("no_document", str(DocumentMissing(session_id)))
        return
    except StoreError as error:
        yield Flaw("no_document", str(error))
        return
    for run in session.runs:
        for step in run.steps:
            if step.sha256 is not None and step.sha256 != payload_digest(step):
                yield Flaw(
                    "changed", f"{step.step_id} in {path} was changed: its payloads have another digest."
                )
    said = session.integrity
    if not writers(store.paths, session_id):
        if said.entries:
            yield Flaw(
                "no_journal", f"The journal of {said.entries} entries that {path} was made of is gone."
            )
        return
    if said.entries < report.entries:
        more = report.entries - said.entries
        detail = f"{path} is older than the journal, which has {_entries(more)} more: `tfclient rebuild {session_id}`."
        yield Flaw("document", detail)
    elif said.entries > report.entries:
        missing = said.entries - report.entries
        if whole:
            yield Flaw("removed", f"{_entries(missing)} at the end of the journal of {session_id}: gone.")
    elif said.head != report.head and whole:
        ends = ", ".join(sorted(report.heads))
        yield Flaw("changed", f"The last entry of segment {ends} was changed after {path} was made of it.")
