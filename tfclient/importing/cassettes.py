"""Sessions from cassettes that exist already: written to the journal like any other, then finished like any other.

The same cassette gives the same session: importing it again replaces what it gave before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfclient.finishing.last_steps import claim_and_write
from tfclient.finishing.live import LiveSession
from tfclient.importing.as_entries import UNDATED, date_of, entries_of
from tfclient.importing.cassette import NotACassette, find_cassettes, whole_cassette
from tfclient.importing.imported import Imported, NotDecoded
from tfclient.redaction import Redactor
from tfstore.document.documents import Session
from tfstore.journal.reading import writers
from tfstore.journal.segment import Segment
from tfstore.keeping.deleting import remove_journal

if TYPE_CHECKING:
    from tfclient.importing.cassette import Interaction
    from tfstore.store import Store

BATCH = 64


def cassettes_at(paths: Sequence[Path]) -> list[Path]:
    """Return the cassettes at these paths, folders walked.

    Raises:
        FileNotFoundError: a path does not exist.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(
                f"{path} does not exist. Give cassettes, logs of agents, or folders of them."
            )
    return list(dict.fromkeys(each for path in paths for each in find_cassettes(path)))


def import_cassettes(
    store: Store,
    cassettes: Sequence[Path],
    *,
    redact: Any = "secrets",
    metadata: dict[str, Any] | None = None,
    max_payload: int | None = None,
) -> Iterator[Imported]:
    """Make a session of each cassette and yield what became of it; a bad one does not stop the others.

    Args:
        store: where to.
        cassettes: the files, as ``cassettes_at`` gives them.
        redact: as a recorder's.
        metadata: tags for every session.
        max_payload: bytes that the documents keep of one value; None keeps everything.

    Raises:
        StoreError: the store itself cannot be written.
    """
    redactor = Redactor.from_setting(redact)
    for path in cassettes:
        try:
            whole = whole_cassette(path)
        except NotACassette as error:
            yield Imported(path, problem=str(error))
            continue
        interactions = whole.interactions
        left_out = sum(not each.is_openai for each in interactions)
        if left_out == len(interactions):
            what = "holds only what went over WebSockets, which" if whole.sockets else "holds no exchange"
            why = " `tfclient replay` plays and nobody imports." if whole.sockets else " with an OpenAI API."
            yield Imported(path, left_out=left_out, problem=f"{path} {what}{why}")
            continue
        tags = {"imported_from": path.name, **(metadata or {})}
        told = entries_of(interactions, redactor, title=None, metadata=tags, max_payload=max_payload)
        session = _import(store, session_id_of(path, interactions), list(told))
        connections = sum(each["type"] == "socket.opened" for each in whole.sockets)
        passed = {"passed_over": {"connection of a WebSocket": connections}} if connections else {}
        not_decoded = tuple(_not_decoded(interactions))
        yield Imported(path, session, left_out, not_decoded=not_decoded, passed_over=passed)


def _not_decoded(interactions: Sequence[Interaction]) -> Iterator[NotDecoded]:
    for n, each in enumerate(interactions, 1):
        if each.is_openai:
            if each.sent.problem is not None:
                yield NotDecoded(n, "request", each.sent.problem)
            if each.received.problem is not None:
                yield NotDecoded(n, "response", each.received.problem)


def _import(store: Store, session_id: str, entries: list[dict[str, Any]]) -> Session:
    if writers(store.paths, session_id):
        # The rest is replaced by what is made of the new one.
        remove_journal(store, session_id)
    with Segment.open(store.paths, session_id) as segment:
        for start in range(0, len(entries), BATCH):
            segment.append(*({"mono": 0, **entry} for entry in entries[start : start + BATCH]))
    return claim_and_write(LiveSession(store, session_id))


def session_id_of(path: Path, interactions: Sequence[Interaction]) -> str:
    """Return the id that this cassette's session always has: its first date, and a digest of its content."""
    from tfstore.document.times import iso

    began = next((at for each in interactions if (at := date_of(each)) != UNDATED), UNDATED)
    moment = re.sub(r"[-:]|\.\d+", "", iso(began))
    return f"sess_{moment}_{sha256(path.read_bytes()).hexdigest()[:8]}"
