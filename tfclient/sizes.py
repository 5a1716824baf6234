"""Sizes as people write them: ``256KB``, ``1.5 GB``, ``4000``."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)\s*([kKMGT]?)i?B?")
_POWERS: Final = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def bytes_in(text: str) -> int | None:
    """Return the bytes that a size stands for, thousands to the kilo; None where it is no size.

    Example:
        >>> bytes_in("256KB"), bytes_in("1.5GB"), bytes_in("4000"), bytes_in("much")
        (256000, 1500000000, 4000, None)
    """
    found = _SIZE.fullmatch(text.strip())
    return None if found is None else int(float(found[1]) * _POWERS[found[2]])
