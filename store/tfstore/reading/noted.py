"""What people noted on sessions, in words and in numbers: of which step, with which score and tags."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from math import fsum
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from tfstore.document.notes import Note
from tfstore.document.pins import Pin
from tfstore.errors import InvalidNote
from tfstore.reading.figures import counted, joined, minute
from tfstore.reading.naming import find_run, find_step, short_step
from tfstore.reading.plain_text import brief

if TYPE_CHECKING:
    from tfstore.document.documents import Json, Session

PINNED: Final = 200
"""Characters of what a session is pinned for that are told."""

NAMED: Final = 3
"""Tags that are named in one line; of more it is said how many."""

_BOUND: Final = re.compile(
    r"\s*(<=|>=|!=|==|=|<|>|)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*", re.ASCII
)
_RUN: Final = re.compile(r"(?:run_)?(\d{1,9})", re.ASCII)

_HOLDS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "": operator.eq,
    "!=": operator.ne,
}


@frozen
class NotesWanted:
    """Which notes are looked for: those that have all these tags, and a score within this bound."""

    tags: frozenset[str] = frozenset()
    sign: str | None = None
    bound: float = 0.0

    @classmethod
    def of(cls, tags: Iterable[str] = (), score: str | None = None) -> NotesWanted:
        """Return what was asked for.

        Raises:
            InvalidNote: ``score`` is no number, with a sign before it or without.

        Example:
            >>> low = NotesWanted.of(["bug"], "<0.5")
            >>> low.holds(Note("n", score=0, tags=["bug"])), low.holds(Note("n", tags=["bug"]))
            (True, False)
        """
        if score is None:
            return cls(frozenset(tags))
        found = _BOUND.fullmatch(score)
        if found is None:
            raise InvalidNote("score", score, "a number, or a sign before one: <0.5, >=1, !=0")
        return cls(frozenset(tags), found[1], float(found[2]))

    def holds(self, note: Note) -> bool:
        """Return whether a note is one of those."""
        if not self.tags <= set(note.tags):
            return False
        return self.sign is None or (note.score is not None and _HOLDS[self.sign](note.score, self.bound))


@frozen
class Marks:
    """What the notes of a session, or of several, come to: how many, the mean of their scores, their tags.

    ``score`` is None where none has one, ``scored`` are the notes that do.
    """

    count: int = 0
    score: float | None = None
    scored: int = 0
    tags: dict[str, int] = field(factory=dict[str, int])

    @classmethod
    def of(cls, notes: Iterable[Note]) -> Marks:
        """Return what these come to.

        Example:
            >>> Marks.of([Note("a", score=0, tags=["bug"]), Note("b", score=1), Note("c")])
            Marks(count=3, score=0.5, scored=2, tags={'bug': 1})
        """
        every = list(notes)
        scores = [each.score for each in every if each.score is not None]
        tags: dict[str, int] = {}
        for each in every:
            for tag in each.tags:
                tags[tag] = tags.get(tag, 0) + 1
        return cls(len(every), mean(scores), len(scores), tags)

    @property
    def words(self) -> str:
        """All of it in a few words, nothing where there is no note.

        Example:
            >>> Marks.of([Note("a", score=0, tags=["bug"]), Note("b", score=1)]).words
            '2 notes · score 0.5 · bug'
        """
        if not self.count:
            return ""
        return joined(counted(self.count, "note"), scored(self.score), tagged(list(self.tags)))


def pinned(pin: Pin) -> str:
    """Return what a session is kept for, and since when.

    Example:
        >>> pinned(Pin("outage-7", "the first one", "2026-09-02T09:14:00.000Z"))
        'pinned for outage-7: the first one · 2026-09-02 09:14 UTC'
    """
    note = brief(pin.note, PINNED)
    return joined(
        f"pinned for {brief(pin.incident, PINNED)}{f': {note}' if note else ''}",
        minute(pin.at) if pin.at else "",
    )


def mean(scores: Sequence[float]) -> float | None:
    """Return the mean of scores; None where there are none."""
    return fsum(scores) / len(scores) if scores else None


def scored(score: float | None) -> str:
    """Return a score in words; nothing where there is none.

    Example:
        >>> scored(0), scored(2 / 3), scored(None)
        ('score 0', 'score 0.667', '')
    """
    return "" if score is None else f"score {score_words(score)}"


def score_words(score: float) -> str:
    """Return a score as a person writes it, to three places.

    Example:
        >>> score_words(1.0), score_words(-0.25), score_words(1_200_000)
        ('1', '-0.25', '1200000')
    """
    written = f"{score:.3f}".rstrip("0").rstrip(".")
    if written in {"0", "-0"}:
        # What is not nought must not read as if it were.
        return f"{score:.2g}" if score else "0"
    return written


def tagged(tags: Sequence[str]) -> str:
    """Return tags in one line; of many the first ones."""
    named = [brief(each, 40) for each in tags[:NAMED]]
    return ", ".join(named) + (f" and {len(tags) - NAMED:,} more" if len(tags) > NAMED else "")


def place_of(note: Note) -> str:
    """Return what a note is about, as people type it: ``2.8``, ``run_2``; nothing if it is the whole session."""
    if note.step_id is not None:
        return short_step(note.step_id)
    return "" if note.run_id is None else brief(note.run_id, 24)


def about(note: Note) -> str:
    """Return what there is of a note beside its text.

    Example:
        >>> about(Note("note_1", "2026-09-02T20:11:35.442Z", score=0, tags=["bug"], author="ada"))
        'score 0 · bug · ada · 2026-09-02 20:11 UTC'
    """
    who = brief(note.author or "", 40)
    return joined(scored(note.score), tagged(note.tags), who, minute(brief(note.at, 40)) if note.at else "")


def on_step(notes: Iterable[Note], step_id: str) -> list[Note]:
    """Return the notes that are about a step."""
    return [each for each in notes if each.step_id == step_id]


def on_run(notes: Iterable[Note], run_id: str) -> list[Note]:
    """Return the notes that are about a run, not those on its steps."""
    return [each for each in notes if each.step_id is None and each.run_id == run_id]


def grouped(notes: Iterable[Note]) -> dict[str, list[Note]]:
    """Return notes by the id of the step or run that they are about; those on a whole session are left out."""
    found: dict[str, list[Note]] = {}
    for each in notes:
        about = each.step_id if each.step_id is not None else each.run_id
        if about is not None:
            found.setdefault(about, []).append(each)
    return found


def elsewhere(session: Session, notes: Iterable[Note]) -> list[Note]:
    """Return the notes that stand at no step and no run of a session: those on all of it, and on what is not there."""
    steps = {step.step_id for run in session.runs for step in run.steps}
    runs = {run.run_id for run in session.runs}
    return [
        each
        for each in notes
        if (each.step_id not in steps if each.step_id is not None else each.run_id not in runs)
    ]


def place_for(session: Session, step: str | None, run: str | None) -> tuple[str | None, str | None]:
    """Return the ids of the step or of the run that is meant.

    Raises:
        UnknownStep, UnknownRun: the session has none like that.
        InvalidNote: both are given, or ``run`` names none.
    """
    if step is not None and run is not None:
        raise InvalidNote("run", run, "a step or a run, not both")
    if step is not None:
        return find_step(session, step).step_id, None
    if run is None:
        return None, None
    found = _RUN.fullmatch(run)
    if found is None:
        raise InvalidNote("run", run, "a run such as run_2")
    return None, find_run(session, int(found[1])).run_id


def shown(note: Note) -> Json:
    """Return a note as the page draws it, and what it is in words."""
    told: dict[str, Any] = note.as_json()
    return {**told, "place": place_of(note), "about": about(note)}
