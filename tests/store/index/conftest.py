from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.store.index.answers import COUNT, a_talk, answers, indexed, said_by_documents

if TYPE_CHECKING:
    from tfstore.store import Store


@pytest.fixture
def full(store: Store) -> Store:
    """A store of some sessions, all of whose texts are in the index."""
    for number in range(COUNT):
        store.put(a_talk(number))
    assert answers(store) == said_by_documents(store)
    assert indexed(store, "SELECT count(*) FROM sessions WHERE told > 0") == [(COUNT,)]
    return store
