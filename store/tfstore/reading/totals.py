"""Sessions in numbers: by day, by model, by tool, by what people noted. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import define, field

from tfstore.document.notes import Note
from tfstore.index.rows import Calls, SessionRow
from tfstore.reading.calls.costs import Cost
from tfstore.reading.noted import mean

Costs: TypeAlias = Mapping[str, Mapping[str, Cost]]
"""What the calls of sessions cost, by their ids and by model."""

Noted: TypeAlias = Mapping[str, Sequence[Note]]
"""What was noted on sessions, by their ids."""


@define
class Group:
    """What the sessions of a day, or the calls of a model or a tool, come to.

    ``durations`` are milliseconds: of the sessions by day, of the calls otherwise. ``errors`` are failed calls.
    ``notes`` counts what people noted on the sessions, ``scores`` are those of such notes.
    """

    key: str
    sessions: int = 0
    failed_sessions: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    durations: list[int] = field(factory=list[int])
    scores: list[float] = field(factory=list[float])
    notes: int = 0
    cost: Cost = field(factory=Cost)

    def as_json(self) -> dict[str, Any]:
        """Return the group as it stands in JSON, but for what it cost."""
        numbers = {
            name: getattr(self, name)
            for name in ("key", "sessions", "failed_sessions", "model_calls", "tool_calls", "errors")
        }
        noted = {"notes": self.notes, "scored": len(self.scores), "score": mean(self.scores)}
        tokens = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return (
            numbers
            | tokens
            | {f"p{share}_ms": percentile(self.durations, share) for share in (50, 90, 99)}
            | noted
        )

    def add_notes(self, notes: Iterable[Note]) -> None:
        """Count what was noted on a session, or was noted so."""
        for note in notes:
            self.notes += 1
            if note.score is not None:
                self.scores.append(note.score)


def percentile(numbers: Sequence[int], share: int) -> int | None:
    """Return the number that so many percent are not above; None where there are no numbers.

    Example:
        >>> percentile([5, 1, 3, 2, 4], 50), percentile([7], 99), percentile([], 50)
        (3, 7, None)
    """
    if not numbers:
        return None
    return sorted(numbers)[max(0, math.ceil(len(numbers) * share / 100) - 1)]


def by_day(rows: Iterable[SessionRow], noted: Noted | None = None, costs: Costs | None = None) -> list[Group]:
    """Return a group for each day (UTC) on which sessions began, the latest first; without what was played again."""
    groups: dict[str, Group] = {}
    for row in live(rows):
        day = (row.started_at or "unknown")[:10]
        _add_row(groups.setdefault(day, Group(day)), row, noted, costs)
    return sorted(groups.values(), key=lambda group: group.key, reverse=True)


def by_tag(rows: Iterable[SessionRow], noted: Noted, costs: Costs | None = None) -> list[Group]:
    """Return a group for each tag of notes, with the sessions that have such notes, the most noted first."""
    groups: dict[str, Group] = {}
    for row in rows:
        tagged: dict[str, list[Note]] = {}
        for note in noted.get(row.session_id, ()):
            for tag in dict.fromkeys(note.tags):
                tagged.setdefault(tag, []).append(note)
        for tag, notes in tagged.items():
            _add_row(groups.setdefault(tag, Group(tag)), row, {row.session_id: notes}, costs)
    return sorted(groups.values(), key=lambda group: (-group.notes, group.key))


def total(rows: Iterable[SessionRow], noted: Noted | None = None, costs: Costs | None = None) -> Group:
    """Return what all sessions come to, without what was played again."""
    group = Group("all")
    for row in live(rows):
        _add_row(group, row, noted, costs)
    return group


def live(rows: Iterable[SessionRow]) -> list[SessionRow]:
    """Return the sessions in which something happened: in those that are all played, it had happened before."""
    return [row for row in rows if not row.all_played]


def with_notes(groups: list[Group], rows: Iterable[SessionRow], noted: Noted, *, model: bool) -> list[Group]:
    """Return the groups of models, or else of tools, with what was noted on the sessions that called each."""
    named = {group.key: group for group in groups}
    for row in rows if noted else ():
        if notes := noted.get(row.session_id):
            for name in row.models if model else row.tools:
                if name in named:
                    named[name].add_notes(notes)
    return groups


def with_costs(groups: list[Group], costs: Costs) -> list[Group]:
    """Return the groups of models with what the calls of each cost."""
    named = {group.key: group for group in groups}
    for models in costs.values():
        for name, cost in models.items():
            if name in named:
                named[name].cost.add(cost)
    return groups


def _add_row(group: Group, row: SessionRow, noted: Noted | None, costs: Costs | None) -> None:
    for cost in (costs or {}).get(row.session_id, {}).values():
        group.cost.add(cost)
    group.add_notes((noted or {}).get(row.session_id, ()))
    group.sessions += 1
    group.failed_sessions += row.result == "failed"
    group.model_calls += row.model_calls - row.played_calls
    group.tool_calls += row.tool_calls
    group.errors += row.errors
    group.input_tokens += row.usage.input_tokens - row.played_usage.input_tokens
    group.output_tokens += row.usage.output_tokens - row.played_usage.output_tokens
    if row.duration_ms is not None:
        group.durations.append(row.duration_ms)


def by_model(calls: Iterable[Calls]) -> list[Group]:
    """Return a group for each model that was called, the most called first."""
    return _by(calls, model=True)


def by_tool(calls: Iterable[Calls]) -> list[Group]:
    """Return a group for each tool that was called, the most called first."""
    return _by(calls, model=False)


def _by(calls: Iterable[Calls], *, model: bool) -> list[Group]:
    groups = [
        Group(
            each.name,
            each.sessions,
            each.failed_sessions,
            model_calls=each.calls if model else 0,
            tool_calls=0 if model else each.calls,
            errors=each.errors,
            input_tokens=each.input_tokens,
            output_tokens=each.output_tokens,
            durations=each.durations,
        )
        for each in calls
    ]
    return sorted(groups, key=lambda group: (-group.model_calls - group.tool_calls, group.key))
