"""Lessons from half of the tasks describe most errors of the other half, and are short: on real conversations."""

from __future__ import annotations

import random
from functools import cache
from math import comb
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests.projection.builders import steps
from tests.reflect.trajectories import needs_trajectories, tau_bench_tasks, with_errors
from tfclient.reflect.lessons.learning import seen_in
from tfclient.reflect.lessons.notetaker import Noted, parts_of
from tfclient.reflect.lessons.rows import lessons_of
from tfclient.reflect.lessons.wording import line_of
from tfclient.reflect.text import estimate
from tfstore.document.lesson_rows import Taught
from tfstore.reading.evidence.identifiers import leaves

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tfclient.reflect.lessons.lesson import Lesson, Seen

Tasks: TypeAlias = "dict[str, dict[str, list[Seen]]]"

DESCRIBED, ERRORS = 50, 67
"""Of the errors in tau-bench tasks, those that the lessons of the half of the tasks describe that theirs is not in.

The halves are every second task in the order of their numbers; the count may not fall. It depends on where one cuts:
over many halves the mean is that of ``IN_THE_MEAN``; of lessons from all other tasks, ``BY_ALL_OTHERS`` are described.
``OF_ALL_HALVES`` is the mean over every half that there is, counted and not drawn.
"""

IN_THE_MEAN = 0.66
OF_ALL_HALVES = 0.679
BY_ALL_OTHERS = 61

TOKENS = 900


@pytest.fixture(scope="module")
def taught() -> Tasks:
    found: Tasks = {}
    for each in with_errors():
        found.setdefault(each.domain, {}).setdefault(each.task, []).extend(seen_in(each.session))
    return found


def described(
    tasks: dict[str, list[Seen]], lessons_from: Collection[str], errors_of: Collection[str]
) -> tuple[int, int]:
    """How many errors of some tasks the lessons of others describe, and of how many."""
    known = {seen.lesson_id for task in lessons_from for seen in tasks.get(task, [])}
    errors = [seen.lesson_id in known for task in errors_of for seen in tasks.get(task, [])]
    return sum(errors), len(errors)


def added(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    found, of = zip(*counts, strict=True)
    return sum(found), sum(of)


@needs_trajectories
def test_lessons_describe_errors_of_tasks_that_they_are_not_from(taught: Tasks) -> None:
    tasks = taught["airline"]
    every = sorted(tau_bench_tasks(), key=int)
    halves = [(every[0::2], every[1::2]), (every[1::2], every[0::2])]

    found, of = added(described(tasks, *half) for half in halves)
    assert of == ERRORS
    assert found >= DESCRIBED >= 0.7 * ERRORS


@needs_trajectories
def test_wherever_one_cuts_most_are_described(taught: Tasks) -> None:
    tasks = taught["airline"]
    every = sorted(tau_bench_tasks(), key=int)
    chance = random.Random(1)  # noqa: S311 - chance that is the same each time
    cuts = [set(chance.sample(every, len(every) // 2)) for _ in range(200)]

    found, of = added(described(tasks, cut, {*every} - cut) for cut in cuts)
    assert found >= IN_THE_MEAN * of
    found, of = added(described(tasks, {*every} - {task}, [task]) for task in every)
    assert (found >= BY_ALL_OTHERS, of) == (True, ERRORS)


@needs_trajectories
def test_over_all_halves_what_the_tasks_allow_is_described(taught: Tasks) -> None:
    tasks = taught["airline"]
    others = len(tau_bench_tasks()) - 1
    half = len(tau_bench_tasks()) // 2
    taught_by: dict[str, set[str]] = {}
    for task, errors in tasks.items():
        for seen in errors:
            taught_by.setdefault(seen.lesson_id, set()).add(task)
    # An error is described unless all other tasks that teach its lesson are in its own half.
    chances = [
        1 - comb(others - (len(taught_by[seen.lesson_id]) - 1), half) / comb(others, half)
        for errors in tasks.values()
        for seen in errors
    ]

    assert len(chances) == ERRORS
    assert sum(chances) >= OF_ALL_HALVES * ERRORS
    alone, in_two = (
        sum(len(taught_by[seen.lesson_id]) == count for errors in tasks.values() for seen in errors)
        for count in (1, 2)
    )
    assert (alone, in_two) == (6, 26)


@cache
def lessons_by_domain() -> dict[str, list[Lesson]]:
    noted: dict[str, list[Noted]] = {}
    for each in with_errors():
        parts = tuple(parts_of(seen_in(each.session), ""))
        # The sessions were made one by one, and have one id.
        noted.setdefault(each.domain, []).append(Noted(Taught(f"{each.source}_{each.name}", "", parts)))
    return {domain: lessons_of(sessions) for domain, sessions in noted.items()}


@needs_trajectories
def test_the_lessons_of_a_domain_are_short() -> None:
    for domain, lessons in lessons_by_domain().items():
        words = "\n".join(map(line_of, lessons))

        assert len(lessons) > 5, domain
        assert estimate(words) <= TOKENS, domain


@needs_trajectories
def test_no_lesson_holds_an_argument_of_a_call() -> None:
    lines = [line_of(lesson) for lessons in lessons_by_domain().values() for lesson in lessons]
    words = {word.strip('",.') for line in lines for word in line.split("answered")[1].split("(")[0].split()}
    values: set[str] = set()
    for each in with_errors():
        for call in steps(each.session, "tool_call"):
            values |= {str(value) for _, value in leaves(call.payload_started.get("arguments"))}

    assert len(words) > 20
    assert {word for word in words & values if len(word) > 1} == set()
