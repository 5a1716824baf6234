"""How many tokens a text has, without a tokenizer."""

from __future__ import annotations

import math
import re
from typing import Final

_PIECES: Final = re.compile(r"([A-Za-z]+)|( ?[0-9]+)|(\s+)|([\x21-\x7e]+)|(.)", re.DOTALL)

_SHORT: Final = 7
_MORE: Final = 1.04
"""What is added to all, since too much is better than too little."""


def estimate(text: str) -> int:
    """Return about how many tokens a text has, seldom fewer than o200k has: in the median 1.13 times as many.

    Example:
        >>> estimate("The booking of 2 seats failed.")
        8
    """
    total = 0.0
    for word, digits, blank, signs, other in _PIECES.findall(text):
        if word:
            total += 1 if len(word) <= _SHORT else 1 + math.ceil((len(word) - _SHORT) / 4)
        elif digits:
            # A blank belongs to the word behind it, but not to a number.
            blanks = digits.startswith(" ")
            total += blanks + math.ceil((len(digits) - blanks) / 3)
        elif signs:
            total += len(signs) / 2
        elif blank:
            total += 0 if blank == " " else 1
        else:
            total += len(other.encode("utf-8", "surrogatepass")) / 2.5
    return math.ceil(total * _MORE)
