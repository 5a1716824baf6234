"""A folder of documents as mappings: one to read from, one that gathers what an operation changes."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING

from tfstore.disk.json_text import compact, parse
from tfstore.disk.paths import check_session_id
from tfstore.document.documents import Json
from tfstore.errors import CorruptDocument

if TYPE_CHECKING:
    from tfstore.disk.session_folder import SessionFiles


class Documents(Mapping[str, Json]):
    """The documents on disk by session id, each read when asked for; ``given`` holds the ids of those."""

    def __init__(self, files: SessionFiles) -> None:
        self.files = files
        self.given: set[str] = set()

    def __getitem__(self, session_id: str) -> Json:
        document = self.files.load(session_id)
        self.given.add(session_id)
        return document

    def __contains__(self, session_id: object) -> bool:
        return isinstance(session_id, str) and self.files.has(session_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self.files.ids())

    def __len__(self) -> int:
        return len(self.files.ids())

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
                self._mapping.files.skipped[session_id] = str(error)
                continue
            yield session_id, document


class Changes(MutableMapping[str, Json]):
    """What one TinyDB operation does to the documents: keeps what was asked for, saves what changed."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._before: dict[str, bytes] = {}
        self._now: dict[str, Json] = {}
        self._removed: set[str] = set()

    def __getitem__(self, session_id: str) -> Json:
        if session_id in self._removed:
            raise KeyError(session_id)
        if session_id not in self._now:
            files = self._documents.files
            text = files.text(session_id)
            # Parsed twice if need be, rather than copied: the caller changes documents in place.
            self._now[session_id] = files.parse(session_id, text)
            self._before[session_id] = text
        return self._now[session_id]

    def __setitem__(self, session_id: str, document: Json) -> None:
        check_session_id(session_id)
        self._removed.discard(session_id)
        self._before.pop(session_id, None)
        self._now[session_id] = document

    def __delitem__(self, session_id: str) -> None:
        if session_id not in self:
            raise KeyError(session_id)
        self._now.pop(session_id, None)
        self._before.pop(session_id, None)
        self._removed.add(session_id)

    def __contains__(self, session_id: object) -> bool:
        return session_id not in self._removed and (session_id in self._now or session_id in self._documents)

    def __iter__(self) -> Iterator[str]:
        """All ids whose documents can be read: whoever iterates looks into each of them next."""
        files = self._documents.files
        for session_id in sorted({*files.ids(), *self._now} - self._removed):
            try:
                _ = self[session_id]
            except KeyError:
                continue
            except CorruptDocument as error:
                files.skipped[session_id] = str(error)
                continue
            yield session_id

    def __len__(self) -> int:
        return len({*self._documents.files.ids(), *self._now} - self._removed)

    def clear(self) -> None:
        self._now.clear()
        self._before.clear()
        self._removed.update(self._documents.files.ids())

    def save(self) -> None:
        files = self._documents.files
        for session_id, document in self._now.items():
            before = self._before.get(session_id)
            if before is None or compact(parse(before)) != compact(document):
                files.save(session_id, document)
                files.tell(session_id, document)
        for session_id in self._removed:
            files.discard(session_id)
            files.tell(session_id, None)
