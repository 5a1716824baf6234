"""The prompts of two model calls side by side: what of instructions, tools, messages and parameters is different."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from attrs import asdict, evolve, field, frozen

from tfstore.document.documents import Json, Step
from tfstore.document.references import is_reference
from tfstore.reading.comparison import Change, StepPair, aligned_steps
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.offered import snapshot_of
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts
from tfstore.reading.model_calls import Seen, seen_prompt
from tfstore.reading.step_text import as_text, text_of

_SAID: Final = frozenset({"text", "arguments", "output", "error"})
"""What of a message the model saw; what it took and cost, it did not."""

_NAMES: Final = ("name", "server_label", "type")


@frozen
class PromptPair:
    """The prompts of two model calls.

    ``changes`` are of the instructions, the model and the parameters, and of each tool (``tool get_order``), null where
    there is none; ``messages`` are what stands between, in pairs, or on one side only.
    """

    before: Step
    after: Step
    changes: list[Change] = field(factory=list[Change])
    messages: list[StepPair] = field(factory=list[StepPair])

    @property
    def differs(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.changes) or any(pair.differs for pair in self.messages)

    def as_json(self) -> Json:
        """Return the pair as it stands in JSON, changed messages only."""
        return {
            "before": self.before.step_id,
            "after": self.after.step_id,
            "changes": [asdict(change) for change in self.changes],
            "messages": [
                {
                    "before": pair.before.step_id or None if pair.before else None,
                    "after": pair.after.step_id or None if pair.after else None,
                    "label": (pair.after or pair.before).label,  # type: ignore[union-attr]
                    "changes": [asdict(change) for change in pair.changes],
                }
                for pair in self.messages
                if pair.differs
            ],
        }


def asking_call(evidence: Evidence, own: StepFacts) -> StepFacts | None:
    """Return the model call that a step is, came of, or was first sent with; None where there is none."""
    if own.step.label == "assistant_call":
        return own
    called = evidence.call_of.get(own.step.step_id)
    near = [*evidence.facts.leads_to(own), *evidence.facts.depends_on(own)]
    if own.step.label not in {"user_message", "tool_output", "tool_error"} and not own.is_snapshot:
        near = [*evidence.facts.depends_on(own), *evidence.facts.leads_to(own)]
    near += evidence.facts.depends_on(called) if called is not None else []
    return next((each for each in near if each.step.label == "assistant_call"), None)


def first_call(run: RunFacts) -> StepFacts | None:
    """Return the model call that a run begins with; None where it made none."""
    return next((own for own in run.steps if own.step.label == "assistant_call"), None)


def prompt_pair(before: tuple[SessionFacts, StepFacts], after: tuple[SessionFacts, StepFacts]) -> PromptPair:
    """Return the prompts of two model calls side by side, each with the facts of its session."""
    (old_fixed, old), (new_fixed, new) = _prompt(*before), _prompt(*after)
    told, tells = {**_parameters(*before), **old_fixed}, {**_parameters(*after), **new_fixed}
    names = dict.fromkeys((*told, *tells))
    changes = [
        Change(name, told.get(name), tells.get(name)) for name in names if told.get(name) != tells.get(name)
    ]
    pairs = [
        evolve(pair, changes=[change for change in pair.changes if change.field in _SAID])
        for pair in aligned_steps(old, new)
    ]
    return PromptPair(before[1].step, after[1].step, changes, pairs)


def _prompt(facts: SessionFacts, call: StepFacts) -> tuple[Json, list[Step]]:
    """Return a prompt's instructions by name, and its messages as steps, those that no step holds as well."""
    prompt = seen_prompt(facts, call)
    instructions: list[str] = []
    messages: list[Step] = []
    for seen in (*prompt.fixed, *prompt.history, *prompt.new):
        label = seen.own.step.label if seen.own is not None else ""
        if label == "policy.snapshot" and seen.own is not None:
            instructions.append(text_of(seen.own.step))
        elif label != "tool.schemas.snapshot":
            messages.append(_message(seen))
    return {"instructions": "\n\n".join(instructions) or None, "not known": prompt.unknown or None}, messages


def _message(seen: Seen) -> Step:
    if seen.own is not None:
        return seen.own.step
    kind = seen.item.get("role") if isinstance(seen.item, dict) else None
    return Step("", 0, "generic", str(kind or "item"), payload_started={"text": as_text(seen.item)})


def _parameters(facts: SessionFacts, call: StepFacts) -> Json:
    given = call.step.payload_started
    arguments = given.get("arguments")
    told: Json = {"model": given.get("model") or call.step.model}
    if isinstance(arguments, dict) and not is_reference(arguments):
        told |= {str(name): value for name, value in arguments.items() if name != "model"}
    snapshot = snapshot_of(facts, call)
    if snapshot is not None:
        tools = snapshot.step.payload_started.get("tools")
        told |= _tools(tools) if isinstance(tools, list) else {"tools": tools}
    return told


def _tools(tools: Iterable[Any]) -> Json:
    """Return tools by what they are called, in the order given."""
    named: Json = {}
    for tool in tools:
        inner = tool.get("function") if isinstance(tool, dict) else None
        about = inner if isinstance(inner, dict) else tool
        name = (
            next((about[key] for key in _NAMES if about.get(key)), "tool")
            if isinstance(about, dict)
            else "tool"
        )
        key = f"tool {as_text(name)}"
        while key in named:
            key += "'"
        named[key] = about
    return named
