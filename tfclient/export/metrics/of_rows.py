"""What the sessions of a store come to: of what its catalog says, without reading a document."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, get_args

from tfclient.export.metrics.lines import Labels, Spread, by, counter, gauge, histogram
from tfstore.disk.operations import BUCKETS
from tfstore.document.labels import ErrorClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tfclient.export.metrics.lines import Metric
    from tfstore.index.rows import Calls, SessionRow
    from tfstore.protocols import Reading

NAMES: Final = 50
"""Models and tools that are named, the most called ones; the others are ``other``."""

STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Steps of the histogram of runs."""


def of_rows(store: Reading) -> Iterator[Metric]:
    """Yield the numbers of all sessions that are in a store."""
    rows = store.list()
    results = Counter(row.result or "none" for row in rows if row.status != "active")
    yield gauge("sessions", "Sessions that have ended, by how.", by("result", results))
    yield gauge("sessions_active", "Sessions that are going on.", sum(row.status == "active" for row in rows))
    yield gauge("runs", "Runs.", sum(row.runs for row in rows))
    yield gauge("tool_errors", "Calls of tools that failed.", sum(row.tool_errors for row in rows))
    failed: dict[Labels, float] = {
        (("class", each),): len(store.list(error_class=each)) for each in get_args(ErrorClass)
    }
    yield gauge("error_sessions", "Sessions with an error of this class.", failed)
    yield gauge("unreadable_documents", "Documents that hold no session.", len(store.skipped))
    yield from _counted(rows)
    yield _redactions(store)
    yield from _calls(store)


def _counted(rows: Iterable[SessionRow]) -> Iterator[Metric]:
    """Yield what rows of before do not say; they are told apart, and counted by nobody."""
    rows = list(rows)
    known = [row for row in rows if row.retries is not None]
    # What was played again happened once, elsewhere.
    live = [row for row in known if not row.all_played]
    errors: Counter[str] = Counter()
    steps: Counter[float] = Counter()
    for row in live:
        errors.update(row.error_classes or {})
        steps.update({int(number): times for number, times in (row.run_steps or {}).items()})
    yield gauge("retries", "Attempts of calls that were tried again.", sum(row.retries or 0 for row in live))
    named = {each: errors[each] for each in get_args(ErrorClass)}
    named |= {"other": named.get("other", 0) + errors.total() - sum(named.values())}
    yield gauge("errors", "Steps that failed, by the class of the error.", by("class", named))
    yield histogram("run_events", "Steps of runs.", {(): Spread.of(steps, STEPS)})
    closed = [row for row in rows if row.status == "closed"]
    drift = "Responses that journals show and documents do not; there must be none."
    yield gauge("drift_responses", drift, sum(row.drift or 0 for row in closed))
    unknown = {
        "drift_responses": sum(row.drift is None for row in closed),
        "retries, errors, run_events": len(rows) - len(known),
    }
    help_text = "Sessions of which these numbers are not known: an earlier version wrote them down."
    yield gauge("uncounted_sessions", help_text, by("of", unknown))


def _redactions(store: Reading) -> Metric:
    """Return the values that each rule changed, of sessions that went, too."""
    counts = Counter({name[1]: count for name, count in store.counters().items() if name[0] == "redactions"})
    named: Counter[str] = Counter()
    for place, (rule, count) in enumerate(counts.most_common()):
        named[rule if place < NAMES else "other"] += count
    help_text = "Values that were changed before they were written, by the rule that did."
    return counter("redactions_total", help_text, by("rule", named))


def _calls(store: Reading) -> Iterator[Metric]:
    models, tools = _capped(store.calls("assistant_call")), _capped(store.calls("tool_call"))
    yield gauge("model_calls", "Calls of models, by how they ended.", _ended("model", models))
    yield gauge("tool_calls", "Calls of tools, by how they ended.", _ended("tool", tools))
    tokens: dict[Labels, float] = {
        (("model", name), ("type", kind)): sum(getattr(each, f"{kind}_tokens") for each in some)
        for name, some in models.items()
        for kind in ("input", "output")
    }
    yield gauge("tokens", "Tokens of calls of models.", tokens)
    took: dict[Labels, Spread] = {}
    for kind, every in (("model", models), ("tool", tools)):
        seconds: Counter[float] = Counter(
            number / 1000 for some in every.values() for each in some for number in each.durations
        )
        took[(("kind", kind),)] = Spread.of(seconds, BUCKETS)
    yield histogram("call_duration_seconds", "How long calls took, where somebody saw it.", took)


def _capped(calls: Iterable[Calls]) -> dict[str, list[Calls]]:
    """Return calls by name, those of names beyond the most called ones together."""
    by_name: dict[str, list[Calls]] = {}
    for place, each in enumerate(sorted(calls, key=lambda one: (-one.calls, one.name))):
        by_name.setdefault(each.name if place < NAMES else "other", []).append(each)
    return by_name


def _ended(label: str, calls: Mapping[str, list[Calls]]) -> dict[Labels, float]:
    found: dict[Labels, float] = {}
    for name, some in calls.items():
        errors = sum(each.errors for each in some)
        found[(label, name), ("status", "error")] = errors
        found[(label, name), ("status", "ok")] = sum(each.calls for each in some) - errors
    return found
