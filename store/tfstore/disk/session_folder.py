"""TinyDB over a folder: each session in a JSON file of its own, of which only what changed is written.

TinyDB storages give and take the whole database. This one gives ``Documents``, which reads a file when it is
asked for, and takes either the ``Changes`` to them or, from a plain ``Table``, a whole dictionary that it
compares with what is on disk. ``SessionTable`` makes use of the first, so that one session among ten thousand
costs one file.

A file that cannot be read is left out of scans, where it would hide all the others, and told in ``skipped``;
asked for by its id it raises ``CorruptDocument``.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Final, cast

from tinydb.storages import Storage

from tfstore.disk import fork
from tfstore.disk.files import read_file, replace_file
from tfstore.disk.json_text import compact, parse, readable
from tfstore.disk.locks import only_one
from tfstore.disk.paths import check_session_id, is_real_dir, is_session_id
from tfstore.document.converter import to_json
from tfstore.document.text import pieces_of
from tfstore.errors import CorruptDocument, StoreUnusable
from tfstore.journal.reading import size_of
from tfstore.tables.document_maps import Changes, Documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Json, Session

TABLE: Final = "sessions"
LARGEST: Final = 512 * 1024 * 1024
"""Bytes of a document that is read whatever made it. What is longer must have a journal that it can come of."""

SWELL: Final = 500
"""How many times as long as its journal a document may be: a step takes 700 bytes, the shortest item two."""


class SessionFiles(Storage):
    """The TinyDB storage of a store's documents.

    Args:
        paths: the store.
        changed: told the id and new content (None: removed) of each document that TinyDB wrote.
        fsync: force every document to the disk itself.

    Example:
        >>> import tempfile
        >>> from tinydb.table import Document
        >>> from tfstore.disk.paths import StorePaths
        >>> from tfstore.tables.session_table import SessionTable
        >>> table = SessionTable(SessionFiles(StorePaths(tempfile.mkdtemp())))
        >>> table.insert(Document({"title": "Hello"}, doc_id="sess_1"))
        'sess_1'
        >>> table.get(doc_id="sess_1")["title"]
        'Hello'
    """

    def __init__(
        self,
        paths: StorePaths,
        *,
        changed: Callable[[str, Mapping[str, Any] | None], None] | None = None,
        fsync: bool = False,
    ) -> None:
        self.paths = paths
        self.skipped: dict[str, str] = {}
        self._changed = changed
        self._fsync = fsync
        self._given: Documents | None = None
        self._lock = fork.lock()

    def ids(self) -> list[str]:
        """Return the ids of all documents, sorted, without reading any."""
        if not is_real_dir(self.paths.sessions):
            return []
        with os.scandir(self.paths.sessions) as found:
            names = [each.name[:-5] for each in found if each.name.endswith(".json")]
        return sorted(name for name in names if is_session_id(name))

    def has(self, session_id: str) -> bool:
        """Return whether there is a document, whatever is in it."""
        return (
            is_session_id(session_id)
            and is_real_dir(self.paths.sessions)
            and os.path.lexists(self.paths.document(session_id))
        )

    def text(self, session_id: str) -> bytes:
        """Return the bytes of a document.

        Raises:
            KeyError: there is none.
            CorruptDocument: it is there and cannot be read.
        """
        if not is_session_id(session_id) or not is_real_dir(self.paths.sessions):
            raise KeyError(session_id)
        path = self.paths.document(session_id)
        try:
            return read_file(path, self._longest(session_id, path.lstat().st_size))
        except FileNotFoundError:
            raise KeyError(session_id) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CorruptDocument(session_id, path, reason) from error

    def _longest(self, session_id: str, size: int) -> int:
        """Return how long a document may be, if it is of this size; of short ones nothing else is looked at.

        Raises:
            ValueError: it is longer.
        """
        if size <= LARGEST:
            return LARGEST
        journal = size_of(self.paths, session_id)
        if size > SWELL * journal:
            raise ValueError(
                f"it is {size:,} bytes long, which cannot have come of its journal of {journal:,} bytes"
            )
        return SWELL * journal

    def load(self, session_id: str) -> Json:
        """Return a document.

        Raises:
            KeyError: there is none.
            CorruptDocument: it is there and cannot be read.
        """
        return self.parse(session_id, self.text(session_id))

    def parse(self, session_id: str, text: bytes) -> Json:
        """Return the document that these bytes of its file hold.

        Raises:
            CorruptDocument: they hold none.
        """
        path = self.paths.document(session_id)
        try:
            document = parse(text)
        except ValueError as error:
            raise CorruptDocument(session_id, path, str(error)) from error
        if not isinstance(document, dict):
            raise CorruptDocument(session_id, path, "it is not a JSON object")
        self.skipped.pop(session_id, None)
        return cast("Json", document)

    def save(self, session_id: str, document: Mapping[str, Any]) -> None:
        """Write one document, whole.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            StoreUnusable: it cannot be written.
        """
        self.save_text(session_id, readable(dict(document)))

    def save_session(self, session: Session) -> None:
        """Write the document of a session, whole, holding only pieces of its text.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            StoreUnusable: it cannot be written.
        """
        try:
            self.save_text(session.session_id, pieces_of(session))
        except RecursionError:
            self.save(session.session_id, to_json(session))

    def save_text(self, session_id: str, text: bytes | Iterable[bytes]) -> None:
        """Write the text of one document, whole.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            StoreUnusable: it cannot be written.
        """
        path = self.paths.document(session_id)
        if not is_real_dir(self.paths.sessions):
            # The first document, or somebody deleted the store under the program.
            self.paths.create()
        try:
            replace_file(path, text, fsync=self._fsync)
        except OSError as error:
            raise StoreUnusable(self.paths.root, f"{path} cannot be written ({error})") from error

    def discard(self, session_id: str) -> None:
        """Remove one document, if it is there.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            StoreUnusable: it cannot be removed.
        """
        path = self.paths.document(session_id)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnusable(self.paths.root, f"{path} cannot be removed ({error})") from error
        self.skipped.pop(session_id, None)

    def read(self) -> dict[str, dict[str, Any]]:
        """Give the one table there is, as a mapping that reads documents when they are asked for."""
        self._given = Documents(self)
        return {TABLE: cast("dict[str, Any]", self._given)}

    def write(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        """Write what differs from the disk; a document is removed only if the last ``read`` gave it.

        Raises:
            ValueError: there is a table by another name: the folder has no place for it.
            InvalidSessionId: a document's id cannot be a file name; nothing was written.
        """
        others = [name for name, table in data.items() if name != TABLE and table]
        if others:
            raise ValueError(f"A store has the table {TABLE!r} only, not {', '.join(map(repr, others))}.")
        table = data.get(TABLE, {})
        if isinstance(table, Changes):
            table.save()
            return
        given = self._given if self._given is not None else Documents(self)
        removed = [each for each in given.given if each not in table]
        for session_id in table:
            check_session_id(session_id)
        for session_id, document in table.items():
            if not self._holds(session_id, document):
                self.save(session_id, document)
                self.tell(session_id, document)
        for session_id in removed:
            self.discard(session_id)
            self.tell(session_id, None)

    def tell(self, session_id: str, document: Mapping[str, Any] | None) -> None:
        """Tell whoever follows what TinyDB wrote (None: removed)."""
        if self._changed is not None:
            self._changed(session_id, document)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other threads and processes from updating documents through TinyDB meanwhile."""
        self.paths.create()
        with self._lock, only_one(self.paths.sessions / ".lock"):
            yield

    def _holds(self, session_id: str, document: Any) -> bool:
        try:
            return compact(self.load(session_id)) == compact(document)
        except (KeyError, CorruptDocument):
            return False
