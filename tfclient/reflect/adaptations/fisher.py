"""Fisher's exact test of a table of two by two: how often chance alone makes a difference as large."""

from __future__ import annotations

from math import exp, lgamma
from typing import Final

_EQUAL: Final = 1.0 + 1e-7
"""Tables that are as likely as the one that was seen, but for rounding, count too."""


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Return the two-sided probability of a table at least as unlikely as this one, its margins given.

    Args:
        a: of the first side, how many did.
        b: of the first side, how many did not.
        c: of the second side, how many did.
        d: of the second side, how many did not.

    Raises:
        ValueError: a count is negative.

    Example:
        >>> round(fisher(8, 2, 1, 5), 4), round(fisher(3, 1, 1, 3), 4), fisher(0, 0, 5, 5)
        (0.035, 0.4857, 1.0)
    """
    if min(a, b, c, d) < 0:
        raise ValueError(f"counts are 0 or more, not {a}, {b}, {c}, {d}")
    first, did, total = a + b, a + c, a + b + c + d
    least, most = max(0, first + did - total), min(first, did)

    def chance(n: int) -> float:
        return exp(_choices(did, n) + _choices(total - did, first - n) - _choices(total, first))

    limit = chance(a) * _EQUAL
    return min(1.0, sum(each for n in range(least, most + 1) if (each := chance(n)) <= limit))


def _choices(n: int, k: int) -> float:
    """Return the logarithm of the number of ways to take some of several things."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
