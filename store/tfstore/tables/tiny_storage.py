"""TinyDB's storage on top of the folder of documents: all of it can be read, nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from tinydb.storages import Storage

from tfstore.errors import TableReadOnly
from tfstore.tables.document_maps import Documents

if TYPE_CHECKING:
    from tfstore.disk.session_folder import SessionFolder

TABLE: Final = "sessions"


class SessionStorage(Storage):
    """The TinyDB storage of a store's documents, which are written by the recorder alone.

    Example:
        >>> import tempfile
        >>> from tinydb import TinyDB
        >>> from tfstore.disk.paths import StorePaths
        >>> from tfstore.disk.session_folder import SessionFolder
        >>> with TinyDB(SessionFolder(StorePaths(tempfile.mkdtemp())), storage=SessionStorage) as database:
        ...     database.tables()
        {'sessions'}
    """

    def __init__(self, folder: SessionFolder) -> None:
        self.folder = folder

    def read(self) -> dict[str, dict[str, Any]]:
        """Give the one table there is, as a mapping that reads documents when they are asked for."""
        return {TABLE: cast("dict[str, Any]", Documents(self.folder))}

    def write(self, data: Mapping[str, Mapping[str, Any]]) -> NoReturn:  # noqa: ARG002 - whatever it is
        """Refuse: the next ``rebuild`` would undo it.

        Raises:
            TableReadOnly: always.
        """
        raise TableReadOnly(self.folder.paths.root)
