"""Faults that were planted in the traffic are found, and nothing in traffic without."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.reflect.planting import FAULTS, planted, played, script
from tests.reflect.talking import kinds_in
from tfclient.reflect.findings import examine

SEEDS = 8
RECALL = 0.95


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_what_was_planted_is_found(api: str) -> None:
    missed: Counter[str] = Counter()
    for kind in FAULTS:
        for seed in range(SEEDS):
            examined = examine(planted(kind, seed, api))
            assert examined.troubles == []
            missed[kind] += kind not in {each.kind for each in examined.findings}

    assert len(FAULTS) * SEEDS > 200
    recall = 1 - missed.total() / (len(FAULTS) * SEEDS)
    assert recall >= RECALL, +missed
    # No kind is missed as a rule.
    assert not [kind for kind, count in missed.items() if count > SEEDS / 4], +missed


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_nothing_is_found_where_nothing_was_planted(api: str) -> None:
    for seed in range(40):
        session = played(script(Random(seed)), api)  # noqa: S311 - the same sessions each time

        assert (seed, kinds_in(session, above=["high", "medium", "low", "info"])) == (seed, [])
