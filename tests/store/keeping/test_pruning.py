"""Which sessions go, and which blobs go with them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.store.making import a_session, an_entry
from tfstore.journal.packing import pack
from tfstore.journal.reading import Segment
from tfstore.keeping.pruning import chosen, remove, remove_unused_blobs, size_of_session, size_of_store

if TYPE_CHECKING:
    from tfstore.store import Store

NOW = datetime(2026, 9, 30, tzinfo=UTC)


def put(store: Store, day: int, **fields: Any) -> str:
    session_id = f"sess_202609{day:02}T000000Z_{day:08}"
    ended = None if fields.get("status") == "active" else f"2026-09-{day:02}T00:00:01.000Z"
    moments = {"started_at": f"2026-09-{day:02}T00:00:00.000Z", "ended_at": ended}
    store.put(a_session(session_id, **{"result": "completed", **moments, **fields}))
    return session_id


def ids(candidates: list[Any]) -> list[str]:
    return [each.session_id for each in candidates]


def test_by_age_the_oldest_first(store: Store) -> None:
    old = [put(store, 9), put(store, 1)]
    put(store, 20)

    assert ids(chosen(store, older_than=timedelta(days=15), now=NOW)) == sorted(old)


def test_failed_ones_may_be_kept_and_active_ones_always_are(store: Store) -> None:
    failed, done = put(store, 1, result="failed"), put(store, 2)
    put(store, 3, status="active")

    assert ids(chosen(store, older_than=timedelta(0), now=NOW)) == [failed, done]
    assert ids(chosen(store, older_than=timedelta(0), keep_failed=True, now=NOW)) == [done]


def test_by_size_the_oldest_until_it_fits(store: Store) -> None:
    sessions = [put(store, day, metadata={"text": "x" * 10_000}) for day in (3, 1, 2)]
    excess = 12_000

    found = chosen(store, max_size=size_of_store(store) - excess)

    assert ids(found) == sorted(sessions)[:2]
    assert chosen(store, max_size=size_of_store(store)) == []


def test_by_size_what_goes_with_a_session_counts(store: Store) -> None:
    """Its blobs, unless another session refers to them; and those that nothing refers to go in any case."""
    store.blobs.put(b"u" * 40_000)
    shared = store.blobs.put(b"s" * 30_000)
    sessions = [
        put(store, day, metadata={"own": store.blobs.put(bytes([day]) * 20_000), "shared": shared})
        for day in (1, 2, 3)
    ]
    size = size_of_store(store)

    assert ids(chosen(store, max_size=size - 40_000)) == []
    assert ids(chosen(store, max_size=size - 60_000)) == sessions[:1]
    assert ids(chosen(store, max_size=size - 80_000)) == sessions[:2]
    assert ids(chosen(store, max_size=size - 100_000)) == sessions
    assert ids(chosen(store, max_size=size - 130_000)) == sessions


def test_by_size_with_a_document_that_cannot_be_read(store: Store) -> None:
    sessions = [put(store, 1), put(store, 2)]
    store.blobs.put(b"u" * 40_000)
    store.paths.document("broken").mkdir()

    assert ids(chosen(store, max_size=size_of_store(store) - 100)) == sessions[:1]


def test_one_that_somebody_writes_to_stays(store: Store) -> None:
    session_id = put(store, 1)
    with Segment.open(store.paths, session_id) as segment:
        segment.append(an_entry())

        assert chosen(store, older_than=timedelta(0), now=NOW) == []


def test_removing_takes_all_that_is_the_sessions(store: Store) -> None:
    session_id, other = put(store, 1), put(store, 2)
    with Segment.open(store.paths, session_id) as segment:
        segment.append(an_entry())
    pack(store.paths, session_id)
    store.paths.diagram(session_id).write_text("d2")
    assert size_of_session(store, session_id) > size_of_session(store, other)

    candidates = chosen(store, older_than=timedelta(days=28), now=NOW)
    outcome = remove(store, candidates)

    assert (outcome.deleted, outcome.problems) == ([session_id], {})
    assert store.ids() == [other]
    assert [row.session_id for row in store.list()] == [other]
    assert not list(store.paths.root.rglob(f"{session_id}*"))


@pytest.fixture
def blobs(store: Store) -> tuple[Store, dict[str, Any], dict[str, Any]]:
    """A store with two blobs from long ago; a session refers to the first."""
    used, unused = store.blobs.put(b"used", "text/plain"), store.blobs.put(b"unused", "text/plain")
    long_ago = time.time() - 7200
    for each in (used, unused):
        os.utime(store.blobs.path(each), (long_ago, long_ago))
    put(store, 1, metadata={"text": used})
    return store, used, unused


def test_blobs_that_nothing_refers_to_go(blobs: tuple[Store, dict[str, Any], dict[str, Any]]) -> None:
    store, used, unused = blobs
    young = store.blobs.put(b"young", "text/plain")

    assert remove_unused_blobs(store) == len(b"unused")

    assert store.blobs.get(used) == b"used"
    assert store.blobs.get(young) == b"young"
    assert not list(store.paths.blobs.rglob(f"{unused['blob'].removeprefix('sha256:')}*"))


def test_a_blob_that_is_put_again_is_young_again(blobs: tuple[Store, dict[str, Any], dict[str, Any]]) -> None:
    store, _, unused = blobs
    store.blobs.put(b"unused", "text/plain")

    assert remove_unused_blobs(store) == 0
    assert store.blobs.get(unused) == b"unused"


def test_no_blob_goes_while_a_document_cannot_be_read(
    blobs: tuple[Store, dict[str, Any], dict[str, Any]],
) -> None:
    store, _, _ = blobs
    store.paths.document("broken").mkdir()

    assert remove_unused_blobs(store) == 0
