"""What of a conversation a request sends again: which steps stand in it, and which no longer do.

Prompts refer to earlier prompts for what they repeat. That is followed here only as far as needed: for the last request
of each conversation once, else from one request to the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from tfstore.document.documents import Json, Step
from tfstore.reading.facts import SessionFacts, StepFacts
from tfstore.reading.model_calls import inputs_of, outputs_of, parts_of
from tfstore.reading.prompts import spelled_out
from tfstore.reading.step_text import as_text, text_of

LOOKED_FOR: Final = 50
"""Messages that are looked for in the words of a request where their steps do not stand in it."""

_OF_THE_CONVERSATION: Final = frozenset(
    {"user_message", "assistant_message", "tool_call", "tool_output", "tool_error"}
)
_ANSWERS: Final = frozenset({"tool_output", "tool_error"})


@frozen
class Lost:
    """Steps of a conversation that its last request does not hold; ``since`` is the first request without the first."""

    last: StepFacts
    since: StepFacts
    steps: list[StepFacts]


def _items_of(call: Step) -> list[Json]:
    """Return the parts of a call's items or messages, in the order sent."""
    return [part for part in parts_of(call) if part.get("type") not in {"instructions", "tools", "response"}]


def _number(part: Json, name: str) -> int:
    value = part.get(name)
    return value if isinstance(value, int) else 0


def kept_by_server(call: StepFacts) -> bool:
    """Return whether a request leaves it to the server to put the conversation before it."""
    given = call.step.payload_started.get("arguments")
    linked = any(part.get("type") == "response" for part in parts_of(call.step))
    return linked or (isinstance(given, dict) and bool(given.get("conversation") or given.get("prompt")))


def continued(facts: SessionFacts, call: StepFacts) -> StepFacts | None:
    """Return the model call whose context another continues."""
    inherits = call.step.payload_started.get("inherits")
    before = facts.steps.get(str(inherits.get("step_id"))) if isinstance(inherits, dict) else None
    return before if before is not None and before.step.seq < call.step.seq else None


def latest_chains(facts: SessionFacts) -> Iterator[list[StepFacts]]:
    """Yield for each conversation the model calls that led to its last one, the first of them first."""
    roots: dict[int, int] = {}
    latest: dict[int, StepFacts] = {}
    calls = [own for own in facts.every if own.step.label == "assistant_call"]
    for own in sorted(calls, key=lambda own: own.step.seq):
        before = continued(facts, own)
        roots[id(own)] = roots.get(id(before), id(own)) if before is not None else id(own)
        latest[roots[id(own)]] = own
    for last in latest.values():
        chain = [last]
        while (before := continued(facts, chain[-1])) is not None:
            chain.append(before)
        yield chain[::-1]


def lost_on_the_way(facts: SessionFacts, chain: list[StepFacts]) -> Lost | None:
    """Return what the last of these calls no longer sent of what the ones before were given and gave.

    What it says in other words is not seen; what it quotes is. Nothing is told where a compaction stands in its place,
    or where the server keeps the conversation.
    """
    last = chain[-1]
    if len(chain) < 2 or kept_by_server(last) or last.step.payload_started.get("body") is not None:
        return None
    try:
        parts = list(spelled_out(_items_of(last.step), facts.plain_steps))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    sent = {step_id for part in parts for step_id in ids_in(part)}
    if any(part.get("type") == "resent" or _is_compaction(part, facts) for part in parts):
        return None
    missing = [own for own in _said(facts, chain) if own.step.step_id not in sent]
    told = [own for own in missing if own.step.label in {"user_message", *_ANSWERS}]
    if not told:
        return None
    words = squeezed("\n".join(_words(part, facts) for part in parts))
    first = next((own for own in _important(told)[:LOOKED_FOR] if not _stands_in(own.step, words)), None)
    if first is None:
        return None
    rest = [own for own in missing if own is not first]
    return Lost(last, _first_without(facts, chain, first), [first, *rest])


def _important(missing: list[StepFacts]) -> list[StepFacts]:
    """Return what a person said before what tools gave."""
    return sorted(missing, key=lambda own: own.step.label != "user_message")


def _said(facts: SessionFacts, chain: list[StepFacts]) -> list[StepFacts]:
    found: dict[str, StepFacts] = {}
    for call in chain[:-1]:
        if call.step.status in {"failed", "cancelled"}:
            continue
        carried = (facts.steps.get(step_id) for step_id in inputs_of(call.step))
        for own in (*carried, *outputs_of(facts, call)):
            if own is not None and own.step.label in _OF_THE_CONVERSATION:
                found.setdefault(own.step.step_id, own)
    return list(found.values())


def _is_compaction(part: Json, facts: SessionFacts) -> bool:
    item = part.get("item")
    kind = str(item.get("type") if isinstance(item, dict) else part.get("type"))
    steps = (facts.plain_steps.get(step_id) for step_id in ids_in(part))
    return "compact" in kind or any(step is not None and step.label == "context_compacted" for step in steps)


def _words(part: Json, facts: SessionFacts) -> str:
    steps = (facts.plain_steps.get(step_id) for step_id in ids_in(part))
    texts = [text_of(step) for step in steps if step is not None]
    return "\n".join([*texts, as_text(part.get("item")), *map(as_text, (part.get("with") or {}).values())])


def squeezed(text: str) -> str:
    """Return a text as it is found in another, whatever its lines, and whether it stands in JSON there or not."""
    return " ".join(text.replace("\\n", " ").replace('\\"', '"').split())


def _stands_in(step: Step, words: str) -> bool:
    text = squeezed(text_of(step))
    return not text or text in words


def ids_in(part: Json) -> list[str]:
    """Return the ids of the steps that a part of a prompt was made of."""
    several = part.get("step_ids")
    ids = several if isinstance(several, list) else [part.get("step_id")]
    return [each for each in ids if isinstance(each, str)]


def _first_without(facts: SessionFacts, chain: list[StepFacts], wanted: StepFacts) -> StepFacts:
    """Return the first call of a chain after a step that does not hold it."""
    places: dict[str, int | None] = {}
    known = False
    for call in chain:
        place = _place(call.step, wanted.step.step_id, places)
        places[call.step.step_id] = place
        if place is not None or kept_by_server(call):
            known = True
        elif known or wanted in outputs_of(facts, call) or wanted.step.seq < call.step.seq:
            if call.step.seq > wanted.step.seq:
                return call
            known = True
    return chain[-1]


def _place(call: Step, wanted: str, places: dict[str, int | None]) -> int | None:
    """Return the place of a step among the items that a call sent, known the places in the calls before."""
    offset = 0
    for part in _items_of(call):
        if part.get("type") == "resent":
            begin, length = _number(part, "from"), _number(part, "items")
            before = places.get(str(part.get("step_id")))
            if before is not None and begin <= before < begin + length:
                return offset + before - begin
            offset += length
        elif wanted in ids_in(part):
            return offset
        else:
            offset += 1
    return None


def orphans_in(facts: SessionFacts, call: StepFacts, call_of: dict[str, StepFacts]) -> list[StepFacts]:
    """Return the tool outputs that a request sends without the call that they answer.

    Args:
        facts: of the session.
        call: the model call.
        call_of: the tool call that each output answers, by the id of the output's step.
    """
    if kept_by_server(call):
        return []
    found: list[StepFacts] = []
    known: set[str] = set()
    asked_before: set[str] = set()
    resent: Json | None = None
    for part in _items_of(call.step):
        if part.get("type") == "resent":
            resent = resent or part
            found += _cut_open(facts, part, call_of, known)
            continue
        if part.get("type") == "context.snapshot":
            found += _orphan_in_context(facts, part, asked_before)
            continue
        for step_id in ids_in(part):
            own, asked = facts.steps.get(step_id), call_of.get(step_id)
            known.add(step_id)
            if own is None or own.step.label not in _ANSWERS or asked is None or asked.step.step_id in known:
                continue
            if resent is None or not _holds(facts, resent, asked.step.step_id):
                found.append(own)
    return found


def _orphan_in_context(facts: SessionFacts, part: Json, asked: set[str]) -> list[StepFacts]:
    """Return the snapshot if what stands at this place of it answers a call that no item before asked for."""
    own = facts.steps.get(str(part.get("step_id")))
    items = own.step.payload_started.get("items") if own is not None else None
    place = _number(part, "place")
    item = items[place] if isinstance(items, list) and place < len(items) else None
    if own is None or not isinstance(item, dict):
        return []
    calls = item.get("tool_calls")
    asked.update(str(each.get("id")) for each in calls or () if isinstance(each, dict))
    if str(item.get("type")).endswith("_call"):
        asked.add(str(item.get("call_id")))
    answered = item.get("tool_call_id") if item.get("role") == "tool" else None
    if str(item.get("type")) in {"function_call_output", "custom_tool_call_output"}:
        answered = item.get("call_id")
    return [own] if answered is not None and str(answered) not in asked else []


def _cut_open(
    facts: SessionFacts, part: Json, call_of: dict[str, StepFacts], known: set[str]
) -> list[StepFacts]:
    """Return the outputs with which a range of an earlier prompt begins, unless ``known`` has their call."""
    begin, earlier = _number(part, "from"), facts.plain_steps.get(str(part.get("step_id")))
    if earlier is None or begin <= _leading(earlier):
        return []
    found: list[StepFacts] = []
    for place in range(begin, begin + _number(part, "items")):
        own = _at(facts, earlier, place)
        if own is None or own.step.label not in _ANSWERS:
            break
        asked = call_of.get(own.step.step_id)
        if asked is not None and asked.step.step_id not in known:
            found.append(own)
    return found


def _leading(call: Step) -> int:
    """Return how many items stand in a prompt before the conversation itself."""
    parts = _items_of(call)
    stops = (
        n for n, part in enumerate(parts) if part.get("type") not in {"policy.snapshot", "context.snapshot"}
    )
    return next(stops, len(parts))


def _at(facts: SessionFacts, call: Step | None, place: int) -> StepFacts | None:
    """Return the step that stands at a place of a prompt, the last of those that make one message."""
    while call is not None:
        offset, following = 0, None
        for part in _items_of(call):
            length = _number(part, "items") if part.get("type") == "resent" else 1
            if offset <= place < offset + length:
                if part.get("type") != "resent":
                    ids = ids_in(part)
                    return facts.steps.get(ids[-1]) if ids else None
                following = part
                break
            offset += length
        if following is None:
            return None
        place += _number(following, "from") - offset
        before = facts.plain_steps.get(str(following.get("step_id")))
        call = before if before is not None and before.seq < call.seq else None
    return None


def _holds(facts: SessionFacts, part: Json, wanted: str) -> bool:
    """Return whether a range of an earlier prompt holds a step."""
    ranges: list[tuple[int, int, int]] = []
    offset = 0
    while True:
        call = facts.plain_steps.get(str(part.get("step_id")))
        ranges.append((offset, _number(part, "from"), _number(part, "items")))
        if call is None or len(ranges) > len(facts.steps):
            return False
        place, again, offset, counted = None, None, 0, 0
        for each in _items_of(call):
            if each.get("type") == "resent":
                again, offset = again or each, counted if again is None else offset
                counted += _number(each, "items")
                continue
            if wanted in ids_in(each):
                place = counted
            counted += 1
        if place is not None:
            for before, begin, length in reversed(ranges):
                if not begin <= place < begin + length:
                    return False
                place += before - begin
            return True
        if again is None:
            return False
        part = again
