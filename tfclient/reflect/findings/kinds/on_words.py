"""Guesses from the words of answers. They are wrong too often to be on unless they are asked for."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tfclient.reflect.findings.citing import Cited
from tfclient.reflect.findings.effects import Effects
from tfclient.reflect.findings.kind import Kind, kind
from tfclient.reflect.quoting import named, quoted
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.sources import texts_of
from tfstore.reading.facts import StepFacts
from tfstore.reading.step_text import text_of

_OF_FAILURE: Final = re.compile(
    r"\b(?:error|fail\w*|unable|could ?n[o']t|cannot|can't|problem|issue|unfortunately|sorry|apolog\w+|invalid|wrong|"
    r"not (?:able|available|possible|found|work\w*)|did ?n[o']t|does ?n[o']t|is ?n[o']t|unavailable|denied|reject\w+|"
    r"time(?:d)? ?out|missing|no (?:such|longer)|trouble|went wrong)\b",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])")
LEAST: Final = 10
"""A number below is a count, a rank, an hour."""
MOST: Final = 400
"""Numbers in sources of which sums and products are tried; with more, there is one for anything."""
LETTERS: Final = 20
CENT: Final = 0.01


@kind("error_swallowed", "info", "heuristic", off=True)
def error_swallowed(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A tool failed, never worked after, and the answer has no word of it; English only."""
    answers: dict[str, StepFacts] = {}
    for own in evidence.ordered:
        if own.step.label == "assistant_message":
            answers[own.run.run.thread_id] = own
    for thread, calls in evidence.calls_by_thread.items():
        last = {call.tool: call for call in calls if call.answers}
        answer = answers.get(thread)
        for call in last.values():
            failure = call.answer
            if not call.failed or failure is None or answer is None or answer.step.seq < failure.step.seq:
                continue
            if not _OF_FAILURE.search(text_of(answer.step)):
                yield Cited(
                    [failure, answer],
                    f"{named(call.tool)} failed and never worked after, and the answer does not say so",
                    data={"tool": call.tool},
                )


@kind("number_unsourced", "info", "heuristic", off=True)
def number_unsourced(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A number in an answer stands in nothing before it, nor is the sum, difference, product or quotient of two."""
    known: dict[float, None] = {}
    for own in evidence.ordered:
        if own.step.label == "assistant_message":
            for found in _NUMBER.finditer(text_of(own.step)):
                value = _number(found[0])
                if value >= LEAST and len(known) <= MOST and not _is_made_of(value, known):
                    yield Cited(
                        [own],
                        f"nothing before it holds the number {quoted(found[0])}",
                        data={"number": found[0]},
                    )
        for text in texts_of(own.step):
            if len(known) <= MOST:
                known.update(dict.fromkeys(_number(found[0]) for found in _NUMBER.finditer(text)))


def _number(written: str) -> float:
    return float(written.replace(",", "")[:30])


def _is_made_of(value: float, known: dict[float, None]) -> bool:
    if value in known:
        return True
    for one in known:
        if any(round(other, 2) in known for other in (value - one, one - value, value + one)):
            return True
        if not one:
            continue
        factor, product = round(value / one, 2), round(value * one, 2)
        if factor in known and abs(factor * one - value) < CENT:
            return True
        if product in known and abs(product / one - value) < CENT:
            return True
    return False


@kind("language_switch", "info", "heuristic", off=True)
def language_switch(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """The prompt is written in one script, the answer in another."""
    for run in evidence.facts.runs:
        prompts = [own for own in run.steps if own.step.label == "user_message"]
        answers = [own for own in run.steps if own.step.label == "assistant_message"]
        if not prompts or not answers:
            continue
        asked, given = _script(text_of(prompts[-1].step)), _script(text_of(answers[-1].step))
        if asked and given and asked != given:
            yield Cited(
                [answers[-1], prompts[-1]],
                f"the prompt is written in {asked.title()}, the answer in {given.title()}",
                data={"prompt": asked, "answer": given},
            )


def _script(text: str) -> str:
    """Return the script that most letters of a text are of; nothing where there are few."""
    letters = [each for each in text[:2_000] if each.isalpha()]
    if len(letters) < LETTERS:
        return ""
    found = Counter(unicodedata.name(each, "UNKNOWN").partition(" ")[0] for each in letters)
    return found.most_common(1)[0][0]


KINDS: Final[tuple[Kind, ...]] = (error_swallowed, number_unsourced, language_switch)
