"""A store in numbers, as Prometheus' text exposition: without reading a document.

Counters are of all sessions that are or were in the store, gauges of those that are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfclient.export.metrics.lines import Labels, gauge
from tfclient.export.metrics.of_sessions import of_sessions
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tfclient.export.metrics.lines import Metric
    from tfstore.protocols import Reading


def exposition(store: Reading, now: datetime) -> str:
    """Return the metrics of a store.

    Args:
        store: a folder or a database; of a folder there are some more.
        now: the moment that they are of.

    Raises:
        StoreError: something of it cannot be read.

    Example:
        >>> import tempfile
        >>> from datetime import UTC, datetime
        >>> text = exposition(Store(tempfile.mkdtemp(), create=True), datetime(2026, 9, 2, tzinfo=UTC))
        >>> text.splitlines()[-1]
        'thoughtflow_generated_timestamp_seconds 1788307200'
    """
    return "".join(f"{line}\n" for metric in metrics_of(store, now) for line in metric.lines())


def metrics_of(store: Reading, now: datetime) -> Iterator[Metric]:
    """Yield the metrics of a store; see ``exposition``."""
    yield from of_sessions(store)
    if isinstance(store, Store):
        from tfclient.export.metrics.of_disk import of_disk

        yield from of_disk(store, now)
    else:
        yield from _of_database(store)
    yield gauge("generated_timestamp_seconds", "When these numbers were taken.", int(now.timestamp()))


def _of_database(store: Reading) -> Iterator[Metric]:
    from tfstore.postgres.postgres_store import PostgresStore

    if isinstance(store, PostgresStore):
        seen: dict[Labels, float] = {
            (("source", name),): int(at.timestamp()) for name, at in store.last_seen().items()
        }
        help_text = "When a store last sent what it has; looked at every ten minutes at most."
        yield gauge("source_last_seen_timestamp_seconds", help_text, seen)
