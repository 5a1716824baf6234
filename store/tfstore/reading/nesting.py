"""A run's steps as a tree: what came of what."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts


@define
class Node:
    """A step and what came of it."""

    own: StepFacts
    children: list[Node] = field(factory=list["Node"])


def nest(facts: SessionFacts, run: RunFacts) -> list[Node]:
    """Return a run's steps as a tree: what a model call gave below it, a tool's output below its call."""
    nodes = {id(own): Node(own) for own in run.steps}
    top: list[Node] = []
    seen: set[int] = set()
    for own in run.steps:
        parent = _parent(facts, own)
        # A document may claim that a step hangs on a later one; a tree cannot.
        if parent is not None and id(parent) in seen:
            nodes[id(parent)].children.append(nodes[id(own)])
        else:
            top.append(nodes[id(own)])
        seen.add(id(own))
    return top


_OF_A_CALL: Final = frozenset(
    {"reasoning", "tool_call", "assistant_message", "approval_request", "context_compacted", "generic"}
)


def _parent(facts: SessionFacts, own: StepFacts) -> StepFacts | None:
    label = own.step.label
    if label in {"tool_output", "tool_error"} and own.call is not None:
        return own.call
    before = facts.depends_on(own)
    if label in {"tool_output", "tool_error", "approval_response"}:
        return next((each for each in before if each.step.label in {"tool_call", "approval_request"}), None)
    if label in _OF_A_CALL:
        kinds = {"assistant_call", "tool_call"} if label == "generic" else {"assistant_call"}
        return next((each for each in before if each.step.label in kinds), None)
    return None
