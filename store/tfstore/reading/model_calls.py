"""A model call: which one a step belongs to, what it was given, as the model saw it, and what it gave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from attrs import field, frozen

from tfstore.document.documents import Json, Session, Step
from tfstore.reading.facts import SessionFacts, StepFacts
from tfstore.reading.prompts import not_known, spelled_out

_GIVEN: Final = frozenset(
    {"reasoning", "tool_call", "assistant_message", "approval_request", "context_compacted"}
)
_FIXED: Final = ("instructions", "tools")


def model_call_of(session: Session, step: Step) -> Step | None:
    """Return the model call that a step is, that sent it, or that gave it; None where there is no such call."""
    if step.label == "assistant_call":
        return step
    steps = {each.step_id: each for run in session.runs for each in run.steps}
    for each in steps.values():
        if each.label == "assistant_call" and step.step_id in set(_carried(each)):
            return each
    seen: set[str] = set()
    before = list(step.depends_on)
    while before:
        found = steps.get(before.pop(0))
        if found is None or found.step_id in seen:
            continue
        if found.label == "assistant_call":
            return found
        seen.add(found.step_id)
        before += found.depends_on
    return None


def inputs_of(call: Step) -> list[str]:
    """Return the ids of the steps that were new in a model call's request."""
    given = call.payload_started.get("input")
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def outputs_of(facts: SessionFacts, call: StepFacts) -> list[StepFacts]:
    """Return what a response consisted of, in its own order."""
    response = call.step.response_id
    found = [
        own
        for own in facts.leads_to(call)
        if own.step.label in _GIVEN or (own.step.label == "generic" and own.step.output_index is not None)
        if not response or own.step.response_id in {None, response}
    ]
    return sorted(found, key=lambda own: (own.step.output_index or 0, own.step.seq))


def parts_of(call: Step) -> list[dict[str, Any]]:
    """Return the parts of a model call's prompt in the order sent."""
    provenance = call.payload_started.get("prompt_provenance")
    parts = provenance.get("parts") if isinstance(provenance, dict) else None
    return [each for each in parts if isinstance(each, dict)] if isinstance(parts, list) else []


def _items_of(call: Step) -> list[Json]:
    return [part for part in parts_of(call) if part.get("type") not in (*_FIXED, "response")]


def _carried(call: Step) -> Iterator[str]:
    yield from inputs_of(call)
    for part in parts_of(call):
        if part.get("type") not in {"response", "resent"}:
            yield from _ids_of(part)


def _ids_of(part: Json) -> list[str]:
    several = part.get("step_ids")
    ids = several if isinstance(several, list) else [part.get("step_id")]
    return [each for each in ids if isinstance(each, str)]


@frozen
class Seen:
    """A part of a prompt: a step, or an item that no step holds; ``sent`` says how it was sent differently."""

    own: StepFacts | None
    item: Any = None
    sent: str = ""


@frozen
class SeenPrompt:
    """A prompt as the model saw it.

    ``fixed`` are instructions, tools and what stands before the history; ``history`` is what the server kept and what
    was sent again, ``new`` what this call brought. ``unknown`` is what the model was given besides, in words.
    """

    fixed: list[Seen] = field(factory=list[Seen])
    history: list[Seen] = field(factory=list[Seen])
    new: list[Seen] = field(factory=list[Seen])
    unknown: list[str] = field(factory=list[str])


def seen_prompt(facts: SessionFacts, call: StepFacts) -> SeenPrompt:
    """Return a call's prompt as the model saw it, the parts that the session has; those that it has not are named."""
    missing: dict[str, None] = {}
    parts = _items_of(call.step)
    # What stands before the history that is sent again, such as a system message, is shown before it.
    leading = next((place for place, part in enumerate(parts) if part.get("type") == "resent"), 0)
    fixed = [part for part in parts_of(call.step) if part.get("type") in _FIXED] + parts[:leading]
    snapshots = [each for each in call.step.depends_on if _is_snapshot(facts, each)]
    # A document that names no inputs does not say which parts were known.
    names_them = isinstance(call.step.payload_started.get("input"), list)
    brought = {*inputs_of(call.step), *snapshots} if names_them else set(facts.steps)
    resent = [part for part in parts[leading:] if _is_known(facts, part, brought)]
    new = [part for part in parts[leading:] if not _is_known(facts, part, brought)]
    fixed_, again, new_ = (list(_seen(facts, some, missing)) for some in (fixed, resent, new))
    given = call.step.payload_started.get("arguments")
    request = given if isinstance(given, dict) else {}
    unknown = not_known(call.step, request, facts.steps, call.run.run.lineage.notes)
    history = [*kept_before(facts, call, missing), *again]
    return SeenPrompt(fixed_, history, new_, [*unknown, *missing])


def _is_known(facts: SessionFacts, part: Json, brought: set[str]) -> bool:
    """Return whether a part was sent, or said, before: a history of which the middle was cut is not one piece."""
    if part.get("type") == "resent":
        return True
    steps = [each for each in _ids_of(part) if each in facts.steps]
    return bool(steps) and brought.isdisjoint(steps)


def _is_snapshot(facts: SessionFacts, step_id: str) -> bool:
    own = facts.steps.get(step_id)
    return own is not None and own.step.label.endswith(".snapshot")


def kept_before(facts: SessionFacts, call: StepFacts, missing: dict[str, None] | None = None) -> list[Seen]:
    """Return what the server put before a request's own items: the responses that it continues, and their requests."""
    chain: list[StepFacts] = []
    seen = {call.step.step_id}
    before = _before(facts, call)
    while before is not None and before.step.step_id not in seen:
        seen.add(before.step.step_id)
        chain.append(before)
        before = _before(facts, before)
    kept: list[Seen] = []
    for each in reversed(chain):
        kept.extend(_seen(facts, _items_of(each.step), {} if missing is None else missing))
        kept.extend(map(Seen, outputs_of(facts, each)))
    return kept


def _before(facts: SessionFacts, call: StepFacts) -> StepFacts | None:
    """Return the model call whose response a request names as the one before."""
    for part in parts_of(call.step):
        if part.get("type") == "response":
            return facts.steps.get(str(part.get("step_id")))
    return None


def _seen(facts: SessionFacts, parts: list[Json], missing: dict[str, None]) -> Iterator[Seen]:
    last: StepFacts | None = None
    try:
        for part in spelled_out(parts, facts.plain_steps):
            if part.get("type") == "item":
                last = None
                yield Seen(None, part.get("item"))
                continue
            changed = [*(part.get("with") or {}), *(part.get("without") or ())]
            sent = f"sent with differences: {', '.join(map(str, changed))}" if changed else ""
            for step_id in _ids_of(part):
                own = facts.steps.get(step_id)
                if own is None:
                    missing[f"{step_id}, which is not in this session"] = None
                elif own is not last:  # one snapshot may stand for several items in a row
                    last = own
                    yield Seen(own, sent=sent)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        missing[f"what a part says that cannot be read ({error})"] = None
