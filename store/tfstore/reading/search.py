"""Where a text occurs in recorded sessions: in their titles, their metadata, their steps, and in notes on them.

The store's index is asked which sessions may hold it at all, by three letters at a time. Where it cannot say, the
bytes of documents are: the plain ASCII words of a text stand in a document as they are, whatever is escaped around
them, and parsing costs far more than reading. What is found is always found in the document.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, Final, Protocol

from attrs import asdict, frozen

from tfstore.document.documents import Json, Session, Step
from tfstore.document.notes import Note, Noted
from tfstore.document.references import is_reference
from tfstore.errors import BlobUnreadable, StoreError, UnknownSession
from tfstore.reading.prompts import BASE64
from tfstore.reading.step_text import as_text, text_of

Told = Callable[[str], None]

NOTE: Final = "note"
"""What a match in a note that people made is labelled with."""

TOLD: Final = 2
"""Version of what a session says here. Raised when that changes, so that the index is told again."""

_WORD = re.compile(r"[A-Za-z0-9_.()=+-]+", re.ASCII)
_LINES = re.compile(r"[^\0\r\n]+")
_OPTIONAL = re.compile(r".[*?]")
_INTRICATE: Final = frozenset("|()[]{}\\")
_EQUAL: Final = str.maketrans({"İ": "i", "ı": "i", "\0": " "})
"""What a regular expression takes for the same letter, and folding does not; NUL is no character of a text index."""

_APART: Final = b'"sha256:'
"""Stands in a document that keeps some of its texts apart."""


class Blobs(Protocol):
    """Where texts are kept that are too long for a document."""

    def get(self, reference: Json, /) -> bytes:
        """Return the content that a reference stands for."""
        ...


class Noting(Protocol):
    """What people noted on sessions."""

    def ids(self) -> list[str]:
        """Return the sessions that something may have been noted on."""
        ...

    def read(self, session_id: str, /) -> Noted:
        """Return the notes on a session; raises ``StoreUnusable``."""
        ...


class Holding(Protocol):
    """What has texts that are too long for a document."""

    @property
    def blobs(self) -> Blobs: ...


class Sessions(Holding, Protocol):
    """Where sessions are, and what their index says."""

    @property
    def noting(self) -> Noting: ...

    def ids(self) -> list[str]: ...

    def text(self, session_id: str, /) -> bytes: ...

    def get(self, session_id: str, /) -> Session: ...

    def may_say(
        self,
        pieces: tuple[str, ...],
        said: Callable[[Session], list[str]],
        told: int,
        label: str | None,
        /,
    ) -> set[str] | None: ...


class BadPattern(ValueError):
    """What was typed is no regular expression."""


@frozen
class Pattern:
    """What to look for: a compiled expression.

    ``words`` are bytes that any document holding it has, ``pieces`` what the text itself has, folded.
    """

    expression: re.Pattern[str]
    words: tuple[bytes, ...] = ()
    pieces: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, *, regex: bool = False) -> Pattern:
        r"""Return the pattern for a text, or for a regular expression; letters match in either case.

        Of a text, an accented letter is also found where letter and accent stand apart, and the other way round.

        Raises:
            BadPattern: it is no regular expression, or matches where there is nothing.

        Example:
            >>> Pattern.of("Pátio Azul").may_be_in(b'{"text": "p\\u00e1tio azul"}')
            True
        """
        try:
            expression = re.compile(text if regex else _in_each_form(text), re.IGNORECASE | re.MULTILINE)
        except re.error as error:
            raise BadPattern(f"{text!r} is no regular expression: {error}.") from None
        if expression.search("") is not None:
            raise BadPattern(f"{text!r} matches everything, also nothing at all: give more of it.")
        if regex:
            return cls(expression, pieces=_pieces(text))
        composed = unicodedata.normalize("NFC", text)
        # A letter with an accent is in no word: a document may have it in one piece or in two.
        words = tuple(found.group().lower().encode() for found in _WORD.finditer(composed))
        return cls(expression, words, tuple(map(folded, _LINES.findall(text))))

    def may_be_in(self, document: bytes) -> bool:
        """Return whether a document's bytes can hold it; False is certain, unless texts of it are kept apart."""
        if not self.words:
            return True
        lowered = document.lower()
        return all(each in lowered for each in self.words) or _APART in document


def folded(text: str) -> str:
    """Return a text so that those that differ in case only are the same, as regular expressions see it.

    Accents stand apart from their letters: so what an expression matches of either form is in it.
    """
    return unicodedata.normalize("NFD", text.translate(_EQUAL).casefold())


def _in_each_form(text: str) -> str:
    """Return an expression for a text, whichever way its accented letters are written."""
    forms: list[str] = []
    for letter in unicodedata.normalize("NFC", text):
        apart = unicodedata.normalize("NFD", letter)
        forms.append(re.escape(letter) if apart == letter else f"(?:{re.escape(letter)}|{re.escape(apart)})")
    return "".join(forms)


def _pieces(expression: str) -> tuple[str, ...]:
    """Return texts that stand in whatever a regular expression matches; none, if that is hard to say."""
    if _INTRICATE & set(expression):
        return ()
    return tuple(map(folded, re.findall(r"[^.^$+*?\0\r\n]+", _OPTIONAL.sub(".", expression))))


@frozen
class Match:
    """A line of a step that matches, and where in it.

    In the title or the metadata of a session, ``label`` says so, and ``tool`` is the name of the metadata. In a note on
    it ``label`` is ``note`` and ``tool`` the note's id; ``step_id`` and ``run_id`` are what it is about.
    """

    session_id: str
    run_id: str | None
    step_id: str | None
    label: str
    tool: str | None
    line: int
    text: str
    start: int
    end: int

    def as_json(self) -> dict[str, Any]:
        """Return the match as it stands in JSON."""
        return asdict(self)


def sessions_holding(
    store: Sessions,
    pattern: Pattern,
    unreadable: Told,
    *,
    ids: Iterable[str] | None = None,
    label: str | None = None,
) -> Iterator[tuple[Session, list[Match]]]:
    """Yield the sessions that hold a pattern and where, as they are found.

    Args:
        store: where they are.
        pattern: what to look for.
        unreadable: told about each document that cannot be read.
        ids: the sessions to look in, in this order; by default all, the latest id first.
        label: look only in steps with this label.
    """
    wanted = None if label is None else f'"{label}"'.encode()
    noted = _noted(store, pattern, unreadable) if label in {None, NOTE} else {}
    may: set[str] | None = set()
    if label != NOTE:
        may = store.may_say(pattern.pieces, lambda session: said_by(store, session), TOLD, label)
    if ids is None:
        ids = sorted(store.ids() if may is None else {*may, *noted}, reverse=True)
    for session_id in ids:
        on_it = noted.get(session_id, [])
        if may is not None and session_id not in may and not on_it:
            continue
        try:
            document = store.text(session_id)
            may_hold = pattern.may_be_in(document) and (wanted is None or wanted in document)
            if not may_hold and not on_it:
                continue
            session = store.get(session_id)
        except UnknownSession:
            continue  # removed since the folder was listed
        except StoreError as error:
            unreadable(str(error))
            continue
        found = [*on_it, *(matches_in(store, session, pattern, label) if may_hold else ())]
        if found:
            yield session, found


def _noted(store: Sessions, pattern: Pattern, unreadable: Told) -> dict[str, list[Match]]:
    """Return where a pattern stands in what people noted, by session."""
    found: dict[str, list[Match]] = {}
    for session_id in store.noting.ids():
        try:
            notes = store.noting.read(session_id).notes
        except StoreError as error:
            unreadable(str(error))
            continue
        matches = [
            Match(session_id, note.run_id, note.step_id, NOTE, note.note_id, *place)
            for note in notes
            for place in _lines(_text_of(note), pattern.expression)
        ]
        if matches:
            found[session_id] = matches
    return found


def _text_of(note: Note) -> str:
    """Return all that a note says: its text, its tags, who made it."""
    return "\n".join(filter(None, (note.text, ", ".join(note.tags), note.author or "")))


def matches_in(
    store: Sessions, session: Session, pattern: Pattern, label: str | None = None
) -> Iterator[Match]:
    """Yield the matching lines of a session: of its title, unless a prompt says it too, its metadata, its steps."""
    found = [
        Match(session.session_id, run.run_id, step.step_id, step.label, step.tool_name, *place)
        for run in session.runs
        for step in run.steps
        if label in {None, step.label}
        for text in texts_of(store, step)
        for place in _lines(text, pattern.expression)
    ]
    if label is None:
        if not any(match.label == "user_message" for match in found):
            for place in _lines(session.title, pattern.expression):
                yield Match(session.session_id, None, None, "title", None, *place)
        for name, text in _metadata(session):
            for place in _lines(text, pattern.expression):
                yield Match(session.session_id, None, None, "metadata", name, *place)
    yield from found


def _metadata(session: Session) -> Iterator[tuple[str, str]]:
    for name, value in session.metadata.items():
        yield str(name), f"{name}: {as_text(value)}"


def said_by(store: Holding, session: Session) -> list[str]:
    """Return all that a session says of itself, and then what each of its steps says, folded."""
    own = [session.title, *(text for _, text in _metadata(session))]
    steps = ("\n".join(texts_of(store, step)) for run in session.runs for step in run.steps)
    return [folded(text) for text in ("\n".join(own), *steps)]


def texts_of(store: Holding, step: Step) -> list[str]:
    """Return what a step says, each text once and whole, also what is kept apart from the document."""
    texts = [text_of(step)]
    if step.error is not None:
        texts += [step.error.message, as_text(step.payload_completed.get("output"))]
    apart = [
        _kept_apart(store, value)
        for payload in (step.payload_started, step.payload_completed)
        for value in payload.values()
    ]
    every = list(dict.fromkeys(text for text in (*texts, *apart) if text))
    # An error's message stands in its output as well: a line is told once.
    return [text for text in every if not any(text is not other and text in other for other in every)]


def _kept_apart(store: Holding, value: Any) -> str:
    """Return a long text that a payload refers to; nothing where it is none, or is gone."""
    if not is_reference(value) or "blob" not in value or value.get("encoding") in BASE64:
        return ""
    try:
        return store.blobs.get(value).decode("utf-8", "replace")
    except BlobUnreadable:
        return ""


def _lines(text: str, expression: re.Pattern[str]) -> Iterator[tuple[int, str, int, int]]:
    """Yield (number from 1, line, start, end) of the lines that match; a match over several is told once."""
    breaks = [-1, *(found.start() for found in re.finditer("\n", text)), len(text)]
    lines = [(before + 1, after) for before, after in pairwise(breaks)]
    place, told = 0, -1
    for found in expression.finditer(text):
        while lines[place][1] < found.start():
            place += 1
        if place != told and found.end() > found.start():
            begin, end = lines[place]
            told = place
            yield place + 1, text[begin:end], found.start() - begin, min(found.end(), end) - begin
