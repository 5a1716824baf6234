"""A lesson: what a tool answers when it fails, how often, and how it was put right."""

from __future__ import annotations

from typing import Literal, TypeAlias

from attrs import frozen

from tfclient.reflect.lessons.signature import lesson_id
from tfclient.reflect.lessons.solving import Way

Status: TypeAlias = Literal["open", "resolved", "muted"]


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
    came_back: str = ""
    used_in: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The error without the tool's name."""
        return self.signature.partition(": ")[2]
