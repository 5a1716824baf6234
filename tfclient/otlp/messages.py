"""What a model call was given and gave, as the JSON of the conventions' message attributes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

from attrs import define, field, frozen

from tfclient.otlp.parts import Reader, Said, as_json, said, tool_definitions
from tfstore.document.documents import Json, Step
from tfstore.reading.calls.contexts import Contexts, key_of
from tfstore.reading.facts import SessionFacts, StepFacts
from tfstore.reading.model_calls import outputs_of, parts_of
from tfstore.reading.prompts import not_known

Content = Literal["full", "new", "none"]

MOST: Final = 256 * 1024
"""Characters of the messages that one call was given; of more, the newest stay."""

_FINISH: Final = {
    "completed": "stop",
    "stop": "stop",
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "max_output_tokens": "length",
    "max_tokens": "length",
}


@frozen
class Prompted:
    """What a call was given: JSON where there is something; ``omitted`` counts messages that were left out."""

    instructions: str | None = None
    tools: str | None = None
    messages: str | None = None
    omitted: int = 0


@frozen
class _Rendered:
    role: str
    name: str | None
    parts: tuple[str, ...]
    size: int


_NOTHING: Final = _Rendered("", None, (), 0)


@define
class Messages:
    """The messages of one session's calls; what is sent again is put into words once."""

    facts: SessionFacts
    reader: Reader
    contexts: Contexts
    _rendered: dict[tuple[Any, ...], _Rendered] = field(factory=dict[tuple[Any, ...], _Rendered])
    _fixed: dict[str, str] = field(factory=dict[str, str])
    _told: set[tuple[str, str]] = field(factory=set[tuple[str, str]])

    @classmethod
    def of(cls, facts: SessionFacts, reader: Reader) -> Messages:
        """Return those of a session."""
        return cls(facts, reader, Contexts(facts))

    def given(self, call: StepFacts, content: Content) -> Prompted:
        """Return what a call was given: ``full`` as the model saw it, ``new`` only what is new in this request."""
        if content == "none":
            return Prompted()
        instructions, tools = self._fixed_parts(call, content)
        if content == "new":
            listed = [self._render(part) for part in self.contexts.new(call)]
            return Prompted(instructions, tools, _json_of(listed))
        messages, omitted = self._all(call)
        return Prompted(instructions, tools, messages, omitted)

    def gave(self, call: StepFacts) -> str | None:
        """Return what a call gave: a message for each of its answers, with why it ended."""
        reason = finish_of(call.step)
        answers: dict[Any, list[_Rendered]] = {}
        for own in outputs_of(self.facts, call):
            choice = own.step.payload_completed.get("choice", own.step.payload_started.get("choice", 0))
            answers.setdefault(choice if isinstance(choice, int) else 0, []).append(self._output(own.step))
        if not answers:
            return None
        made = [
            f'{{"role":"assistant","parts":[{",".join(part for each in some for part in each.parts)}],'
            f'"finish_reason":{as_json(reason)}}}'
            for some in answers.values()
        ]
        return f"[{','.join(made)}]"

    def unknown(self, call: StepFacts) -> list[str]:
        """Return what a call was given besides what stands here, in words."""
        given = call.step.payload_started.get("arguments")
        request = given if isinstance(given, dict) else {}
        return list(not_known(call.step, request, self.facts.steps, call.run.run.lineage.notes))

    def _output(self, step: Step) -> _Rendered:
        return self._render({"type": step.label, "step_id": step.step_id, "form": "item"})

    def _all(self, call: StepFacts) -> tuple[str | None, int]:
        """Return all messages, or as many of the newest as there is room for, with those of the system before them."""
        kept: list[_Rendered] = []
        room = MOST
        for count, part in enumerate(self.contexts.newest_first(call)):
            each = self._render(part)
            room -= each.size
            if room < 0 and kept:
                leading = [self._render(part) for part in self.contexts.leading(call)]
                omitted = self.contexts.count(call) - count - len(leading)
                return _json_of([*leading, *reversed(kept)]), max(omitted, 0)
            kept.append(each)
        return _json_of(list(reversed(kept))), 0

    def _fixed_parts(self, call: StepFacts, content: Content) -> tuple[str | None, str | None]:
        """Return instructions and tools; with ``new`` only where a run shows them first."""
        found: dict[str, str] = {}
        for part in parts_of(call.step):
            kind, step_id = part.get("type"), str(part.get("step_id"))
            if kind not in {"instructions", "tools"}:
                continue
            told = (call.run.run.run_id, f"{kind} {step_id}")
            if content == "new" and told in self._told:
                continue
            self._told.add(told)
            known = self._fixed.get(f"{kind} {step_id}")
            if known is None:
                known = self._fixed[f"{kind} {step_id}"] = self._fixed_part(str(kind), part)
            if known:
                found[str(kind)] = known
        return found.get("instructions"), found.get("tools")

    def _fixed_part(self, kind: str, part: Json) -> str:
        if kind == "tools":
            own = self.facts.steps.get(str(part.get("step_id")))
            tools = (
                [] if own is None else tool_definitions(own.step.payload_started.get("tools"), self.reader)
            )
            return as_json(tools) if tools else ""
        item = self.contexts.item(part)
        items = item if isinstance(item, list) else [item]
        parts = [each for one in items if one is not None for each in said(one, self.reader).parts]
        return as_json(parts) if parts else ""

    def _render(self, part: Json) -> _Rendered:
        key = key_of(part)
        known = None if key is None else self._rendered.get(key)
        if known is None:
            item = self.contexts.item(part)
            known = _NOTHING if item is None else _rendered(said(item, self.reader))
            if key is not None:
                self._rendered[key] = known
        return known


def _rendered(each: Said) -> _Rendered:
    parts = tuple(as_json(part) for part in each.parts)
    return _Rendered(each.role, each.name, parts, sum(map(len, parts)) + 40)


def _json_of(listed: Iterable[_Rendered]) -> str | None:
    """Return messages as JSON; what the assistant said in one piece is one message."""
    made: list[tuple[str, str | None, list[str]]] = []
    for each in listed:
        if not each.parts and not each.role:
            continue
        if made and each.role == "assistant" == made[-1][0] and each.name == made[-1][1]:
            made[-1][2].extend(each.parts)
        else:
            made.append((each.role, each.name, list(each.parts)))
    if not made:
        return None
    return f"[{','.join(_message(*each) for each in made)}]"


def _message(role: str, name: str | None, parts: list[str]) -> str:
    named = "" if name is None else f',"name":{as_json(name)}'
    return f'{{"role":{as_json(role)},"parts":[{",".join(parts)}]{named}}}'


def finish_of(call: Step) -> str:
    """Return why an answer ended, in the words of the conventions; receivers drop messages that do not say."""
    if call.status == "failed":
        return "error"
    reason = call.finish_reason or call.ending or call.status
    asked = call.payload_completed.get("function_calls")
    return "tool_call" if reason == "completed" and asked else _FINISH.get(reason, reason)
