"""Numbers as a row of small bars."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"
_ASCII: Final = "._-=+*#@"


def sparks(numbers: Sequence[float], columns: int, *, ascii_only: bool = False) -> str:
    """Return a bar for each number, or for the largest of neighbours where there are more than columns.

    Example:
        >>> sparks([1, 4, 8], 10), sparks([0, 1, 0, 8], 2), sparks([], 10)
        ('▁▄█', '▁█', '')
    """
    bars = _ASCII if ascii_only else _BARS
    columns = max(columns, 1)
    if len(numbers) > columns:
        bounds = [len(numbers) * place // columns for place in range(columns + 1)]
        numbers = [max(numbers[begin:end]) for begin, end in pairwise(bounds) if begin < end]
    highest = max(numbers, default=0)
    if highest <= 0:
        return bars[0] * len(numbers)
    # The lowest bar is for nothing, or nearly.
    return "".join(bars[min(max(round(each / highest * 8) - 1, 0), 7)] for each in numbers)
