"""A model's notes on a session: lines, each of which must cite steps that exist and quote nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from attrs import frozen

from tfclient.reflect.quoting import escaped, quoted
from tfclient.reflect.text import render
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.sources import texts_of
from tfstore.reading.facts import StepFacts

BUDGET: Final = 4_000
"""Tokens of the text that a model is given."""

LINES: Final = 40
LONGEST: Final = 300
"""Lines of an answer, and characters of a line, that are taken."""

_LARGEST: Final = 20_000
_CITATION: Final = re.compile(
    r"\[((?:step_)?\d{1,6}[._]\d{1,6}(?:\s*,\s*(?:step_)?\d{1,6}[._]\d{1,6})*)\]", re.ASCII
)
_QUOTE: Final = re.compile(r"\"([^\"]{1,300})\"|“([^”]{1,300})”|«([^»]{1,300})»")
_BULLET: Final = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s*")

ASKED: Final = (
    "Below is a recorded session of a program with a model and tools. Say what went wrong in it and what to do "
    "otherwise next time, in at most ten lines. Each line ends with the steps that it rests on, as in [4.7]. What you "
    "put in quotation marks must stand in one of them word for word. Say nothing that no step shows.\n\n"
)


@frozen
class ModelNote:
    """A line that a model wrote, and the run that its first citation is in."""

    run_id: str
    says: str


def checked_notes(evidence: Evidence, model: Callable[[str], object]) -> tuple[list[ModelNote], list[str]]:
    """Return what a model says of a session, as far as it holds, and what was dropped and why.

    Whatever the model does, nothing is raised; how long it may take is for whoever calls this to bound.
    """
    try:
        answer = model(ASKED + render(evidence.session, BUDGET))
    except Exception as error:  # noqa: BLE001 - somebody else's code
        said = quoted(" ".join(str(error).split()), 200)
        return [], [f"The model that was to take notes raised {type(error).__name__}: {said}"]
    if not isinstance(answer, str):
        return [], [
            f"The model that was to take notes gave a {type(answer).__name__} where a text is needed."
        ]
    kept: list[ModelNote] = []
    troubles: list[str] = []
    lines = [line for line in answer[:_LARGEST].splitlines() if line.strip()]
    if len(answer) > _LARGEST or len(lines) > LINES:
        troubles.append(
            f"The model's answer of {len(answer):,} characters is longer than notes are: what is behind its "
            f"first {LINES} lines or {_LARGEST:,} characters was dropped."
        )
    for line in lines[:LINES]:
        text = " ".join(_BULLET.sub("", line).split())
        wrong, run_id = _wrong_with(text, evidence)
        if wrong:
            troubles.append(f"Of the model's notes, {quoted(text, 80)} was dropped: {wrong}.")
        else:
            kept.append(ModelNote(run_id, escaped(text)))
    return kept, troubles


def _wrong_with(line: str, evidence: Evidence) -> tuple[str, str]:
    if len(line) > LONGEST:
        return f"it is longer than {LONGEST} characters", ""
    ids = [f"step_{each}" for each in _cited(line)]
    if not ids:
        return "it cites no step", ""
    steps = [evidence.facts.steps.get(each) for each in ids]
    unknown = next((each for each, own in zip(ids, steps, strict=True) if own is None), None)
    if unknown is not None:
        return f"there is no step {unknown.removeprefix('step_').replace('_', '.')}", ""
    known = [own for own in steps if own is not None]
    for found in _QUOTE.finditer(line):
        words = next(filter(None, found.groups()))
        if not _stands_in(words, known):
            return f"{quoted(words, 60)} does not stand in what it cites", ""
    return "", known[0].run.run.run_id


def _cited(line: str) -> Iterator[str]:
    for found in _CITATION.finditer(line):
        for each in found[1].split(","):
            yield each.strip().removeprefix("step_").replace(".", "_")


def _stands_in(words: str, steps: list[StepFacts]) -> bool:
    wanted = " ".join(words.split()).casefold()
    # In a text for a model, values are JSON: a quote may have been taken from there.
    return any(
        wanted in " ".join(each.split()).casefold() or wanted in quoted(each, 1_000_000).casefold()
        for own in steps
        for each in (*texts_of(own.step), own.tool)
    )
