"""What only a store on this machine knows: what waits to be sent, what recorders met with, and its files."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tfclient.export.metrics.lines import Labels, Spread, by, counter, gauge, histogram
from tfclient.finishing.places import places
from tfstore.disk.operations import BUCKETS, Operations, read_operations
from tfstore.keeping.pruning import size_of_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfclient.export.metrics.lines import Metric
    from tfstore.disk.operations import Seconds
    from tfstore.store import Store


KINDS: Final = (
    *("backlog", "bridge", "capture", "drift", "event", "export", "finish", "journal", "note", "redaction"),
    *("session", "sync", "too_long", "tool"),
)
"""Of faults; told also where there are none, so that the first is seen to come."""


def of_disk(store: Store, now: datetime) -> Iterator[Metric]:
    """Yield the numbers of a folder.

    Raises:
        StoreUnusable: what was sent, or what recorders wrote down, cannot be read.
    """
    yield gauge(
        "abandoned_sessions", "Sessions that nobody ended and nobody writes to.", len(store.abandoned())
    )
    yield gauge("store_bytes", "Bytes of the store's files.", size_of_store(store))
    yield from _met_with(read_operations(store.paths))
    yield from _waiting(store, now)


def _met_with(every: Operations) -> Iterator[Metric]:
    failures = "Faults of recorders, by where: not everything was written down. See health.by_kind."
    counts = dict.fromkeys(KINDS, 0) | dict(every.faults)
    yield counter("write_failures_total", failures, by("kind", counts))
    ingestion = "From the end of a session until its files were there."
    yield histogram("ingestion_seconds", ingestion, {(): _spread(every.ingestion)})
    rebuild = "How long it took to make a session's files again."
    yield histogram("rebuild_seconds", rebuild, {(): _spread(every.rebuild)})


def _spread(took: Seconds) -> Spread:
    return Spread.of(took.counts, BUCKETS, took.sum)


def _waiting(store: Store, now: datetime) -> Iterator[Metric]:
    pending: dict[Labels, float] = {}
    oldest: dict[Labels, float] = {}
    refused: dict[Labels, float] = {}
    for place, _, found in places(store):
        target = (("target", place),)
        pending[target], oldest[target] = len(found.session_ids), _age([found.ended], now)
        refused[target] = len(found.refused)
    yield gauge("pending_sessions", "Sessions that have ended and are still to be sent there.", pending)
    waits = "How long the one of them has waited that ended first; 0 where none waits."
    yield gauge("pending_oldest_seconds", waits, oldest)
    yield gauge("refused_sessions", "Sessions that were refused there, and do not wait as they are.", refused)


def _age(ends: Iterable[str | None], now: datetime) -> float:
    ages = [0.0]
    for ended in ends:
        with contextlib.suppress(ValueError, TypeError):
            ages.append(round((now - datetime.fromisoformat(str(ended))).total_seconds(), 3))
    return max(ages)
