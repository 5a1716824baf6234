"""What a person says of a session afterwards: notes, and the lines in which they are kept.

A line is a JSON object: one with ``note_id`` adds a note, one with ``withdraws`` takes one back, anything else is for a
later version to understand. Lines are only ever added.
"""

from __future__ import annotations

import re
import secrets
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, field, frozen

from tfstore.document.json_text import line, parse
from tfstore.errors import InvalidNote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfstore.document.documents import Json

LONGEST: Final = 100_000
"""Characters of a note's text at most."""

TAGS: Final = 50
TAG: Final = 100
"""Characters of a tag, or of an author, at most."""

LARGEST_SCORE: Final = 1e9

_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@frozen
class Note:
    """What somebody said of a session, or of one step or run of it.

    ``at`` is when, ``score`` any number, ``redactions`` what of it was replaced before it was written.
    """

    note_id: str
    at: str = ""
    step_id: str | None = None
    run_id: str | None = None
    text: str = ""
    score: float | None = None
    tags: list[str] = field(factory=list[str])
    author: str | None = None
    redactions: list[Any] = field(factory=list[Any])

    def as_json(self) -> Json:
        """Return the note as it stands in its line."""
        left_out = {name for name in ("author", "redactions") if not getattr(self, name)}
        return {name: value for name, value in asdict(self).items() if name not in left_out}


@frozen
class Noted:
    """The notes of a session in the order in which they were made, and what of their lines could not be read.

    ``damaged`` are the numbers of lines that are no entries, from 1; ``torn`` says that the last one has no end: who
    wrote it died.
    """

    notes: list[Note] = field(factory=list[Note])
    damaged: list[int] = field(factory=list[int])
    torn: bool = False

    def troubles(self, session_id: str) -> list[str]:
        """Return in sentences what could not be read.

        Example:
            >>> Noted(damaged=[2, 5]).troubles("sess_1")
            ['Lines 2, 5 of the notes on session sess_1 are no notes any more, and left out.']
        """
        said: list[str] = []
        if self.damaged:
            lines = ", ".join(f"{each:,}" for each in self.damaged[:5]) + (
                " …" if len(self.damaged) > 5 else ""
            )
            one = len(self.damaged) == 1
            what = "is no note" if one else "are no notes"
            said.append(
                f"Line{'' if one else 's'} {lines} of the notes on session {session_id} {what} any more, and left out."
            )
        if self.torn:
            said.append(f"The last note on session {session_id} was not written to its end, and is left out.")
        return said


def new_note_id() -> str:
    """Return an id for a note."""
    return f"note_{secrets.token_hex(4)}"


def checked(text: object, score: object, tags: Iterable[object], author: object) -> Note:
    """Return what was given as a note, still without an id and a moment.

    Raises:
        InvalidNote: something of it cannot be kept; the message says what can.

    Example:
        >>> checked("wrong order", 0, ["bug", "bug"], None).tags
        ['bug']
    """
    if not isinstance(text, str):
        raise InvalidNote("text", text, "a text")
    if len(text) > LONGEST:
        raise InvalidNote("text", f"{text[:20]}…", f"at most {LONGEST:,} characters, it has {len(text):,}")
    if isinstance(tags, str):
        raise InvalidNote("tags", tags, "a list of words")
    names = list(dict.fromkeys(_word("tag", each) for each in tags))
    if len(names) > TAGS:
        raise InvalidNote("tags", f"{names[0]}, …", f"at most {TAGS} tags, there are {len(names):,}")
    note = Note("", text=text, score=_score(score), tags=names)
    if author is not None:
        note = Note("", text=text, score=note.score, tags=names, author=_word("author", author))
    if not text.strip() and note.score is None and not names:
        raise InvalidNote("text", text, "a text, a score or a tag")
    return note


def _word(name: str, given: object) -> str:
    word = given.strip() if isinstance(given, str) else ""
    if not word or len(word) > TAG or _BREAKS.search(word):
        shown = f"{given[:20]}…" if isinstance(given, str) and len(given) > TAG else given
        raise InvalidNote(name, shown, f"a word or a few, on one line, of at most {TAG} characters")
    return word


def _score(given: object) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not _is_score(given):
        raise InvalidNote("score", given, f"a number between -{LARGEST_SCORE:,.0f} and {LARGEST_SCORE:,.0f}")
    return given


def _is_score(given: float) -> bool:
    return abs(given) <= LARGEST_SCORE and isfinite(given)


def line_of(note: Note) -> bytes:
    """Return the line that adds a note."""
    return line(note.as_json()) + b"\n"


def withdrawal(note_id: str, at: str) -> bytes:
    """Return the line that takes a note back."""
    return line({"withdraws": note_id, "at": at}) + b"\n"


def notes_in(data: bytes) -> Noted:
    r"""Return the notes that these lines hold.

    Example:
        >>> lines = line_of(Note("note_1", text="wrong order")) + line_of(Note("note_2")) + b'{"note_id": "no'
        >>> noted = notes_in(lines + b"\n" + withdrawal("note_2", ""))
        >>> [note.text for note in noted.notes], noted.damaged, noted.torn
        (['wrong order'], [3], False)
    """
    lines = data.split(b"\n")
    # What follows the last line's end: nothing, unless somebody died while writing it.
    if not lines[-1]:
        lines.pop()
    torn = False
    found: dict[str, Note] = {}
    gone: set[str] = set()
    damaged: list[int] = []
    for number, text in enumerate(lines, start=1):
        try:
            entry = parse(text)
            if not isinstance(entry, dict):
                raise TypeError("it is no object")  # noqa: TRY301 - told like the rest
            if "withdraws" in entry:
                gone.add(str(entry["withdraws"]))
            elif "note_id" in entry:
                note = _note(entry)
                found.setdefault(note.note_id, note)
        except (TypeError, ValueError):
            if number == len(lines) and not data.endswith(b"\n"):
                torn = True
            else:
                damaged.append(number)
    return Noted([note for note in found.values() if note.note_id not in gone], damaged, torn)


def _note(entry: dict[str, Any]) -> Note:
    """Return the note of an entry, whoever wrote it.

    Raises:
        TypeError, ValueError: it holds none.
    """

    def text(name: str) -> str | None:
        given = entry.get(name)
        if given is not None and not isinstance(given, str):
            raise TypeError(f"{name} is no text")
        return given

    score, tags, marks = entry.get("score"), entry.get("tags") or [], entry.get("redactions") or []
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    if score is not None and not (is_number and _is_score(score)):
        raise ValueError("its score is no number")
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        raise TypeError("its tags are no texts")
    note_id = text("note_id")
    if not note_id:
        raise ValueError("its id is empty")
    return Note(
        *(note_id, text("at") or "", text("step_id"), text("run_id"), text("text") or "", score, tags),
        author=text("author"),
        redactions=marks if isinstance(marks, list) else [],
    )
