"""What is wrong in a store, journals and documents compared, and mending all of it that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from tfclient.finishing.drift import examine_documents
from tfclient.finishing.live import DrawingFailed
from tfclient.finishing.rebuilding import rebuild
from tfstore.errors import StoreError
from tfstore.keeping.doctor import Repair, examine, fix_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.keeping.doctor import Finding
    from tfstore.store import Store


@frozen
class Mended(Repair):
    """What ``mend`` did: besides the caches, sessions rebuilt from their journals, and those that could not be."""

    sessions_rebuilt: int = 0
    not_rebuilt: int = 0


def examine_store(store: Store) -> Iterator[Finding]:
    """Yield what is wrong in a store, whether its documents tell what their journals say included."""
    found: set[str | None] = set()
    for finding in examine(store):
        if finding.mend == "recover":
            found.add(finding.session_id)
        yield finding
    # What `recover` finishes is made again from its journal anyway.
    yield from (each for each in examine_documents(store) if each.session_id not in found)


def mend(store: Store) -> Mended:
    """Rebuild every session that needs it, then make the catalog and the response index true to the documents.

    Journals are never written to, but for the end of sessions whose program died.

    Raises:
        StoreUnusable, OSError: the catalog could not be written.
    """
    rebuilt = failed = 0
    needing = {each.session_id for each in examine_store(store) if _is_rebuilt(each)}
    for session_id in sorted(each for each in needing if each is not None):
        try:
            rebuild(store, session_id)
            rebuilt += 1
        except (StoreError, DrawingFailed, OSError):
            # The finding stays, and says why.
            failed += 1
    repair = fix_catalog(store)
    return Mended(
        rows_written=repair.rows_written,
        rows_removed=repair.rows_removed,
        pieces_removed=repair.pieces_removed,
        files_removed=repair.files_removed,
        links_added=repair.links_added,
        links_removed=repair.links_removed,
        sessions_rebuilt=rebuilt,
        not_rebuilt=failed,
    )


def _is_rebuilt(finding: Finding) -> bool:
    return finding.mend == "recover" or finding.kind in {"drift", "stale_document"}
