"""Documents as sessions: one by its id, or those among all that hold something; what cannot be read is passed by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cattrs.errors import BaseValidationError
from cattrs.v import transform_error

from tfstore.disk.json_text import compact
from tfstore.document.converter import from_json
from tfstore.errors import CorruptDocument, NewerDocument
from tfstore.tables.document_maps import Documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tinydb.queries import QueryLike

    from tfstore.disk.session_folder import SessionFiles
    from tfstore.document.documents import Json, Session

_PLAIN = re.compile(r"[\w.:/-]+", re.ASCII)


class StoredSessions:
    """The sessions of one folder of documents."""

    def __init__(self, files: SessionFiles) -> None:
        self._files = files
        self._unfit: dict[str, str] = {}

    @property
    def skipped(self) -> Mapping[str, str]:
        """Session id and reason of each document that was passed by because it cannot be read."""
        return {**self._files.skipped, **self._unfit}

    def get(self, session_id: str) -> Session:
        """Return a session.

        Raises:
            KeyError: there is no document with this id.
            CorruptDocument: its document cannot be read.
            NewerDocument: its document was written by a later version.
        """
        return self._structured(session_id, self._files.load(session_id))

    def structured(self, session_id: str, document: Json) -> Session | None:
        """Return the session that a document holds, or None, and its id in ``skipped``, if it holds none."""
        try:
            return self._structured(session_id, document)
        except (CorruptDocument, NewerDocument) as error:
            self._unfit[session_id] = str(error)
            return None

    def matching(self, query: QueryLike) -> Iterator[Session]:
        """Yield the sessions whose documents a TinyDB query holds for, by id."""
        for session_id, document in Documents(self._files).items():
            if query(document):
                session = self.structured(session_id, document)
                if session is not None:
                    yield session

    def holding(self, *words: str | None) -> Iterator[Session]:
        """Yield the sessions in whose documents all these words may stand, by id.

        They are looked for in the bytes first: parsing a document that cannot hold them costs far more.
        """
        wanted = [compact(each) for each in words if each and _PLAIN.fullmatch(each)]
        for session_id in self._files.ids():
            try:
                text = self._files.text(session_id)
                if not all(word in text for word in wanted):
                    continue
                document = self._files.parse(session_id, text)
            except KeyError:
                continue  # removed since the folder was listed
            except CorruptDocument as error:
                self._files.skipped[session_id] = str(error)
                continue
            session = self.structured(session_id, document)
            if session is not None:
                yield session

    def _structured(self, session_id: str, document: Json) -> Session:
        try:
            if "schema_version" not in document:
                raise ValueError("it has no schema_version")  # noqa: TRY301 - told like the rest
            session = from_json(document)
        except BaseValidationError as error:
            reason = "; ".join(transform_error(error, path="$")[:3])
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            reason = f"it is no session document ({error})"
        else:
            self._unfit.pop(session_id, None)
            return session
        raise CorruptDocument(session_id, self._files.paths.document(session_id), reason)
