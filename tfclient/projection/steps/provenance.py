"""Where each part of a prompt came from: steps for what is new, ranges of earlier prompts for what is sent again.

Every part is checked as it is made: what the steps give back (``tfstore.reading.wire_items``) is compared with what was
sent, and a difference is written beside the reference. So the prompt can be put together again, equal to what was
sent, and a history that is sent again costs what is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from tfclient.projection.api.encrypted import sealed
from tfclient.projection.api.items import Item
from tfclient.projection.api.model_call import ModelRequest
from tfclient.projection.api.sent_prompts import SentPrompts
from tfclient.projection.lineage.book import Book
from tfclient.projection.lineage.known_items import KnownItems
from tfclient.projection.weight.lightener import Lightener
from tfstore.document.documents import Step
from tfstore.document.json_text import canonical
from tfstore.reading.wire_items import differences, patched, wire_item

Part = dict[str, Any]


@define
class Placed:
    """The steps that hold one item or message as sent, and the place inside a snapshot."""

    steps: list[Step]
    place: int = 0


@define
class Provenance:
    """Makes the parts of each prompt, and keeps them right when a step that they refer to changes."""

    book: Book
    lightener: Lightener
    known: KnownItems = field(factory=KnownItems)
    sent: SentPrompts = field(factory=SentPrompts)
    _referred: dict[str, list[tuple[Step, Part]]] = field(factory=dict)

    def covered(self, request: ModelRequest, lead: int, first_new: int) -> set[int]:
        """Return the places of items that an earlier prompt holds."""
        return {n for low, high in _ranges(request, lead, first_new) for n in range(low, high)}

    def unknown(
        self, request: ModelRequest, lead: int, first_new: int, made: Mapping[int, Step], *, root: bool
    ) -> list[int]:
        """Return the places of items that no step holds; without a parent, old messages count as unknown."""
        covered = self.covered(request, lead, first_new)
        return [
            place
            for place, items in enumerate(request.by_place)
            if place not in covered
            and not (items and items[0].kind == "policy")
            and self._steps_of(items, made, root=root) is None
        ]

    def _steps_of(self, items: list[Item], made: Mapping[int, Step], *, root: bool) -> list[Step] | None:
        found: list[Step] = []
        for item in items:
            step = made.get(id(item))
            if step is None and not (root and item.kind not in {"call", "output"}):
                step = self.known.find(item)
            if step is None:
                return None
            found.append(step)
        return found or None

    def parts(
        self,
        request: ModelRequest,
        lead: int,
        first_new: int,
        made: Mapping[int, Step],
        placed: Mapping[int, Placed],
    ) -> list[Part]:
        """Return the parts of the items sent, in their order."""
        ranges = _ranges(request, lead, first_new)
        begins = dict(ranges)
        parts: list[Part] = []
        place = 0
        while place < len(request.raws):
            if place in begins and request.alignment is not None:
                shifted = place + request.alignment.shift
                part: Part = {"type": "resent", "step_id": request.alignment.step_id}
                parts.append(part | ({"from": shifted} if shifted else {}) | {"items": begins[place] - place})
                place = begins[place]
                continue
            where = placed.get(place)
            if where is None:
                steps = self._steps_of(request.by_place[place], made, root=False)
                where = Placed(steps) if steps else None
            parts.append(self._part(request.raws[place], where, chat=request.type.startswith("chat.")))
            place += 1
        return parts

    def instructions(self, request: ModelRequest, placed: Placed) -> Part:
        """Return the part of the ``instructions`` field."""
        return {**self._part(request.policies[0].raw, placed, chat=False), "type": "instructions"}

    def _part(self, raw: Any, placed: Placed | None, *, chat: bool) -> Part:
        wanted = self.lightener.lighten(sealed(raw))
        if placed is None:
            return {"type": "item", "item": wanted}
        best: Part | None = None
        for form in self._forms(raw, placed.steps[0], chat=chat):
            part = self._difference(wanted, placed, form)
            if best is None or len(canonical(part)) < len(canonical(best)):
                best = part
            if "with" not in part and "without" not in part:
                break
        return best or {"type": "item", "item": wanted}

    def _forms(self, raw: Any, step: Step, *, chat: bool) -> tuple[str, ...]:
        if isinstance(raw, str) and step.label == "user_message":
            return ("string",)
        if chat:
            return ("message",)
        return ("item", "easy") if step.label == "assistant_message" else ("item",)

    def _difference(self, wanted: Any, placed: Placed, form: str) -> Part:
        steps = placed.steps
        part: Part = {"type": steps[0].label, "step_id": steps[0].step_id}
        if len(steps) > 1:
            part["step_ids"] = [step.step_id for step in steps]
        if form != "item":
            part["form"] = form
        if placed.place:
            part["place"] = placed.place
        base = self._sent_as(steps, form, placed.place)
        changed, removed = differences(base, wanted)
        return part | ({"with": changed} if changed else {}) | ({"without": removed} if removed else {})

    def _sent_as(self, steps: list[Step], form: str, place: int) -> Any:
        for step in steps:
            if step.label == "tool_call":
                # Arguments become one text: of which parts, must not depend on who looked at the session before.
                step.payload_started = self.lightener.lighten(step.payload_started)
        return self.lightener.lighten(wire_item(steps, form, place))

    def refer(self, call: Step, parts: list[Part]) -> None:
        """Remember which parts refer to steps that may still change."""
        for part in parts:
            for step_id in part.get("step_ids") or [part.get("step_id")]:
                step = self.book.steps.get(str(step_id))
                if step is not None and step.response_id is not None and part["type"] == step.label:
                    self._referred.setdefault(step.step_id, []).append((call, part))

    def before_change(self, step: Step) -> list[tuple[Step, Part, Any]]:
        """Return what the parts that refer to a step say now, to give to ``after_change``."""
        found = self._referred.get(step.step_id, [])
        return [(call, part, self._item_of(part)) for call, part in found]

    def after_change(self, said: list[tuple[Step, Part, Any]]) -> None:
        """Make the parts say again what they said before their step changed."""
        for call, part, wanted in said:
            steps = self._made_of(part)
            again = self._difference(wanted, Placed(steps, part.get("place", 0)), part.get("form", "item"))
            for key in ("with", "without"):
                part.pop(key, None)
            part.update({k: v for k, v in again.items() if k in {"with", "without"}})
            self.book.touch(call)

    def _made_of(self, part: Part) -> list[Step]:
        return [self.book.steps[step_id] for step_id in part.get("step_ids") or [part["step_id"]]]

    def _item_of(self, part: Part) -> Any:
        item = self._sent_as(self._made_of(part), part.get("form", "item"), part.get("place", 0))
        return patched(item, part.get("with"), part.get("without"))


def _ranges(request: ModelRequest, lead: int, first_new: int) -> list[tuple[int, int]]:
    """Return the places that an earlier prompt holds, between the leading instructions and the first that is new."""
    if request.alignment is None:
        return []
    clipped = [(max(low, lead), min(high, first_new)) for low, high in request.alignment.ranges]
    return [(low, high) for low, high in clipped if low < high]
