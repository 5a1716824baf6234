"""What people noted on sessions, as the page shows it, and what it adds and takes back: all that it ever writes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from tfstore.document.json_text import compact, parse
from tfstore.document.notes import Noted
from tfstore.errors import InvalidNote, StoreUnusable
from tfstore.reading.figures import joined
from tfstore.reading.noted import Marks, grouped, pinned, shown
from tfstore.store import Store

if TYPE_CHECKING:
    from tfstore.document.documents import Json
    from tfstore.document.pins import Pin
    from tfstore.protocols import Reading

LARGEST: Final = 1_000_000
"""Bytes of what the page may send."""

_NO_NOTE: Final = (
    "What was sent is no note: it is a JSON object of texts, `text`, `score`, `tags`, `author`, `step`."
)


class BadNote(ValueError):
    """What the page sent is no note."""


class Noting:
    """The notes of one store, for the page.

    Args:
        store: the store; to be written to, it must have been opened by ``tfclient.open_store``. A database is not:
            notes are written where the session was recorded, and sent from there.
        writes: whether notes may be added and taken back.
    """

    def __init__(self, store: Reading, *, writes: bool) -> None:
        self._store = store
        self._written = store if writes and isinstance(store, Store) else None

    def told(self, session_id: str) -> Json:
        """Return what was noted on a session: ``notes``, the earliest first; ``marks``, in words, by step and run.

        ``words`` is what all of it comes to, ``pinned`` what it is kept for, ``writes`` whether the page may add to it,
        and ``trouble`` what could not be read; ``version`` changes with any of it.

        Raises:
            UnknownSession: there is none with this id.
        """
        # Before reading: what is added in between then counts as changed.
        version = self.version(session_id)
        pins: list[Pin] = []
        try:
            noted = self._store.noting.read(self._store.known(session_id))
            trouble = noted.troubles(session_id)
            pins = self._store.pins().get(session_id, [])
        except StoreUnusable as error:
            noted, trouble = Noted(), [str(error)]
        about = grouped(noted.notes)
        return {
            "notes": [shown(each) for each in noted.notes],
            "marks": {each: Marks.of(notes).words for each, notes in about.items()},
            "words": joined("pinned" if pins else "", Marks.of(noted.notes).words),
            "pinned": [pinned(each) for each in pins],
            "writes": self._written is not None,
            "trouble": trouble,
            "version": version,
        }

    def version(self, session_id: str) -> str:
        """Return what changes whenever something is noted or taken back, pinned or let go."""
        with suppress(StoreUnusable):
            if pins := self._store.pins().get(session_id):
                told = compact([each.as_json() for each in pins])
                return f"{self._store.noting.version(session_id)}-{crc32(told):x}"
        return self._store.noting.version(session_id)

    def add(self, session_id: str, sent: bytes) -> Json:
        """Keep a note, and return what is noted then; ``said`` is what a person should know of it.

        Raises:
            BadNote: it is none, or none may be written; the message says why.
            UnknownSession, UnknownStep: there is none like that.
            StoreUnusable: it cannot be written.
        """
        given = _texts(sent)
        tags = [each for each in map(str.strip, given["tags"].split(",")) if each]
        try:
            note = self._folder().note(
                session_id,
                given["text"],
                step=given["step"] or None,
                score=_score(given["score"]),
                tags=tags,
                author=given["author"].strip() or None,
            )
        except InvalidNote as error:
            raise BadNote(str(error)) from error
        rules = dict.fromkeys(str(each.get("rule")) for each in note.redactions if isinstance(each, dict))
        said = (
            f"Not all of it was written down: something was replaced ({', '.join(rules)})." if rules else ""
        )
        return {**self.told(session_id), "said": said}

    def take_back(self, session_id: str, note_id: str) -> Json:
        """Take a note back, and return what is noted then.

        Raises:
            UnknownSession, UnknownNote: there is none like that.
            StoreUnusable: it cannot be written.
        """
        self._folder().remove_note(session_id, note_id)
        return self.told(session_id)

    def _folder(self) -> Store:
        if self._written is None:
            raise BadNote("No notes are written here: note it where the session was recorded.")
        return self._written


def _texts(sent: bytes) -> dict[str, str]:
    try:
        given: Any = parse(sent)
    except ValueError:
        raise BadNote(_NO_NOTE) from None
    names = ("text", "score", "tags", "author", "step")
    if not isinstance(given, dict) or not all(isinstance(given.get(name, ""), str) for name in names):
        raise BadNote(_NO_NOTE)
    return {name: given.get(name, "") for name in names}


def _score(typed: str) -> float | None:
    typed = typed.strip()
    if not typed:
        return None
    try:
        score = float(typed)
    except ValueError:
        raise InvalidNote("score", typed[:40], "a number, such as 0 or 0.5") from None
    return int(score) if score.is_integer() else score
