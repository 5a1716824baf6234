"""What is different between two sessions, or some runs of them, as text for a model: the changes only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tfclient.errors import SettingError
from tfclient.reflect.quoting import named
from tfclient.reflect.text import values
from tfclient.reflect.text.counting import estimate
from tfclient.reflect.text.lines import Counter, Line, Part, Telling
from tfclient.reflect.text.rendering import LEAST, fitted
from tfclient.reflect.text.session_lines import NOTICE
from tfclient.reflect.text.step_lines import cited
from tfclient.reflect.text.values import Value, unmarked
from tfstore.document.documents import Run, Session, Step
from tfstore.reading import session_words
from tfstore.reading.comparison import Change, RunPair, StepPair, aligned_runs
from tfstore.reading.figures import duration, joined
from tfstore.reading.naming import find_run
from tfstore.reading.step_text import as_text
from tfstore.reading.step_words import says, word_of

_WEIGHTS: Final = {"error": values.ERROR, "text": values.ANSWER, "arguments": values.GIVEN}


def diff_text(
    before: Session,
    after: Session,
    budget: int | None = None,
    tokens: Counter = estimate,
    runs: tuple[int | None, int | None] = (None, None),
) -> str:
    """Return what changed from one session to another: a line a step that differs, ``[4.7→4.6]`` first.

    Args:
        before: the session that is compared with.
        after: the session that is looked at.
        budget: tokens that the text has at most; None for all of it.
        tokens: says how many tokens a text has.
        runs: the number of the one run of each that is meant.

    Raises:
        SettingError: the budget is under ``LEAST``.
        UnknownRun: there is no such run.

    Example:
        >>> print(diff_text(Session("a"), Session("b")).splitlines()[-1])
        nothing differs
    """
    if budget is not None and budget < LEAST:
        raise SettingError("budget", budget, f"at least {LEAST} tokens, or None for all")
    sides = [
        session.runs if number is None else [find_run(session, number)]
        for session, number in zip((before, after), runs, strict=True)
    ]
    pairs = [pair for pair in aligned_runs(*sides) if pair.differs]
    lines = [*_head(before, after), *(line for pair in pairs for line in _pair(pair))]
    if not pairs:
        lines.append(Line(["nothing differs"], Telling.HEAD))
    return fitted(lines, budget, tokens)


def _head(before: Session, after: Session) -> Iterator[Line]:
    names = [unmarked(named(each.session_id)) for each in (before, after)]
    yield Line([joined(f"DIFF {names[0]} → {names[1]}", NOTICE)], Telling.HEAD)
    for sign, session in (("before", before), ("after", after)):
        figures = joined(
            session_words.outcome(session), session_words.numbers(session), duration(session.duration_ms)
        )
        yield Line([f"{sign}: {figures}"], Telling.HEAD)
    yield Line(
        [
            "⟨…⟩ says what is cut or folded · expand gives it, after `before` from the first session, else the second"
        ],
        Telling.HEAD,
    )


def _pair(pair: RunPair) -> Iterator[Line]:
    sides = [_run(run) for run in (pair.before, pair.after)]
    changed = bool(pair.changes) or pair.before is None or pair.after is None
    head: list[Part] = [f"RUN {'→'.join(sides)}", *_changes(pair.changes, "", "")]
    # Without a change of its own it says no more than the numbers of its steps do.
    yield Line(head, Telling.RUN if changed else Telling.REST)
    if pair.before is None or pair.after is None:
        only = pair.after or pair.before
        for step in only.steps if only is not None else ():
            yield _one(step, added=pair.before is None)
        return
    for each in pair.steps:
        if each.differs:
            yield from _step(each)


def _run(run: Run | None) -> str:
    """Return a run's number, or its id, quoted, where it has none."""
    if run is None:
        return ""
    number = run.run_id.removeprefix("run_")
    return number if number.isdecimal() and number.isascii() else values.quoted(run.run_id[:200])


def _step(pair: StepPair) -> Iterator[Line]:
    if pair.before is None or pair.after is None:
        if only := pair.after or pair.before:
            yield _one(only, added=pair.before is None)
        return
    head = f"[{cited(pair.before.step_id)}→{cited(pair.after.step_id)}]"
    said: list[Part] = [head, word_of(pair.after).lower(), *_name(pair.after)]
    said += _changes(pair.changes, f"before {cited(pair.before.step_id)}", cited(pair.after.step_id))
    yield Line(said, _telling(pair.changes), cited(pair.after.step_id), 1)


def _one(step: Step, *, added: bool) -> Line:
    own = cited(step.step_id)
    head = f"[→{own}]" if added else f"[{own}→]"
    said: list[Part] = [head, "new" if added else "gone", word_of(step).lower(), *_name(step)]
    if text := says(step):
        ref = own if added else f"before {own}"
        said.append(Value(text, values.ERROR if step.error is not None else values.OUTPUT, ref))
    return Line(said, Telling.CALL, own if added else f"before {own}", 1)


def _name(step: Step) -> Iterator[str]:
    if step.tool_name:
        yield unmarked(named(step.tool_name))


def _telling(changes: Sequence[Change]) -> Telling:
    fields = {change.field for change in changes}
    if "error" in fields or "status" in fields:
        return Telling.CITED
    return Telling.PROMPT if fields & set(_WEIGHTS) else Telling.REST


def _changes(changes: Sequence[Change], before: str, after: str) -> Iterator[Part]:
    """Yield what changed; ``before`` and ``after`` are what ``expand`` takes for the step of each side."""
    for change in changes:
        weight = _WEIGHTS.get(change.field, values.OUTPUT)
        yield f"{change.field}:"
        yield _value(change.before, weight, before)
        yield "→"
        yield _value(change.after, weight, after)


def _value(value: Any, weight: float, ref: str) -> Part:
    if value is None:
        return "nothing"
    if isinstance(value, bool | int | float):
        return f"{value:,}" if not isinstance(value, bool) else str(value).lower()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=as_text)
    return Value(text, weight, ref) if ref else unmarked(named(text))
