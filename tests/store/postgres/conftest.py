"""A database with the tables of a team's store, and nothing in them."""

from __future__ import annotations

import pytest

from tests.store.postgres.making import migrated


@pytest.fixture
def url(database: str) -> str:
    migrated(database)
    return database
