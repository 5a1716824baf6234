"""The TinyDB table of a store's documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from tinydb.table import Document, Table

from tfstore.disk.paths import new_session_id
from tfstore.disk.session_folder import TABLE
from tfstore.tables.document_maps import Changes, Documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinydb.queries import QueryLike

    from tfstore.disk.session_folder import SessionFiles


class SessionTable(Table):
    """A TinyDB table of session documents, whose ``doc_id`` is the session id.

    Everything a TinyDB ``Table`` does, it does, and nothing it gives is remembered: another process may have
    refreshed the document since. Inserting a document without a ``doc_id`` takes its ``session_id``, or a
    fresh one. ``len`` counts files, also those that cannot be read.
    """

    document_id_class = str  # type: ignore[assignment]

    def __init__(self, files: SessionFiles) -> None:
        super().__init__(files, TABLE, cache_size=0)
        self._files = files

    def insert(self, document: Mapping[str, Any]) -> int:
        """Insert a document and return its session id.

        Raises:
            ValueError: a document with this id exists.
            InvalidSessionId: its id cannot be a file name.
        """
        return super().insert(_with_id(document))

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> list[int]:
        """Insert documents and return their session ids; nothing is inserted if one of them cannot be."""
        return super().insert_multiple(_with_id(each) for each in documents)

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

    def _get_next_id(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return new_session_id()

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        with self._files.alone():
            changes = Changes(Documents(self._files))
            updater(changes)
            self._files.write({TABLE: changes})
        self.clear_cache()


def _with_id(document: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(document, Document) or not isinstance(document, Mapping):
        return document
    session_id = document.get("session_id")
    return document if session_id is None else Document(document, cast("int", str(session_id)))
