"""A lesson at length, and where it was seen, as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tfclient.reflect.lessons.learning import seen_in
from tfclient.reflect.lessons.lesson import Lesson
from tfclient.reflect.lessons.wording import change_in_words, line_of
from tfclient.reflect.quoting import named
from tfclient.reflect.text.lines import Line, Telling
from tfclient.reflect.text.rendering import fitted
from tfclient.reflect.text.session_lines import NOTICE, step_lines
from tfstore.document.documents import Session
from tfstore.reading.evidence.evidence import evidence_of

BUDGET: Final = 4_000
"""Characters of what is shown of one session."""


def lesson_lines(lesson: Lesson) -> Iterator[str]:
    """Yield what is known of a lesson, in lines."""
    yield line_of(lesson).removeprefix("- ")
    status = f"{lesson.status} by {lesson.resolved_by}" if lesson.resolved_by else lesson.status
    parts = [
        status,
        f"came back {lesson.came_back[:10]}" if lesson.came_back else "",
        "may be given out after one session" if lesson.confirmed else "",
        f"seen in {lesson.sessions:,} session{'s' * (lesson.sessions > 1)}",
        f"first {lesson.first_seen[:10]}, last {lesson.last_seen[:10]}" if lesson.last_seen else "",
        f"given to {len(lesson.used_in):,} session{'s' * (len(lesson.used_in) > 1)}"
        if lesson.used_in
        else "",
    ]
    yield " · ".join(filter(None, parts))
    for way, times in lesson.ways:
        after = f", after {', '.join(map(named, way.after))}" if way.after else ""
        yield f"  {times:,}× it worked {change_in_words(way)}{after}"


def evidence_text(lesson: Lesson, session: Session, step_id: str) -> str:
    """Return the steps of a session in which a lesson was seen: the call, its answer, and the call that worked.

    Args:
        lesson: the lesson.
        session: the session.
        step_id: the answer.
    """
    evidence = evidence_of(session)
    wanted = {step_id}
    for seen in seen_in(evidence):
        if seen.answer == step_id and seen.lesson_id == lesson.lesson_id:
            wanted |= {seen.call, seen.solved_by}
    steps = [own for own in evidence.facts.every if own.step.step_id in wanted]
    head = Line([f"SESSION {session.session_id} · {NOTICE}"], Telling.HEAD)
    return fitted([head, *step_lines(evidence.facts, steps)], BUDGET, len)
