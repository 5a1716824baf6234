"""The files that logs are: lines of JSON, one document, or rows of a table; each read as lines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import field, frozen

from tfclient.importing.logs.lines import Extent, Line, begins_with, lines_of
from tfstore.document.json_text import parse

LARGEST: Final = 100 * 1024 * 1024
"""Bytes of the largest document that is read: it is held in memory as a whole."""

SQLITE: Final = b"SQLite format 3\0"
TABLE: Final = "agent_messages"


class File(Protocol):
    """A file of a log, as far as it can be read."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...

    @property
    def extent(self) -> Extent:
        """How much of it there is."""
        ...

    def lines(self) -> Iterator[Line]:
        """Yield what it says, piece by piece."""
        ...

    def begins_with(self, extent: Extent) -> bool:
        """Return whether it still begins with what was read of it."""
        ...


@frozen
class Lines:
    """A file of JSON lines, to which its agent adds."""

    path: Path
    extent: Extent

    def lines(self) -> Iterator[Line]:
        """Yield its lines."""
        return lines_of(self.path, self.extent.bytes)

    def begins_with(self, extent: Extent) -> bool:
        """Return whether it only grew."""
        return begins_with(self.path, extent)


@frozen
class Document:
    """A file that is one JSON object, written as a whole."""

    path: Path
    content: dict[str, Any] = field(repr=False)
    extent: Extent
    listed: str
    """The member whose entries are its lines; all else comes before them."""

    @classmethod
    def read(cls, path: Path, listed: str) -> Document:
        """Read a document.

        Raises:
            ValueError: it is no JSON object, or too large.
            OSError: it cannot be read.
        """
        if path.stat().st_size > LARGEST:
            raise ValueError(f"is longer than {LARGEST:,} bytes")
        data = path.read_bytes()
        try:
            content = parse(data)
        except ValueError as error:
            raise ValueError(f"is no JSON ({error})") from error
        if not isinstance(content, dict):
            raise TypeError("is no JSON object")
        return cls(path, content, Extent(len(data), sha256(data).hexdigest()), listed)

    def lines(self) -> Iterator[Line]:
        """Yield what stands beside the list, then its entries."""
        yield Line(0, {name: value for name, value in self.content.items() if name != self.listed})
        entries = self.content.get(self.listed)
        for number, entry in enumerate(entries if isinstance(entries, list) else [], 1):
            yield Line(number, entry)

    def begins_with(self, extent: Extent) -> bool:
        """Return whether it is as long as it was; it is written anew each time."""
        return self.extent.bytes >= extent.bytes


@frozen
class Rows:
    """The rows of one session in a table of messages; ``extent`` counts rows."""

    path: Path
    session: str
    extent: Extent

    @classmethod
    def read(cls, path: Path, session: str) -> Rows:
        """Look at the rows of a session.

        Raises:
            sqlite3.Error: the database cannot be read.
        """
        count, digest = _digest(path, session, None)
        return cls(path, session, Extent(count, digest))

    def lines(self) -> Iterator[Line]:
        """Yield its rows, with the items in them."""
        for row_id, data, created_at in islice(_rows(self.path, self.session), self.extent.bytes):
            try:
                yield Line(row_id, {"item": parse(str(data).encode()), "created_at": created_at})
            except ValueError as error:
                yield Line(row_id, problem=f"it is no JSON ({error})")

    def begins_with(self, extent: Extent) -> bool:
        """Return whether rows were only added."""
        return _digest(self.path, self.session, extent.bytes) == (extent.bytes, extent.sha256)


def sessions_in(path: Path) -> list[tuple[str, Any]]:
    """Return the sessions of a database, and when they were made; none where it has no such table.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    with closing(_opened(path)) as database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if TABLE not in tables:
            return []
        # Not of the table of sessions: it may have been named otherwise.
        found = database.execute(f"SELECT session_id, MIN(created_at) FROM {TABLE} GROUP BY session_id")  # noqa: S608
        return [(str(session), began) for session, began in found]


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)


def _rows(path: Path, session: str) -> Iterator[tuple[int, Any, Any]]:
    with closing(_opened(path)) as database:
        wanted = f"SELECT id, message_data, created_at FROM {TABLE} WHERE session_id = ? ORDER BY id"  # noqa: S608
        yield from database.execute(wanted, (session,))


def _digest(path: Path, session: str, most: int | None) -> tuple[int, str]:
    digest, count = sha256(), 0
    for row_id, data, _ in islice(_rows(path, session), most):
        digest.update(f"{row_id} {len(str(data))} {data}\n".encode("utf-8", "surrogatepass"))
        count += 1
    return count, digest.hexdigest()
