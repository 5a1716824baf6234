"""A lesson: what a tool answers when it fails, how often, and how it was put right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from tfclient.reflect.lessons.signature import lesson_id
from tfclient.reflect.lessons.solving import Way

Status: TypeAlias = Literal["open", "resolved", "muted"]

EVIDENCE: Final = 50
"""Places at which it was seen that are named, the newest."""


@frozen
class Seen:
    """A failed answer: what it teaches, and where it stands.

    ``solved_by`` is the call that worked, and ``way`` what was different about it.
    """

    signature: str
    tool: str
    run_id: str
    call: str
    answer: str
    schema: str = ""
    solved_by: str = ""
    way: Way | None = None

    @property
    def lesson_id(self) -> str:
        """The id of the lesson that it is."""
        return lesson_id(self.signature)

    @property
    def words(self) -> str:
        """The error without the tool's name."""
        return self.signature.partition(": ")[2]


@frozen
class Lesson:
    """What failed answers of a tool have in common.

    ``seen`` and ``solved`` count failed answers, ``sessions`` the sessions in which they were, ``ways`` how often each
    way worked, ``evidence`` are ``session#step`` of answers, the newest first. ``schema`` is the version of the tool's
    schema when it was last seen.
    """

    lesson_id: str
    signature: str
    tool: str
    schema: str = ""
    seen: int = 0
    solved: int = 0
    sessions: int = 0
    ways: tuple[tuple[Way, int], ...] = ()
    evidence: tuple[str, ...] = ()
    first_seen: str = ""
    last_seen: str = ""
    status: Status = "open"
    confirmed: bool = False
    resolved_at: str = ""
    resolved_by: str = ""
    used_in: tuple[str, ...] = ()
    notes: tuple[dict[str, str], ...] = field(default=())

    @property
    def words(self) -> str:
        """The error without the tool's name."""
        return self.signature.partition(": ")[2]


def ways_of(counted: Mapping[Way, int]) -> tuple[tuple[Way, int], ...]:
    """Return ways with how often each worked, the most often first."""
    return tuple(sorted(counted.items(), key=lambda each: (-each[1], each[0].paths, each[0].after)))


def lessons_in(sessions: Iterable[tuple[str, str, Iterable[Seen]]]) -> list[Lesson]:
    """Return the lessons of sessions, the most seen first.

    Args:
        sessions: of each its id, when it began, and what was seen in it.
    """
    rows = sorted(
        ((at, session_id, list(seen)) for session_id, at, seen in sessions), key=lambda row: row[:2]
    )
    by_id: dict[str, list[tuple[str, str, Seen]]] = {}
    for at, session_id, seen in rows:
        for each in seen:
            by_id.setdefault(each.lesson_id, []).append((at, session_id, each))
    lessons = [_lesson(each_id, found) for each_id, found in by_id.items()]
    return sorted(lessons, key=lambda each: (-each.seen, each.lesson_id))


def _lesson(each_id: str, found: list[tuple[str, str, Seen]]) -> Lesson:
    last = found[-1][2]
    return Lesson(
        each_id,
        last.signature,
        last.tool,
        last.schema,
        seen=len(found),
        solved=sum(bool(each.solved_by) for _, _, each in found),
        sessions=len({session_id for _, session_id, _ in found}),
        ways=ways_of(Counter(each.way for _, _, each in found if each.way is not None)),
        evidence=tuple(f"{session_id}#{each.answer}" for _, session_id, each in reversed(found))[:EVIDENCE],
        first_seen=found[0][0],
        last_seen=found[-1][0],
    )
