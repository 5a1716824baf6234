"""The summary of ``learnings.md``: lessons as a table, gaps that stand open, and what to do otherwise next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from tfclient.reflect.lessons.lesson import Lesson
from tfclient.reflect.lessons.wording import how, unmarked
from tfclient.reflect.quoting import named, quoted
from tfstore.document.learnings import Block

TABLE: Final = 30
GAPS: Final = 15
REPS: Final = 10
"""Rows of each section; of more it says how many."""

HALF: Final = 30
"""Days after which a lesson weighs half, against the one seen last."""

_GAP: Final = re.compile(r"- gap: (\w+) \((\w+), \w+\) (\[[^\]]*\])")


def summary_of(lessons: Sequence[Lesson], turns: Sequence[Block]) -> str:
    """Return the three sections.

    Args:
        lessons: all of them, the most seen first.
        turns: the entries that stand in the file, the newest first.
    """
    parts = [
        ("Lessons", _table(lessons)),
        ("Open gaps", list(open_gaps(turns)) or ["None in the entries below."]),
        ("Next reps", _reps(lessons)),
    ]
    return "\n".join("\n".join([f"## {title}", "", *lines, ""]) for title, lines in parts)


def by_weight(lessons: Iterable[Lesson]) -> list[Lesson]:
    """Return lessons, those first that were seen often and lately, and of equals those that nobody solved."""
    every = list(lessons)
    newest = max((_day(each.last_seen) for each in every), default=0)

    def weight(lesson: Lesson) -> float:
        unsolved = 1.0 if lesson.seen == 0 else 1.0 - lesson.solved / lesson.seen
        recency = 0.5 ** ((newest - _day(lesson.last_seen)) / HALF)
        return float(lesson.seen * recency * (1.0 + unsolved))

    return sorted(every, key=lambda each: (-weight(each), each.lesson_id))


def _day(moment: str) -> int:
    try:
        return date.fromisoformat(moment[:10]).toordinal()
    except ValueError:
        return 0


def _table(lessons: Sequence[Lesson]) -> Iterator[str]:
    if not lessons:
        yield "No tool has failed in what was noted."
        return
    yield "| lesson | tool | answered | seen | solved | status |"
    yield "| --- | --- | --- | ---: | ---: | --- |"
    for each in lessons[:TABLE]:
        words = unmarked(quoted(each.words, 160)).replace("|", "\\|")
        status = f"{each.status} ({each.resolved_by})" if each.resolved_by else each.status
        back = f", came back {each.came_back[:10]}" if each.came_back else ""
        tool = unmarked(named(each.tool)).replace("|", "\\|")
        yield f"| {each.lesson_id} | {tool} | {words} | {each.seen:,} | {each.solved:,} | {status}{back} |"
    if len(lessons) > TABLE:
        yield f"\n{len(lessons) - TABLE:,} more: `tfclient notes list` has them all."


def open_gaps(turns: Sequence[Block]) -> Iterator[str]:
    """Yield what was found in runs, by kind, in lines; the worst and the most frequent first."""
    by_kind: dict[tuple[str, str], list[str]] = {}
    for turn in turns:
        for found in _GAP.finditer(turn.body):
            where = f"{turn.session_id} {found[3]}"
            by_kind.setdefault((found[2], found[1]), []).append(where)
    rows = sorted(by_kind.items(), key=lambda each: (each[0][0] != "high", -len(each[1]), each[0][1]))
    for (severity, kind), places in rows[:GAPS]:
        yield f"- {kind} ({severity}), {len(places):,}×, last in {places[0]}"


def _reps(lessons: Sequence[Lesson]) -> Iterator[str]:
    still = by_weight(each for each in lessons if each.status == "open")
    if not still:
        yield "Nothing."
    for each in still[:REPS]:
        said = how(each)
        advice = "find what works" if not each.ways else said.removeprefix("it ")
        avoid = f"avoid {unmarked(quoted(each.words, 160))}"
        yield f"- With {unmarked(named(each.tool))}, {avoid}: {advice} [{each.lesson_id}]"
    if len(still) > REPS:
        yield f"- and {len(still) - REPS:,} more"
