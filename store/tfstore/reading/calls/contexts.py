"""What each model call of a session was given, built forward: each call from the one that it continues.

``prompt_of`` puts one prompt together from its beginning; done for every call of a conversation that is sent again and
again, that takes longer than quadratic time. Here a prompt is walked from its end, as far as somebody wants to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field

from tfstore.document.documents import Json
from tfstore.reading.facts import SessionFacts, StepFacts
from tfstore.reading.model_calls import inputs_of, outputs_of, parts_of
from tfstore.reading.prompts import input_parts, item_of, part_slice

_POLICY = "policy.snapshot"


@define
class Contexts:
    """What the model calls of one session were given.

    A part is one item or message of a prompt, as ``payload_started.prompt_provenance`` has it; what a response
    consisted of has the same form.
    """

    facts: SessionFacts
    _counts: dict[str, int] = field(factory=dict[str, int])
    _leading: dict[str, list[Json]] = field(factory=dict[str, list[Json]])

    def item(self, part: Json) -> Any:
        """Return the item or message of a part as it was sent; None where the session does not have it."""
        try:
            return item_of(part, self.facts.plain_steps)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return None

    def newest_first(self, call: StepFacts) -> Iterator[Json]:
        """Yield the parts of what a call was given, the last first: its own, then what the server put before them."""
        seen: set[str] = set()
        at: StepFacts | None = call
        while at is not None and at.step.step_id not in seen:
            seen.add(at.step.step_id)
            yield from self._backwards(input_parts(at.step))
            at = self._before(at)
            if at is not None:
                yield from reversed(self.output_parts(at))

    def new(self, call: StepFacts) -> list[Json]:
        """Return the parts that are new in a call's request, in the order sent."""
        parts = [part for part in input_parts(call.step) if part.get("type") != "resent"]
        if not isinstance(call.step.payload_started.get("input"), list):
            return parts
        brought = {*inputs_of(call.step), *call.step.depends_on}
        return [part for part in parts if part.get("type") == "item" or not brought.isdisjoint(_ids(part))]

    def output_parts(self, call: StepFacts) -> list[Json]:
        """Return what a response consisted of, in its own order."""
        return [
            {"type": own.step.label, "step_id": own.step.step_id, "form": "item"}
            for own in outputs_of(self.facts, call)
        ]

    def count(self, call: StepFacts) -> int:
        """Return how many parts ``newest_first`` yields at most."""
        chain: list[StepFacts] = []
        seen: set[str] = set()
        at: StepFacts | None = call
        while at is not None and at.step.step_id not in self._counts and at.step.step_id not in seen:
            seen.add(at.step.step_id)
            chain.append(at)
            at = self._before(at)
        total = 0
        if at is not None:
            total = self._counts.get(at.step.step_id, 0) + (len(self.output_parts(at)) if chain else 0)
        for each in reversed(chain):
            total += sum(_length(part) for part in input_parts(each.step))
            self._counts[each.step.step_id] = total
            if each is not call:
                total += len(self.output_parts(each))
        return total

    def leading(self, call: StepFacts) -> list[Json]:
        """Return the messages of the system and the developer that what a call was given begins with."""
        chain: list[tuple[str, Json | None]] = []
        at = call.step.step_id
        found: list[Json] = []
        while at not in self._leading and all(at != name for name, _ in chain):
            own = self.facts.steps.get(at)
            parts = [] if own is None else input_parts(own.step)
            before = None if own is None else self._before(own)
            again = parts[0] if parts and parts[0].get("type") == "resent" else None
            if before is not None:
                chain.append((at, None))
                at = before.step.step_id
            elif again is not None and not again.get("from") and isinstance(again.get("step_id"), str):
                chain.append((at, again))
                at = again["step_id"]
            else:
                self._leading[at] = found = _policies(parts)
                break
        else:
            found = self._leading.get(at, [])
        for name, again in reversed(chain):
            self._leading[name] = found = found if again is None else found[: _length(again)]
        return found

    def _before(self, call: StepFacts) -> StepFacts | None:
        """Return the model call whose response a request names as the one before."""
        for part in parts_of(call.step):
            if part.get("type") == "response":
                return self.facts.steps.get(str(part.get("step_id")))
        return None

    def _backwards(self, parts: list[Json]) -> Iterator[Json]:
        """Yield the parts from the last to the first, what was sent again in its place; a chain may be long."""
        walks: list[tuple[str, Iterator[Json]]] = [("", reversed(parts))]
        within: set[str] = set()
        while walks:
            part = next(walks[-1][1], None)
            if part is None:
                within.discard(walks.pop()[0])
                continue
            again = part.get("step_id")
            if part.get("type") != "resent" or not isinstance(again, str) or again in within:
                yield part
                continue
            inner = self._sent_again(again, part)
            if inner is None:
                yield part
                continue
            within.add(again)
            walks.append((again, reversed(inner)))

    def _sent_again(self, step_id: str, part: Json) -> list[Json] | None:
        """Return the parts of an earlier call that one stands for; None where the session does not tell."""
        own = self.facts.steps.get(step_id)
        begin = _number(part.get("from"))
        try:
            return (
                None if own is None else list(part_slice(input_parts(own.step), begin, begin + _length(part)))
            )
        except (KeyError, TypeError, ValueError):
            return None


def key_of(part: Json) -> tuple[Any, ...] | None:
    """Return what two parts have in common that stand for the same item; None where only itself is like it."""
    if part.get("with") or part.get("without") or part.get("type") in {"item", "resent"}:
        return None
    return (*_ids(part), part.get("form", "item"), part.get("place", 0))


def _policies(parts: list[Json]) -> list[Json]:
    found: list[Json] = []
    for part in parts:
        if part.get("type") != _POLICY:
            break
        found.append(part)
    return found


def _ids(part: Json) -> list[str]:
    several = part.get("step_ids")
    ids = several if isinstance(several, list) else [part.get("step_id")]
    return [each for each in ids if isinstance(each, str)]


def _length(part: Json) -> int:
    return _number(part.get("items")) if part.get("type") == "resent" else 1


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
