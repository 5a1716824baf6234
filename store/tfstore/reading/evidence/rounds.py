"""A loop as it stands in a run's tree: told as one, and opened round by round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import field, frozen

from tfstore.reading.evidence.loops import loops_of
from tfstore.reading.facts import Loop, Node, RunFacts, StepFacts
from tfstore.reading.figures import duration
from tfstore.reading.step_facts import moment
from tfstore.reading.step_words import said_in_line


@frozen(eq=False)
class Rounds:
    """A loop, and what stands side by side in the tree of it."""

    loop: Loop
    nodes: list[Node] = field(factory=list[Node])

    @property
    def first(self) -> list[Node]:
        """What makes up the first round."""
        calls = 0
        for place, node in enumerate(self.nodes, start=1):
            calls += sum(own.step.label == "tool_call" for own in steps_of([node]))
            if calls >= len(self.loop.calls):
                return self.nodes[:place]
        return self.nodes

    @property
    def given(self) -> str:
        """What the call was given, where a round has one."""
        return said_in_line(self.loop.calls[0].step) if len(self.loop.calls) == 1 else ""

    @property
    def took(self) -> str:
        """How long it took, from its first step to its last; nothing where that is not known."""
        began = moment(self.loop.steps[0].step.started_at)
        ends = (moment(own.step.ended_at or own.step.started_at) for own in self.loop.steps)
        last = max((each for each in ends if each is not None), default=0.0)
        return duration(round((last - began) * 1000)) if began is not None and last > began else ""

    @property
    def tokens(self) -> str:
        """The tokens of all its calls, in and out."""
        usages = [own.step.usage for own in self.loop.steps if own.step.usage]
        sent, received = (
            sum(each.input_tokens for each in usages),
            sum(each.output_tokens for each in usages),
        )
        return f"{sent:,}→{received:,}" if usages else ""


def loops_by_step(run: RunFacts) -> dict[StepFacts, Loop]:
    """Return for each step of a run that is in a loop which loop that is."""
    return {own: loop for loop in loops_of(run) for own in loop.steps}


def rows(nodes: Sequence[Node], loops: dict[StepFacts, Loop]) -> Iterator[Node | Rounds]:
    """Yield what stands side by side in a tree, in order, each alone but for the rounds of a loop.

    What a model thinks between calls that it asks for at once stands with them.
    """
    last = {id(loop): place for place, node in enumerate(nodes) if (loop := loops.get(node.own))}
    place = 0
    while place < len(nodes):
        loop = loops.get(nodes[place].own)
        end = place + 1 if loop is None else last[id(loop)] + 1
        yield nodes[place] if loop is None else Rounds(loop, list(nodes[place:end]))
        place = end


def steps_of(nodes: Sequence[Node]) -> Iterator[StepFacts]:
    """Yield the steps of nodes and of all below them, as they stand in the tree."""
    for node in nodes:
        yield node.own
        yield from steps_of(node.children)
