"""A lesson in one line, in which everything recorded is quoted or a plain name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from tfclient.reflect.lessons.lesson import Lesson
from tfclient.reflect.lessons.signature import LONGEST
from tfclient.reflect.lessons.solving import Way
from tfclient.reflect.quoting import named, quoted


def line_of(lesson: Lesson, tools: Collection[str] | None = None) -> str:
    """Return a lesson as it is given to a model.

    Args:
        lesson: the lesson.
        tools: only these may be named as what was called in between; else all.

    Example:
        >>> way = (Way(("payments[].amount",), after=("sum",)), 3)
        >>> line_of(Lesson("L-47c671d3", "pay: N is low", "pay", seen=5, solved=3, ways=(way,)))
        '- pay answered "N is low" (5×); it worked with payments[].amount changed, after sum (3 of 5) [L-47c671d3]'
    """
    error = unmarked(quoted(lesson.words, LONGEST))
    return f"- {named(lesson.tool)} answered {error} ({lesson.seen:,}×); {how(lesson, tools)} [{lesson.lesson_id}]"


def unmarked(text: str) -> str:
    """Return text that can neither open nor close a mark of ours."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def how(lesson: Lesson, tools: Collection[str] | None = None) -> str:
    """Return how it was put right, in words."""
    if not lesson.ways:
        return "it was not solved"
    changes: Counter[Way] = Counter()
    after: dict[Way, Counter[str]] = {}
    for way, times in lesson.ways:
        change = Way(way.changed, way.added, way.left_out)
        changes[change] += times
        for tool in way.after:
            after.setdefault(change, Counter())[tool] += times
    best, times = min(changes.items(), key=lambda each: (-each[1], each[0].paths))
    said = change_in_words(best)
    often = [
        tool
        for tool, count in sorted(after.get(best, Counter()).items(), key=lambda each: (-each[1], each[0]))
        if 2 * count > times and (tools is None or tool in tools)
    ]
    called = f", after {' and '.join(map(named, often[:2]))}" if often else ""
    return f"it worked {said}{called} ({times:,} of {lesson.seen:,})"


def change_in_words(way: Way) -> str:
    """Return what was different about a call.

    Example:
        >>> change_in_words(Way(("city",), ("unit",))), change_in_words(Way())
        ('with city changed, unit added', 'when it was called again')
    """
    parts = [
        f"{_listed(paths)} {word}"
        for paths, word in ((way.changed, "changed"), (way.added, "added"), (way.left_out, "left out"))
        if paths
    ]
    return f"with {', '.join(parts)}" if parts else "when it was called again"


def _listed(paths: tuple[str, ...]) -> str:
    *most, last = paths
    return f"{', '.join(most)} and {last}" if most else last
