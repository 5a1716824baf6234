"""Sessions in numbers: by day from the catalog's rows, by model and by tool from the documents. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfstore.document.documents import Json
    from tfstore.index.catalog import CatalogRow


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


def by_day(rows: Iterable[CatalogRow]) -> list[Group]:
    """Return a group for each day (UTC) on which sessions began, the latest first."""
    groups: dict[str, Group] = {}
    for row in rows:
        _add_row(
            groups.setdefault((row.started_at or "unknown")[:10], Group((row.started_at or "unknown")[:10])),
            row,
        )
    return sorted(groups.values(), key=lambda group: group.key, reverse=True)


def total(rows: Iterable[CatalogRow]) -> Group:
    """Return what all sessions come to."""
    group = Group("all")
    for row in rows:
        _add_row(group, row)
    return group


def _add_row(group: Group, row: CatalogRow) -> None:
    group.sessions += 1
    group.failed_sessions += row.result == "failed"
    group.model_calls += row.model_calls
    group.tool_calls += row.tool_calls
    group.errors += row.errors
    group.input_tokens += row.usage.input_tokens
    group.output_tokens += row.usage.output_tokens
    if row.duration_ms is not None:
        group.durations.append(row.duration_ms)


def by_model(documents: Iterable[Json]) -> list[Group]:
    """Return a group for each model that was called, the most called first."""
    return _by(documents, "assistant_call", "model")


def by_tool(documents: Iterable[Json]) -> list[Group]:
    """Return a group for each tool that was called, the most called first."""
    return _by(documents, "tool_call", "tool_name")


def _by(documents: Iterable[Json], label: str, name: str) -> list[Group]:
    """Count steps as they stand in JSON: making objects of a store's documents would take far longer."""
    groups: dict[str, Group] = {}
    for document in documents:
        seen: set[str] = set()
        failed = document.get("result") == "failed"
        for step in _steps(document):
            if step.get("label") != label:
                continue
            key = str(step.get(name) or "unknown")
            group = groups.setdefault(key, Group(key))
            if key not in seen:
                seen.add(key)
                group.sessions += 1
                group.failed_sessions += failed
            group.model_calls += label == "assistant_call"
            group.tool_calls += label == "tool_call"
            # One that came whole has an error where the program got an exception all the same.
            raised = step.get("status") in {"completed", "incomplete"} and bool(step.get("error"))
            group.errors += step.get("status") == "failed" or raised
            usage = step.get("usage")
            if isinstance(usage, dict):
                group.input_tokens += _count(usage.get("input_tokens"))
                group.output_tokens += _count(usage.get("output_tokens"))
            took = step.get("duration_ms")
            # Tools that the provider runs stand in a response at once: nobody saw how long they took.
            if isinstance(took, int) and (took or step.get("timing") == "measured"):
                group.durations.append(took)
    return sorted(groups.values(), key=lambda group: (-group.model_calls - group.tool_calls, group.key))


def _steps(document: Json) -> Iterable[Json]:
    runs = document.get("runs")
    for run in runs if isinstance(runs, list) else ():
        steps = run.get("steps") if isinstance(run, dict) else None
        yield from (step for step in (steps if isinstance(steps, list) else ()) if isinstance(step, dict))


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
