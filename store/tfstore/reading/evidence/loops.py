"""Where a run goes round in circles: the same calls with the same answers, at least three times one after the other.

What a model says in between does not matter; anything else that happens in between ends a loop.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from attrs import define, field

from tfstore.reading.facts import Loop, RunFacts, StepFacts
from tfstore.reading.figures import joined
from tfstore.reading.step_text import text_of

LEAST: Final = 3
"""So many times, and it is a loop."""

LONGEST: Final = 4
"""Calls, or model calls with what they asked for, that one time round may have at most."""

_ANSWERS: Final = frozenset({"tool_output", "tool_error"})
_MAY_LIE_BETWEEN: Final = frozenset(
    {"assistant_call", "reasoning", "assistant_message", "tool_call", *_ANSWERS}
)


@define(eq=False)
class _Turn:
    """A model call with all that came of it, or a tool call with its answers; ``said`` is equal where they are."""

    steps: list[StepFacts]
    calls: list[StepFacts] = field(factory=list["StepFacts"])
    answers: list[StepFacts] = field(factory=list["StepFacts"])
    said: Hashable = None


def loops_of(run: RunFacts) -> list[Loop]:
    """Return the loops of a run in order; no step is in two of them.

    Takes time linear in the steps and in what they say, and that only once.
    """
    if run.loops is None:
        run.loops = _find(run) if run.tool_calls >= LEAST else []
    return run.loops


def _find(run: RunFacts) -> list[Loop]:
    answers: dict[StepFacts, list[StepFacts]] = {}
    for own in run.steps:
        if own.step.label in _ANSWERS and own.call is not None and own.call.run is run:
            answers.setdefault(own.call, []).append(own)
    turns = list(_turns(run, answers))
    found: list[Loop] = []
    for times, group in _repeated(turns):
        if times:
            found.append(_loop(group, times))
        else:
            calls = [_call(own, answers) for own in group[0].calls]
            found += [_loop(row, times) for times, row in _repeated(calls) if times]
    return found


def _turns(run: RunFacts, answers: dict[StepFacts, list[StepFacts]]) -> Iterator[_Turn]:
    """Yield a run's model calls, each with the steps up to the next; what stands before the first is one of its own."""
    turn = _Turn([])
    for own in run.steps:
        if own.step.label == "assistant_call" and turn.steps:
            yield _told(turn, answers)
            turn = _Turn([])
        turn.steps.append(own)
    if turn.steps:
        yield _told(turn, answers)


def _told(turn: _Turn, answers: dict[StepFacts, list[StepFacts]]) -> _Turn:
    turn.calls = [own for own in turn.steps if own.step.label == "tool_call"]
    turn.answers = [answer for call in turn.calls for answer in answers.get(call, ())]
    here = set(turn.steps)
    asked = turn.steps[0].step
    if (
        turn.calls
        and asked.label == "assistant_call"
        and asked.status == "completed"
        and all(own.step.label in _MAY_LIE_BETWEEN for own in turn.steps)
        and set(turn.answers) == {own for own in here if own.step.label in _ANSWERS}
    ):
        said = [_said(call, answers) for call in turn.calls]
        turn.said = tuple(said) if None not in said else None
    return turn


def _call(own: StepFacts, answers: dict[StepFacts, list[StepFacts]]) -> _Turn:
    given = answers.get(own, [])
    return _Turn([own, *given], [own], given, _said(own, answers))


def _said(call: StepFacts, answers: dict[StepFacts, list[StepFacts]]) -> Hashable:
    """Return what equal calls with equal answers have in common; nothing of one that has no answer, or ran others."""
    given = answers.get(call)
    if not given or call.inside:
        return None
    return call.tool, text_of(call.step), tuple((each.step.label, text_of(each.step)) for each in given)


def _repeated(turns: Sequence[_Turn]) -> Iterator[tuple[int, list[_Turn]]]:
    """Yield what repeats itself with how many times it does, and all else one by one with 0."""
    numbers: dict[Hashable, int] = {}
    said = [
        -at if turn.said is None else numbers.setdefault(turn.said, len(numbers) + 1)
        for at, turn in enumerate(turns)
    ]
    # For each length of a circle: how many turns from here on are as the one that stands so far behind them.
    as_later = [[0] * (len(said) + 1) for _ in range(LONGEST + 1)]
    for length in range(1, LONGEST + 1):
        for at in range(len(said) - length - 1, -1, -1):
            same = said[at] > 0 and said[at] == said[at + length]
            as_later[length][at] = as_later[length][at + 1] + 1 if same else 0
    at = 0
    while at < len(said):
        for length in range(1, LONGEST + 1):
            times = as_later[length][at] // length + 1
            if times >= LEAST:
                yield times, list(turns[at : at + times * length])
                at += times * length
                break
        else:
            yield 0, [turns[at]]
            at += 1


def _loop(turns: list[_Turn], times: int) -> Loop:
    first = turns[: len(turns) // times]
    steps = sorted({own for turn in turns for own in turn.steps}, key=lambda own: own.position)
    return Loop(
        steps,
        [call for turn in first for call in turn.calls],
        [each for turn in first for each in turn.answers],
        times,
    )


def name(loop: Loop) -> str:
    """Return ``×24 get_order, the same answer``."""
    tools = list(dict.fromkeys(call.tool or "a tool" for call in loop.calls))
    what = ("error" if loop.fails else "answer") + ("s" if len(loop.calls) > 1 else "")
    return f"×{loop.times:,} {', '.join(tools)}, the same {what}"


def stretches(steps: Sequence[StepFacts]) -> list[str]:
    """Return which steps they are: ``2.3 … 2.50``."""
    if not steps:
        return []
    breaks = [
        n for n, (one, other) in enumerate(pairwise(steps), start=1) if other.position != one.position + 1
    ]
    parts = [steps[start:end] for start, end in pairwise([0, *breaks, len(steps)])]
    return [f"{part[0].name} … {part[-1].name}" if len(part) > 1 else part[0].name for part in parts]


def span(loop: Loop) -> str:
    """Return which steps a loop holds, in one line; of many stretches how many steps lie in between."""
    parts = stretches(loop.steps)
    if len(parts) <= 2:
        return joined(*parts).replace(" · ", ", ")
    first, last = loop.steps[0], loop.steps[-1]
    between = last.position - first.position + 1 - len(loop.steps)
    return f"{first.name} … {last.name} but for {between:,}"
