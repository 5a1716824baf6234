"""Long texts and media of a database that nothing there refers to any more.

Documents are read for it, and of sessions without one the JSON of their steps: no table says who refers to what.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from tfstore.postgres.connecting import until_done
from tfstore.postgres.outgoing import unpacked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tfstore.postgres.connecting import Connection

    Key = tuple[Any, str, str]

_REFERENCE: Final = re.compile(rb"sha256:([0-9a-f]{64})")
_ROWS: Final = 100

_THESE: Final = (
    "(source_id, session_id) IN (SELECT * FROM unnest(%s::uuid[], %s::text[])) AND month = ANY(%s::date[])"
)


@frozen
class Unused:
    """How many blobs nothing refers to, and how many bytes they are."""

    blobs: int = 0
    bytes: int = 0


def referred_to(connection: Connection, keys: Sequence[Key]) -> set[str]:
    """Return the digests of the blobs that the documents of sessions refer to, or the JSON of their steps."""
    if not keys:
        return set()
    months, sources, ids = ([each[place] for each in keys] for place in range(3))
    values = (sources, ids, sorted(set(months)))
    found: set[str] = set()
    for (packed,) in connection.execute(f"SELECT document FROM documents WHERE {_THESE}".encode(), values):
        found |= _in(_plain(packed))
    asked = (
        f"SELECT payload::text FROM agent_run_payloads WHERE {_THESE} AND payload::text LIKE '%%sha256:%%'"
    )
    for (payload,) in connection.execute(asked.encode(), values):
        found |= _in(payload.encode())
    return found


def unused(
    connection: Connection,
    among: Collection[str] | None = None,
    *,
    no_documents: str = "FALSE",
    no_payloads: str = "FALSE",
) -> dict[str, int]:
    """Return the blobs that no session refers to, each with its bytes.

    Args:
        connection: where.
        among: only these; else any.
        no_documents: of which sessions the documents do not count, ``s`` being their table, in words of our own.
        no_payloads: of which the JSON of steps does not.
    """
    asked = "SELECT sha256, bytes FROM blobs WHERE coalesce(sha256 = ANY(%s), TRUE)"
    there = dict(connection.execute(asked, (None if among is None else list(among),)).fetchall())
    if there:
        for text in _texts(connection, no_documents, no_payloads):
            for digest in _in(text):
                there.pop(digest, None)
            if not there:
                break
    return there


def remove_unused(connection: Connection, among: Collection[str] | None = None) -> Unused:
    """Remove the blobs that no session refers to; return what they were.

    What is sent meanwhile keeps its own: at the end nobody sends, and what came since is looked at.
    """
    asked = "SELECT month, source_id::text, session_id, document_sha256 FROM sessions"
    seen = set(connection.execute(asked).fetchall())
    gone = unused(connection, among)
    if not gone:
        return Unused()

    def remove() -> None:
        with connection.transaction():
            connection.execute("LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE")
            came = [row[:3] for row in connection.execute(asked).fetchall() if row not in seen]
            for digest in referred_to(connection, came):
                gone.pop(digest, None)
            connection.execute("DELETE FROM blobs WHERE sha256 = ANY(%s)", (list(gone),))

    until_done(remove)
    return Unused(len(gone), sum(gone.values()))


def _texts(connection: Connection, no_documents: str, no_payloads: str) -> Iterator[bytes]:
    """Yield the texts of all sessions in which references may stand."""
    joined = "t JOIN sessions s USING (month, source_id, session_id) WHERE NOT"
    documents = f"SELECT t.document FROM documents {joined} ({no_documents})"
    payloads = f"SELECT t.payload::text FROM agent_run_payloads {joined} ({no_payloads})"
    questions = (documents, f"{payloads} AND t.payload::text LIKE '%sha256:%'")
    with connection.transaction():
        for number, asked in enumerate(questions):
            with connection.cursor(f"texts_{number}") as cursor:
                cursor.itersize = _ROWS
                cursor.execute(asked.encode())
                for (text,) in cursor:
                    yield text.encode() if isinstance(text, str) else _plain(text)


def _in(text: bytes) -> set[str]:
    return {each.decode() for each in _REFERENCE.findall(text)}


def _plain(packed: Any) -> bytes:
    # What is damaged refers to nothing that could be found.
    with suppress(ValueError):
        return unpacked(bytes(packed))
    return b""
