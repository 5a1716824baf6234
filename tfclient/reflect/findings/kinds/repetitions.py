"""The same call again: failing again, answering the same again, doing the same again, going round in circles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tfclient.reflect.findings.citing import Cited, Severity
from tfclient.reflect.findings.effects import Effects
from tfclient.reflect.findings.kind import Kind, kind
from tfclient.reflect.quoting import named, quoted
from tfstore.reading.evidence.answers import says_wait
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.tool_calls import ToolCall
from tfstore.reading.facts import StepFacts

OFTEN: Final = 3
LONGEST_CYCLE: Final = 4
PATIENCE: Final = 20
"""Times that a tool may say that something is still going on before asking again counts as a loop."""


@kind("same_call_same_error", "medium")
def same_call_same_error(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """The same call failed, and failed again with the same words."""
    yield from _failed_again(evidence, same_words=True)


@kind("same_call_fails_again", "medium")
def same_call_fails_again(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """The same call failed, and failed again with other words."""
    yield from _failed_again(evidence, same_words=False)


def _failed_again(evidence: Evidence, *, same_words: bool) -> Iterator[Cited]:
    for calls in _groups(evidence):
        for row in _rows(calls):
            texts = {call.answer_text for call in row}
            if (len(texts) == 1) is same_words:
                answered = "the same error" if same_words else "an error each time, not the same"
                yield _same_call(row, answered, "high")


def _same_call(row: list[ToolCall], answered: str, if_often: Severity) -> Cited:
    return Cited(
        steps_of(row),
        f"{_tool(row)} was called {len(row)} times with {quoted(row[0].arguments)} and gave {answered}: "
        f"{quoted(row[-1].answer_text, 120)}",
        severity=if_often if len(row) >= OFTEN else None,
        data={"tool": row[0].tool, "times": len(row)},
    )


def _rows(calls: list[ToolCall]) -> Iterator[list[ToolCall]]:
    """Yield calls that failed one after the other, each asked for when the answer before was known."""
    row: list[ToolCall] = []
    for call in calls:
        if row and call.failed and call.asked_by is not None and call.asked_by is row[-1].asked_by:
            continue
        if call.failed:
            row.append(call)
            continue
        if call.answers:
            if len(row) > 1:
                yield row
            row = []
    if len(row) > 1:
        yield row


@kind("call_repeated", "low")
def call_repeated(evidence: Evidence, effects: Effects) -> Iterator[Cited]:
    """The same call gave the same answer again, and nothing was changed in between."""
    looping = {id(call) for calls in _loops(evidence) for call in calls}
    for thread in evidence.calls_by_thread.values():
        changes = _changes_before(thread, effects)
        for calls in _grouped(thread):
            effect = effects.of(calls[0].tool)
            if effect == "write":
                continue
            # A tool of which nobody knows whether it changes something is not held against itself.
            for row in _same_again(calls, changes, effect == "unknown"):
                if all(id(call) in looping for call in row) or says_wait(row[0].answer_text):
                    continue
                yield _same_call(row, "the same answer", "medium")


def _changes_before(calls: list[ToolCall], effects: Effects) -> dict[int, int]:
    """Return for each call how many calls before it may have changed something."""
    changes: dict[int, int] = {}
    count = 0
    for call in calls:
        changes[id(call)] = count
        count += effects.of(call.tool) != "read" and call.succeeded
    return changes


def _same_again(calls: list[ToolCall], changes: dict[int, int], own: int) -> Iterator[list[ToolCall]]:
    """Yield calls with the same answer in a row; ``own`` is what each of them may count as a change itself."""
    row: list[ToolCall] = []
    for call in calls:
        if not call.succeeded:
            continue
        if row and not (
            call.answer_text == row[-1].answer_text
            and call.asked_by is not None
            and call.asked_by is not row[-1].asked_by
            and changes[id(call)] - changes[id(row[-1])] <= own
        ):
            if len(row) > 1:
                yield row
            row = []
        row.append(call)
    if len(row) > 1:
        yield row


@kind("duplicate_parallel_call", "low", on_trial=True)
def duplicate_parallel_call(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A response asked twice for the same, and the answers are alike."""
    groups: dict[tuple[int, str, tuple[str, str]], list[ToolCall]] = {}
    for call in evidence.tool_calls:
        if call.asked_by is not None and call.answers and call.arguments not in (None, "", {}, []):
            choice = str(call.own.step.payload_started.get("choice") or 0)
            groups.setdefault((id(call.asked_by), choice, call.key), []).append(call)
    for calls in groups.values():
        if len(calls) > 1 and len({call.answer_text for call in calls}) == 1:
            yield Cited(
                steps_of(calls),
                f"one response asked {len(calls)} times for {_tool(calls)} with {quoted(calls[0].arguments)}, "
                "and the answers are alike",
                data={"tool": calls[0].tool, "times": len(calls)},
            )


@kind("duplicate_side_effect", "high", "heuristic", on_trial=True)
def duplicate_side_effect(evidence: Evidence, effects: Effects) -> Iterator[Cited]:
    """Something was done twice: a tool that changes things worked twice with the same arguments."""
    for thread in evidence.calls_by_thread.values():
        row: list[ToolCall] = []
        for call in [each for each in thread if each.succeeded and effects.of(each.tool) == "write"]:
            if row and call.key != row[-1].key:
                yield from _done_twice(row)
                row = []
            row.append(call)
        yield from _done_twice(row)


def _done_twice(row: list[ToolCall]) -> Iterator[Cited]:
    if len(row) > 1 and row[0].arguments not in (None, "", {}, []):
        yield Cited(
            steps_of(row),
            f"{_tool(row)} worked {len(row)} times with the same arguments, {quoted(row[0].arguments)}",
            data={"tool": row[0].tool, "times": len(row)},
        )


@kind("loop_without_progress", "high")
def loop_without_progress(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """The same calls gave the same answers, over and over within one run."""
    for calls, period in _cycles(evidence):
        times = len(calls) // period
        names = ", ".join(named(call.tool) for call in calls[:period])
        what = f"{names} with {quoted(calls[0].arguments)}" if period == 1 else names
        yield Cited(
            steps_of(calls),
            f"a loop: {what} {times} times, the same answer{'s' * (period > 1)} each time: "
            f"{quoted(calls[period - 1].answer_text, 100)}",
            data={"tools": [call.tool for call in calls[:period]], "times": times, "calls": len(calls)},
        )


def _loops(evidence: Evidence) -> Iterator[list[ToolCall]]:
    return (calls for calls, _ in _cycles(evidence))


def _cycles(evidence: Evidence) -> Iterator[tuple[list[ToolCall], int]]:
    """Yield the calls of each cycle that came three times and more, and how many make it up."""
    runs: dict[int, list[ToolCall]] = {}
    for call in evidence.tool_calls:
        if call.answers and call.asked_by is not None:
            runs.setdefault(call.own.run.position, []).append(call)
    for calls in runs.values():
        made = [(call.key, call.answer_text) for call in calls]
        taken: set[int] = set()
        for period in range(1, LONGEST_CYCLE + 1):
            for begin, end in _stretches(made, period):
                span = range(begin, end)
                if (
                    (end - begin) // period >= OFTEN
                    and taken.isdisjoint(span)
                    and _is_one(calls[begin:end], period)
                ):
                    taken.update(span)
                    yield calls[begin : begin + (end - begin) // period * period], period


def _stretches(made: list[tuple[tuple[str, str], str]], period: int) -> Iterator[tuple[int, int]]:
    """Yield where each call is the one so many before it again, from the first of them on."""
    begin: int | None = None
    for place in range(period, len(made) + 1):
        if place < len(made) and made[place] == made[place - period]:
            begin = place - period if begin is None else begin
        elif begin is not None:
            yield begin, place
            begin = None


def _is_one(calls: list[ToolCall], period: int) -> bool:
    """Return whether a cycle is a loop: not what one response asked for at once, no error again, and not patience."""
    if period == 1 and calls[0].failed:
        return False
    if len({id(call.asked_by) for call in calls}) < OFTEN:
        return False
    waits = any(says_wait(call.answer_text) for call in calls[:period])
    return not waits or len(calls) // period >= PATIENCE


def _groups(evidence: Evidence) -> Iterator[list[ToolCall]]:
    for calls in evidence.calls_by_thread.values():
        yield from _grouped(calls)


def _grouped(calls: list[ToolCall]) -> list[list[ToolCall]]:
    """Return the calls of one tool with the same arguments together, where there are several."""
    groups: dict[tuple[str, str], list[ToolCall]] = {}
    for call in calls:
        groups.setdefault(call.key, []).append(call)
    return [group for group in groups.values() if len(group) > 1]


def steps_of(calls: list[ToolCall]) -> list[StepFacts]:
    """Return the steps of calls and their answers, in order."""
    return [step for call in calls for step in call.steps]


def _tool(calls: list[ToolCall]) -> str:
    return named(calls[0].tool or "a tool")


KINDS: Final[tuple[Kind, ...]] = (
    same_call_same_error,
    same_call_fails_again,
    call_repeated,
    duplicate_parallel_call,
    duplicate_side_effect,
    loop_without_progress,
)
