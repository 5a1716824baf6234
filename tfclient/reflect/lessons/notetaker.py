"""What a session leaves in ``learnings.md`` and among the lessons: an entry for each run that teaches something.

A run has an entry where something of severity high or medium was found in it, where a tool failed, or where a model's
note is about it. The same session always gives the same entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from tfclient.reflect.findings import Finding, examine
from tfclient.reflect.lessons.given import lessons_given, without_given
from tfclient.reflect.lessons.learning import is_learnt_from, seen_in
from tfclient.reflect.lessons.lesson import Seen
from tfclient.reflect.lessons.model_notes import ModelNote, checked_notes
from tfclient.reflect.lessons.solving import Way
from tfclient.reflect.lessons.wording import change_in_words, unmarked
from tfclient.reflect.quoting import named, quoted
from tfclient.reflect.text.step_lines import cited
from tfstore.document.documents import Json, Session
from tfstore.document.learnings import Block
from tfstore.document.lesson_rows import EVIDENCE, Taught
from tfstore.reading.evidence.evidence import Evidence, evidence_of
from tfstore.reading.facts import RunFacts

MOST: Final = 6
"""Gaps and lessons of a run that its entry names; of more it says how many."""

BY_MODEL: Final = "- note (model):"
"""How the lines begin that a model wrote."""

_NOTED: Final = frozenset({"high", "medium"})
_CITED: Final = 4
_TOOLS: Final = 4


@frozen
class Noted:
    """What a session leaves: entries for ``learnings.md``, and what it adds to lessons.

    ``troubles`` says what of a model's notes was dropped, and why. ``keeps_notes`` says that no model was asked, or did
    not answer: what one wrote earlier stays.
    """

    taught: Taught
    turns: tuple[Block, ...] = ()
    troubles: tuple[str, ...] = ()
    keeps_notes: bool = False


def noted_in(
    session: Session | Evidence,
    skip_tools: Collection[str] = (),
    model: Callable[[str], object] | None = None,
) -> Noted:
    """Return what a session leaves; nothing of one that is not to be learnt from.

    Args:
        session: its document, or its evidence where that was gathered already.
        skip_tools: names of tools from whose answers nothing is learnt.
        model: is given the session as text and gives back lines, each of which cites steps: ``[4.7]``.

    Example:
        >>> noted_in(Session("sess_1")).turns
        ()
    """
    evidence = session if isinstance(session, Evidence) else evidence_of(session)
    document = evidence.session
    if not is_learnt_from(document):
        return Noted(Taught(document.session_id, document.started_at or ""))
    seen = seen_in(evidence, skip_tools)
    found = [each for each in examine(evidence).findings if each.severity in _NOTED]
    found = [
        each for each in found if each.data.get("tool") not in skip_tools or each.data.get("tool") is None
    ]
    notes, troubles = ([], []) if model is None else checked_notes(evidence, model)
    turns = tuple(_turns(evidence, seen, found, notes))
    at = document.started_at or ""
    calls = Counter(call.tool for call in evidence.tool_calls if call.answers)
    taught = Taught(document.session_id, at, tuple(parts_of(seen, at)), tuple(lessons_given(document)), calls)
    return Noted(taught, turns, tuple(troubles), model is None or bool(troubles and not notes))


def parts_of(seen: Sequence[Seen], at: str) -> Iterator[Json]:
    """Yield what failed answers of a session that began at a time add to lessons, as ``Taught.lessons`` has it."""
    by_id: dict[str, list[Seen]] = {}
    for each in seen:
        by_id.setdefault(each.lesson_id, []).append(each)
    for lesson_id, alike in sorted(by_id.items()):
        ways = Counter(each.way for each in alike if each.way is not None)
        part = {
            "at": at,
            "seen": len(alike),
            "solved": sum(bool(each.solved_by) for each in alike),
            "steps": [each.answer for each in alike][-EVIDENCE:],
            "schema": alike[-1].schema,
            "ways": [{"way": way_as_json(way), "times": times} for way, times in ways.items()],
        }
        yield {"lesson_id": lesson_id, "signature": alike[0].signature, "tool": alike[0].tool, "part": part}


def way_as_json(way: Way) -> Json:
    """Return a way as it is stored: what it does not name is left out."""
    parts = {"changed": way.changed, "added": way.added, "left_out": way.left_out, "after": way.after}
    return {name: list(paths) for name, paths in parts.items() if paths}


def _turns(
    evidence: Evidence, seen: Sequence[Seen], found: Sequence[Finding], notes: Sequence[ModelNote]
) -> Iterator[Block]:
    session = evidence.session
    content = session.redaction.mode == "content"
    for run in evidence.facts.runs:
        run_id = run.run.run_id
        gaps = [each for each in found if each.run_id == run_id]
        taught = [each for each in seen if each.run_id == run_id]
        said = [each for each in notes if each.run_id == run_id]
        if not (gaps or taught or said) or not _is_plain(run_id):
            continue
        day = (run.run.started_at or session.started_at or "")[:10]
        lines = [f"### {session.session_id} {run_id}{' · ' + day if day else ''}"]
        lines.append(_action(run, content=content))
        lines += _first("gap", [_gap(each, content=content) for each in gaps])
        lines += _first("lesson", _lessons(taught))
        lines += [f"{BY_MODEL} {each.says}" for each in said]
        lines.append(_outcome(run))
        yield Block.of(session.session_id, run_id, "".join(f"{unmarked(line)}\n" for line in lines))


def _is_plain(run_id: str) -> bool:
    return run_id.isascii() and run_id.replace("_", "").isalnum() and len(run_id) <= 80


def _first(what: str, lines: list[str]) -> list[str]:
    more = [f"- and {len(lines) - MOST} more {what}s"] if len(lines) > MOST else []
    return [*lines[:MOST], *more]


def _places(steps: Iterable[str]) -> str:
    every = list(dict.fromkeys(map(cited, steps)))
    more = f" and {len(every) - _CITED} more" if len(every) > _CITED else ""
    return f"[{', '.join(every[:_CITED])}{more}]"


def _action(run: RunFacts, *, content: bool) -> str:
    calls = [own for own in run.steps if own.step.label == "tool_call"]
    tools = list(dict.fromkeys(named(own.tool) for own in calls if own.tool))
    more = f" and {len(tools) - _TOOLS} more" if len(tools) > _TOOLS else ""
    called = f" → {', '.join(tools[:_TOOLS])}{more}" if tools else ""
    steps = [own.step.step_id for own in (calls or run.steps)[:1]]
    prompt = "a prompt" if content else quoted(without_given(run.run.input_text), 100)
    return f"- action: {prompt if run.run.input_text else 'no prompt'}{called} {_places(steps)}"


def _gap(finding: Finding, *, content: bool) -> str:
    says = "" if content else f" {' '.join(finding.says.split())}"
    return f"- gap: {finding.kind} ({finding.severity}, {finding.certainty}) {_places(finding.steps)}{says}"


def _lessons(taught: Sequence[Seen]) -> list[str]:
    by_id: dict[str, list[Seen]] = {}
    for each in taught:
        by_id.setdefault(each.lesson_id, []).append(each)
    return [_lesson(lesson_id, alike) for lesson_id, alike in by_id.items()]


def _lesson(lesson_id: str, alike: Sequence[Seen]) -> str:
    first = alike[0]
    solved = next((each for each in reversed(alike) if each.way is not None), None)
    if solved is None or solved.way is None:
        how = "not solved in that session"
    else:
        after = f", after {', '.join(map(named, solved.way.after))}" if solved.way.after else ""
        how = f"worked {change_in_words(solved.way)}{after}"
    times = f" ({len(alike)}×)" if len(alike) > 1 else ""
    steps = [step for each in alike for step in (each.call, each.answer)]
    if solved is not None:
        steps[2:2] = [solved.solved_by]
    return f"- lesson {lesson_id}: {named(first.tool)}: {quoted(first.words, 160)}{times} → {how} {_places(steps)}"


def _outcome(run: RunFacts) -> str:
    failed = next((own.step for own in reversed(run.steps) if own.step.error is not None), None)
    if failed is None or failed.error is None or not run.failed:
        last = [own.step.step_id for own in run.steps[-1:]]
        return f"- outcome: {run.run.status} {_places(last) if last else ''}".rstrip()
    parts = (failed.error.class_, failed.error.http_status, failed.error.code)
    why = " ".join(named(str(part)) for part in parts if part)
    return f"- outcome: {run.run.status}, {why} {_places([failed.step_id])}"
