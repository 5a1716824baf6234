"""A folder of documents as a mapping, to be read from."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from typing import TYPE_CHECKING

from tfstore.document.documents import Json
from tfstore.errors import CorruptDocument

if TYPE_CHECKING:
    from tfstore.disk.session_folder import SessionFolder


class Documents(Mapping[str, Json]):
    """The documents on disk by session id, each read when it is asked for.

    Who goes through all of them is not stopped by one that cannot be read: it is told in the folder's ``unreadable``.
    """

    def __init__(self, folder: SessionFolder) -> None:
        self.folder = folder

    def __getitem__(self, session_id: str) -> Json:
        return self.folder.load(session_id)

    def __contains__(self, session_id: object) -> bool:
        return isinstance(session_id, str) and self.folder.has(session_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self.folder.ids())

    def __len__(self) -> int:
        return len(self.folder.ids())

    def items(self) -> ItemsView[str, Json]:
        return _ReadableItems(self)


class _ReadableItems(ItemsView[str, Json]):
    _mapping: Documents

    def __iter__(self) -> Iterator[tuple[str, Json]]:
        for session_id in self._mapping:
            try:
                document = self._mapping[session_id]
            except KeyError:
                continue  # removed since the folder was listed
            except CorruptDocument as error:
                self._mapping.folder.unreadable[session_id] = str(error)
                continue
            yield session_id, document
