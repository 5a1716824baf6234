"""Bodies as cassettes hold them."""

from __future__ import annotations

import re
from typing import Final

_NESTED: Final = re.compile(r"(?:[\[{]\s*){500}")
"""What readers of YAML refuse to look at, or take quadratic time for; as bytes it is one word to them."""


def yaml_body(data: bytes) -> str | bytes:
    """Return a body as text where YAML can give back the same bytes for it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    return data if _NESTED.search(text) else text
