"""The TinyDB table of a store's documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

from tinydb.table import Document, Table

from tfstore.errors import TableReadOnly
from tfstore.tables.tiny_storage import TABLE, SessionStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tinydb.queries import QueryLike

    from tfstore.disk.session_folder import SessionFolder


class SessionTable(Table):
    """A TinyDB table of session documents, whose ``doc_id`` is the session id; for reading.

    Whatever a TinyDB ``Table`` finds, it finds, and nothing it gives is remembered: another process may have
    refreshed the document since. ``len`` counts files, also those that cannot be read. What would change a
    document raises ``TableReadOnly``: sessions are written by the recorder.

    Example:
        >>> import tempfile
        >>> from tinydb import where
        >>> from tfstore.disk.paths import StorePaths
        >>> from tfstore.disk.session_folder import SessionFolder
        >>> from tfstore.document.documents import Session
        >>> folder = SessionFolder(StorePaths(tempfile.mkdtemp()))
        >>> _ = folder.save(Session("sess_1", title="Hello"))
        >>> SessionTable(folder).get(where("title") == "Hello").doc_id
        'sess_1'
    """

    document_id_class = str  # type: ignore[assignment]

    def __init__(self, folder: SessionFolder) -> None:
        super().__init__(SessionStorage(folder), TABLE, cache_size=0)
        self._root = folder.paths.root

    def get(  # type: ignore[override]
        self,
        cond: QueryLike | None = None,
        doc_id: str | None = None,
        doc_ids: list[str] | None = None,
    ) -> Document | list[Document] | None:
        """Return the document with this id, or the first that the query holds for; a list for ``doc_ids``.

        Raises:
            CorruptDocument: the document with this id is there and cannot be read.
        """
        if doc_id is None and doc_ids is not None:
            found = (self.get(doc_id=each) for each in dict.fromkeys(map(str, doc_ids)))
            return [cast("Document", each) for each in found if each is not None]
        if doc_id is not None:
            return super().get(cond, cast("int", str(doc_id)))
        return super().get(cast("QueryLike", cond))

    def insert(self, document: Mapping[str, Any]) -> NoReturn:  # noqa: ARG002 - whatever it is
        """Refuse.

        Raises:
            TableReadOnly: always.
        """
        raise TableReadOnly(self._root)

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> NoReturn:  # noqa: ARG002
        """Refuse.

        Raises:
            TableReadOnly: always.
        """
        raise TableReadOnly(self._root)

    def _update_table(self, updater: Callable[[Any], None]) -> NoReturn:  # noqa: ARG002
        raise TableReadOnly(self._root)
