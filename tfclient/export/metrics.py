"""A store in numbers, as Prometheus' text exposition: of what its catalog says, without reading a document.

All are gauges, of the sessions that are in the store: they fall when sessions are pruned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, get_args

from tfstore.document.labels import ErrorClass
from tfstore.store import Store

if TYPE_CHECKING:
    from tfstore.index.rows import Calls
    from tfstore.protocols import Reading

NAMES: Final = 50
"""Models and tools that are named, the most called ones; the others are ``other``."""

BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds of the histogram of calls."""

Labels = tuple[tuple[str, str], ...]
Values = dict[Labels, float]


def exposition(store: Reading, now: datetime) -> str:
    """Return the metrics of a store.

    Args:
        store: a folder or a database; of a folder there are some more.
        now: the moment that they are of.

    Example:
        >>> import tempfile
        >>> from datetime import UTC
        >>> text = exposition(Store(tempfile.mkdtemp(), create=True), datetime(2026, 9, 2, tzinfo=UTC))
        >>> text.splitlines()[-1]
        'thoughtflow_generated_timestamp_seconds 1788307200'
    """
    return "".join(f"{line}\n" for line in _lines(store, now))


def _lines(store: Reading, now: datetime) -> Iterator[str]:
    rows = store.list()
    results = Counter(row.result or "none" for row in rows if row.status != "active")
    yield from _gauge("sessions", "Sessions that have ended, by how.", _by("result", results))
    yield from _gauge(
        "sessions_active", "Sessions that are going on.", {(): sum(r.status == "active" for r in rows)}
    )
    yield from _gauge("runs", "Runs.", {(): sum(row.runs for row in rows)})
    yield from _gauge(
        "tool_errors", "Calls of tools that failed.", {(): sum(row.tool_errors for row in rows)}
    )
    failed: Values = {(("class", each),): len(store.list(error_class=each)) for each in get_args(ErrorClass)}
    yield from _gauge("error_sessions", "Sessions with an error of this class.", failed)
    yield from _gauge("unreadable_documents", "Documents that hold no session.", {(): len(store.skipped)})
    models, tools = _capped(store.calls("assistant_call")), _capped(store.calls("tool_call"))
    yield from _gauge("model_calls", "Calls of models, by how they ended.", _calls("model", models))
    yield from _gauge("tool_calls", "Calls of tools, by how they ended.", _calls("tool", tools))
    tokens: Values = {
        (("model", name), ("type", kind)): sum(getattr(each, f"{kind}_tokens") for each in some)
        for name, some in models.items()
        for kind in ("input", "output")
    }
    yield from _gauge("tokens", "Tokens of calls of models.", tokens)
    yield from _durations({"model": models, "tool": tools})
    if isinstance(store, Store):
        from tfstore.keeping.pruning import size_of_store

        abandoned: Values = {(): len(store.abandoned())}
        yield from _gauge("abandoned_sessions", "Sessions that nobody ended and nobody writes to.", abandoned)
        yield from _gauge("store_bytes", "Bytes of the store's files.", {(): size_of_store(store)})
    else:
        from tfstore.postgres.postgres_store import PostgresStore

        if isinstance(store, PostgresStore):
            seen: Values = {
                (("source", name),): int(at.timestamp()) for name, at in store.last_seen().items()
            }
            help_text = "When a store last sent what it has; looked at every ten minutes at most."
            yield from _gauge("source_last_seen_timestamp_seconds", help_text, seen)
    at: Values = {(): int(now.timestamp())}
    yield from _gauge("generated_timestamp_seconds", "When these numbers were taken.", at)


def _gauge(name: str, help_text: str, values: Mapping[Labels, float]) -> Iterator[str]:
    yield f"# HELP thoughtflow_{name} {help_text}"
    yield f"# TYPE thoughtflow_{name} gauge"
    for labels, value in values.items():
        yield f"thoughtflow_{name}{_told(labels)} {value}"


def _durations(every: Mapping[str, Mapping[str, list[Calls]]]) -> Iterator[str]:
    name = "thoughtflow_call_duration_seconds"
    yield f"# HELP {name} How long calls took, where somebody saw it."
    yield f"# TYPE {name} histogram"
    for kind, calls in every.items():
        took = [number / 1000 for some in calls.values() for each in some for number in each.durations]
        for most in BUCKETS:
            labels = _told((("kind", kind), ("le", str(most))))
            yield f"{name}_bucket{labels} {sum(each <= most for each in took)}"
        yield f"{name}_bucket{_told((('kind', kind), ('le', '+Inf')))} {len(took)}"
        yield f"{name}_sum{_told((('kind', kind),))} {round(sum(took), 3)}"
        yield f"{name}_count{_told((('kind', kind),))} {len(took)}"


def _capped(calls: Iterable[Calls]) -> dict[str, list[Calls]]:
    """Return calls by name, those of names beyond the most called ones together."""
    by_name: dict[str, list[Calls]] = {}
    for place, each in enumerate(sorted(calls, key=lambda one: (-one.calls, one.name))):
        by_name.setdefault(each.name if place < NAMES else "other", []).append(each)
    return by_name


def _calls(label: str, calls: Mapping[str, list[Calls]]) -> dict[Labels, float]:
    found: dict[Labels, float] = {}
    for name, some in calls.items():
        errors = sum(each.errors for each in some)
        found[(label, name), ("status", "error")] = errors
        found[(label, name), ("status", "ok")] = sum(each.calls for each in some) - errors
    return found


def _by(label: str, counts: Mapping[str, int]) -> dict[Labels, float]:
    return {((label, name),): count for name, count in sorted(counts.items())}


def _told(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    plain = value.encode("utf-8", "replace").decode()[:200]
    return plain.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
