"""What models answered: cut off, refused, empty, or not in the format that was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from tfclient.reflect.findings.citing import Cited
from tfclient.reflect.findings.effects import Effects
from tfclient.reflect.findings.kind import Kind, kind
from tfclient.reflect.findings.kinds.schemas import breaks
from tfclient.reflect.quoting import named, quoted
from tfstore.document.cut_off import cut_off
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.offered import Wanted, wanted_of
from tfstore.reading.facts import StepFacts
from tfstore.reading.model_calls import outputs_of
from tfstore.reading.naming import short_step
from tfstore.reading.step_text import text_of
from tfstore.reading.step_words import is_refusal, name_of

_SAYS_NOTHING: Final = frozenset({"reasoning"})


@kind("answer_truncated", "medium")
def answer_truncated(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """An answer stopped at the limit of tokens."""
    last = _last_calls(evidence)
    for call in evidence.model_calls:
        reason = cut_off(call.step)
        if reason and reason != "content_filter":
            ends = id(call) in last
            yield Cited(
                [call],
                f"the answer of {_model(call)} was cut off: {quoted(reason)}{', and the run ended so' if ends else ''}",
                severity="high" if ends else None,
                data={"reason": reason},
            )


@kind("refusal", "medium")
def refusal(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """The model refused, or a filter stopped its answer."""
    for own in evidence.ordered:
        step = own.step
        if step.label == "assistant_message" and is_refusal(step):
            yield Cited([own], f"the model refused: {quoted(step.payload_completed.get('refusal'), 160)}")
        elif step.label == "assistant_call" and cut_off(step) == "content_filter":
            yield Cited(
                [own],
                f"the answer of {_model(own)} was stopped by a content filter",
                data={"reason": "content_filter"},
            )


@kind("empty_answer", "medium", on_trial=True)
def empty_answer(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """The last call of a run was answered with nothing."""
    last = _last_calls(evidence)
    for call in evidence.model_calls:
        step = call.step
        if id(call) not in last or step.status != "completed" or step.error is not None:
            continue
        if step.ending not in {None, "completed"} or step.payload_completed.get("body") is not None:
            continue
        given = [own for own in outputs_of(evidence.facts, call) if own.step.label not in _SAYS_NOTHING]
        if all(own.step.label == "assistant_message" and not _says(own) for own in given):
            yield Cited([call], f"{_model(call)} answered with nothing, and the run ended so")


def _says(message: StepFacts) -> bool:
    said = message.step.payload_completed
    return bool(text_of(message.step).strip() or said.get("content") or said.get("audio"))


def _last_calls(evidence: Evidence) -> set[int]:
    last: dict[int, int] = {}
    for call in evidence.model_calls:
        last[id(call.run)] = id(call)
    return set(last.values())


@kind("answer_not_json", "high")
def answer_not_json(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """JSON was asked for, and the answer is none."""
    for _wanted, message, text in _formatted(evidence):
        if not _parsed(text)[0]:
            yield Cited([message], f"JSON was asked for, and the answer is none: {quoted(text, 120)}")


@kind("answer_breaks_schema", "high", needs="jsonschema")
def answer_breaks_schema(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """JSON of a schema was asked for, and the answer breaks it."""
    for wanted, message, text in _formatted(evidence):
        is_json, value = _parsed(text)
        broken = breaks(wanted.schema, value) if is_json and wanted.schema is not None else ""
        if broken:
            about = f" {named(wanted.name)}" if wanted.name else ""
            yield Cited(
                [message], f"the answer breaks the schema{about} that was asked for: {quoted(broken, 160)}"
            )


def _formatted(evidence: Evidence) -> Iterator[tuple[Wanted, StepFacts, str]]:
    """Yield the messages that were to be JSON, whole ones that are an answer, with their texts."""
    for call in evidence.model_calls:
        wanted = wanted_of(call.step) if call.step.status == "completed" else None
        if wanted is None or cut_off(call.step) or call.step.ending not in {None, "completed"}:
            continue
        given = outputs_of(evidence.facts, call)
        if any(own.step.label == "tool_call" for own in given):
            continue  # what is said beside a call is no answer yet
        for own in given:
            text = _final_text(own)
            if text and not own.step.redactions:
                yield wanted, own, text


def _final_text(message: StepFacts) -> str:
    said = message.step.payload_completed
    if message.step.label != "assistant_message" or message.step.status != "completed":
        return ""
    if said.get("refusal") or said.get("phase") == "commentary":
        return ""
    content = said.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return next((text for text in reversed(texts) if isinstance(text, str)), "")
    text = said.get("text")
    return text if isinstance(text, str) else ""


def _parsed(text: str) -> tuple[bool, Any]:
    try:
        return True, json.loads(text)
    except RecursionError:
        return True, None
    except ValueError:
        return False, None


def _model(call: StepFacts) -> str:
    return f"{short_step(call.step.step_id)} {named(name_of(call) or 'model')}"


KINDS: Final[tuple[Kind, ...]] = (
    answer_truncated,
    refusal,
    empty_answer,
    answer_not_json,
    answer_breaks_schema,
)
