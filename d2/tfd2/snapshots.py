"""Instructions, tools and re-sent history: quiet pages, shown once, and later as what they were before."""

from __future__ import annotations

from typing import Final

from tfd2.elements import Lines, Node, Tooltip
from tfstore.reading.facts import SessionFacts, StepFacts
from tfstore.reading.figures import joined
from tfstore.reading.step_text import text_of
from tfstore.reading.step_words import name_of, repeats, word_of

PER_NODE: Final = 20
"""So that all their ids have room in one tooltip."""

SHOWN: Final = 3


class Snapshots:
    """A session's snapshots, and where each was shown before."""

    def __init__(self, facts: SessionFacts) -> None:
        """Go through all runs once: what is a repetition shows only in order."""
        first_seen: dict[tuple[str, str], StepFacts] = {}
        found = ((own, repeats(own, first_seen)) for own in facts.every if own.is_snapshot)
        self._repeated = {own: words for own, words in found if words}

    def nodes(self, snapshots: list[StepFacts]) -> list[Node]:
        """Return one quiet page for a board's snapshots, more only for very many; each has the first one's key."""
        groups = [snapshots[at : at + PER_NODE] for at in range(0, len(snapshots), PER_NODE)]
        return [self._node(group) for group in groups]

    def _node(self, group: list[StepFacts]) -> Node:
        new = [f"{own.name} {_words(own)}" for own in group if own not in self._repeated]
        heads = list(dict.fromkeys(new))
        shown = heads[:SHOWN] + ([f"and {len(heads) - SHOWN} more"] if len(heads) > SHOWN else [])
        said = tuple(
            f"step {joined(own.step.step_id, _words(own), self._repeated.get(own))}" for own in group
        )
        text = "\n\n".join(text_of(own.step) for own in group if own not in self._repeated)
        head = (*shown, *self._as_before(group))
        return Node(group[0].key, ("page",), head, tooltip=Tooltip(said, text), step_id=group[0].step.step_id)

    def _as_before(self, group: list[StepFacts]) -> Lines:
        before: dict[str, dict[str, None]] = {}
        for own in group:
            if words := self._repeated.get(own):
                before.setdefault(words, {})[_words(own)] = None
        lines = [line for words, names in before.items() for line in (", ".join(names), words)]
        return tuple(lines[: 2 * SHOWN])


def _words(own: StepFacts) -> str:
    return f"{word_of(own.step)} {name_of(own)}".rstrip()
