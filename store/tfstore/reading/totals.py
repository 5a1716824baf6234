"""Sessions in numbers: by day, by model, by tool. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define, field

from tfstore.index.rows import Calls, SessionRow


@define
class Group:
    """What the sessions of a day, or the calls of a model or a tool, come to.

    ``durations`` are milliseconds: of the sessions by day, of the calls otherwise. ``errors`` are failed calls.
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

    def as_json(self) -> dict[str, Any]:
        """Return the group as it stands in JSON."""
        numbers = {
            name: getattr(self, name)
            for name in ("key", "sessions", "failed_sessions", "model_calls", "tool_calls", "errors")
        }
        tokens = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return (
            numbers | tokens | {f"p{share}_ms": percentile(self.durations, share) for share in (50, 90, 99)}
        )


def percentile(numbers: Sequence[int], share: int) -> int | None:
    """Return the number that so many percent are not above; None where there are no numbers.

    Example:
        >>> percentile([5, 1, 3, 2, 4], 50), percentile([7], 99), percentile([], 50)
        (3, 7, None)
    """
    if not numbers:
        return None
    return sorted(numbers)[max(0, math.ceil(len(numbers) * share / 100) - 1)]


def by_day(rows: Iterable[SessionRow]) -> list[Group]:
    """Return a group for each day (UTC) on which sessions began, the latest first."""
    groups: dict[str, Group] = {}
    for row in rows:
        _add_row(
            groups.setdefault((row.started_at or "unknown")[:10], Group((row.started_at or "unknown")[:10])),
            row,
        )
    return sorted(groups.values(), key=lambda group: group.key, reverse=True)


def total(rows: Iterable[SessionRow]) -> Group:
    """Return what all sessions come to."""
    group = Group("all")
    for row in rows:
        _add_row(group, row)
    return group


def _add_row(group: Group, row: SessionRow) -> None:
    group.sessions += 1
    group.failed_sessions += row.result == "failed"
    group.model_calls += row.model_calls
    group.tool_calls += row.tool_calls
    group.errors += row.errors
    group.input_tokens += row.usage.input_tokens
    group.output_tokens += row.usage.output_tokens
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
