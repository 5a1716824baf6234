"""Notes, long texts and media of a database, to be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from tfstore.document.notes import Noted, notes_in
from tfstore.errors import BlobUnreadable

if TYPE_CHECKING:
    from tfstore.document.documents import Json

Ask = Callable[..., list[Any]]
"""Asks a question in SQL, with the values in it; gives the rows."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class DatabaseBlobs:
    """Long texts and media that were sent with ``tfclient sync --blobs``."""

    def __init__(self, ask: Ask, where: str) -> None:
        self._ask = ask
        self._where = where

    def get(self, reference: Json | str) -> bytes:
        """Return the content of a reference, or of ``"sha256:…"``.

        Raises:
            BlobUnreadable: it was not sent, or is not what was stored.
        """
        name, digest = _digest(reference)
        rows = self._ask("SELECT content FROM blobs WHERE sha256 = %s AND content IS NOT NULL", digest)
        if not rows:
            raise BlobUnreadable(
                name, f"it is not in {self._where}: `tfclient sync --blobs` sends such things"
            )
        data = bytes(rows[0][0])
        if sha256(data).hexdigest() != digest:
            raise BlobUnreadable(name, f"it was changed in {self._where} after it was sent")
        return data

    def where(self, reference: Json | str) -> str:
        """Return where the content of a reference is, for a person.

        Raises:
            BlobUnreadable: it was not sent.
        """
        name, digest = _digest(reference)
        if not self._ask("SELECT 1 FROM blobs WHERE sha256 = %s AND content IS NOT NULL", digest):
            raise BlobUnreadable(
                name, f"it is not in {self._where}: `tfclient sync --blobs` sends such things"
            )
        return f"sha256:{digest} in {self._where}"


class DatabaseNotes:
    """What people noted on the machines where sessions were recorded."""

    def __init__(self, ask: Ask, sql: str) -> None:
        """``sql`` gives the name of each session with notes, their lines, and the digest of those."""
        self._ask = ask
        self._sql = sql

    def ids(self) -> list[str]:
        """Return the names of all sessions that have notes, sorted."""
        return [name for name, _, _ in self._ask(f"{self._sql} ORDER BY 1")]

    def read(self, session_id: str) -> Noted:
        """Return the notes on a session; none where there are none."""
        rows = self._rows(session_id)
        return notes_in(bytes(rows[0][1])) if rows else Noted()

    def version(self, session_id: str) -> str:
        """Return what changes whenever notes came."""
        rows = self._rows(session_id)
        return str(rows[0][2]) if rows else "none"

    def every(self) -> dict[str, Noted]:
        """Return all notes, by the name of their session."""
        return {name: notes_in(bytes(lines)) for name, lines, _ in self._ask(f"{self._sql} ORDER BY 1")}

    def _rows(self, session_id: str) -> list[Any]:
        bare = session_id.partition("@")[0]
        rows = self._ask(f"{self._sql} AND s.session_id = %s", bare)
        return [row for row in rows if row[0] == session_id] or (rows if len(rows) == 1 else [])


def _digest(reference: Json | str) -> tuple[Any, str]:
    name: Any = reference.get("blob") if isinstance(reference, dict) else reference
    digest = str(name).removeprefix("sha256:")
    if _DIGEST.fullmatch(digest) is None:
        raise BlobUnreadable(name, "that is no sha256 digest")
    return name, digest
