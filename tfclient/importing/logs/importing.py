"""Logs made into sessions: written to the journal like any other, then finished like any other.

A log grows while its agent goes on. Importing it again makes the same session of what it holds by then; one that holds
less than before, or something else, leaves the session as it is.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from heapq import merge
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tfclient.finishing.last_steps import claim_and_write
from tfclient.finishing.live import DrawingFailed, LiveSession
from tfclient.importing.imported import Imported
from tfclient.importing.logs.atif import Atif
from tfclient.importing.logs.chain import Known, Teller
from tfclient.importing.logs.claude_code import ClaudeCode
from tfclient.importing.logs.codex import Codex
from tfclient.importing.logs.known import known_in
from tfclient.importing.logs.lines import Extent, Line, moment
from tfclient.importing.logs.log import About, Json, PassedOver, Reader, redacted
from tfclient.importing.logs.openai_agents import OpenAIAgents
from tfclient.importing.logs.survey import (
    ATIF,
    CLAUDE_CODE,
    CODEX,
    OPENAI_AGENTS,
    NotALog,
    Survey,
    survey,
    together,
)
from tfclient.redaction import Redactor
from tfstore.document.times import iso
from tfstore.errors import ClaimedElsewhere, SessionInUse, UnknownSession
from tfstore.journal.reading import iter_entries, live_writers, writers
from tfstore.journal.segment import Segment
from tfstore.keeping.deleting import remove_journal

if TYPE_CHECKING:
    from tfstore.document.documents import Session
    from tfstore.journal.entries import Entry
    from tfstore.store import Store

READER: Final = 1
"""How logs are read: of another number, what was imported is read again although nothing was added to it."""

_BATCH: Final = 64
_READERS: Final[dict[str, Callable[[Teller, PassedOver, Iterable[Known]], Reader]]] = {
    CODEX: Codex,
    CLAUDE_CODE: ClaudeCode,
    ATIF: Atif,
    OPENAI_AGENTS: OpenAIAgents,
}


def import_logs(
    store: Store, paths: Iterable[Path], *, redact: Any = "secrets", max_payload: int | None = None
) -> Iterator[Imported]:
    """Make sessions of logs and yield what became of each; a bad one does not stop the others.

    Args:
        store: where to.
        paths: the logs; those that began first are imported first, so that forks find what they were forked from.
        redact: as a recorder's.
        max_payload: bytes that the documents keep of one value; None keeps everything.

    Raises:
        StoreError: the store itself cannot be written.
    """
    redactor = Redactor.from_setting(redact)
    found: list[Survey] = []
    for path in paths:
        try:
            found += survey(path)
        except (NotALog, OSError, sqlite3.Error) as error:
            yield Imported(path, problem=str(error), agent="")
    each = [(about, log) for log in together(found) for about in log.sessions]
    for about, log in sorted(each, key=lambda pair: (pair[0].began, pair[0].thread)):
        try:
            yield _import(store, log, about, redactor, max_payload)
        except (DrawingFailed, SessionInUse, ClaimedElsewhere) as error:
            yield Imported(log.path, problem=str(error), agent=about.agent)


def session_id_of(about: About) -> str:
    """Return the id that the session of a log always has: when it began, and a digest of the thread's own id."""
    moment = re.sub(r"[-:]|\.\d+", "", iso(about.began))
    return f"sess_{moment}_{sha256(f'{about.agent}:{about.thread}'.encode()).hexdigest()[:8]}"


def _import(store: Store, log: Survey, about: About, redactor: Redactor, max_payload: int | None) -> Imported:
    session_id, passed = session_id_of(about), PassedOver()
    before = _before(store, session_id)
    if before is not None:
        read = before.get("imported")
        earlier = _read_before(read) if isinstance(read, dict) else {}
        now = {file.path.name: file for file in log.files}
        cut = [
            name for name, extent in earlier.items() if name not in now or not now[name].begins_with(extent)
        ]
        if cut:
            which = now[cut[0]].path if cut[0] in now else log.path.parent / cut[0]
            told = f"{which} is not what session {session_id} was imported from: it was cut or changed."
            more = f"The session is left as it is; `tfclient delete {session_id}` before importing makes it anew."
            return Imported(log.path, problem=f"{told} {more}", agent=about.agent)
        alike = (
            before.get("redaction") == {"mode": redactor.mode} and before.get("max_payload") == max_payload
        )
        read_so = isinstance(read, dict) and read.get("reader") == READER
        if earlier == {name: file.extent for name, file in now.items()} and alike and read_so:
            known = _whole(store, session_id)
            if known is not None:
                return Imported(log.path, known, agent=about.agent, unchanged=True)
    started: Entry = {
        "type": "session.started",
        "at": about.began,
        "journal_version": 1,
        "title": redacted(redactor, {"title": about.title})["title"],
        "metadata": redacted(
            redactor, {"imported_from": log.path.name, "agent": about.agent, **about.metadata}
        ),
        "channel": "text",
        "redaction": {"mode": redactor.mode},
        "imported": _imported(store, log, about),
        **({"max_payload": max_payload} if max_payload is not None else {}),
    }
    teller = Teller(about.agent, about.thread, redactor, last_at=about.began)
    entries = _entries(
        log, about.thread, _READERS[log.agent](teller, passed, _known(store, about)), passed, teller
    )
    first = list(islice(entries, 1))
    if not first or first[0]["type"] == "session.ended":
        return Imported(log.path, problem=f"{log.path} holds no conversation yet.", agent=about.agent)
    session = _write(store, session_id, chain([started], first, entries))
    return Imported(log.path, session, agent=about.agent, passed_over=passed.told())


def _whole(store: Store, session_id: str) -> Session | None:
    """Return a session that an import wrote to its end; one that was killed is begun anew."""
    try:
        session = store.get(session_id)
    except UnknownSession:
        return None
    return session if session.status == "closed" and session.end_reason == "closed" else None


def _before(store: Store, session_id: str) -> Entry | None:
    """Return how the journal of a session begins, if there is one."""
    if not writers(store.paths, session_id):
        return None
    return next(iter_entries(store.paths, session_id), None)


def _parent(store: Store, about: About) -> str | None:
    """Return the session of the thread that one came of, if it is in the store."""
    found = store.find_response(f"{about.agent}_{about.parent}_1") if about.parent else None
    return found[0] if found is not None else None


def _known(store: Store, about: About) -> Iterator[Known]:
    parent = _parent(store, about) if about.forked else None
    return known_in(iter_entries(store.paths, parent)) if parent is not None else iter(())


def _imported(store: Store, log: Survey, about: About) -> Json:
    told: Json = {
        "from": about.agent,
        "reader": READER,
        "made": ["response_ids"],
        "files": [each.path.name for each in log.files],
    }
    told |= {"bytes": [each.extent.bytes for each in log.files]}
    told |= {"sha256": [each.extent.sha256 for each in log.files]}
    parent = _parent(store, about)
    return told | ({"parent_session": parent} if parent is not None else {})


def _entries(log: Survey, thread: str, reader: Reader, passed: PassedOver, teller: Teller) -> Iterator[Entry]:
    for line in _lines(log, thread):
        try:
            yield from reader.take(line)
        except (TypeError, ValueError, KeyError, AttributeError, LookupError, RecursionError):
            # A format that moves: what a line became until here stays, and the log goes on.
            passed.line(line)
    yield from reader.end()
    told = {"imported": more} if (more := passed.told()) else {}
    yield {"type": "session.ended", "at": teller.last_at, "end_reason": "closed", **told}


def _read_before(imported: Json) -> dict[str, Extent]:
    """Return how far the files of a log were read, by their names."""
    read = zip(imported["files"], imported["bytes"], imported["sha256"], strict=True)
    return {str(name): Extent(size, digest) for name, size, digest in read}


def _lines(log: Survey, thread: str) -> Iterator[Line]:
    """Yield the lines of a log, those of several files in the order of their times."""
    if len(log.files) == 1:
        lines = log.files[0].lines()
    else:
        lines = (line for _, line in merge(*(_timed(each.lines()) for each in log.files), key=itemgetter(0)))
    others = {each.thread for each in log.sessions} - {thread}
    of = log.sessions[0].thread
    for line in lines:
        named = line.value.get("sessionId") if isinstance(line.value, dict) else None
        of = str(named) if named in others or named == thread else of
        if of == thread:
            yield line


def _timed(lines: Iterable[Line]) -> Iterator[tuple[int, Line]]:
    at = 0
    for line in lines:
        told = moment(line.value.get("timestamp")) if isinstance(line.value, dict) else None
        at = max(at, told or 0)
        yield at, line


def _write(store: Store, session_id: str, entries: Iterable[Entry]) -> Session:
    if writers(store.paths, session_id):
        # The rest is replaced by what is made of the new one.
        remove_journal(store, session_id)
    waiting = iter(entries)
    with Segment.open(store.paths, session_id) as segment:
        # Two imports at once may both have found nothing in their way.
        others = [each for each in live_writers(store.paths, session_id) if each != segment.writer]
        if others:
            raise SessionInUse(session_id, others)
        while batch := list(islice(waiting, _BATCH)):
            segment.append(*({"mono": 0, **entry} for entry in batch))
    return claim_and_write(LiveSession(store, session_id))
