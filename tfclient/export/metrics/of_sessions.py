"""What the sessions of a store come to: of what its catalog says, without reading a document."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, get_args

from tfclient.export.metrics.lines import Labels, Spread, by, counter, gauge, histogram
from tfstore.document.labels import ErrorClass, Result
from tfstore.index.counters import BOUNDS, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfclient.export.metrics.lines import Metric
    from tfstore.index.counters import Counters
    from tfstore.index.rows import SessionRow
    from tfstore.protocols import Reading

NAMES: Final = 50
"""Models, tools and rules that are named, those of the most calls or values; the others are ``other``."""


def of_sessions(store: Reading) -> Iterator[Metric]:
    """Yield the numbers of all sessions: counters of those that are or were there, gauges of those that are."""
    counters = store.counters()
    yield from _grown(counters)
    yield from _called(counters)
    yield _redacted(counters)
    yield from _there(store, store.list())


def _grown(counters: Counters) -> Iterator[Metric]:
    # Also where there are none: the first is to be seen to come.
    results = dict.fromkeys((*get_args(Result), "none"), 0) | _named(counters, "sessions")
    yield counter("sessions_total", "Sessions that have ended, by how.", by("result", results))
    yield counter("runs_total", "Runs.", counters["runs",])
    steps = Spread.of(_named(counters, "run_events"), STEPS, counters["steps",])
    yield histogram("run_events", "Steps of runs.", {(): steps})
    classes = dict.fromkeys(get_args(ErrorClass), 0) | _named(counters, "errors")
    yield counter("errors_total", "Steps that failed, by the class of the error.", by("class", classes))
    yield counter("retries_total", "Attempts of calls that were tried again.", counters["retries",])
    yield counter("tool_errors_total", "Calls of tools that failed.", counters["tool_errors",])


def _called(counters: Counters) -> Iterator[Metric]:
    for kind in ("model", "tool"):
        values = _of_names(counters, kind, f"{kind}_calls", "status", ("error", "ok"))
        yield counter(f"{kind}_calls_total", f"Calls of {kind}s, by how they ended.", values)
    tokens = _of_names(counters, "model", "tokens", "type", ("input", "output"))
    yield counter("tokens_total", "Tokens of calls of models.", tokens)
    took: dict[Labels, Spread] = {}
    for kind in ("model", "tool"):
        counts = {name[2]: count for name, count in counters.items() if name[:2] == ("call_seconds", kind)}
        took[(("kind", kind),)] = Spread.of(counts, BOUNDS, counters["call_milliseconds", kind] / 1000)
    yield histogram("call_duration_seconds", "How long calls took, where somebody saw it.", took)


def _redacted(counters: Counters) -> Metric:
    rules: Counter[str] = Counter()
    for place, (rule, count) in enumerate(Counter(_named(counters, "redactions")).most_common()):
        rules[rule if place < NAMES else "other"] += count
    help_text = "Values that were changed before they were written, by the rule that did."
    return counter("redactions_total", help_text, by("rule", rules))


def _there(store: Reading, rows: Iterable[SessionRow]) -> Iterator[Metric]:
    rows = list(rows)
    yield gauge("sessions_active", "Sessions that are going on.", sum(row.status == "active" for row in rows))
    failed: dict[Labels, float] = {
        (("class", each),): len(store.list(error_class=each)) for each in get_args(ErrorClass)
    }
    yield gauge("error_sessions", "Sessions with an error of this class, of those that are there.", failed)
    yield gauge("unreadable_documents", "Documents that hold no session.", len(store.skipped))
    closed = [row for row in rows if row.status == "closed"]
    drift = "Responses that journals show and documents that are there do not; there must be none."
    yield gauge("drift_responses", drift, sum(row.drift or 0 for row in closed))
    unknown = {
        "drift_responses": sum(row.drift is None for row in closed),
        "retries_total, run_events": sum(row.retries is None for row in rows),
    }
    help_text = "Sessions of which these numbers are not known: an earlier version wrote them down."
    yield gauge("uncounted_sessions", help_text, by("of", unknown))


def _named(counters: Counters, kind: str) -> dict[str, int]:
    return {name[1]: count for name, count in counters.items() if name[0] == kind}


def _of_names(
    counters: Counters, kind: str, counted: str, label: str, words: tuple[str, str]
) -> dict[Labels, float]:
    """Return what is counted of models or tools, those beyond the most called ones together."""
    calls: Counter[str] = Counter()
    for (first, *rest), count in counters.items():
        if first == f"{kind}_calls":
            calls[rest[0]] += count
    places = sorted(calls, key=lambda name: (-calls[name], name))
    found: dict[Labels, float] = {}
    for place, name in enumerate(places):
        shown = name if place < NAMES else "other"
        for word in words:
            # Also where it is 0: what is kept of sessions that went does not say so.
            labels = (kind, shown), (label, word)
            found[labels] = found.get(labels, 0) + counters[counted, name, word]
    return found
