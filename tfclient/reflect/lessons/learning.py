"""What a session teaches about its tools: each failed answer, and how it was put right."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from functools import cached_property
from typing import Final

from attrs import define

from tfclient.reflect.lessons.given import without_given
from tfclient.reflect.lessons.lesson import Seen
from tfclient.reflect.lessons.signature import error_words, generalised, signature_of
from tfclient.reflect.lessons.solving import Solutions, Way, way_of
from tfstore.document.documents import Json, Session
from tfstore.document.played import is_all_played
from tfstore.reading.evidence.evidence import Evidence, evidence_of
from tfstore.reading.evidence.sources import texts_of
from tfstore.reading.evidence.tool_calls import ToolCall
from tfstore.reading.explaining.common_words import COMMON

NOT_LEARNT: Final = {"learn": False, "purpose": "notes"}
"""Metadata of sessions from which nothing is learnt."""

_WORD: Final = re.compile(r"(?<![\w@.\-/:])[^\W\d_]{2,}(?![\w@\-/]|[.:]\w)")
_SPEAKS: Final = frozenset({"policy.snapshot", "tool.schemas.snapshot", "assistant_message", "reasoning"})
_TOLD: Final = frozenset(
    {"user_message", "tool_call", "tool_output", "assistant_message", "context.snapshot"}
)
_SHORT: Final = 3
_ACRONYM: Final = 5
_READ: Final = 1_000_000
"""Characters of a session that are looked through for names."""


def is_learnt_from(session: Session) -> bool:
    """Return whether a session is one to learn from: its metadata may say that it is not.

    Nor is one that was played from a recording: what happened in it had happened before.

    Example:
        >>> is_learnt_from(Session("sess_1")), is_learnt_from(Session("sess_1", metadata={"learn": False}))
        (True, False)
    """
    return not is_all_played(session) and not any(
        session.metadata.get(name) == value for name, value in NOT_LEARNT.items()
    )


def seen_in(session: Session | Evidence, skip_tools: Collection[str] = ()) -> list[Seen]:
    """Return what a session teaches, in order of arrival; nothing of one that is not to be learnt from.

    Args:
        session: its document, or its evidence where that was gathered already.
        skip_tools: names of tools whose answers are left alone.
    """
    evidence = session if isinstance(session, Evidence) else evidence_of(session)
    if not is_learnt_from(evidence.session):
        return []
    names = Names(evidence)
    found: list[tuple[int, Seen]] = []
    for calls in evidence.calls_by_thread.values():
        solutions = Solutions(calls)
        for place, call in enumerate(calls):
            if call.failed and call.tool and call.tool not in skip_tools:
                words = error_words(call)
                learnt = without_given(words)
                if learnt:
                    text = generalised(learnt, call.arguments, names.is_name)
                    found.append(
                        (call.own.step.seq, _seen(evidence, solutions, place, signature_of(call.tool, text)))
                    )
    return [each for _, each in sorted(found, key=lambda row: row[0])]


def _seen(evidence: Evidence, solutions: Solutions, place: int, signature: str) -> Seen:
    call = solutions.calls[place]
    schema = _schema(evidence, call)
    at = solutions.of(place)
    worked: ToolCall | None = None
    way: Way | None = None
    if at is not None:
        worked = solutions.calls[at]
        way = way_of(call, worked, solutions.between(place, at), schema)
    answer = call.answer
    return Seen(
        signature,
        call.tool,
        call.own.run.run.run_id,
        call.step_id,
        answer.step.step_id if answer is not None else call.step_id,
        schema_version(schema),
        worked.step_id if worked is not None else "",
        way,
    )


def schema_version(schema: Json | None) -> str:
    """Return what tells one version of a tool's schema from another; nothing where it is unknown."""
    if schema is None:
        return ""
    text = json.dumps(schema, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _schema(evidence: Evidence, call: ToolCall) -> Json | None:
    offered = evidence.offered_to(call.asked_by) if call.asked_by is not None else None
    return offered.schemas.get(call.tool) if offered is not None else None


@define(eq=False, slots=False)
class Names:
    """The names in a conversation: words that nobody writes in it but with a capital letter."""

    evidence: Evidence

    def is_name(self, word: str, leads: bool) -> bool:  # noqa: FBT001 - as it is called
        """Whether a word may be one; one that leads a sentence only where it stands elsewhere too."""
        if len(word) < _SHORT or not word[0].isupper() or (word.isupper() and len(word) <= _ACRONYM):
            return False
        return word.lower() not in self._lower and (not leads or word in self._capital)

    @cached_property
    def _words(self) -> tuple[frozenset[str], frozenset[str]]:
        capital: set[str] = set()
        lower: set[str] = set(COMMON)
        left = _READ
        failed = {
            call.answer.step.step_id for call in self.evidence.tool_calls if call.failed and call.answer
        }
        for own in self.evidence.ordered:
            told = own.step.label in _TOLD and own.step.step_id not in failed
            for text in texts_of(own.step) if left > 0 else ():
                left -= len(text)
                words = _WORD.findall(text[:_READ])
                if told:
                    capital.update(each for each in words if each[0].isupper())
                # People write their names in small letters too: those who speak for the program do not.
                if own.step.label in _SPEAKS:
                    lower.update(each for each in words if each[0].islower())
        return frozenset(capital), frozenset(lower)

    @property
    def _capital(self) -> frozenset[str]:
        return self._words[0]

    @property
    def _lower(self) -> frozenset[str]:
        return self._words[1]
