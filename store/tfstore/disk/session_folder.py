"""The folder of session documents: each a JSON file, written whole, read when it is asked for.

A file that cannot be read is left out where all are looked through, since it would hide the others, and told in
``skipped``; asked for by its id it raises ``CorruptDocument``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, cast

from cattrs.errors import BaseValidationError
from cattrs.v import transform_error

from tfstore.disk.files import read_file, replace_file, stamp_of
from tfstore.disk.paths import is_real_dir, is_session_id
from tfstore.document.converter import from_json, to_json
from tfstore.document.json_text import parse, readable
from tfstore.document.text import pieces_of
from tfstore.errors import CorruptDocument, NewerDocument, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tfstore.disk.files import Stamp
    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Json, Session

LARGEST: Final = 512 * 1024 * 1024
"""Bytes of a document that is read whatever made it. What is longer must have a journal that it can come of."""

SWELL: Final = 500
"""How many times as long as its journal a document may be: a step takes 700 bytes, the shortest item two."""


class SessionFolder:
    """The documents of one store.

    Args:
        paths: the store.
        journal_size: says how many bytes the journal of a session is long, as far as that is known.
        fsync: force every document to the disk itself.

    Example:
        >>> import tempfile
        >>> from tfstore.disk.paths import StorePaths
        >>> from tfstore.document.documents import Session
        >>> folder = SessionFolder(StorePaths(tempfile.mkdtemp()))
        >>> _ = folder.save(Session("sess_1", title="Hello"))
        >>> folder.session("sess_1").title, folder.ids()
        ('Hello', ['sess_1'])
    """

    def __init__(
        self, paths: StorePaths, *, journal_size: Callable[[str], int] = lambda _: 0, fsync: bool = False
    ) -> None:
        self.paths = paths
        self.unreadable: dict[str, str] = {}
        self.unfit: dict[str, str] = {}
        self._journal_size = journal_size
        self._fsync = fsync

    @property
    def skipped(self) -> dict[str, str]:
        """Session id and reason of each document that was passed by: it is no JSON object, or no session."""
        return {**self.unreadable, **self.unfit}

    def ids(self) -> list[str]:
        """Return the ids of all documents, sorted, without reading any."""
        return sorted(name for each in self._entries() if is_session_id(name := each.name[:-5]))

    def stamps(self) -> dict[str, Stamp]:
        """Return the ids of all documents, each with what changes when the document does."""
        found: dict[str, Stamp] = {}
        for each in self._entries():
            if is_session_id(name := each.name[:-5]):
                try:
                    found[name] = stamp_of(each.stat(follow_symlinks=False))
                except FileNotFoundError:
                    continue  # removed since the folder was listed
        return found

    def stamp(self, session_id: str) -> Stamp | None:
        """Return what changes when the document does; None if there is none."""
        try:
            return stamp_of(self.paths.document(session_id).lstat())
        except OSError:
            return None

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

    def load(self, session_id: str) -> Json:
        """Return a document.

        Raises:
            KeyError: there is none.
            CorruptDocument: it is there and cannot be read.
        """
        document = document_in(session_id, self.text(session_id), self.paths.document(session_id))
        self.unreadable.pop(session_id, None)
        return document

    def session(self, session_id: str) -> Session:
        """Return the session that a document holds.

        Raises:
            KeyError: there is no document with this id.
            CorruptDocument: its document cannot be read.
            NewerDocument: its document was written by a later version.
        """
        return self.structured(session_id, self.load(session_id))

    def structured(self, session_id: str, document: Json) -> Session:
        """Return the session that this document of the folder holds.

        Raises:
            CorruptDocument: it holds none.
            NewerDocument: it was written by a later version.
        """
        return session_in(session_id, document, self.paths.document(session_id))

    def readable(self, session_id: str, document: Json | None = None) -> Session | None:
        """Return the session that a document holds, which may have been read already.

        None if it is gone or, told in ``skipped``, holds none.
        """
        try:
            document = self.load(session_id) if document is None else document
        except KeyError:
            self.forget(session_id)
            return None
        except CorruptDocument as error:
            self.unreadable[session_id] = str(error)
            return None
        try:
            session = self.structured(session_id, document)
        except (CorruptDocument, NewerDocument) as error:
            self.unfit[session_id] = str(error)
            return None
        self.unfit.pop(session_id, None)
        return session

    def forget(self, session_id: str) -> None:
        """Forget that a document was passed by: it is gone."""
        self.unreadable.pop(session_id, None)
        self.unfit.pop(session_id, None)

    def save(self, session: Session) -> Stamp:
        """Write the document of a session, whole, holding only pieces of its text; return its stamp.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            StoreUnusable: it cannot be written; an earlier document is untouched.
        """
        try:
            return self._save_text(session.session_id, pieces_of(session))
        except RecursionError:
            return self._save_text(session.session_id, readable(to_json(session)))

    def _save_text(self, session_id: str, text: bytes | Iterable[bytes]) -> Stamp:
        path = self.paths.document(session_id)
        if not is_real_dir(self.paths.sessions):
            # The first document, or somebody deleted the store under the program.
            self.paths.create()
        try:
            return replace_file(path, text, fsync=self._fsync)
        except OSError as error:
            raise StoreUnusable(self.paths.root, f"{path} cannot be written ({error})") from error

    def _entries(self) -> list[os.DirEntry[str]]:
        if not is_real_dir(self.paths.sessions):
            return []
        with os.scandir(self.paths.sessions) as found:
            return [each for each in found if each.name.endswith(".json")]

    def _longest(self, session_id: str, size: int) -> int:
        """Return how long a document may be, if it is of this size; of short ones nothing else is looked at.

        Raises:
            ValueError: it is longer.
        """
        if size <= LARGEST:
            return LARGEST
        journal = self._journal_size(session_id)
        if size > SWELL * journal:
            raise ValueError(
                f"it is {size:,} bytes long, which cannot have come of its journal of {journal:,} bytes"
            )
        return SWELL * journal


def document_in(session_id: str, text: bytes, where: Path | str) -> Json:
    """Return the document that these bytes are.

    Raises:
        CorruptDocument: they are none.
    """
    try:
        document = parse(text)
    except ValueError as error:
        raise CorruptDocument(session_id, where, str(error)) from error
    if not isinstance(document, dict):
        raise CorruptDocument(session_id, where, "it is not a JSON object")
    return cast("Json", document)


def session_in(session_id: str, document: Json, where: Path | str) -> Session:
    """Return the session that a document holds.

    Raises:
        CorruptDocument: it holds none.
        NewerDocument: it was written by a later version.
    """
    try:
        if "schema_version" not in document:
            raise ValueError("it has no schema_version")  # noqa: TRY301 - told like the rest
        return from_json(document)
    except BaseValidationError as error:
        reason = "; ".join(transform_error(error, path="$")[:3])
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        reason = f"it is no session document ({error})"
    raise CorruptDocument(session_id, where, reason)
