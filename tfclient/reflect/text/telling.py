"""Why a session, or a part of it, is what it is, as text for a model: the story that `tfclient why` tells, cited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tfclient.errors import SettingError
from tfclient.reflect.findings.citing import Finding
from tfclient.reflect.quoting import named
from tfclient.reflect.text import values
from tfclient.reflect.text.counting import estimate
from tfclient.reflect.text.lines import Counter, Line, Part, Telling
from tfclient.reflect.text.rendering import LEAST, fitted
from tfclient.reflect.text.session_lines import NOTICE, found_lines, head_lines, note_line
from tfclient.reflect.text.step_lines import Seen, cited, line_of
from tfclient.reflect.text.values import Value, unmarked
from tfstore.document.notes import Note
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.explaining.explanation import Explanation
from tfstore.reading.explaining.sections import Row, about, sections, source_name, title_of
from tfstore.reading.facts import StepFacts
from tfstore.reading.failures import Failure, Told, story_of
from tfstore.reading.figures import joined

MOST: Final = 8
"""Failures, and steps of one kind, that are told; of more it is said how many."""


def why_text(
    evidence: Evidence,
    budget: int | None = None,
    tokens: Counter = estimate,
    findings: Sequence[Finding] = (),
    notes: Sequence[Note] = (),
) -> str:
    """Return how a session came to fail: where it broke, what led there, what the model was never told.

    Args:
        evidence: of the session.
        budget: tokens that the text has at most; None for all of it.
        tokens: says how many tokens a text has.
        findings: what was found in it; they come first.
        notes: what people noted on it; they come next.

    Raises:
        SettingError: the budget is under ``LEAST``.

    Example:
        >>> from tfstore.document.documents import Session
        >>> from tfstore.reading.evidence.evidence import evidence_of
        >>> print(why_text(evidence_of(Session("sess_1", status="closed"))).splitlines()[-1])
        Nothing failed.
    """
    _allowed(budget)
    story = story_of(evidence.session)
    lines = [*head_lines(evidence.session, "WHY"), *found_lines(findings), *map(note_line, notes)]
    program = evidence.session.failure
    if program is not None:
        ended = f"The program ended with {unmarked(named(program.type))}"
        lines.append(Line([f"{ended}:", Value(program.message, values.ERROR, "")], Telling.HEAD))
    if not story.failures:
        lines.append(Line(["Nothing failed."], Telling.HEAD))
    for failure in story.failures[:MOST]:
        lines += _failure(failure)
    if rest := story.failures[MOST:]:
        where = ", ".join(f"run {each.run.number} at {_cite(each.step)}" for each in rest[:MOST])
        more = f" and {len(rest) - MOST:,} more" if len(rest) > MOST else ""
        lines.append(Line([f"Also failed: {where}{more}"], Telling.HEAD))
    lines += _group("Tool errors that did not stop it", _apart(story.tool_errors, story.failures))
    lines += _group("Never answered", story.unanswered)
    told = {id(each.answer) for failure in story.failures for each in failure.not_told}
    lines += _group(
        "Answers that no model read", [each.answer for each in story.unused if id(each.answer) not in told]
    )
    lines += _group("Tried again", [each.again for each in story.retries])
    lines += _group("Asked again", [each.calls[-1] for each in story.repeated])
    lines += _group("Slowest", story.slowest if len(story.slowest) > 1 else [])
    return fitted(lines, budget, tokens)


def part_text(
    evidence: Evidence,
    explained: Explanation,
    budget: int | None = None,
    tokens: Counter = estimate,
    findings: Sequence[Finding] = (),
    notes: Sequence[Note] = (),
) -> str:
    """Return why a run or a step is what it is: where its words come from, and what the model was not told.

    Args:
        evidence: of its session.
        explained: the run or the step (``tfstore.reading.explaining.explain``).
        budget: tokens that the text has at most; None for all of it.
        tokens: says how many tokens a text has.
        findings: what was found in the steps that it rests on.
        notes: what people noted on it.

    Raises:
        SettingError: the budget is under ``LEAST``.
    """
    _allowed(budget)
    session_id = unmarked(named(evidence.session.session_id))
    lines = [Line([joined(f"WHY of session {session_id}", NOTICE)], Telling.HEAD)]
    if explained.own is not None:
        own = line_of(explained.own, Seen(), 0)
        own.telling = Telling.HEAD
        lines.append(own)
        lines.append(Line([_mixed(about(explained))], Telling.HEAD))
    else:
        lines.append(Line([_mixed(joined(title_of(explained), about(explained)))], Telling.HEAD))
    lines += [*found_lines(findings), *map(note_line, notes)]
    for section in sections(explained):
        lines.append(Line([f"{section.title}:"], Telling.RUN))
        lines += map(_row, section.rows)
    return fitted(lines, budget, tokens)


def findings_text(
    evidence: Evidence, findings: Sequence[Finding], budget: int | None = None, tokens: Counter = estimate
) -> str:
    """Return findings, the worst first, each with the steps that it rests on.

    Args:
        evidence: of the session.
        findings: what was found in it.
        budget: tokens that the text has at most; None for all of it.
        tokens: says how many tokens a text has.

    Raises:
        SettingError: the budget is under ``LEAST``.
    """
    _allowed(budget)
    lines = [*head_lines(evidence.session, "FINDINGS"), *found_lines(findings)]
    if findings:
        lines.append(Line(["Steps that they cite:"], Telling.HEAD))
        ids = {step for each in findings for step in each.steps}
        lines += _lines(own for own in evidence.facts.every if own.step.step_id in ids)
    else:
        lines.append(Line(["Nothing is wrong that can be told for certain."], Telling.HEAD))
    return fitted(lines, budget, tokens)


def _allowed(budget: int | None) -> None:
    if budget is not None and budget < LEAST:
        raise SettingError("budget", budget, f"at least {LEAST} tokens, or None for all")


def _failure(failure: Failure) -> Iterator[Line]:
    said = f"RUN {failure.run.number} {failure.run.run.status} at {_cite(failure.step)}"
    yield Line([said], Telling.HEAD)
    yield Line(["How it came to that:"], Telling.RUN)
    for line in _lines(failure.chain):
        line.telling = Telling.CITED if line.ref == cited(failure.step.step.step_id) else line.telling
        yield line
    yield from _group("What the model was never told", [each.answer for each in failure.not_told])
    yield from _told("What the model was told", failure.told)


def _told(title: str, told: Sequence[Told]) -> Iterator[Line]:
    # The latest first: that is what it went by.
    yield from _group(title, [each.answer for each in reversed(told)])


def _apart(errors: Sequence[StepFacts], failures: Sequence[Failure]) -> list[StepFacts]:
    shown = {id(own) for each in failures for own in (each.step, *each.chain)}
    shown |= {id(told.answer) for each in failures for told in (*each.told, *each.not_told)}
    return [own for own in errors if id(own) not in shown]


def _group(title: str, steps: Sequence[StepFacts]) -> Iterator[Line]:
    if not steps:
        return
    yield Line([f"{title}:"], Telling.ANSWER)
    yield from _lines(steps[:MOST])
    if len(steps) > MOST:
        yield Line([f"and {len(steps) - MOST:,} more"], Telling.REST, indent=1)


def _lines(steps: Iterable[StepFacts]) -> Iterator[Line]:
    seen = Seen()
    yield from (line_of(own, seen, 0) for own in steps)


def _row(row: Row) -> Line:
    if row.own is not None:
        line = line_of(row.own, Seen(), 0)
        if row.about:
            line.parts.append(_mixed(row.about))
        return line
    parts: list[Part] = [Value(row.text, values.ANSWER, "")]
    if row.sources:
        parts += ["←", ", ".join(_mixed(source_name(own)) for own in row.sources)]
    if row.about:
        parts.append(_mixed(row.about))
    return Line(parts, Telling.ANSWER, indent=1)


def _mixed(words: str) -> str:
    """Return words of ours among which recorded names may be: quoted, since nobody can tell them apart."""
    return values.quoted(" ".join(words.split()))


def _cite(own: StepFacts) -> str:
    return f"[{cited(own.step.step_id)}]"
