"""Fisher's exact test against values that are known, and against counting all tables."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfclient.reflect.adaptations.fisher import fisher


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((3, 1, 1, 3), 0.4857142857),  # the lady tasting tea
        ((8, 2, 1, 5), 0.0349650350),
        ((1, 9, 11, 3), 0.0027594562),
        ((12, 0, 0, 12), 7.396e-07),
        ((10, 0, 10, 0), 1.0),
        ((0, 0, 3, 4), 1.0),
    ],
)
def test_known_values(table: tuple[int, int, int, int], p: float) -> None:
    assert fisher(*table) == pytest.approx(p, rel=1e-3)


COUNT = st.integers(0, 25)


@given(COUNT, COUNT, COUNT, COUNT)
def test_it_is_what_counting_all_tables_gives(a: int, b: int, c: int, d: int) -> None:
    first, did, total = a + b, a + c, a + b + c + d
    ways = {
        n: comb(did, n) * comb(total - did, first - n)
        for n in range(max(0, first + did - total), min(first, did) + 1)
    }
    exact = Fraction(sum(each for each in ways.values() if each <= ways[a]), comb(total, first))

    assert fisher(a, b, c, d) == pytest.approx(float(exact), rel=1e-6)
    assert fisher(a, b, c, d) == pytest.approx(fisher(b, a, d, c)) == pytest.approx(fisher(c, d, a, b))


def test_a_count_is_not_negative() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        fisher(-1, 2, 3, 4)
