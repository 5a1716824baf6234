"""Lessons as they are read from where they are stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tfclient.reflect.lessons.lesson import Lesson
from tfclient.reflect.lessons.notetaker import Noted
from tfclient.reflect.lessons.solving import Way
from tfstore.document.documents import Json
from tfstore.document.lesson_rows import with_sessions

_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]-]{0,199}")


def lessons_of(noted: Iterable[Noted]) -> list[Lesson]:
    """Return the lessons that sessions teach, the most seen first.

    Example:
        >>> lessons_of([])
        []
    """
    return [lesson_from(row) for row in with_sessions([], [each.taught for each in noted])]


def lesson_from(row: Json) -> Lesson:
    """Return the lesson that a row of ``lessons.json`` holds."""
    return Lesson(
        lesson_id=row["lesson_id"],
        signature=row["signature"],
        tool=row["tool"],
        schema=row["tool_schema"],
        seen=row["seen"],
        solved=row["solved"],
        sessions=row["sessions"],
        ways=tuple((_way(each["way"]), each["times"]) for each in row["ways"]),
        evidence=tuple(row["evidence"]),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        status=row["status"],
        confirmed=row["confirmed"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by"],
        came_back=row["came_back"],
        used_in=tuple(row["used_in"]),
    )


def _way(told: Mapping[str, Sequence[str]]) -> Way:
    def paths(name: str) -> tuple[str, ...]:
        # The file may have been edited: what is no path is not taken for one.
        return tuple(each for each in told.get(name, ()) if _PATH.fullmatch(each))

    return Way(paths("changed"), paths("added"), paths("left_out"), tuple(told.get("after", ())))
