"""The places that sessions of a store were sent to, and what waits for each, or was refused there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfstore.disk.export_ledger import ledgers
from tfstore.keeping.waiting import Waiting, waiting_since_begun
from tfstore.postgres.seen import Seen, unsent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfstore.store import Store


def places(store: Store) -> Iterator[tuple[str, Path, Waiting]]:
    """Yield each place, as ``export/HOST-…`` or ``sync/HOST_DATABASE-…``, with its file and what waits for it.

    Raises:
        StoreUnusable: what was sent cannot be read.
    """
    for ledger in ledgers(store.paths):
        yield f"export/{ledger.target}", ledger.path, waiting_since_begun(store, ledger)
    for seen in Seen.every(store.paths):
        yield f"sync/{seen.path.stem}", seen.path, unsent(store, seen)
